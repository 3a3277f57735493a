"""What a progress bar says, and when there is one."""

import asyncio

import pytest
from lsprotocol.types import WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport

from codekin.lsp import progress as progress_module
from codekin.lsp.progress import ProgressBar, format_progress
from codekin.types import Progress


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(0, 5310, None), "0 of 5,310 files"),
        (Progress(1204, 5310, 20.3), "1,204 of 5,310 files, 20 s left"),
        (Progress(5309, 5310, 0.01), "5,309 of 5,310 files, 1 s left"),
        (Progress(1, 2, None, models=(("small", 0.389), ("jina", 1.0))), "small 38%, jina 100%"),
        (Progress(10, 90_000, 89.6), "10 of 90,000 files, 2 min left"),
    ],
)
def test_it_is_said_as_a_person_reads_it(progress: Progress, text: str) -> None:
    assert format_progress(progress) == text


class Client:
    """A client that shows whatever bar it is told to."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def create_async(self, token: str) -> None:
        self.shown.append("create")

    def begin(self, token: str, value: WorkDoneProgressBegin) -> None:
        self.shown.append("begin")

    def report(self, token: str, value: WorkDoneProgressReport) -> None:
        self.shown.append("report")

    def end(self, token: str, value: WorkDoneProgressEnd) -> None:
        self.shown.append("end")


@pytest.mark.parametrize(("files", "is_long", "is_shown"), [(5, False, False), (5, True, True), (101, False, True)])
async def test_a_few_files_are_worth_a_bar_only_when_they_take_long(
    monkeypatch: pytest.MonkeyPatch, files: int, is_long: bool, is_shown: bool
) -> None:
    """Whether the moment is over before they are done is settled here, not by a clock."""
    moment = asyncio.Event()
    sleep = asyncio.sleep

    async def until_over(seconds: float) -> None:
        await (moment.wait() if seconds == progress_module._SHOW_DELAY_S else sleep(0))

    monkeypatch.setattr(progress_module.asyncio, "sleep", until_over)
    client = Client()
    bar = ProgressBar(client, lambda: None)
    bar.update_progress(Progress(0, files, None))
    showing = bar._show_task
    if is_long:
        moment.set()
    for _ in range(10):
        await sleep(0)
    bar.update_progress(None)
    moment.set()
    await showing
    assert client.shown[:2] == (["create", "begin"] if is_shown else [])
    assert client.shown[-1:] == (["end"] if is_shown else [])
