"""Addresses: one file has one, the client's."""

from pathlib import Path

from lsprotocol import types

from codekin.lsp.documents import Documents


def opened(documents: Documents, uri: str) -> None:
    documents.put_text_document(types.TextDocumentItem(uri, "python", 1, "x = 1\n"))


def test_files_behind_links_keep_the_clients_address(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    documents = Documents("utf-16")
    documents.set_roots([tmp_path / "link"])
    real = (tmp_path / "real").resolve()
    assert documents.to_client_uri(real / "a b.py") == (tmp_path / "link/a b.py").as_uri()
    assert documents.to_client_uri(Path("/elsewhere/a.py")) == "file:///elsewhere/a.py"


def test_an_open_document_keeps_the_spelling_it_was_opened_with(tmp_path: Path) -> None:
    documents, plain = Documents("utf-16"), (tmp_path / "a@b.py").resolve()
    spelled = plain.as_uri().replace("@", "%40").replace("%40", "@")
    opened(documents, spelled)
    assert documents.to_client_uri(plain) == spelled
    documents.remove_text_document(spelled)
    assert documents.to_client_uri(plain) == plain.as_uri()
    assert list(documents.list_open_documents()) == []


def test_paths_are_shown_within_their_folder(tmp_path: Path) -> None:
    documents = Documents("utf-16")
    first_folder, two = tmp_path / "one", tmp_path / "two"
    for root in (first_folder, two):
        root.mkdir()
    documents.set_roots([first_folder])
    assert documents.display_path(first_folder.resolve() / "a.py") == "a.py"
    documents.set_roots([first_folder, two])
    assert documents.display_path(two.resolve() / "a.py") == str(Path("two/a.py"))
    assert documents.display_path(Path("/elsewhere.py")) == "/elsewhere.py"
