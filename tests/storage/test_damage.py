"""Whatever happens to the files of an index, it is noticed, made again, and answers as a new index does."""

import random
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from codekin.engine import Engine
from codekin.errors import StoreCorruptError, StoreError, StoreReadOnlyError
from codekin.settings import CacheSettings, Settings
from codekin.storage import schema
from codekin.storage.integrity import find_damage
from codekin.storage.owner_lock import OwnerLock
from codekin.storage.store import Store
from codekin.storage.store_files import file_id, set_aside
from codekin.storage.vector_store import VectorStore

from ..conftest import STANDARD_LIBRARY_PARTS

PAGE = 4096
QUESTIONS = ("decode a json string", "encode bytes", "read a header")
NEVER = threading.Event()


@pytest.fixture(scope="module")
def root(real_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few files, so that each variant is answered quickly."""
    assert "json" in STANDARD_LIBRARY_PARTS
    return Path(shutil.copytree(real_tree / "json", tmp_path_factory.mktemp("few") / "json"))


@pytest.fixture(scope="module")
def sound(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """A sound cache, and what it answers."""
    cache = tmp_path_factory.mktemp("sound") / "cache"
    return cache, answers(root, cache)


@pytest.fixture
def cache(sound: tuple[Path, object], tmp_path: Path) -> Path:
    """A copy of it that may be damaged."""
    return Path(shutil.copytree(sound[0], tmp_path / "cache"))


def answers(root: Path, cache: Path) -> object:
    """What a command answers: where the hits stand, and how good they are."""
    with closing(Engine([root], Settings(cache=CacheSettings(directory=str(cache))))) as engine:
        engine.refresh(lambda _: None, NEVER, 0)
        answers_found = [
            [(hit.place, round(hit.score, 2)) for hit in engine.search(question, 5).hits] for question in QUESTIONS
        ]
        return [
            [(place.path, place.span, score) for place, score in hits] for hits in answers_found
        ], engine.status().files


def store_of(cache: Path) -> Path:
    (path,) = cache.glob("workspaces/*.sqlite")
    return path


def vectors_of(cache: Path) -> Path:
    return cache / "vectors.sqlite"


def flipped(data: bytearray, chance: random.Random) -> None:
    for _ in range(40):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def emptied(data: bytearray, chance: random.Random) -> None:
    start = PAGE * chance.randrange(len(data) // PAGE)
    data[start : start + PAGE] = bytes(PAGE)


def garbled(data: bytearray, chance: random.Random) -> None:
    start = PAGE * chance.randrange(len(data) // PAGE)
    data[start : start + PAGE] = chance.randbytes(PAGE)


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def headless(data: bytearray, chance: random.Random) -> None:
    data[:100] = chance.randbytes(100)


Harm = Callable[[bytearray, random.Random], None]


@pytest.mark.parametrize("harm", [flipped, emptied, garbled, cut, headless])
@pytest.mark.parametrize("file_of", [store_of, vectors_of])
def test_a_damaged_file_costs_at_most_one_answer(
    root: Path, sound: tuple[Path, object], cache: Path, file_of: Callable[[Path], Path], harm: Harm
):
    path, chance = file_of(cache), random.Random(f"{file_of.__name__} {harm.__name__}")
    data = bytearray(path.read_bytes())
    harm(data, chance)
    path.write_bytes(data)
    answers(root, cache)
    if damage := find_damage(path):  # in what no question reads; the doctor looks there
        set_aside(damage)
    assert answers(root, cache) == sound[1]
    assert find_damage(path) is None


ROWS = {
    "a path that is no text": "UPDATE files SET path = cast(x'ff' AS TEXT) WHERE id = 1",
    "a path with a null character": "UPDATE files SET path = path || char(0) WHERE id = 1",
    "a kind that there is not": "UPDATE snippets SET kind = 'x'",
    "lines that are no numbers": "UPDATE snippets SET start = 'x'",
    "a name that is no text": "UPDATE snippets SET name = cast(x'ff' AS TEXT)",
    "no content": "DELETE FROM contents",
    "a course of one byte": "UPDATE contents SET course = x'ff'",
    "a structure of two bytes": "UPDATE contents SET structure = x'0102'",
    "a generation that is no number": "UPDATE meta SET value = 'x' WHERE key = 'generation'",
    "a table that is gone": "DROP TABLE skipped",
    "full text without its words": "DELETE FROM words_data",
    "a length in words that is empty": "UPDATE words_docsize SET sz = x''",
    "a length in words that does not end": "UPDATE words_docsize SET sz = x'81'",
    "a length in words that no content has": "UPDATE words_docsize SET sz = x'ffffffffff00'",
    "a length in words that is text": "UPDATE words_docsize SET sz = 'x'",
    "an earlier version": "PRAGMA user_version = 1",
    "no version of anything": "PRAGMA user_version = 16777216",
}


@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS)
def test_rows_that_sqlite_takes_for_sound_are_no_trap(root: Path, sound: tuple[Path, object], cache: Path, change: str):
    with closing(sqlite3.connect(store_of(cache))) as db, db:
        db.execute(change)
    answers(root, cache)
    assert answers(root, cache) == sound[1]


def test_totals_of_words_that_are_none_are_damage(store: Store):
    with closing(sqlite3.connect(store.path)) as database, database:
        database.execute("UPDATE words_data SET block = 5 WHERE id = 1")
    with pytest.raises(StoreCorruptError):
        store.count_all_words()


def test_vectors_that_are_none_are_made_again(root: Path, sound: tuple[Path, object], cache: Path):
    with closing(sqlite3.connect(vectors_of(cache))) as db, db:
        db.execute("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE id % 2")
        db.execute("UPDATE vectors SET vector = cast(replace(vector, '', '') AS TEXT) WHERE id % 4 = 0")
        nan = np.full(384, np.nan, "<f2").tobytes()
        db.execute("UPDATE vectors SET vector = ? WHERE length(vector) = ? AND id % 3 = 0", (nan, len(nan)))
    answers(root, cache)
    assert answers(root, cache) == sound[1]


@pytest.fixture
def path(cache: Path) -> Path:
    return store_of(cache)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


@pytest.mark.parametrize("endings", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_log_that_is_removed_under_a_process_costs_nothing(store: Store, path: Path, endings: tuple[str, ...]):
    store.set_meta({"note": "only in the log"})
    for ending in endings:
        path.with_name(path.name + ending).unlink()
    assert store.get_meta("note") == "only in the log"
    with closing(Store(path)) as second_store:
        assert second_store.get_meta("note") == "only in the log"
        second_store.set_meta({"note": "by the other"})
    assert store.get_meta("note") == "by the other"
    assert find_damage(path) is None


def test_the_log_of_a_file_that_was_deleted_is_not_played_into_the_next(store: Store, path: Path):
    store.set_meta({"note": "of the former"})
    path.unlink()
    with closing(Store(path)) as second_store:
        assert second_store.get_meta("note") is None
        assert store.get_meta("note") is None
        assert second_store.identity() == store.identity()
    assert find_damage(path) is None
    assert store.replacements == 1


def test_of_two_that_find_a_file_unsound_one_sets_it_aside(path: Path):
    error = StoreCorruptError("unsound", path, file_id(path))
    set_aside(error)
    Store(path).close()
    made_again = file_id(path)
    set_aside(error)
    assert file_id(path) == made_again
    assert file_id(path.with_suffix(".corrupt")) == error.file_id


def test_a_folder_in_the_place_of_a_file_is_named_and_read_past(store: Store, path: Path):
    files = store.count_rows().files
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    assert store.count_rows().files == files
    with pytest.raises(StoreError, match=r"is a folder, but codekin keeps a file there\. Rename or remove"):
        store.set_meta({"note": 1})
    with pytest.raises(StoreError, match="is a folder"):
        Store(path)
    path.rmdir()
    Store(path).close()


def test_a_lock_whose_file_is_removed_is_held_by_the_next_one_alone(tmp_path: Path):
    first, second = OwnerLock(tmp_path / "w.lock"), OwnerLock(tmp_path / "w.lock")
    assert first.acquire()
    assert first.is_held
    (tmp_path / "w.lock").unlink()
    assert not first.is_held
    first.release()
    assert second.acquire()
    assert not first.acquire()
    assert second.is_held
    second.release()


@pytest.mark.parametrize(
    ("statement", "values", "message"),
    [
        ("SELECT 'a' LIKE ?", ["x" * 60_000], "report it"),
        ("SELECT hxsh FROM contents", [], "set aside and rebuilt"),
        ("INSERT INTO skipped VALUES ('a', NULL, 1, 1)", [], "set aside and rebuilt"),
        ("SELECT zeroblob(2000000000)", [], "Ask with less text"),
        ("SELEKT", [], "report it"),
    ],
)
def test_only_what_is_unsound_is_set_aside(store: Store, statement: str, values: list[object], message: str):
    with pytest.raises(StoreError, match=message) as raised:
        store._query(statement, values)
    assert "remove" not in str(raised.value)
    assert isinstance(raised.value, StoreCorruptError) is ("set aside" in message)


def test_what_can_not_be_written_is_read(path: Path, store: Store):
    files = store.count_rows().files
    store.close()
    connection = schema.connect_to_read(path)
    connection.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreReadOnlyError, match="writable"), schema.translate_errors(path):
        connection.execute("DELETE FROM files")
    assert connection.execute("SELECT count(*) FROM files").fetchone() == (files,)
    connection.close()


def test_a_damaged_vector_is_missing_until_it_is_put_again(tmp_path: Path):
    with closing(VectorStore(tmp_path / "v.sqlite")) as vectors:
        rows = np.eye(8, dtype=np.float32)[:2]
        vectors.put_vectors("a", [b"1", b"2"], rows)
        vectors._write(lambda db: db.execute("UPDATE vectors SET vector = zeroblob(16) WHERE hash = ?", (b"1",)))
        assert vectors.get_vectors("a", [b"1", b"2"], 8)[0] == [1]
        assert vectors.hashes_with_vector("a", [b"1", b"2"]) == {b"2"}
        vectors.put_vectors("a", [b"1"], rows[:1])
        assert vectors.get_vectors("a", [b"1", b"2"], 8)[0] == [0, 1]


def test_files_that_any_may_remove_are_looked_at_by_path_alone(store: Store, path: Path):
    """Closing a descriptor of the file would drop this process's locks on it, and another one its log."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("only Linux shows what is open")
    before = sorted(str(descriptor.readlink()) for descriptor in descriptors.iterdir() if descriptor.exists())
    for _ in range(3):
        store.generation()
    after = sorted(str(descriptor.readlink()) for descriptor in descriptors.iterdir() if descriptor.exists())
    assert before == after
    assert str(path) in after
