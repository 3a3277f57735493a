"""The session tells its listener of the engine's changes in the order in which they were."""

import asyncio
import threading
from pathlib import Path

import pytest
from lsprotocol.types import PositionEncodingKind

from codekin.engine import Engine
from codekin.lsp.documents import Documents
from codekin.lsp.session import Session
from codekin.settings import CacheSettings, Settings
from codekin.types import Progress

LONG_S = 180.0  # far more than anything takes, even on a busy machine


class Listener:
    """Remembers the progress that it is told, and when another engine has come."""

    def __init__(self) -> None:
        self.progress: list[Progress | None] = []
        self.exchanged = asyncio.Event()

    def engine_requested(self) -> None: ...

    def engine_exchanged(self) -> None:
        self.exchanged.set()

    def engine_failed(self, problem: str) -> None: ...

    def engine_changed(self, progress: Progress | None) -> None:
        self.progress.append(progress)


async def test_progress_that_was_read_before_its_end_and_comes_after_it_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a bar would stand for ever, as after a pause: the thread that pauses tells of it as the one that indexes."""
    (tmp_path / "root").mkdir()
    has_read, may_tell = threading.Event(), threading.Event()

    def progress(engine: Engine) -> Progress | None:
        if threading.current_thread() is not slow_thread:
            return None
        has_read.set()
        may_tell.wait(LONG_S)
        return Progress(1, 2, None)

    session, listener = Session(Documents(PositionEncodingKind.Utf16), [tmp_path / "root"]), Listener()
    session.set_listener(listener)
    session.request_engine(Settings(cache=CacheSettings(directory=str(tmp_path / "cache"))))
    await asyncio.wait_for(listener.exchanged.wait(), LONG_S)
    engine = session.scheduler.engine
    slow_thread = threading.Thread(target=engine._on_change)
    monkeypatch.setattr(Engine, "progress", progress)
    slow_thread.start()
    await asyncio.to_thread(has_read.wait, LONG_S)
    engine._on_change()
    may_tell.set()
    await asyncio.to_thread(slow_thread.join, LONG_S)
    await session.run_in_opener(lambda: None)  # what was told before has been heard by now
    assert listener.progress[-1] is None
    assert Progress(1, 2, None) not in listener.progress
    await session.close_session()
