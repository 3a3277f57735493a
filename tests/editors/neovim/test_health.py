"""`:checkhealth codekin`, when all is well and in each bad state: what is found names its remedy."""

import sqlite3
from pathlib import Path

import pytest

from .conftest import NEWEST, Editor, Start
from .test_server import pretend

REPORT = "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')"
# The server's status and doctor as they are on other machines, which this one can't be made into
STATUS = """
  local client = vim.lsp.get_clients({name = 'codekin'})[1]
  real = real or select(2, require('codekin').status())
  local status = vim.tbl_extend('force', real, ...)
  client.handlers['codekin/statusChanged'](nil, status, {client_id = client.id})
"""


def report(editor: Editor) -> str:
    """What the user reads."""
    editor.execute("checkhealth codekin")
    return str(editor.lua(REPORT))


def problems(text: str) -> list[str]:
    return [line for line in text.splitlines() if "ERROR" in line or "WARNING" in line]


def test_all_is_well(editor: Editor) -> None:
    text = report(editor)
    assert problems(text) == []
    for wanted in ("Neovim 0.", "(from PATH), codekin 0.", "3 files", "codekin-static", "find themselves", "quickfix"):
        assert wanted in text


def test_without_a_project_there_is_less_to_say(start: Start) -> None:
    editor = start()
    editor.execute("cd /")
    text = report(editor)
    assert problems(text) == []
    assert "no project is open" in text


def test_a_missing_server(start: Start) -> None:
    editor = start()
    (editor.project.home / "bin/codekin").unlink()
    text = report(editor)
    assert "ERROR server not found" in text
    assert "Run :Codekin install" in text


def test_a_server_that_does_not_run(start: Start) -> None:
    editor = start()
    program = editor.project.home / "bin/codekin"
    program.unlink()
    program.write_text("#!/bin/sh\necho 'No module named codekin' >&2\nexit 1\n")
    program.chmod(0o755)
    text = report(editor)
    assert "does not run: No module named codekin" in text
    assert "Run :Codekin install" in text


def test_another_version(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({cmd = ...})", str(pretend(editor, "0.99.1")))
    text = report(editor)
    assert "is codekin 0.99.1, but this plugin is 0." in text
    assert "Run :Codekin install to install the matching server" in text


@NEWEST
def test_a_missing_model(start: Start) -> None:
    editor = start(CODEKIN_MODEL_DIM="3")
    editor.execute("edit shop/orders.py")
    editor.wait_until("return (require('codekin').status()) == 'codekin: failed'")
    text = report(editor)
    assert "ERROR the server could not open the index." in text
    assert "ERROR model: " in text
    assert "model.dim" in text


def test_a_gpu_that_is_not_used(editor: Editor) -> None:
    (editor.project.home / "bin/nvidia-smi").symlink_to("/bin/true")
    assert problems(report(editor)) == []  # the embedded model needs none
    editor.lua(STATUS, {"model": "jina-code-embeddings-0.5b", "device": "cpu"})
    text = report(editor)
    editor.lua(STATUS, {})
    assert "WARNING jina-code-embeddings-0.5b runs on the CPU although there is a GPU." in text
    assert "PyTorch" in text


def test_no_watches_left(editor: Editor) -> None:
    editor.lua(STATUS, {"watching": "polling every 5 s"})
    text = report(editor)
    editor.lua(STATUS, {})
    assert "WARNING files are watched by polling every 5 s" in text
    assert "fs.inotify.max_user_watches" in text


@NEWEST
@pytest.mark.parametrize("harm", ["unindexed", "unsound"])
def test_an_index_that_is_not_there_or_does_not_find_what_is_in_it(start: Start, harm: str) -> None:
    editor = start()
    editor.open_file("shop/orders.py")
    store = Path(editor.lua("return select(2, require('codekin').status()).store"))
    editor.lua("require('codekin').setup({autostart = false}) vim.lsp.stop_client(vim.lsp.get_clients())")
    editor.wait_until("return #vim.lsp.get_clients() == 0")
    if harm == "unindexed":
        for path in store.parent.glob(f"{store.stem}*"):
            path.unlink()
        wanted, remedy = "is not indexed yet", "Run: codekin index"
    else:
        with sqlite3.connect(store) as connection:
            connection.execute("DELETE FROM words")
        connection = sqlite3.connect(store.parents[1] / "vectors.sqlite")
        connection.execute("UPDATE vectors SET vector = zeroblob(length(vector))")
        connection.commit()
        connection.close()
        wanted, remedy = "do not find themselves", "Remove "
    text = report(editor)
    assert wanted in text
    assert remedy in text
