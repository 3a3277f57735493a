"""A store's files: private, made again when unsound, and written back when somebody removes them."""

import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from codekin.errors import StoreCorruptError, StoreError, StoreFullError
from codekin.storage import schema
from codekin.storage.store import Store
from codekin.storage.store_files import file_id, set_aside

from .records import FILES, TEXTS, contents, record


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "cache" / "w.sqlite")
    yield opened
    opened.close()


def test_the_files_are_private_to_the_user(store: Store):
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_an_unsound_file_is_set_aside_and_made_again(tmp_path: Path):
    path = tmp_path / "w.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    store = Store(path)
    store.replace_files([record(FILES[0], TEXTS)])
    assert store.count_rows().snippets == len(TEXTS)
    assert path.with_suffix(".corrupt").exists()
    store.close()


def test_a_file_of_a_newer_codekin_is_left_alone(tmp_path: Path):
    path = tmp_path / "w.sqlite"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer codekin"):
        Store(path)


def test_migrations_run_from_every_version(tmp_path: Path):
    for version in range(len(schema.STORE_MIGRATIONS) + 1):
        path = tmp_path / f"{version}.sqlite"
        schema.open_database(path, schema.STORE_MIGRATIONS[:version]).close()
        store = Store(path)
        store.replace_files([record(FILES[0], TEXTS)])
        assert store.count_rows().files == 1
        store.close()


def test_threads_that_have_ended_leave_no_files_open(store: Store):
    for _ in range(20):
        thread = threading.Thread(target=store.generation)
        thread.start()
        thread.join()
    open_paths = [file.path for file in psutil.Process().open_files()]
    # This thread's, the keeper's, the last thread's, and one that SQLite keeps to use again.
    assert open_paths.count(str(store.path)) <= 4


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal", "-shm")])
def test_a_store_removed_under_a_running_process_is_written_back(store: Store, suffixes: tuple[str, ...]):
    store.replace_files([record(FILES[0], TEXTS)])
    before, identity = contents(store), store.identity()
    for suffix in suffixes:
        store.path.with_name(store.path.name + suffix).unlink()
    with ThreadPoolExecutor(1) as other_thread:  # which has no connection yet
        assert other_thread.submit(store.count_rows).result().files == 1
    with closing(Store(store.path)) as other:
        assert (contents(other), other.identity()) == (before, identity)
        other.replace_files([record(FILES[1], TEXTS[:1])])
    assert store.count_rows().files == 2
    assert (store.replacements, store.restorations) == (0, 1)


def test_a_store_that_was_set_aside_is_not_written_back(store: Store):
    store.replace_files([record(FILES[0], TEXTS)])
    set_aside(StoreCorruptError("unsound", store.path, file_id(store.path)))
    assert store.count_rows().files == 0
    assert (store.replacements, store.restorations) == (1, 0)


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/dev/full").exists(), reason="needs a way to fill a disk")
def test_a_full_disk_is_named_and_loses_nothing(store: Store):
    store.replace_files([record(FILES[0], TEXTS[:1])])
    before = contents(store)
    # SQLite's own bound on a file's size raises the very error that a full disk does.
    (pages,) = store._connect().execute("PRAGMA page_count").fetchone()
    store._connect().execute(f"PRAGMA max_page_count = {pages}")
    many = [record(Path(f"/w/{i}.py"), [f"def f{i}_{j}(): pass" for j in range(50)]) for i in range(200)]
    with pytest.raises(StoreFullError, match="Free some space"):
        store.replace_files(many)
    assert contents(store) == before


def test_closing_leaves_no_log_though_it_was_interrupted(tmp_path: Path) -> None:
    """Else every start would read the log anew, and a copy of the database alone would lack what is in it."""
    store = Store(tmp_path / "store.sqlite")
    store.set_meta({"kept": 1})
    store.interrupt()
    store.close()
    assert not (tmp_path / "store.sqlite-wal").exists()
    assert Store(tmp_path / "store.sqlite").get_meta("kept") == 1
