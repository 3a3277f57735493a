"""Neovim in a terminal, with the plugin as it is in this repository, spoken to by keys and by its API."""

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pynvim
import pytest

from ..bring_neovim import Neovim, neovim
from ..debian import needed
from ..desk import FILES, Desk, make_desk
from ..terminal import Terminal

PLUGIN = Path(__file__).parents[3] / "editors" / "neovim"
SUITES = ["trixie", "forky"]
LONG_S = 60.0  # far more than anything here takes; a test that waits for it has failed
INDEXED = "return (select(2, require('codekin').status()) or {}).coverage == 1"
FRESH = """
  vim.cmd('silent! stopinsert | silent! tabonly | silent! only')
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do vim.bo[buffer].modified = false end
  vim.cmd('silent! cclose | silent! lclose | silent! only')
  vim.fn.setqflist({}, 'f')
  require('codekin').setup({})
  told = {}
"""
REMEMBER = """
  told = {}
  local notify = vim.notify
  vim.notify = function(text, ...) table.insert(told, text) return notify(text, ...) end
"""


class Editor:
    """A Neovim that a user sits before."""

    def __init__(self, program: Neovim, desk: Desk, *words: str, plugin: Path = PLUGIN, **more: str) -> None:
        self.desk = desk
        self._folder = tempfile.TemporaryDirectory(prefix="nvim")  # its path is short, as a socket's must be
        address = f"{self._folder.name}/s"
        command = [str(program.command), "--clean", "--cmd", f"set rtp^={plugin} noswapfile shortmess+=I background=dark"]
        environment = desk.environment | program.environment | {"XDG_RUNTIME_DIR": self._folder.name, "NVIM_TEST": "1"} | more
        self.terminal = Terminal([*command, "--listen", address, *words], desk.project, environment)
        self.terminal.__enter__()
        end = time.monotonic() + LONG_S
        while not self._answers(address):
            assert time.monotonic() < end, f"Neovim does not start:\n{self.terminal.screen}"
        self.api = pynvim.attach("socket", path=address)
        self.until("return vim.v.vim_did_enter == 1")
        self.lua(REMEMBER)

    @staticmethod
    def _answers(address: str) -> bool:
        with socket.socket(socket.AF_UNIX) as knocking:
            return Path(address).exists() and knocking.connect_ex(address) == 0

    def close(self) -> None:
        self.terminal.__exit__()
        self._folder.cleanup()

    def lua(self, code: str, *arguments: Any) -> Any:
        """What the code returns, inside Neovim."""
        return self.api.exec_lua(code, *arguments)

    def do(self, command: str) -> None:
        """Carry out an Ex command."""
        self.api.command(command)

    def press(self, keys: str) -> None:
        """These keys, in Neovim's notation."""
        self.api.input(keys)

    def until(self, condition: str | Callable[[], Any], *arguments: Any) -> Any:
        """What the condition, a function or Lua, gives as soon as it is something."""
        end = time.monotonic() + LONG_S
        while True:
            value = self.lua(condition, *arguments) if isinstance(condition, str) else condition()
            if value:
                return value
            assert time.monotonic() < end, f"{condition} does not come true:\n{self.terminal.screen}"

    def told(self, text: str) -> str:
        """The message with this text in it, when it comes."""
        code = "for _, each in ipairs(told) do if each:find(..., 1, true) then return each end end"
        return str(self.until(code, text))

    def edit(self, name: str, line: int = 1) -> None:
        """Open a file of the project; it is known, and all is searchable."""
        self.do(f"edit! {name}")
        self.do(str(line))
        self.until(INDEXED)

    def quickfix(self) -> list[str]:
        """The quickfix list's lines, as soon as there are any."""
        return [item["text"] for item in self.until("return vim.fn.getqflist()")]


@pytest.fixture(scope="module", params=SUITES)
def program(request: pytest.FixtureRequest) -> Neovim:
    """Each Neovim."""
    with needed():
        return neovim(request.param)


Start = Callable[..., Editor]


@pytest.fixture
def start(program: Neovim, tmp_path: Path) -> Iterator[Start]:
    """For tests that need an editor, or a desk, of their own."""
    editors: list[Editor] = []

    def started(*words: str, files: dict[str, str] = FILES, desk: Desk | None = None, **more: Any) -> Editor:
        desk = desk or make_desk(tmp_path, files)
        editors.append(Editor(program, desk, *words, **more))
        return editors[-1]

    yield started
    for editor in editors:
        editor.close()


@pytest.fixture(scope="module")
def _shared(program: Neovim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(program, make_desk(tmp_path_factory.mktemp("desk"), FILES))
    yield editor
    editor.close()


@pytest.fixture
def editor(_shared: Editor) -> Editor:
    """For tests that leave things as they were: one editor for a file of tests, with a small shop that is indexed."""
    _shared.press("<Esc><Esc>")
    _shared.lua(FRESH)
    _shared.edit("shop/orders.py", 6)
    return _shared


@pytest.fixture
def has_ghost_text(editor: Editor) -> bool:
    """Neovim 0.12."""
    return bool(editor.api.funcs.has("nvim-0.12"))


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    os.environ.pop("NVIM", None)  # tests may be run in a terminal of Neovim's
