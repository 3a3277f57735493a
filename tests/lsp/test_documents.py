"""Addresses: one file has one, the client's."""

import os
import threading
from pathlib import Path

import pytest
from lsprotocol import types

from codekin.lsp.documents import Documents

LONG_S = 60.0


def opened(documents: Documents, uri: str) -> None:
    documents.put_text_document(types.TextDocumentItem(uri, "python", 1, "x = 1\n"))


def test_files_behind_links_keep_the_clients_address(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    documents = Documents("utf-16")
    documents.set_roots([tmp_path / "link"])
    real = (tmp_path / "real").resolve()
    documents.wait_for_links(LONG_S)
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


def test_no_link_is_resolved_while_the_client_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk may be another machine's, and gone."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    documents, disk_answers, resolve = Documents("utf-16"), threading.Event(), os.path.realpath

    def resolve_at_last(path: Path) -> str:
        disk_answers.wait(LONG_S)
        return resolve(path)

    monkeypatch.setattr(os.path, "realpath", resolve_at_last)
    linked, real_root = tmp_path / "link" / "a.py", Path(resolve(tmp_path / "real"))
    documents.set_roots([tmp_path / "link"])
    opened(documents, linked.as_uri())
    opened(documents, (tmp_path / "link" / "closed.py").as_uri())
    documents.remove_text_document((tmp_path / "link" / "closed.py").as_uri())
    assert not disk_answers.is_set()
    assert documents.to_client_uri(linked) == linked.as_uri()
    disk_answers.set()
    documents.wait_for_links(LONG_S)
    assert documents.to_client_uri(real_root / "a.py") == linked.as_uri()
    assert len(documents._client_uris) == 2, "nothing of what was closed meanwhile"


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
