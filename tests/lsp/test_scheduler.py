"""Questions off the loop, to a real engine on a workspace of one file."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from codekin.engine import Engine
from codekin.lsp.scheduler import ClosedError, Priority, Scheduler, SupersededError
from codekin.settings import CacheSettings, Settings
from codekin.types import Cancel


@pytest.fixture
def questions(tmp_path: Path) -> Iterator[Scheduler]:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.py").write_text("def brew_coffee(beans):\n    return beans.ground()\n")
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")))
    scheduler = Scheduler(Engine([tmp_path / "root"], settings))
    yield scheduler
    scheduler.close_engine(interrupts=True)


async def test_a_cancelled_question_stops_working(questions: Scheduler) -> None:
    started, stopped = threading.Event(), threading.Event()

    def work(_: Engine, cancel_event: Cancel) -> None:
        started.set()
        while not cancel_event.is_set():
            stopped.wait(0.01)
        stopped.set()

    asking = asyncio.ensure_future(questions.run_query(Priority.REQUEST, work))
    await asyncio.to_thread(started.wait, 180)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(stopped.wait, 180)


async def test_a_question_that_is_cancelled_before_its_turn_is_never_asked(questions: Scheduler) -> None:
    gate, call_started = threading.Event(), []
    busy = [asyncio.ensure_future(questions.run_query(Priority.REQUEST, lambda *_: gate.wait(180))) for _ in range(8)]
    late = asyncio.ensure_future(questions.run_query(Priority.REQUEST, lambda *_: call_started.append(1)))
    await asyncio.sleep(0)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    gate.set()
    await asyncio.gather(*busy)
    assert call_started == []


async def test_of_what_a_person_types_only_the_last_waits(questions: Scheduler) -> None:
    gate = threading.Event()
    busy = [asyncio.ensure_future(questions.run_query(Priority.REQUEST, lambda *_: gate.wait(180))) for _ in range(4)]
    await asyncio.sleep(0)
    typed = [asyncio.ensure_future(questions.run_query(Priority.INTERACTIVE, lambda *_, i=i: i)) for i in range(50)]
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*typed, return_exceptions=True)
    assert answers[-1] == 49
    assert all(isinstance(answer, SupersededError) for answer in answers[:-1])
    await asyncio.gather(*busy)


async def test_maps_leave_the_threads_to_questions(questions: Scheduler) -> None:
    gate = threading.Event()
    maps = [asyncio.ensure_future(questions.run_query(Priority.MAP, lambda *_: gate.wait(180))) for _ in range(8)]
    assert await questions.run_query(Priority.REQUEST, lambda *_: gate.is_set()) is False
    gate.set()
    await asyncio.gather(*maps)


async def test_what_is_asked_together_is_answered_together(questions: Scheduler) -> None:
    """A program may ask a few dozen things at once."""
    answers = await asyncio.gather(*(questions.run_query(Priority.REQUEST, lambda *_, i=i: i) for i in range(30)))
    assert answers == list(range(30))


async def test_lenses_hold_up_nobody(questions: Scheduler) -> None:
    gate = threading.Event()
    lenses = [
        asyncio.ensure_future(questions.run_query(Priority.BACKGROUND, lambda *_: gate.wait(180))) for _ in range(20)
    ]
    assert await asyncio.wait_for(questions.run_query(Priority.REQUEST, lambda *_: "answer"), 180) == "answer"
    gate.set()
    await asyncio.gather(*lenses)


async def test_a_question_knows_the_edits_before_it(questions: Scheduler, tmp_path: Path) -> None:
    for number in range(50):
        text = f"def brew_coffee_{number}():\n    return {number}\n"
        questions.run_edit(lambda engine, text=text: engine.open_document(tmp_path / "root/a.py", text))
        names = await questions.run_query(
            Priority.REQUEST,
            lambda engine, _: [snippet.name for snippet in engine.list_snippets(tmp_path / "root/a.py")],
        )
        assert names == [f"brew_coffee_{number}"]


async def test_closing_lets_what_is_asked_finish_and_refuses_the_rest(questions: Scheduler) -> None:
    gate = threading.Event()
    asking = asyncio.ensure_future(questions.run_query(Priority.REQUEST, lambda *_: gate.wait(180)))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(asyncio.to_thread(questions.close_engine, interrupts=False))
    while not questions._query_pool._shutdown:
        await asyncio.sleep(0)
    with pytest.raises(ClosedError):
        await questions.run_query(Priority.REQUEST, lambda *_: None)
    assert not closing.done()
    gate.set()
    assert await asking is True
    await closing
