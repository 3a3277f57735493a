"""What `codekin status` says."""

from pathlib import Path

from .command import Codekin


def test_says_what_is_indexed(codekin: Codekin, workspace: Path):
    codekin.json("index")
    status = codekin.json("status")
    assert status["roots"] == [str(workspace.resolve())]
    assert (status["files"], status["skipped"], status["coverage"]) == (4, 1, 1)
    assert status["snippets"] > 0
    assert status["state"] == "ready"
    assert Path(status["store"]).is_file()
    assert set(status) >= {"model", "device", "dense", "store_bytes", "embedded", "watching", "problems"}
    assert [entry["path"] for entry in status["skippedFiles"]]
    assert sum(entry["files"] for entry in status["languages"]) == 4
    assert status["keeper"] == "nobody"


def test_indexes_nothing(own_codekin: Codekin):
    status = own_codekin.json("status")
    assert (status["files"], status["coverage"]) == (0, 0)


def test_without_json_it_is_a_fact_a_line(codekin: Codekin):
    lines = codekin("status").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        *("workspace", "state", "indexed", "languages", "keeper", "skipped", "model", "search", "store", "disk")
    ]
