"""Retrieval by words: how good a candidate is."""

import threading
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codekin.engine import Engine
from codekin.search.lexical import LexicalRetriever
from codekin.settings import CacheSettings, Settings
from codekin.storage.full_text import decode_integers
from codekin.types import Query, Task

FRUIT = ("apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel")
TEXT = "\n\n".join(
    f"def peel_{fruit}(knife, {fruit}):\n    slices = knife.cut({fruit})\n    return slices.without('{fruit} peel')\n"
    for fruit in FRUIT
)


def test_a_score_is_the_same_while_the_index_is_still_being_loaded(tmp_path: Path) -> None:
    root, settings = tmp_path / "kitchen", Settings(cache=CacheSettings(directory=str(tmp_path / "cache")))
    root.mkdir()
    (root / "fruit.py").write_text(TEXT)
    query = Query("cut the cherry in slices", Task.NL2CODE)
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 0)
        loaded = LexicalRetriever(engine._index).search(query, 10)
    with closing(Engine([root], settings)) as engine:
        loading = LexicalRetriever(engine._index).search(query, 10)
    assert loading == loaded
    assert len({candidate.score for candidate in loaded}) > 1


def test_a_score_is_the_share_of_what_sqlite_itself_computes(tmp_path: Path) -> None:
    root, settings = tmp_path / "kitchen", Settings(cache=CacheSettings(directory=str(tmp_path / "cache")))
    root.mkdir()
    (root / "fruit.py").write_text(
        TEXT + "\n\ndef wash(knife):\n    knife.wash()\n    knife.dry()\n    knife.store()\n"
    )
    words = ["cut", "cherry", "slices", "knife", "wash", "dry"]
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 0)
        found = LexicalRetriever(engine._index).search(Query(" ".join(words), Task.NL2CODE), 100)
        by_sqlite = {match.content: match.score for match in engine._index.store.match_words(words, 1000)}
    assert {candidate.content for candidate in found} == by_sqlite.keys()
    ratios = [by_sqlite[candidate.content] / candidate.score for candidate in found]
    assert len(found) > len(FRUIT) and max(ratios) - min(ratios) < 1e-9


@given(st.lists(st.integers(0, 1 << 50)))
def test_integers_of_sqlite_are_read_as_they_were_written(numbers: list[int]) -> None:
    groups = [
        [number >> 7 * place & 0x7F for place in range((max(number, 1).bit_length() + 6) // 7)] for number in numbers
    ]
    data = bytes(
        group | (0x80 if place else 0)
        for number_groups in groups
        for place, group in reversed(list(enumerate(number_groups)))
    )
    assert decode_integers(data) == numbers
