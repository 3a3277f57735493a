"""Definitions are found by a part of their names from memory as the store itself finds them."""

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.lines import hash_content
from codekin.index import qualified_names
from codekin.index.qualified_names import QualifiedNames
from codekin.storage.rows import FileRecord, FileState, SnippetRecord
from codekin.storage.store import Store
from codekin.types import Filter, SnippetKind, Span

LETTERS = st.text(st.sampled_from("aAbB_%\\.é\n\0É"), max_size=5)
KINDS = st.sampled_from([SnippetKind.FUNCTION, SnippetKind.CLASS, SnippetKind.SECTION])


def put_definitions(store: Store, definitions: list[tuple[str, str, SnippetKind]]) -> None:
    """Store definitions with these names, classes and kinds, some twice, in two files."""
    snippets = tuple(
        SnippetRecord(name, f"{owner}.{name}", kind, Span(row, row + 1), row, row % 3, hash_content(f"{row}"), "word")
        for row, (name, owner, kind) in enumerate(definitions)
    )
    state = FileState(1, 1, b"", overlay=False)
    store.replace_files([FileRecord(Path(f"/w/{name}.py"), "python", state, snippets) for name in "xy"])


@given(st.lists(st.tuples(LETTERS, LETTERS, KINDS), max_size=12), st.lists(LETTERS, min_size=1, max_size=5))
def test_definitions_are_found_as_by_the_store(definitions: list[tuple[str, str, SnippetKind]], fragments: list[str]):
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder, "store.sqlite"))) as store:
        put_definitions(store, definitions)
        names = QualifiedNames(store)
        for fragment in [*fragments, *fragments]:
            assert names.find_definitions(fragment, 5) == store.find_by_qualified_name(fragment, 5)


@pytest.mark.parametrize("max_rows", [3, 2_000])
def test_of_many_the_best_within_the_filter_are_found(tmp_path: Path, max_rows: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(qualified_names, "_MAX_ROWS", max_rows)
    functions = Filter(kinds=(SnippetKind.FUNCTION,))
    with closing(Store(tmp_path / "store.sqlite")) as store:
        put_definitions(store, [(f"open_{number}", "Store", SnippetKind.FUNCTION) for number in range(40)])
        names = QualifiedNames(store)
        for fragment in ("OPEN", "open_7", "store.open_3", "close"):
            expected = store.find_by_qualified_name(fragment, 10, functions)
            assert names.find_definitions(fragment, 10, functions) == expected
    assert expected == []


def test_a_store_that_has_changed_since_gives_no_wrong_definition(tmp_path: Path):
    with closing(Store(tmp_path / "store.sqlite")) as store:
        put_definitions(store, [("first", "A", SnippetKind.FUNCTION)])
        names = QualifiedNames(store)
        assert len([names.find_definitions("first", 9) for _ in range(2)][1]) == 2
        put_definitions(store, [("second", "A", SnippetKind.FUNCTION)])
        assert names.find_definitions("first", 9) == []
