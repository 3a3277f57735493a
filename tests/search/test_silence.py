"""Questions that this repository's own code does not answer, and such that it does."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import codekin
from codekin.engine import Engine
from codekin.settings import CacheSettings, Settings
from codekin.types import Filter

PACKAGE = Path(codekin.__file__).resolve().parent


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path_factory.mktemp("cache"))))
    with closing(Engine([PACKAGE], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 1)
        yield engine


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "?",
        "!!!",
        "asdfgh qwerty zxcvbn",
        "purple elephant dancing on the moon",
        "the best recipe for chocolate chip cookies",
        "why do cats purr",
        "Привет, как дела",
        "今天天气很好",
        "مرحبا بالعالم",
        "🦄🌈",
        "w" * 10_000,
        "\0\1",
        "\ud800",
    ],
)
def test_a_question_that_no_code_answers_gets_no_answer(engine: Engine, question: str):
    assert engine.search(question, 10).hits == ()


@pytest.mark.parametrize("question", ["x", "a", "the", '"', "NEAR(a b)", "' OR 1=1", "* *", "how " * 2500, "é"])
def test_an_odd_question_is_no_error(engine: Engine, question: str):
    assert all(0 <= hit.score <= 1 for hit in engine.search(question, 10).hits)


@pytest.mark.parametrize(
    ("question", "file"),
    [
        ("which files git ignores", "gitignore.py"),
        ("fuse the answers of several retrievers", "fuse.py"),
        ("QueryRun", "hits.py"),
        ("Store.named", "store.py"),
        ("canonic", "lines.py"),
        ("keep the POSIX lock of the workspace while indexing", "bulk_indexer.py"),
    ],
)
def test_a_question_that_code_answers_is_answered(engine: Engine, question: str, file: str):
    assert file in [hit.place.path.name for hit in engine.search(question, 10).hits]


def test_the_best_of_one_file_is_not_certain_for_being_the_best(engine: Engine):
    only = Filter(paths=("search/fuse.py",))
    answer, guess = (
        engine.search(question, 10, hit_filter=only).hits
        for question in ("fuse the answers of several retrievers", "sum of all values")
    )
    assert answer[0].score > 0.6
    assert all(hit.score < 0.4 for hit in guess)


def test_hits_are_told_in_the_order_of_their_confidence(engine: Engine):
    scores = [hit.score for hit in engine.search("index a workspace", 10).hits]
    assert scores
    assert scores == sorted(scores, reverse=True)
