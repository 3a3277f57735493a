"""$/progress, and pausing."""

import re
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types

from ..holding import FILE_COUNT, KNOWN_FILES, hold_bulk_index
from ..shop import write_files


def reports(client) -> list:
    return [report for bar in client.progress_reports.values() for report in bar]


def has_counted(client) -> Callable[[], bool]:
    """A condition: the bar has said that some are indexed."""
    return lambda: any(report.kind == "report" for report in reports(client))


async def test_progress_counts_and_ends(start, tmp_path: Path) -> None:
    with hold_bulk_index(tmp_path / "many", tmp_path / "cache"):
        client = await start(root=tmp_path / "many")
        await client.until(has_counted(client))
    await client.indexed(FILE_COUNT)
    await client.until(lambda: any(report.kind == "end" for report in reports(client)))
    begin, *middle, end = reports(client)
    assert (begin.kind, begin.cancellable, begin.percentage) == ("begin", True, 0)
    assert begin.title == "Indexing"  # editors put our name before it
    assert (end.kind, end.message) == ("end", None)  # Helix would leave the message in its status line
    percentages = [report.percentage for report in middle]
    assert 0 < percentages[0] < 100
    assert percentages == sorted(percentages)
    assert all(re.fullmatch(r"[\d,]+ of 300 files(, \d+ (s|min) left)?", report.message) for report in middle)


async def test_clients_without_bars_are_spared_them(start, tmp_path) -> None:
    def older(params: types.InitializeParams) -> None:
        params.capabilities.window.work_done_progress = None

    client = await start(root=write_files(tmp_path / "some", KNOWN_FILES | {"more.py": "x = 1\n"}), change=older)
    await client.indexed(len(KNOWN_FILES) + 1)
    assert client.progress_reports == {}


async def test_cancelling_pauses_and_resuming_goes_on(start, tmp_path: Path) -> None:
    """And a question meanwhile is answered from what is there, which it says."""
    with hold_bulk_index(tmp_path / "many", tmp_path / "cache"):
        client = await start(root=tmp_path / "many")
        await client.until(has_counted(client))
        *_, token = client.progress_reports
        client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        await client.until(lambda: client.status.get("state") == "paused")
        answer = await client.ask("codekin/search", {"query": "compute result"})
        assert answer["hits"]
        assert 0 < answer["coverage"] < 1
        await client.until(lambda: reports(client)[-1].kind == "end")
    await client.until(lambda: client.messages)
    (message,) = client.messages
    assert "paused" in message.message
    assert "codekin.resume" in message.message
    resumed = await client.command("codekin.resume")
    assert resumed["state"] == "indexing"
    await client.indexed(FILE_COUNT)


async def test_questions_are_answered_while_the_bulk_runs(start, tmp_path: Path) -> None:
    with hold_bulk_index(tmp_path / "many", tmp_path / "cache"):
        client = await start(root=tmp_path / "many")
        await client.until(has_counted(client))
        client.open("known/module0.py")
        answer = await client.similar("known/module0.py", 0)
        assert answer["hits"]
        assert answer["coverage"] < 1
        paused = await client.ask("codekin/pause")
        assert paused["state"] == "paused"
    assert (await client.ask("codekin/status"))["state"] == "paused"


async def test_reindexing_embeds_nothing_anew(start) -> None:
    client = await start()
    await client.indexed(5)
    embedded = client.status["embedded"]
    assert embedded > 0
    await client.command("codekin.reindex")
    await client.indexed(5)
    assert (await client.ask("codekin/status"))["embedded"] == embedded
