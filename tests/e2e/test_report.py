"""The report: what a person asks beside the status, as a request and as a command."""

import sys

from codekin.lsp.messages import ReportJson

STORED = {"index", "graph", "image of the memory", "vectors of all workspaces"}


async def test_it_answers_what_is_indexed_by_what_and_at_what_price(start) -> None:
    (start.workspace / "binary.py").write_bytes(b"\0\1\2\3" * 10)
    client = await start()
    await client.indexed(5)
    report = await client.ask("codekin/report")
    assert report.keys() == ReportJson.__annotations__.keys()
    assert report["status"]["state"] == "ready"
    assert {entry["name"]: entry["functions"] for entry in report["languages"]} == {
        "python": 5,
        "typescript": 1,
        "bash": 1,
    }
    assert report["reasons"] == [{"reason": "binary", "files": 1}]
    assert report["skippedFiles"] == [{"path": str(start.workspace / "binary.py"), "reason": "binary"}]
    assert report["keeper"] == "this process"
    assert report["troubles"] == []
    assert {entry["what"] for entry in report["stored"]} == STORED
    if sys.platform == "linux":
        assert report["held"][0]["bytes"] > 10_000_000
    assert (await client.command("codekin.report")).keys() == report.keys()


async def test_without_a_workspace_it_says_so(start) -> None:
    def nowhere(params) -> None:
        params.workspace_folders, params.root_uri, params.root_path = None, None, None

    client = await start(change=nowhere)
    try:
        await client.ask("codekin/report")
    except Exception as error:  # noqa: BLE001 (of whatever kind the client makes of an error)
        assert "folder" in str(error)
    else:
        raise AssertionError
