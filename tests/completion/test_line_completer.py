"""A line that was begun is ended as the code base ends such lines, with the names at the cursor; or not at all."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from codekin.completion.line_completer import LineBeginning
from codekin.engine import Engine
from codekin.settings import CacheSettings, CompletionSettings, Settings
from codekin.types import Completion

from ..workspace.trees import run_git

SERVICE = """\
import logging

logger = logging.getLogger(__name__)


def load_user(session, user_id):
    reply = session.get("/users", params={"id": user_id})
    reply.raise_for_status()
    logger.debug("loaded %s", reply.url)
    return reply.json()["items"]


def load_order(session, order_id):
    reply = session.get("/orders", params={"id": order_id})
    reply.raise_for_status()
    logger.debug("loaded %s", reply.url)
    return reply.json()["items"]


def load_parcel(session, parcel_id):
    reply = session.get("/parcels", params={"id": parcel_id})
    reply.raise_for_status()
    logger.debug("loaded %s", reply.url)
    return reply.json()["items"]
"""
SECRETS = 'def connect(client):\n    client.password = "correct-horse-9"\n    client.login()\n'
BEGUN = 'def load_invoice(session, invoice_id):\n    reply = session.get("/invoices", params={"id": invoice_id})\n'
FLOOR = 0.2


@pytest.fixture(scope="module", name="engine")
def _engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    root = tmp_path_factory.mktemp("shop")
    (root / "service.py").write_text(SERVICE, "utf-8")
    (root / "connection.py").write_text(SECRETS, "utf-8")
    cache = CacheSettings(directory=str(tmp_path_factory.mktemp("cache")))
    settings = Settings(completion=CompletionSettings(floor=FLOOR), cache=cache)
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, Event(), workers=1)
        yield engine


def complete(engine: Engine, text: str, name: str = "invoices.py", below: str = "") -> list[str]:
    """Return the suggestions at the end of `text`, which `below` follows."""
    lines = text.split("\n")
    path = engine._workspace.roots[0] / name
    completions = engine.complete(path, len(lines) - 1, len(lines[-1]), text=text + below)
    return [completion.text for completion in completions]


def test_the_rest_of_a_line_comes_from_other_documents(engine: Engine):
    assert complete(engine, BEGUN + "    reply.") == ["raise_for_status()"]
    assert complete(engine, BEGUN + "    reply.raise_for_status()\n    logger.debug(") == ['"loaded %s", reply.url)']


def test_a_begun_name_is_ended(engine: Engine):
    assert complete(engine, BEGUN + "    reply.rai") == ["se_for_status()"]


def test_a_begun_string_is_ended(engine: Engine):
    assert complete(engine, BEGUN + '    return reply.json()["it') == ['ems"]']


def test_the_source_is_the_line_that_is_repeated(engine: Engine):
    lines = (BEGUN + "    reply.").split("\n")
    path = engine._workspace.roots[0] / "invoices.py"
    (completion,) = engine.complete(path, len(lines) - 1, len(lines[-1]), text="\n".join(lines))
    source = completion.path.read_text("utf-8").split("\n")[completion.span.start]
    assert source.strip() == "reply.raise_for_status()"
    assert not completion.edited


def test_the_names_at_the_cursor_are_put_in(engine: Engine):
    text = (
        "def double(first):\n    check(first, first.size)\n    return first\n\n\n"
        "def triple(second):\n    check(second, "
    )
    assert complete(engine, text) == ["second.size)"]


def test_no_secret_is_repeated(engine: Engine):
    assert not any("horse" in text for text in complete(engine, "def log_in(client):\n    client.password = "))


@pytest.mark.parametrize("line", ["    # reply.", '    """reply.', "    x = 1  # reply."])
def test_nothing_is_suggested_in_prose(engine: Engine, line: str):
    assert complete(engine, BEGUN + line) == []


def test_nothing_is_suggested_inside_a_word(engine: Engine):
    assert complete(engine, BEGUN + "    reply.rai", below="se_for_status()\n") == []


def test_closers_behind_the_cursor_are_not_repeated(engine: Engine):
    text = BEGUN + "    reply.raise_for_status()\n    logger.debug("
    assert complete(engine, text, below=")\n") == ['"loaded %s", reply.url']


def test_the_documents_own_stale_copy_is_not_used(engine: Engine):
    unsaved = SERVICE.replace("raise_for_status", "check") + "\n\n" + BEGUN + "    reply."
    assert complete(engine, unsaved, "service.py") == ["check()"]


def test_where_the_most_probable_rest_does_not_parse_the_next_one_is_tried(engine: Engine):
    statements = "def use_{0}(a):\n    go(a.size)\n    return go(a.size)\n\n\n"
    function = (
        statements + "def check_{0}(a):\n    if go(a.size):\n        go(a)\n    if go(a.size):\n        go(a)\n\n\n"
    )
    text = "".join(map(function.format, range(3))) + "def use_more(a):\n    while go(a."
    assert complete(engine, text) == ["size):"]


