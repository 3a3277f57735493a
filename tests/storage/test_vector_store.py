"""The shared vectors: keyed by space and content, kept while anything refers to them, within a quota."""

import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codekin.errors import StoreClosingError
from codekin.indexing.eviction import evict_to_quota
from codekin.indexing.reconcile import reconcile
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import IndexPaths, locate_index
from codekin.storage.vector_store import VectorStore

DIM = 8


def key(i: int) -> bytes:
    return i.to_bytes(16, "big")


def unit(seed: int, count: int, dim: int = DIM) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.lists(st.integers(0, 30), unique=True)), max_size=8))
def test_what_was_put_first_is_what_is_got_in_each_space(tmp_path_factory, puts):
    store = VectorStore(tmp_path_factory.mktemp("v") / "v.sqlite")
    expected: dict[tuple[str, int], np.ndarray] = {}
    for turn, (space, numbers) in enumerate(puts):
        rows = unit(turn, len(numbers))
        store.put_vectors(space, [key(i) for i in numbers], rows)
        for i, row in zip(numbers, rows, strict=True):
            expected.setdefault((space, i), row)
    for space in ("a", "b"):
        wanted_numbers = list(range(35))
        known_numbers = [i for i in wanted_numbers if (space, i) in expected]
        assert store.hashes_with_vector(space, [key(i) for i in wanted_numbers]) == {key(i) for i in known_numbers}
        positions, vectors = store.get_vectors(space, [key(i) for i in wanted_numbers], DIM)
        assert positions == known_numbers
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        if known_numbers:
            assert np.allclose(vectors, [expected[space, i] for i in known_numbers], atol=1e-3)
    store.close()


def test_a_vector_of_another_dimension_is_not_given_out(tmp_path: Path):
    store = VectorStore(tmp_path / "v.sqlite")
    store.put_vectors("a", [key(1)], unit(0, 1))
    assert store.get_vectors("a", [key(1)], DIM * 2)[0] == []
    store.close()


