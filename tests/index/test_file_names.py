"""Files are found by their names in SQLite's own order, from far fewer statements."""

import math
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codekin.index.file_names import FileNames
from codekin.storage.rows import FileRecord, FileState
from codekin.storage.store import Store
from codekin.types import Filter

SYLLABLES = st.sampled_from(["con", "config", "figure", "ro", "router", "routing", "té", "test", "x", "v2", "中文"])
NAMES = st.lists(SYLLABLES, min_size=1, max_size=4).map("_".join)
WORDS = st.lists(SYLLABLES, min_size=1, max_size=2).map("".join)
LANGUAGES = st.sampled_from(["python", "markdown", "go"])


def record(path: Path, language: str) -> FileRecord:
    """Return a file without snippets."""
    return FileRecord(path, language, FileState(1, 1, path.name.encode(), overlay=False), ())


def find_by_sqlite(store: Store, words: list[str], limit: int) -> list[str]:
    """Rank the files by FTS5 itself: words with the first 60% of a word, or that are a beginning of it."""
    terms = []
    for word in words:
        length = max(3, math.ceil(0.6 * len(word)))
        terms += [f'"{word[:length]}"*', *(f'"{word[:end]}"' for end in range(3, length))]
    statement = "SELECT f.path FROM titles JOIN files f ON f.id = titles.rowid WHERE titles MATCH ? "
    order = "AND f.language <> 'markdown' ORDER BY titles.rank, f.path LIMIT ?"
    return [row[0] for row in store._query(statement + order, (" OR ".join(terms), limit))]


@given(
    st.lists(st.tuples(NAMES, LANGUAGES), max_size=30),
    st.lists(WORDS, min_size=1, max_size=6),
    st.sets(st.integers(0, 29)),
    st.integers(1, 8),
)
def test_files_are_found_in_the_order_of_sqlite(
    files: list[tuple[str, str]], words: list[str], removed: set[int], limit: int
):
    paths = [Path(f"/w/{number % 3}/{name}.py") for number, (name, _) in enumerate(files)]
    records = [record(path, language) for path, (_, language) in zip(paths, files, strict=True)]
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder, "store.sqlite"))) as store:
        store.replace_files(records)
        store.remove_files([path for number, path in enumerate(paths) if number in removed])
        file_names = FileNames(store)
        for _ in range(2):  # from the store, then from memory
            found = file_names.find_files(words, limit)
            assert list(map(str, found)) == find_by_sqlite(store, words, limit)


def test_a_filter_leaves_the_best_of_the_others(tmp_path: Path):
    paths = [Path(f"/w/{folder}/router{number}.py") for folder in "ab" for number in range(40)]
    with closing(Store(tmp_path / "store.sqlite")) as store:
        store.replace_files([record(path, "python") for path in paths])
        found = FileNames(store).find_files(["routers"], 5, Filter(folder=Path("/w/b")))
    assert found == sorted(paths[40:])[:5]