def test_a_beginning_is_marked_where_the_end_of_the_line_is_uncertain(engine: Engine):
    words = ("red", "blue", "green", "grey", "white", "black", "pink", "brown")
    lines = [f'    paint(canvas, brush, "{word}", {number})' for number, word in enumerate(words)]
    lines = ["def draw(canvas, brush):", *lines, "    paint("]
    path = engine._workspace.roots[0] / "draw.py"
    (completion,) = engine.complete(path, len(lines) - 1, len(lines[-1]), text="\n".join(lines))
    assert completion.text == "canvas, brush,"
    assert isinstance(completion, LineBeginning)


def test_further_rests_and_lines_are_offered_where_more_are_wanted(engine: Engine):
    root = engine._workspace.roots[0]
    settings = replace(engine.settings, completion=CompletionSettings(floor=0, limit=3))
    with closing(Engine([root], settings)) as generous:
        texts = complete(generous, BEGUN + "    re")
        assert complete(engine, BEGUN + "    re") == texts[:1]
        assert 1 < len(texts) <= 3
        first_lines = [text.partition("\n")[0] for text in texts]
        assert len(set(first_lines)) == len(first_lines)


@pytest.mark.parametrize("end", [", {number})", ")"])  # a beginning of either line is surer than its end
def test_the_first_suggestion_is_the_same_however_many_are_wanted(engine: Engine, end: str):
    path, cache = engine._workspace.roots[0] / "draw.py", engine.settings.cache
    lines = [
        "def draw(canvas, brush):",
        *["    paint(canvas, brush" + end.format(number=number) for number in range(8)],
    ]
    lines.append("    paint(")
    firsts: list[Completion] = []
    for limit in (1, 3, 100):
        settings = Settings(completion=CompletionSettings(floor=0, limit=limit), cache=cache)
        with closing(Engine([path.parent], settings)) as asked_engine:
            firsts += asked_engine.complete(path, len(lines) - 1, len(lines[-1]), text="\n".join(lines))[:1]
    assert [type(first) for first in firsts] == [Completion] * 3
    assert len({first.text for first in firsts}) == 1


class CancelledLater(Event):
    """Is set when it has been asked a number of times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def is_set(self) -> bool:
        self._times -= 1
        return self._times < 0


@pytest.mark.parametrize("typed", ["    re", "    reply.", "    "])
def test_what_is_cancelled_on_the_way_gives_nothing_or_all(engine: Engine, typed: str):
    lines = (BEGUN + typed).split("\n")
    path = engine._workspace.roots[0] / "invoices.py"
    settings = Settings(completion=CompletionSettings(floor=0, limit=3), cache=engine.settings.cache)
    with closing(Engine([path.parent], settings)) as generous:
        ask = partial(generous.complete, path, len(lines) - 1, len(lines[-1]), text="\n".join(lines))
        everything = ask()
        assert everything
        answers = [ask(cancel_event=CancelledLater(times)) for times in range(60)]
        assert all(answer in ([], everything) for answer in answers)


def test_a_rest_stops_before_a_string_that_is_uncertain(engine: Engine):
    words = ("red", "blue", "green", "grey", "white", "black")
    lines = [f'    paint(canvas, "{word}")' for word in words]
    assert complete(engine, "\n".join(["def draw(canvas):", *lines, "    pa"]), "draw.py")[:1] == ["int(canvas,"]


def test_a_string_that_is_not_closed_is_not_taken_for_a_whole_one(engine: Engine):
    message = "this message is so long that no line of another function should ever repeat all of it"
    lines = ["def warn(log):", *[f'    log.warning("{message} {number}")' for number in range(4)]]
    assert complete(engine, "\n".join([*lines, f'    log.warning("another: {message}']), "warn.py") == []


def test_less_than_three_characters_are_typed_sooner_than_read(engine: Engine):
    assert complete(engine, BEGUN + '    return reply.json()["items') == []


def test_an_edited_copy_in_another_worktree_says_nothing(tmp_path: Path):
    main, topic = tmp_path / "main", tmp_path / "topic"
    run_git("init", "-q", main)
    (main / "service.py").write_text(SERVICE, "utf-8")
    run_git("-C", main, "add", ".")
    run_git("-C", main, "commit", "-q", "-m", "first")
    run_git("-C", main, "worktree", "add", "-q", topic)
    (topic / "service.py").write_text(SERVICE + "\n\n" + BEGUN + "    reply.forward_at_once()\n", "utf-8")
    settings = Settings(
        completion=CompletionSettings(floor=FLOOR), cache=CacheSettings(directory=str(tmp_path / "cache"))
    )
    with closing(Engine([main, topic], settings)) as engine:
        engine.refresh(lambda _: None, Event(), workers=1)
        text = SERVICE + "\n\n" + BEGUN + "    reply.for"
        assert complete(engine, text, "service.py") == []
        assert complete(engine, text, "unrelated.py") == ["ward_at_once()"]


def test_the_third_change_of_a_kind_is_proposed(engine: Engine):
    function = 'def load_{0}(client, page):\n    reply = client.get("/{0}", page{1})\n    return reply.json()\n\n\n'
    change = ", timeout=TIMEOUT_S"
    above = "".join(function.format(name, change) for name in ("bills", "carts"))
    before, after = function.format("notes", "|").split("|")
    assert complete(engine, above + before, "api.py", below=after) == [change]
    assert complete(engine, function.format("bills", "") + before, "api.py", below=after) == []
