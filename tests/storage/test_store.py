"""The store: a file is in it whole or not at all, and what it holds does not depend on how it came there."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codekin.code.lines import hash_content
from codekin.errors import ContentGoneError, StoreError
from codekin.storage import schema
from codekin.storage.rows import FileRecord, FileState, SnippetRecord
from codekin.storage.store import Store
from codekin.types import Filter, Skipped, SnippetKind, Span

from .records import FILES, TEXTS, contents, record


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "cache" / "w.sqlite")
    yield opened
    opened.close()


edits = st.lists(
    st.tuples(
        st.sampled_from(FILES), st.none() | st.lists(st.sampled_from(TEXTS), max_size=4) | st.sampled_from(FILES)
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(edits, st.booleans())
def test_any_sequence_of_edits_renames_and_deletes_equals_a_fresh_index(tmp_path_factory, edits, at_once):
    folder = tmp_path_factory.mktemp("stores")
    lived, fresh_store = Store(folder / "lived.sqlite"), Store(folder / "fresh.sqlite")
    now: dict[Path, list[str]] = {}
    for path, change in edits:
        if change is None:
            now.pop(path, None)
            lived.remove_files([path], collect=at_once)
        elif isinstance(change, Path):  # a rename
            if path in now and path != change:
                now[change] = now.pop(path)
                lived.replace_files([record(change, now[change])], collect=at_once)
                lived.remove_files([path], collect=at_once)
        else:
            now[path] = change
            lived.replace_files([record(path, change)], collect=at_once)
    assert not lived.collect_dead_contents() or not at_once
    fresh_store.replace_files([record(path, texts) for path, texts in now.items()])
    assert contents(lived) == contents(fresh_store)
    lived.close()
    fresh_store.close()


def test_a_content_keeps_its_number_wherever_it_stands(store: Store):
    store.replace_files([record(FILES[0], TEXTS[:2])])
    number = store.find_content(hash_content(TEXTS[0]))
    store.replace_files([record(FILES[1], TEXTS[:1])])
    store.remove_files([FILES[0]])
    assert store.find_content(hash_content(TEXTS[0])) == number
    assert [place.path for place in store.locations_of([number])[number]] == [FILES[1]]


def test_numbers_of_removed_contents_are_never_used_again(store: Store):
    store.replace_files([record(FILES[0], TEXTS)])
    highest = max(number for number, _ in store.contents_after(0))
    store.remove_files(FILES)
    assert store.contents_after(0) == []
    store.replace_files([record(FILES[0], TEXTS)])
    assert min(number for number, _ in store.contents_after(0)) > highest


def test_the_file_shrinks_when_most_of_the_workspace_is_deleted(store: Store):
    texts = [f"def run_{number}(value): return value + {number} * total_{number}" for number in range(4000)]
    store.replace_files([record(path, texts[start::6]) for start, path in enumerate(FILES)], collect=False)
    store._read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    full_bytes = store.path.stat().st_size
    store.remove_files(FILES[1:], collect=False)
    assert store.collect_dead_contents() > 3000
    store._read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    assert store.path.stat().st_size < 0.3 * full_bytes
    assert len(store.match_words(["run_0"], 10)) == 1


def test_space_that_was_left_free_after_a_deletion_is_given_back(store: Store):
    texts = [f"def run_{number}(value): return value + {number} * total_{number}" for number in range(4000)]
    store.replace_files([record(FILES[0], texts)])
    store.remove_files(FILES)  # and the process ends
    assert store._query("PRAGMA freelist_count")[0][0] > 0
    assert store.collect_dead_contents() == 0
    assert store._query("PRAGMA freelist_count") == [(0,)]


def test_a_content_that_a_scan_has_moved_keeps_its_number(store: Store):
    store.replace_files([record(FILES[0], TEXTS)])
    before = store.contents_after(0)
    store.remove_files([FILES[0]], collect=False)
    store.replace_files([record(FILES[1], TEXTS[:3])], collect=False)
    assert store.collect_dead_contents() == 1
    assert store.contents_after(0) == before[:3]


def test_removed_contents_are_listed_for_others_or_all_are_to_be_compared(store: Store):
    store.replace_files([record(FILES[0], TEXTS)])
    (first, *_), last_seen = [number for number, _ in store.contents_after(0)], store.last_removal()
    store.replace_files([record(FILES[0], TEXTS[1:])])
    position, removed = store.removed_after(last_seen)
    assert removed == [first]
    assert store.removed_after(position) == (position, [])
    store.clear()
    assert store.removed_after(last_seen)[1] is None
    assert store.removed_after(store.last_removal())[1] == []


def test_who_has_not_listened_for_long_compares_all(store: Store):
    last_seen = store.last_removal()
    for i in range(40):
        store.replace_files([record(FILES[0], [f"def f{i}_{j}(): pass" for j in range(150)])])
    assert store.removed_after(last_seen)[1] is None


def test_a_record_that_points_to_what_is_gone_is_refused_whole(store: Store):
    store.replace_files([record(FILES[0], TEXTS)])
    pointing = record(FILES[1], TEXTS[:1])
    snippets = tuple(replace(snippet, words=None) for snippet in pointing.snippets or ())
    store.remove_files([FILES[0]])
    with pytest.raises(ContentGoneError):
        store.replace_files([replace(pointing, snippets=snippets)])
    assert store.file_states() == {}


def test_the_scan_of_the_disk_leaves_unsaved_text_alone_until_it_is_released(store: Store):
    store.replace_files([record(FILES[0], TEXTS[:1], overlay=True)])
    store.replace_files([record(FILES[0], TEXTS[1:2])])
    store.remove_files([FILES[0]])
    assert [place.name for place in store.locations_in(FILES[0])] == ["alpha"]
    store.release_overlays([FILES[0]])
    store.replace_files([record(FILES[0], TEXTS[1:2])])
    assert [place.name for place in store.locations_in(FILES[0])] == ["beta"]


def test_a_batch_is_in_the_store_whole_or_not_at_all(store: Store):
    store.replace_files([record(FILES[0], TEXTS[:1])])
    before = contents(store)
    broken = FileRecord(FILES[2], "python", FileState(1, 1, b"h", False), (record(FILES[2], TEXTS[3:]).snippets[0],))
    lost = SnippetRecord("lost", "lost", SnippetKind.FUNCTION, Span(0, 1), 0, 0, b"no such content", None)
    with pytest.raises(StoreError):
        store.replace_files([record(FILES[1], TEXTS), broken, FileRecord(FILES[3], "python", broken.state, (lost,))])
    assert contents(store) == before


def test_filters_limit_places_and_contents(store: Store):
    store.replace_files([record(FILES[0], TEXTS[:1]), record(FILES[3], TEXTS[:2], language="go")])
    alpha = store.find_content(hash_content(TEXTS[0]))
    assert [p.path for p in store.locations_of([alpha], Filter(languages=("go",)))[alpha]] == [FILES[3]]
    assert [p.path for p in store.locations_of([alpha], Filter(folder=Path("/w/a")))[alpha]] == [FILES[0]]
    assert store.locations_of([alpha], Filter(folder=Path("/w/aa"))) == {}
    assert len(store.match_words(["alpha"], 10)) == 2
    assert store.contents_within(Filter(folder=Path("/w/a"))) == [alpha]


def test_words_with_marks_of_the_query_language_are_only_words(store: Store):
    store.replace_files([record(FILES[0], TEXTS)])
    for word in ('"', "NOT", "*", "a OR b", "body:", "(", "-", "^x", "NEAR("):
        store.match_words([word], 10)


def test_contents_are_found_by_the_beginnings_of_words_in_any_script_and_by_short_words_in_full(store: Store):
    texts = ["def a(): größer", "def b(): größe соединения", "def c(): ids", "def d(): id 接続", "def e(): größ_te"]
    store.replace_files([record(FILES[0], texts)])
    numbers = [store.find_content(hash_content(text)) for text in texts]
    beginnings = ["größ", "соедин", "ids", "id", "接続", "größ_t", "unheard"]
    found = [[numbers.index(number) for number in contents] for contents in store.find_beginnings(beginnings, 9)]
    assert found == [[0, 1, 4], [1], [2], [3], [3], [4], []]
    assert [len(contents) for contents in store.find_beginnings(["größ", "соедин"], 2)] == [2, 1]


@pytest.mark.parametrize(
    "beginning", ['"alpha" OR beta', "alph*", "alpha) OR (beta", "", "-alpha NEAR(beta)", "a\0pha", "'"]
)
def test_beginnings_with_marks_of_the_query_language_are_only_words(store: Store, beginning: str):
    store.replace_files([record(FILES[0], TEXTS)])
    beta = store.find_content(hash_content(TEXTS[3]))
    assert beta not in store.find_beginnings([beginning], 9)[0].tolist()


def test_names_are_found_by_any_part_exact_ones_first(store: Store):
    store.replace_files(
        [record(FILES[0], ["def read_file_lines(): pass", "def read_file(): pass", "def Xread_fileX(): pass"])]
    )
    assert next(place.name for place in store.find_by_qualified_name("READ_FILE", 10)) == "read_file"
    assert len(store.find_by_qualified_name("read_file", 10)) == 3
    assert store.find_by_qualified_name("%", 10) == []


def test_a_store_is_opened_and_read_while_another_connection_writes(store: Store):
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with closing(Store(store.path)) as other:
            assert other.count_rows().files == 0


def test_the_caches_of_all_threads_together_are_bounded(store: Store):
    with ThreadPoolExecutor(1) as other_thread:
        for read in (store._read, lambda query: other_thread.submit(store._read, query).result()):
            (limit,) = read(lambda connection: connection.execute("PRAGMA soft_heap_limit").fetchone())
            assert limit == schema.CACHE_BYTES


def test_threads_read_while_another_writes(store: Store):
    stop, problems = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                for number, places in store.locations_of([n for n, _ in store.contents_after(0)]).items():
                    assert all(place.content == number for place in places)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
                problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(150):
        store.replace_files([record(FILES[i % len(FILES)], [f"def f{i}(): pass", *TEXTS[: i % 4]])])
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_while_an_answer_is_read_a_removed_file_is_not_looked_for(store: Store):
    store.replace_files([record(FILES[0], TEXTS[:2])])
    with store.read_steadily():
        store.path.unlink()
        assert store.file_states().keys() == {FILES[0]}
        assert (store.path.exists(), store.restorations) == (False, 0)
    assert store.file_states().keys() == {FILES[0]}
    assert (store.path.exists(), store.restorations) == (True, 1)


def test_while_an_answer_is_read_the_generation_stays_the_same(store: Store):
    before = store.generation()
    with store.read_steadily():
        assert store.generation() == before
        store.replace_files([record(FILES[0], TEXTS[:2])])
        with store.read_steadily():
            assert store.generation() == before
        assert store.generation() == before
    assert store.generation() > before


def test_what_is_skipped_is_remembered_with_its_reason(store: Store):
    large, binary = Skipped(FILES[0], "too large"), Skipped(FILES[1], "binary")
    store.set_skipped({large: (1, 2), binary: (3, 4)})
    store.set_skipped({binary: (3, 4)})
    assert store.skipped() == {binary: (3, 4)}


@given(st.lists(st.sampled_from(["alpha", "beta", "return", "nowhere", "", "a b", '"']), max_size=8))
def test_frequencies_of_many_words_are_those_of_each(tmp_path_factory, words):
    with closing(Store(tmp_path_factory.mktemp("frequencies") / "w.sqlite")) as store:
        store.replace_files([record(FILES[0], TEXTS), record(FILES[1], TEXTS[1:])])
        each = {word: store._query("SELECT doc FROM vocabulary WHERE term = ?", (word,)) for word in words}
        assert store.document_frequencies(words) == {word: rows[0][0] for word, rows in each.items() if rows}
