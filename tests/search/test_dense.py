"""Retrieval by meaning beside the caller: the same candidates, no waiting once cancelled, no error lost."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import codekin
from codekin.embed.background import run_on_thread
from codekin.engine import Engine
from codekin.search import dense
from codekin.search.dense import DenseRetriever
from codekin.search.pools import CandidatePool
from codekin.settings import CacheSettings, Settings
from codekin.types import Query, Task

QUERY = Query("drop hits that are improbable", Task.NL2CODE)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = Path(codekin.__file__).resolve().parent / "search"
    settings = Settings(cache=CacheSettings(directory=str(tmp_path_factory.mktemp("cache"))))
    with closing(Engine([folder], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 0)
        engine.search(QUERY.text, 1)
        yield engine


def test_beside_the_caller_the_same_is_found(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    retriever = DenseRetriever(engine._index, engine._embedder)
    requests = [(20, CandidatePool()), (5, CandidatePool(np.arange(1, 40)))]
    inline = retriever.start_search(QUERY, requests, threading.Event())()
    monkeypatch.setattr(dense, "_MIN_VECTORS_ASIDE", 0)
    aside = [retriever.start_search(QUERY, requests, threading.Event()) for _ in range(8)]
    assert inline[0] and [get_result() for get_result in aside] == [inline] * 8


def test_who_cancels_does_not_wait_for_a_model(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dense, "_MIN_VECTORS_ASIDE", 0)
    model_may_answer, cancel_event = threading.Event(), threading.Event()

    class SlowEmbedder:
        """The engine's embedder, once it may answer."""

        def embed(self, *arguments: object) -> object:
            assert model_may_answer.wait(60)
            return engine._embedder.embed(*arguments)  # type: ignore[arg-type]

    retriever = DenseRetriever(engine._index, SlowEmbedder())  # type: ignore[arg-type]
    get_result = retriever.start_search(QUERY, [(20, CandidatePool())], cancel_event)
    cancel_event.set()
    assert get_result() == [[]]
    model_may_answer.set()


def test_an_error_on_a_thread_is_raised_to_who_waits():
    with pytest.raises(ZeroDivisionError):
        run_on_thread(lambda: 1 / 0).result(60)
