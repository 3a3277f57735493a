"""What texts say of a question: words are found in all their forms, and within a file, what says most comes first."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.engine import Engine
from codekin.search.text_cover import TextCover, cut_ending
from codekin.settings import CacheSettings, Settings
from codekin.types import SnippetKind

POOL = '''"""A pool of connections."""


class ConnectionPool:
    """Hands out connections, a limited number of them: кладёт соединения обратно, gère les défaillances."""

    size = 4

    def __init__(self, make):
        self.make = make
        self.idle = []

    def idle_connections(self):
        return self.idle

    def acquire(self, timeout):
        """Wait until a connection is free."""
        deadline = clock() + timeout
        while not self.idle:
            if clock() > deadline:
                raise PoolTimeoutError(timeout)
            self.condition.wait(deadline - clock())
        return self.idle.pop()

    def prune(self, limit):
        """Throw away what was idle for longer than the limit, and reconnect what the peer has closed."""
        for connection in list(self.idle):
            if connection.age() > limit:
                self.idle.remove(connection)
                connection.close()
            elif connection.is_broken():
                connection.reconnect()
'''

CLIENT = """package net;

/** Talks to one server. */
public class RetryingClient {
    private final int limit;

    /** Creates a client that connects to the server and gives up after some retries. */
    public RetryingClient(Server server, int limit, Clock clock) {
        if (limit < 0) {
            throw new IllegalArgumentException("limit");
        }
        this.server = server;
        this.limit = limit;
        this.clock = clock;
    }

    public Response send(Request request) {
        return server.handle(request);
    }
}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("pool")
    (folder / "code").mkdir()
    (folder / "code" / "pool.py").write_text(POOL)
    (folder / "code" / "RetryingClient.java").write_text(CLIENT)
    settings = Settings(cache=CacheSettings(directory=str(folder / "cache")))
    with closing(Engine([folder / "code"], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 0)
        yield engine


def ask(engine: Engine, question: str) -> list[str]:
    return [hit.place.qualified_name for hit in engine.search(question, 5).hits]


def list_contents(engine: Engine) -> dict[str, int]:
    """Return name → content of the places in pool.py."""
    store = engine._index.store
    path = next(path for path in store.file_states() if path.name == "pool.py")
    return {place.name: place.content for place in store.locations_in(path)}


@pytest.mark.parametrize(
    ("word", "stem"),
    [("reconnecting", "reconnect"), ("names", "name"), ("expires", "expir"), ("ring", "ring"), ("ids", "ids")],
)
def test_the_longest_ending_that_leaves_four_letters_is_cut(word: str, stem: str) -> None:
    assert cut_ending(word) == stem


@given(st.text(max_size=12))
def test_a_stem_is_a_beginning(word: str) -> None:
    assert word.startswith(cut_ending(word))


def test_a_text_says_a_word_in_any_of_its_forms_but_a_short_one_as_it_is(engine: Engine) -> None:
    index, contents = engine._index, list_contents(engine)
    rarities, has_words = TextCover(["reconnecting", "timeouts", "pee", "unheard"], index).compare(
        [contents["prune"], contents["acquire"], contents["prune"]]
    )
    assert has_words.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert rarities.min() > 0


def test_words_of_any_script_are_found_in_their_forms(engine: Engine) -> None:
    index, contents = engine._index, list_contents(engine)
    cover = TextCover(["défaillances", "défaillance", "соединения"], index)
    has_words = cover.compare([contents["ConnectionPool"], contents["prune"]])[1]
    assert has_words.tolist() == [[1, 1, 1], [0, 0, 0]]


def test_a_question_without_words_or_places_has_no_cover(engine: Engine) -> None:
    assert TextCover([], engine._index).compare([1, 2])[1].shape == (2, 0)
    assert TextCover(["pool"], engine._index).compare([])[1].shape == (0, 1)


def test_no_more_words_are_looked_up_than_twelve_the_rarest(engine: Engine) -> None:
    words = ["self", *(f"unheard{number}" for number in range(12))]
    rarities, _ = TextCover(words, engine._index).compare([1])
    assert rarities[0] == 0 and (rarities[1:] > 0).all()


def test_the_function_that_does_it_comes_before_one_that_is_only_called_like_a_word_of_it(engine: Engine) -> None:
    question = "throw away idle connections after a while, reconnecting those that were closed by the peer"
    assert ask(engine, question)[0] == "ConnectionPool.prune"


def test_a_class_that_is_named_beside_what_its_method_does_comes_after_that_method(engine: Engine) -> None:
    assert ask(engine, "ConnectionPool error when waiting for a free connection takes too long")[0].endswith("acquire")
    assert ask(engine, "where is the class ConnectionPool defined")[0] == "ConnectionPool"


@pytest.mark.parametrize("question", ["where is RetryingClient defined", "what does the class RetryingClient do"])
def test_a_class_that_is_asked_for_comes_before_its_constructor_of_the_same_name(engine: Engine, question: str) -> None:
    kinds = [hit.place.kind for hit in engine.search(question, 5).hits if hit.place.name == "RetryingClient"]
    assert kinds == [SnippetKind.CLASS, SnippetKind.CONSTRUCTOR]
