"""What the code base does is suggested, with the names of here; what it does not do is not."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.settings import CacheSettings, CompletionSettings, Settings

CLIENT = """\
def fetch_user(session, user_id):
    reply = session.get(f"/users/{user_id}")
    reply.raise_for_status()
    body = reply.json()
    log.debug("fetched %s", body)
    return User.parse(body)


def fetch_order(session, order_id):
    reply = session.get(f"/orders/{order_id}")
    reply.raise_for_status()
    body = reply.json()
    log.debug("fetched %s", body)
    return Order.parse(body)


def connect(session):
    session.open()
    session.password = "correct-horse-9"
    session.login()
"""
BEGUN = """\
def fetch_parcel(http, parcel_id):
    answer = http.get(f"/parcels/{parcel_id}")
    answer.raise_for_status()
    """
ANY = CompletionSettings(floor=0.0)


@pytest.fixture(scope="module", name="engine")
def _engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    root = tmp_path_factory.mktemp("shop")
    (root / "client.py").write_text(CLIENT, "utf-8")
    cache = CacheSettings(directory=str(tmp_path_factory.mktemp("cache")))
    with closing(Engine([root], Settings(completion=ANY, cache=cache))) as engine:
        engine.refresh(lambda _: None, Event(), workers=1)
        yield engine


def at_end(engine: Engine, text: str, name: str = "parcels.py"):
    lines = text.split("\n")
    return engine.complete(engine._workspace.roots[0] / name, len(lines) - 1, len(lines[-1]), text=text)


def test_the_next_steps_come_with_the_names_of_here(engine: Engine):
    (completions,) = at_end(engine, BEGUN)
    assert completions.text.split("\n")[0] == "body = answer.json()"
    assert completions.edited
    assert (completions.path.name, completions.name) == ("client.py", "fetch_user") or completions.name == "fetch_order"
    compile(BEGUN + completions.text, "parcels.py", "exec")


def test_steps_are_shown_for_as_long_as_the_sources_agree(engine: Engine):
    """Both functions log what they fetched, and return different things."""
    (completions,) = at_end(engine, BEGUN)
    assert [line.strip() for line in completions.text.split("\n")] == [
        "body = answer.json()",
        'log.debug("fetched %s", body)',
    ]


def test_the_span_is_where_the_text_was_taken_from(engine: Engine):
    (completions,) = at_end(engine, BEGUN)
    lines = CLIENT.split("\n")[completions.span.start : completions.span.end]
    assert [line.replace("reply", "answer").strip() for line in lines] == [
        line.strip() for line in completions.text.split("\n")
    ]


def test_the_function_under_the_cursor_is_no_source_of_itself(engine: Engine):
    """Not even as it is on the disk and in the index."""
    begun = CLIENT[: CLIENT.index("session.password")]
    completions = at_end(engine, begun, "client.py")
    assert all("login" not in completion.text and "password" not in completion.text for completion in completions)


def test_a_credential_is_never_suggested(engine: Engine):
    text = "def enter(session):\n    session.open()\n    "
    assert all("correct-horse" not in completion.text for completion in at_end(engine, text))
    assert all("correct-horse" not in completion.text for completion in at_end(engine, text + "session.pass"))


def test_an_empty_document_is_met_with_silence(engine: Engine):
    assert at_end(engine, "") == []
    assert at_end(engine, "\n\n    ") == []


def test_nothing_is_below_the_floor(engine: Engine):
    engine.settings = replace(engine.settings, completion=CompletionSettings(floor=1.1))
    try:
        assert at_end(engine, BEGUN) == []
    finally:
        engine.settings = replace(engine.settings, completion=ANY)


def test_a_question_that_nobody_waits_for_is_dropped(engine: Engine):
    cancel_event = Event()
    cancel_event.set()
    path = engine._workspace.roots[0] / "parcels.py"
    assert engine.complete(path, 3, 4, text=BEGUN, cancel_event=cancel_event) == []


def test_every_key_gives_what_a_first_question_would(engine: Engine):
    """What is remembered of the document, as it was one key before, changes nothing."""
    root = engine._workspace.roots[0]
    typed = CLIENT + "\n\n" + BEGUN
    for end in range(len(typed) - 30, len(typed) + 1):
        text = typed[:end]
        row, column = text.count("\n"), len(text.split("\n")[-1])
        warm = engine.complete(root / "warm.py", row, column, text=text)
        first_answers = engine.complete(root / f"fresh{end}.py", row, column, text=text)
        assert [completion.text for completion in warm] == [completion.text for completion in first_answers]


def test_a_path_that_is_no_source_is_said(engine: Engine):
    with pytest.raises(QueryError):
        engine.complete(Path("/nowhere/at/all.py"), 0, 0)


def test_places_out_of_range_are_clamped(engine: Engine):
    path = engine._workspace.roots[0] / "parcels.py"
    assert engine.complete(path, 999, 999, text=BEGUN) == at_end(engine, BEGUN)


LOOPS = """\
func sumOf(items []Item) int {
	total := 0
	for _, item := range items {
		item.check()
		total += item.price
	}
	return total
}

func countOf(items []Item) int {
	total := 0
	for _, item := range items {
		item.check()
		total += item.count * 2
	}
	return total
}
"""


def test_a_block_is_shown_for_as_long_as_the_sources_agree_and_closed(tmp_path: Path):
    """Both loops check the item, and add up different things."""
    (tmp_path / "loops.go").write_text(LOOPS, "utf-8")
    cache = CacheSettings(directory=str(tmp_path / "cache"))
    with closing(Engine([tmp_path], Settings(completion=ANY, cache=cache))) as engine:
        engine.refresh(lambda _: None, Event(), workers=1)
        text = "func weightOf(items []Item) int {\n\ttotal := 0\n\t"
        (completions,) = engine.complete(engine._workspace.roots[0] / "weight.go", 2, 1, text=text + "\n}\n")
    assert completions.text == "for _, item := range items {\n\t\titem.check()\n\t}"
