"""What is said when something is wrong, and how the command exits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .command import CODEKIN, Codekin

WRONG = {
    "no line": (("similar", "src/dates.py"), "FILE:LINE"),
    "line 0": (("similar", "src/dates.py:0"), "from 1"),
    "a line beyond the end": (("similar", "src/dates.py:999"), "no line 999"),
    "to go on beyond the end": (("complete", "src/dates.py:999:9"), "no line 999"),
    "a missing file": (("similar", "src/none.py:1"), "no file"),
    "a folder": (("similar", "src:1"), "folder"),
    "a binary file": (("similar", "binary.py:1"), "binary"),
    "a file that is no source": (("similar", "notes.txt:1"), "source file"),
    "a file outside the root": (("similar", "src/dates.py:7", "--root", "web"), "--root"),
    "no code": (("similar", "-"), "standard input"),
    "an empty query": (("search", ""), "query is empty"),
    "a blank query": (("search", " \n"), "query is empty"),
    "an unknown language": (("search", "a date", "--language", "klingon"), "kotlin"),
    "an unknown folder": (("search", "a date", "--folder", "none"), "no folder none"),
    "a folder outside the root": (("search", "a date", "--folder", ".."), "no folder"),
    "a folder with a name that is too long": (("search", "a date", "--folder", "x" * 9_000), "no folder"),
    "a file with a name that is too long": (("similar", "x" * 9_000 + ":1"), "no file"),
    "a line with too many digits": (("similar", "src/dates.py:" + "9" * 9_000), "no line"),
    "a question that is too long": (("search", "x" * 100_001), "at most 100,000"),
    "an unknown root": (("search", "a date", "--root", "none"), "none"),
    "a file for a root": (("index", "src/dates.py"), "src/dates.py"),
    "k of 0": (("search", "a date", "-k", "0"), "-k"),
    "an unknown task": (
        ("embed", "--task", "x", "--role", "query", "--input", "-", "--output", "v.npy"),
        "code2completion",
    ),
    "an unknown command": (("find", "x"), "find"),
    "an unknown option": (("search", "x", "--fast"), "--fast"),
    "an address without a port": (("serve", "--tcp", "localhost"), "HOST:PORT"),
    "a port that is none": (("serve", "--tcp", "localhost:99999"), "HOST:PORT"),
    "an address that others reach": (("serve", "--tcp", "0.0.0.0:0"), "--allow-remote"),
    "an address and a socket": (("serve", "--tcp", "127.0.0.1:0", "--socket", "x"), "Choose one"),
    "a token for nobody": (("serve", "--token-file", "x"), "--tcp HOST:PORT"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_words_are_one_clear_line_and_status_2(codekin: Codekin, case: str):
    words, expected = WRONG[case]
    completed = codekin(*words)
    assert (completed.returncode, completed.stdout) == (2, "")
    last = completed.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert expected in last


@pytest.mark.parametrize("case", ["line 0", "an unknown language", "an unknown option", "an unknown root"])
def test_with_json_the_error_is_a_document_too(codekin: Codekin, case: str):
    words, expected = WRONG[case]
    document = codekin.json(*words, status=2)
    assert set(document) == {"error"}
    assert expected in document["error"]


def test_a_cache_that_can_not_be_written_names_the_setting(codekin: Codekin, tmp_path: Path):
    (tmp_path / "file").write_text("")
    for words in (("index",), ("search", "a date"), ("status",)):
        completed = codekin(*words, CODEKIN_CACHE_DIRECTORY=str(tmp_path / "file" / "cache"))
        assert completed.returncode == 2
        assert "cache.directory" in completed.stderr


@pytest.mark.parametrize("text", ["not = [toml", "\0\xff", "[index]\nworkers = 'x'\n[nonsense]\na = 1\n"])
def test_wrong_settings_are_told_and_do_without(own_codekin: Codekin, text: str):
    own_codekin.cache.mkdir()
    (own_codekin.cache / "config.toml").write_text(text, "latin-1")
    completed = own_codekin("search", "a date", "--json")
    assert completed.returncode == 0
    assert "Warning: " in completed.stderr
    assert "config.toml" in completed.stderr
    assert json.loads(completed.stdout)["hits"]


def test_a_fault_is_a_line_and_its_trace_is_there_for_the_asking(codekin: Codekin, tmp_path: Path):
    (tmp_path / "broken-1.dist-info").mkdir()  # else what PYTHONPATH names does not count
    (tmp_path / "platformdirs.py").write_text("raise RuntimeError('no such luck')\n")
    completed = codekin("search", "a date", PYTHONPATH=str(tmp_path))
    assert (completed.returncode, completed.stderr.count("\n")) == (2, 1)
    assert "no such luck" in completed.stderr
    assert "--debug" in completed.stderr
    completed = codekin("search", "a date", "--debug", PYTHONPATH=str(tmp_path))
    assert completed.returncode == 1
    assert "Traceback" in completed.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there no current folder can be removed")
def test_a_current_folder_that_was_removed_is_named(tmp_path: Path):
    removed_folder = tmp_path / "gone"
    removed_folder.mkdir()
    script = 'rmdir "$PWD"; exec "$0" search word'
    completed = subprocess.run(
        ["/bin/sh", "-c", script, CODEKIN], cwd=removed_folder, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 2
    assert completed.stderr == "Error: The current folder was removed. Go into another one.\n"


def test_an_unsound_store_is_made_again(own_codekin: Codekin):
    own_codekin.json("index")
    for store in (own_codekin.cache / "workspaces").glob("*.sqlite"):
        store.write_bytes(b"nonsense" * 1000)
    assert own_codekin.json("search", "count words")["hits"]


@pytest.mark.parametrize(
    "words", [("similar", "notes.txt:1"), ("similar", "src/dates.py:999"), ("complete", "notes.txt:1:1")]
)
def test_a_place_that_is_none_is_refused_before_anything_is_indexed(own_codekin: Codekin, words: tuple[str, ...]):
    (own_codekin.folder / "notes.txt").write_text("no source")
    assert own_codekin(*words).returncode == 2
    assert own_codekin.json("status")["files"] == 0


def test_a_revision_that_is_none_is_refused_before_anything_is_indexed(own_codekin: Codekin):
    assert "no revision nonsense" in own_codekin("duplicates", "--base-ref", "nonsense").stderr
    assert own_codekin.json("status")["files"] == 0


@pytest.mark.parametrize("words", [("status",), ("search", "a date"), ("context", "a date"), ("duplicates",)])
def test_a_wrong_setting_is_told_once_and_as_it_is_written(own_codekin: Codekin, words: tuple[str, ...]):
    own_codekin.cache.mkdir()
    (own_codekin.cache / "config.toml").write_text("[symbols]\nby_name = 7\n[index]\nexclude = 3\n")
    warnings = [line for line in own_codekin(*words).stderr.splitlines() if line.startswith("Warning: ")]
    assert [warning.rpartition("; ")[2] for warning in warnings] == ["true is used.", "[] is used."]


@pytest.mark.parametrize(("command", "protocol"), [("serve", "Language Server Protocol"), ("mcp", "Model Context")])
@pytest.mark.parametrize("text", ["", "garbage\n", '{"jsonrpc"'])
def test_a_server_that_nobody_speaks_to_says_what_came_and_what_to_do(
    codekin: Codekin, command: str, protocol: str, text: str
):
    stderr = codekin(command, stdin=text).stderr
    assert protocol in stderr
    assert "codekin search" in stderr
    assert (command == "serve" and text.startswith("{")) or text.strip() in stderr  # to LSP a brace is no header


@pytest.mark.skipif(sys.platform == "win32", reason="homes are set by other means there")
def test_an_installation_is_checked_where_there_is_no_project(codekin: Codekin, tmp_path: Path):
    document = codekin.json("doctor", folder=tmp_path, HOME=str(tmp_path))
    assert document["sound"]
    assert "not checked" in document["findings"][-1]["detail"]
