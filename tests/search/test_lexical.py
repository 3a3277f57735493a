"""Retrieval by words: how good a candidate is."""

import threading
from contextlib import closing
from pathlib import Path

from codekin.engine import Engine
from codekin.search.lexical import LexicalRetriever
from codekin.settings import CacheSettings, Settings
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
