"""$/progress, and pausing."""

import re

import psutil
from lsprotocol import types

from ..shop import write_files

MANY = {
    f"pack{i % 40}/module{i}.py": "\n\n".join(
        f"def compute_{i}_{j}(value, other):\n    result_{i} = value * {j} + other\n    return result_{i} - {i}\n"
        for j in range(6)
    )
    for i in range(3200)  # seconds of work: a client that a busy machine holds up still comes before its end
}


def reports(client) -> list:
    return [report for bar in client.progress_reports.values() for report in bar]


def bulk_processes(client) -> list[psutil.Process]:
    return psutil.Process(client._server.pid).children(recursive=True)


async def test_progress_counts_and_ends(start, tmp_path) -> None:
    some = dict(list(MANY.items())[:300])
    client = await start(root=write_files(tmp_path / "some", some))
    await client.indexed(len(some))
    await client.until(lambda: any(report.kind == "end" for report in reports(client)))
    begin, *middle, end = reports(client)
    assert (begin.kind, begin.cancellable, begin.percentage) == ("begin", True, 0)
    assert begin.title == "Indexing"  # editors put our name before it
    assert (end.kind, end.message) == ("end", None)  # Helix would leave the message in its status line
    assert middle
    percentages = [report.percentage for report in middle]
    assert percentages == sorted(percentages)
    assert all(re.fullmatch(r"[\d,]+ of 300 files(, \d+ (s|min) left)?", report.message) for report in middle)


async def test_clients_without_bars_are_spared_them(start, tmp_path) -> None:
    def older(params: types.InitializeParams) -> None:
        params.capabilities.window.work_done_progress = None

    some = dict(list(MANY.items())[:150])
    client = await start(root=write_files(tmp_path / "some", some), change=older)
    await client.indexed(len(some))
    assert client.progress_reports == {}


async def test_cancelling_pauses_and_resuming_goes_on(start, tmp_path) -> None:
    """And a question meanwhile is answered from what is there, which it says."""
    client = await start(root=write_files(tmp_path / "many", MANY))

    stopped: list[psutil.Process] = []

    def cancel(params: types.ProgressParams) -> None:
        if params.value.get("percentage", 0) > 0:  # some are indexed, and can be found
            client.on_progress = lambda _: None
            stopped.extend(bulk_processes(client))  # it shall not be done before the server reads of it
            for process in stopped:
                process.suspend()
            client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(params.token))

    client.on_progress = cancel
    await client.until(lambda: stopped)
    await client.ask("codekin/status")  # answered after the cancelling
    for process in stopped:
        process.resume()
    await client.until(lambda: client.status.get("state") == "paused")
    answer = await client.ask("codekin/search", {"query": "compute result"})
    assert answer["hits"]
    assert 0 < answer["coverage"] < 1
    await client.until(lambda: reports(client)[-1].kind == "end")
    (message,) = client.messages
    assert "paused" in message.message
    assert "codekin.resume" in message.message
    resumed = await client.command("codekin.resume")
    assert resumed["state"] == "indexing"
    await client.until(lambda: client.status["coverage"] > answer["coverage"])


async def test_questions_are_answered_while_the_bulk_runs(start, tmp_path) -> None:
    client = await start(root=write_files(tmp_path / "many", MANY))
    await client.until(lambda: client.progress_reports)
    bulk = bulk_processes(client)
    for process in bulk:
        process.suspend()  # on a busy machine it would else be done before the question is asked
    client.open("pack0/module0.py")
    answer = await client.similar("pack0/module0.py", 0)
    assert answer["coverage"] < 1
    for process in bulk:
        process.resume()
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
