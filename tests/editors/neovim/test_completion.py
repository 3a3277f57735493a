"""Completions from the workspace: ghost text on the screen (0.12), items of the completion menu (all)."""

import os
import signal
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..install_neovim import Neovim
from ..project import UNFINISHED_FILES, create_project
from .conftest import INDEXED, NEWEST, OLD, Editor, Start

KEYS = {"F2": "accept", "F3": "accept-word", "F4": "next", "F5": "source", "F6": "complete"}
LAST = "return vim.fn.getline('$')"
GHOST = """
  local space = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
  local mark = vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })[1]
  return mark and mark[4].virt_text[1][1] == ...
"""


@pytest.fixture(scope="module")
def _writing(program: Neovim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(program, create_project(tmp_path_factory.mktemp("project"), UNFINISHED_FILES))
    for key, name in KEYS.items():
        editor.execute(f"imap <{key}> <Plug>(codekin-{name})")
    yield editor
    editor.close()


@pytest.fixture
def writing(_writing: Editor) -> Editor:
    """An editor with keys for all that can be done, at a place where everybody knows how it goes on."""
    _writing.reset()
    _writing.open_file("shop/waste.py")
    _writing.execute("setlocal indentexpr= autoindent")
    return _writing


@NEWEST
def test_what_is_likely_stands_on_the_screen_and_is_accepted(writing: Editor) -> None:
    writing.send_keys("Go    raise Key")
    writing.terminal.wait_until("        raise KeyError(name)")
    assert writing.lua(LAST) == "        raise Key"
    writing.send_keys("<F2>")
    writing.wait_until("return vim.fn.getline(4) == '        raise KeyError(name)'")
    assert writing.lua("return vim.fn.mode()") == "i"


@NEWEST
def test_words_are_accepted_one_by_one(writing: Editor) -> None:
    writing.send_keys("Go    raise Key")
    writing.wait_until(GHOST, "Error(name)")
    for wanted, rest in (("raise KeyError", "(name)"), ("raise KeyError(", "name)"), ("raise KeyError(name", ")")):
        writing.send_keys("<F3>")
        writing.wait_until("return vim.fn.getline(4) == ...", f"        {wanted}")
        writing.wait_until(GHOST, rest)


@NEWEST
def test_what_is_typed_of_it_is_not_inserted_twice(writing: Editor) -> None:
    writing.send_keys("Go    raise Key")
    writing.wait_until(GHOST, "Error(name)")
    writing.send_keys("Er<F2>")
    writing.wait_until("return vim.fn.getline(4) == '        raise KeyError(name)'")


@NEWEST
def test_the_source_is_shown_beside_while_one_writes_on(writing: Editor) -> None:
    writing.send_keys("Go    raise Key")
    writing.wait_until(GHOST, "Error(name)")
    writing.send_keys("<F5>")
    writing.wait_until("""
      for _, window in ipairs(vim.api.nvim_list_wins()) do
        local name = vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window))
        if vim.wo[window].previewwindow then return name:find('stock.py') end
      end
    """)
    assert writing.lua("return {vim.fn.mode(), vim.fn.expand('%:t')}") == ["i", "waste.py"]
    assert writing.lua(LAST) == "        raise Key"


@NEWEST
def test_the_source_of_what_was_taken_is_shown_afterwards(writing: Editor) -> None:
    writing.send_keys("Go    raise Key")
    writing.wait_until(GHOST, "Error(name)")
    writing.send_keys("<F2>")
    writing.wait_until("return vim.fn.getline(4) == '        raise KeyError(name)'")
    writing.send_keys("<Esc>")
    writing.wait_until("return vim.fn.mode() == 'n'")
    writing.execute("lua require('codekin').source()")
    writing.wait_until("return vim.fn.expand('%:t') == 'stock.py'")


@NEWEST
def test_there_are_more_candidates_where_one_wants_them(start: Start) -> None:
    other = (
        UNFINISHED_FILES["shop/stock.py"].replace("KeyError(name)", "KeyMissing(store, name)").replace("_item", "_part")
    )
    editor = start(files={**UNFINISHED_FILES, "shop/parts.py": other})
    editor.lua("require('codekin').setup({settings = {completion = {limit = 3, floor = 0}}})")
    editor.execute("imap <F4> <Plug>(codekin-next)")
    editor.execute("edit shop/waste.py | setlocal indentexpr= autoindent")
    editor.wait_until(INDEXED)
    editor.send_keys("Go    raise Key")
    lines = ("raise KeyError(name)", "raise KeyMissing(store, name)")  # the likelier depends on whether tokens are read
    screen = editor.terminal.wait_until(lambda screen: any(f"    {line}" in screen for line in lines))
    other_line = lines[lines[0] in screen]
    assert other_line not in screen
    editor.send_keys("<F4>")
    editor.terminal.wait_until(lambda screen: "(2/" in screen and other_line in screen)


@NEWEST
def test_ghost_text_is_turned_off_and_on(writing: Editor) -> None:
    is_on = """
      local client = vim.lsp.get_clients({name = 'codekin'})[1]
      return vim.lsp.inline_completion.is_enabled({bufnr = 0, client_id = client.id})
    """
    assert writing.lua(is_on)
    writing.execute("Codekin complete off")
    assert not writing.lua(is_on)
    writing.execute("Codekin complete on")
    assert writing.lua(is_on)
    writing.send_keys("Go    raise Key")
    writing.wait_until(GHOST, "Error(name)")


@NEWEST
def test_code_that_nobody_here_wrote_goes_on_and_compiles(start: Start) -> None:
    """Python's own queues: the next one begins like its sisters."""
    library = Path(sysconfig.get_path("stdlib"))
    editor = start(files={name: (library / name).read_text("utf-8") for name in ("queue.py", "sched.py", "heapq.py")})
    editor.lua("vim.keymap.set('i', '<Tab>', require('codekin').accept)")
    editor.open_file("queue.py")
    editor.execute("setlocal indentexpr= noautoindent")
    editor.send_keys("Go<CR>class Stack(Queue):<CR>    def _init(self, maxsize):<CR>        ")
    editor.wait_until(GHOST, "self.queue = []")
    editor.send_keys("<Tab>")
    editor.wait_until("return vim.fn.getline('$') == '        self.queue = []'")
    compile("\n".join(editor.lua("return vim.fn.getline(1, '$')")), "queue.py", "exec")


def test_a_key_without_ghost_text_is_the_user_s(writing: Editor) -> None:
    writing.lua("""
      vim.keymap.set('i', '<Tab>', function()
        return require('codekin').accept() and '' or '<Tab>'
      end, { expr = true })
    """)
    writing.send_keys("GoX<Tab>Y")
    writing.wait_until("return vim.fn.getline(4):find('X\\t?%s*Y$')")


def test_asking_shows_what_there_is(writing: Editor) -> None:
    writing.send_keys("Go    raise Key<F6>")
    writing.terminal.wait_until("        raise KeyError(name)")


def test_without_a_completion_normal_mode_stays(writing: Editor) -> None:
    writing.execute("call cursor(1, 1)")
    writing.execute("Codekin complete")
    writing.wait_for_message("no completion here")
    assert writing.lua("return vim.fn.mode()") == "n"


def test_from_normal_mode_insert_mode_is_entered_for_a_completion(writing: Editor) -> None:
    writing.send_keys("Go    raise Key<Esc>")
    writing.wait_until("return vim.fn.mode() == 'n' and vim.fn.getline(4):find('raise Key$')")
    writing.execute("Codekin complete")
    writing.wait_until("return vim.fn.mode() == 'i'")
    writing.terminal.wait_until("        raise KeyError(name)")


def crash_server(editor: Editor) -> None:
    """Kill the server, and wait until the plugin has started another one for the buffer."""
    (server,) = editor.api.api.get_proc_children(editor.api.funcs.getpid())
    os.kill(server, signal.SIGKILL)
    editor.wait_until("return #vim.lsp.get_clients() == 0")
    editor.wait_until("return #vim.lsp.get_clients({name = 'codekin', bufnr = 0}) == 1")
    editor.wait_until(INDEXED)


def crash_while_writing(start: Start) -> Editor:
    """Return an editor in Insert mode behind `raise`, whose server was killed and started again."""
    editor = start(files=UNFINISHED_FILES)
    editor.execute("edit shop/waste.py | setlocal indentexpr= autoindent")
    editor.wait_until(INDEXED)
    editor.send_keys("Go    raise")
    editor.wait_until("return vim.fn.getline('$'):find('raise$')")
    crash_server(editor)
    return editor


@NEWEST
def test_ghost_text_comes_back_after_a_crash(start: Start) -> None:
    """Also while one writes: Insert mode is never left."""
    editor = crash_while_writing(start)
    editor.send_keys(" Key")
    editor.wait_until(GHOST, "Error(name)")


@OLD
def test_the_completion_menu_comes_back_after_a_crash(start: Start) -> None:
    """Neovim 0.10 has no ghost text."""
    editor = crash_while_writing(start)
    editor.send_keys(" Key<C-x><C-o>")
    editor.wait_until("return vim.fn.getline(4) == '        raise KeyError(name)'")


@OLD
def test_older_versions_have_it_in_the_completion_menu(writing: Editor) -> None:
    assert writing.lua("return vim.bo.omnifunc") == "v:lua.vim.lsp.omnifunc"
    writing.send_keys("Go    raise Key<C-x><C-o>")
    writing.wait_until("return vim.fn.pumvisible() == 1 or vim.fn.getline(4):find('raise')")
    writing.send_keys("<C-y>")
    writing.wait_until("return vim.fn.getline(4) == '        raise KeyError(name)'")


@OLD
def test_an_old_neovim_says_that_it_has_no_ghost_text(writing: Editor) -> None:
    writing.execute("Codekin complete on")
    writing.wait_for_message("ghost text needs Neovim 0.12")