def test_two_processes_worth_of_writers_do_not_fight(tmp_path: Path):
    def write(start: int) -> None:
        store = VectorStore(tmp_path / "v.sqlite")
        for i in range(start, start + 200):
            store.put_vectors("a", [key(i)], unit(i, 1))
        store.close()

    threads = [threading.Thread(target=write, args=(i * 100,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = VectorStore(tmp_path / "v.sqlite")
    assert len(store.hashes_with_vector("a", [key(i) for i in range(1000)])) == 500
    assert stat.S_IMODE((tmp_path / "v.sqlite").stat().st_mode) == 0o600
    store.close()


def test_a_new_file_that_another_process_is_about_to_write_is_waited_for(tmp_path: Path):
    path = tmp_path / "v.sqlite"
    second_connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    second_connection.execute("BEGIN IMMEDIATE")
    opened = threading.Event()

    def open_it() -> None:
        VectorStore(path).close()
        opened.set()

    thread = threading.Thread(target=open_it)
    thread.start()
    assert not opened.wait(1)
    second_connection.execute("COMMIT")
    assert opened.wait(180)
    thread.join()
    second_connection.close()


def test_room_is_given_back_in_short_transactions(tmp_path: Path):
    with closing(VectorStore(tmp_path / "v.sqlite")) as store:
        store.put_vectors("a", [key(i) for i in range(5000)], unit(0, 5000, 1024))
        statements: list[str] = []
        store._connect().set_trace_callback(statements.append)
        store.evict_unreferenced([], 1)
        freed_counts = [part.count("incremental_vacuum") for part in "".join(statements).split("COMMIT")]
        assert sum(freed_counts) > 4000
        assert max(freed_counts) <= 2000
        assert store._query("PRAGMA freelist_count") == [(0,)]


def test_freeing_ends_when_the_index_is_closed(tmp_path: Path):
    with closing(VectorStore(tmp_path / "v.sqlite")) as store:
        store.put_vectors("a", [key(i) for i in range(5000)], unit(0, 5000, 1024))

        def interrupt_while_freeing(statement: str) -> None:
            if statement == "PRAGMA incremental_vacuum":
                store._interrupted.set()

        store._connect().set_trace_callback(interrupt_while_freeing)
        with pytest.raises(StoreClosingError):
            store.evict_unreferenced([], 1)


def test_room_that_a_killed_process_left_is_given_back(tmp_path: Path):
    index_paths = locate_index([tmp_path], Settings(cache=CacheSettings(directory=str(tmp_path / "cache"))))
    with closing(VectorStore(tmp_path / "v.sqlite")) as store:
        store.put_vectors("a", [key(i) for i in range(400)], unit(0, 400, 1024))
        store._write(lambda connection: connection.execute("DELETE FROM vectors"))
        assert store._query("PRAGMA freelist_count")[0][0] > 300
        evict_to_quota(index_paths, store)
        assert store._query("PRAGMA freelist_count") == [(0,)]


def test_collecting_drops_the_oldest_that_nothing_refers_to_and_gives_the_room_back(tmp_path: Path):
    store = VectorStore(tmp_path / "v.sqlite")
    store.put_vectors("a", [key(i) for i in range(4000)], unit(0, 4000, 256))
    before = store.size_bytes()
    dropped = store.evict_unreferenced([key(i) for i in range(1000)], before // 2)
    assert dropped > 1000
    assert store.size_bytes() < before * 0.55
    assert store._query("PRAGMA freelist_count") == [(0,)]
    remaining_keys = store.hashes_with_vector("a", [key(i) for i in range(4000)])
    assert {key(i) for i in range(1000)} <= remaining_keys
    assert key(1000) not in remaining_keys
    assert key(3999) in remaining_keys
    store.close()


def indexed(root: Path, cache: Path, quota_mb: int = 2048) -> IndexPaths:
    root.mkdir(exist_ok=True)
    where = locate_index([root], Settings(cache=CacheSettings(directory=str(cache), quota_mb=quota_mb)))
    for i in range(40):
        code = "".join(f"def f_{root.name}_{i}_{j}(a):\n    return a + {j}\n\n\n" for j in range(50))
        (root / f"m{i}.py").write_text(code)
    reconcile(where, lambda _: None, threading.Event(), 0)
    return where


def test_above_the_quota_only_vectors_of_workspaces_that_are_gone_are_dropped(tmp_path: Path):
    kept, removed_index = indexed(tmp_path / "kept", tmp_path / "c"), indexed(tmp_path / "gone", tmp_path / "c")
    shutil.rmtree(tmp_path / "gone")
    long_ago = time.time() - 30 * 86_400
    os.utime(removed_index.store, (long_ago, long_ago))
    store = VectorStore(kept.vectors)
    before = store.size_bytes()
    tight = replace(kept, settings=replace(kept.settings, cache=replace(kept.settings.cache, quota_mb=0)))
    evict_to_quota(tight, store)
    assert not removed_index.store.exists()
    assert store.size_bytes() < before * 0.7
    store.close()
    again = reconcile(kept, lambda _: None, threading.Event(), 0)
    assert again.embedded == 0


@pytest.mark.parametrize("version", [1, 999])
def test_above_the_quota_another_version_s_store_keeps_its_vectors_and_stays_as_it_is(tmp_path: Path, version: int):
    kept, other = indexed(tmp_path / "kept", tmp_path / "c"), indexed(tmp_path / "other", tmp_path / "c")
    with closing(sqlite3.connect(other.store)) as connection:
        (current_version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version}")
    tight = replace(kept, settings=replace(kept.settings, cache=replace(kept.settings.cache, quota_mb=0)))
    with closing(VectorStore(kept.vectors)) as store:
        evict_to_quota(tight, store)
    with closing(sqlite3.connect(other.store)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        connection.execute(f"PRAGMA user_version = {current_version}")
    assert reconcile(other, lambda _: None, threading.Event(), 0).embedded == 0


def test_above_the_quota_another_workspace_s_unsound_store_is_left_to_its_own_process(tmp_path: Path):
    kept, other = indexed(tmp_path / "kept", tmp_path / "c"), indexed(tmp_path / "other", tmp_path / "c")
    content = other.store.read_bytes()[:100] + bytes(8000)
    other.store.write_bytes(content)
    tight = replace(kept, settings=replace(kept.settings, cache=replace(kept.settings.cache, quota_mb=0)))
    with closing(VectorStore(kept.vectors)) as store:
        evict_to_quota(tight, store)
    assert other.store.read_bytes() == content


def test_within_the_quota_code_that_comes_back_is_not_embedded_again(tmp_path: Path):
    where = indexed(tmp_path / "kept", tmp_path / "c")
    (tmp_path / "kept").rename(tmp_path / "away")
    (tmp_path / "kept").mkdir()
    assert reconcile(where, lambda _: None, threading.Event(), 0).files == 0
    shutil.rmtree(tmp_path / "kept")
    (tmp_path / "away").rename(tmp_path / "kept")
    report = reconcile(where, lambda _: None, threading.Event(), 0)
    assert (report.files, report.embedded) == (40, 0)
