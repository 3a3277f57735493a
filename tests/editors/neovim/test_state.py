"""What the server does, as its user sees it."""

from pathlib import Path

import pytest

from ...holding import hold_bulk_index
from ..project import create_project
from .conftest import INDEXED, NEWEST, Editor, Start

LSP_STATUS = """
  seen = {}
  vim.api.nvim_create_autocmd('LspProgress', {callback = function() table.insert(seen, vim.lsp.status()) end})
"""
REINDEXED = """
  local client = vim.lsp.get_clients({name = 'codekin'})[1]
  local request = vim.fn.has('nvim-0.11') == 1 and client.request_sync or function(_, ...)
    return client.request_sync(...)
  end
  local answer = request(client, 'codekin/status', nil, 10000, 0)
  return answer and answer.result and answer.result.state == 'ready' and answer.result.files == 3
"""
STATUS = """
  states = {}
  vim.api.nvim_create_autocmd('User', {pattern = 'CodekinStatus', callback = function()
    table.insert(states, (require('codekin').status()))
  end})
"""


def test_progress_is_in_vim_lsp_status_and_in_the_status_line(start: Start, tmp_path: Path) -> None:
    project = create_project(tmp_path, {})
    with hold_bulk_index(project.folder, project.cache):
        editor = start(project=project)
        editor.lua(LSP_STATUS + STATUS)
        editor.execute("set statusline=%{v:lua.require'codekin'.status()}")
        editor.execute("edit known/module1.py")
        editor.wait_until("for _, text in ipairs(seen) do if text:find('%d+ of %d+ files') then return text end end")
        editor.wait_until("for _, text in ipairs(states) do if text:find('^codekin %d+/%d+$') then return text end end")
    editor.wait_until(INDEXED)
    editor.wait_until("return states[#states] == 'codekin'")
    editor.terminal.wait_until(lambda screen: "\ncodekin\n" in screen)


def test_indexing_is_paused_resumed_and_done_anew(editor: Editor) -> None:
    editor.execute("Codekin pause")
    editor.wait_for_message("indexing is paused")
    editor.wait_until("return require('codekin').status() == 'codekin: paused'")
    editor.execute("Codekin resume")
    editor.wait_for_message("indexing resumed")
    editor.wait_until("return require('codekin').status() == 'codekin'")
    editor.execute("Codekin reindex")
    editor.wait_for_message("rebuilding the index")
    editor.wait_until(REINDEXED)  # by what the server answers: what it reports may still be from before
    editor.wait_until("local text, status = require('codekin').status() return text == 'codekin' and status.files == 3")


def test_status_says_how_things_are(editor: Editor) -> None:
    editor.wait_until("return select(2, require('codekin').status()).state == 'ready'")
    editor.execute("Codekin status")
    screen = editor.terminal.wait_until("watching")
    assert not editor.api.api.get_mode()["blocking"]
    for wanted in ("codekin 0.", ": ready", "3 files", "covered   100%", "model     codekin-static"):
        assert wanted in screen
    editor.send_keys("q")
    editor.wait_until("return #vim.api.nvim_list_wins() == 1")


@pytest.mark.parametrize("words", ["complete maybe", "complete on off", "pause now", "diff this", "status all"])
def test_words_that_a_command_does_not_know_are_refused(editor: Editor, words: str) -> None:
    editor.execute(f"Codekin {words}")
    name, _, unknown = words.partition(" ")
    assert editor.wait_for_message(f"{name} takes").endswith(f", not {unknown}")
    assert "paused" not in editor.lua("return require('codekin').status()")


def test_a_long_message_is_shortened_and_waits_for_no_key(editor: Editor) -> None:
    text = "a long message " * 20
    editor.lua("recording_notify, vim.notify = vim.notify, default_notify")
    editor.lua("require('codekin.client').notify(...)", text + "to its end")
    editor.terminal.wait_until("… (:Codekin log)")
    assert not editor.api.api.get_mode()["blocking"]
    editor.lua("vim.notify = recording_notify")
    editor.execute("Codekin log")
    assert "to its end" in editor.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false))")
    editor.execute("close")


def test_the_log_is_shown(editor: Editor) -> None:
    editor.execute("Codekin log")
    lines = editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")
    assert "all messages are in" in lines[0]
    assert editor.lua("return {vim.bo.buftype, vim.bo.modifiable}") == ["nofile", False]
    editor.execute("close")


@NEWEST
def test_what_a_server_says_before_it_dies_is_in_the_log(start: Start) -> None:
    editor = start()
    program = editor.project.home / "bin/codekin"
    program.unlink()
    program.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 3\n")
    program.chmod(0o755)
    editor.execute("edit shop/orders.py")
    editor.wait_for_message("quit with exit code 3")
    editor.execute("Codekin log")
    assert "no such luck" in editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")
