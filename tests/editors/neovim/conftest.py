"""Neovim in a terminal, with the plugin as it is in this repository, spoken to by keys and by its API."""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pynvim
import pytest

from ..bring_neovim import Neovim, neovim
from ..debian import needed
from ..desk import FILES, Desk, make_desk
from ..terminal import Terminal

PLUGIN = Path(__file__).parents[3] / "editors" / "neovim"
SUITES = ["trixie", "forky"]  # 0.10, and the newest: 0.12 as this is written
LONG_S = 60.0  # far more than anything here takes; a test that waits for it has failed
INDEXED = "return (select(2, require('codekin').status()) or {}).coverage == 1"
FRESH = """
  vim.cmd('stopinsert | silent! tabonly! | silent! only! | silent! %bwipeout!')
  vim.fn.setqflist({}, 'f')
  require('codekin').setup({})
  told = {}
"""
REMEMBER = """
  told = {}
  vim.notify = function(text) table.insert(told, text) end -- long ones would wait for a key
"""


class Editor:
    """A Neovim that a user sits before."""

    def __init__(self, program: Neovim, desk: Desk, *words: str, plugin: Path = PLUGIN, **more: str) -> None:
        self.desk, self.is_closed = desk, False
        self._folder = tempfile.TemporaryDirectory(prefix="nvim")  # its path is short, as a socket's must be
        address = f"{self._folder.name}/s"
        command = [
            str(program.command),
            "--clean",
            "--cmd",
            f"set rtp^={plugin} noswapfile shortmess+=I background=dark",
        ]
        environment = (
            desk.environment | program.environment | {"XDG_RUNTIME_DIR": self._folder.name, "NVIM_TEST": "1"} | more
        )
        self.terminal = Terminal([*command, "--listen", address, *words], desk.project, environment)
        self.terminal.__enter__()
        end = time.monotonic() + LONG_S
        while not self._answers(address):
            self.terminal.read(0.01)
            assert time.monotonic() < end, f"Neovim does not start:\n{self.terminal.screen}"
        self.api = pynvim.attach("socket", path=address)
        self.until("return vim.v.vim_did_enter == 1")
        self.lua(REMEMBER)

    @staticmethod
    def _answers(address: str) -> bool:
        with socket.socket(socket.AF_UNIX) as knocking:
            return Path(address).exists() and knocking.connect_ex(address) == 0

    def close(self) -> None:
        """Quit at once: without the server, which Neovim would wait for, and the terminal, which it would ask."""
        if self.is_closed:
            return
        self.is_closed = True
        with suppress(OSError, EOFError):  # when it has ended
            if not self.api.api.get_mode()["blocking"]:
                for server in self.api.api.get_proc_children(self.api.funcs.getpid()):
                    os.kill(server, signal.SIGKILL)
            self.api.command("qa!", async_=True)
            self.terminal._program.kill()
            while self.api.api.get_mode():
                pass
        self.api.close()
        self.terminal.__exit__()
        self._folder.cleanup()

    def lua(self, code: str, *arguments: Any) -> Any:
        """What the code returns, inside Neovim."""
        with self._listening():
            return self.api.exec_lua(code, *arguments)

    def do(self, command: str) -> None:
        """Carry out an Ex command."""
        with self._listening():
            self.api.command(command)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Neovim answers nothing while it waits for a key, as at "Press ENTER": don't wait for ever."""

        def waits(*_: object) -> None:
            raise AssertionError(f"Neovim waits for a key:\n{self.terminal.screen}")

        if self.api.api.get_mode()["blocking"]:
            waits()
        signal.signal(signal.SIGALRM, waits)
        signal.setitimer(signal.ITIMER_REAL, LONG_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

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
            self.terminal.read(0.005)  # it waits for its reader
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

    def fresh(self) -> None:
        """Nothing is open, asked, set or told, and nothing stands on the screen."""
        self.press("<Esc><Esc>")
        self.lua(FRESH)
        blank = f"blank {time.monotonic_ns()}"
        self.do(f"redraw! | echo '{blank}'")
        self.terminal.until(blank)
        self.do("echo")

    def ask(self, command: str, condition: str) -> None:
        """Ask, and ask again when there is another answer, until this is so."""

        def answered() -> bool:
            self.lua("vim.fn.setqflist({}, 'f') told = {}")
            self.do(command)
            if self.until("return #vim.fn.getqflist() > 0 and 'hits' or #told > 0 and 'nothing'") == "nothing":
                return False
            self.do("wincmd p")
            return bool(self.lua(condition))

        self.until(answered)

    def quickfix(self) -> list[str]:
        """The quickfix list's lines, as soon as there are any."""
        return [item["text"] for item in self.until("return vim.fn.getqflist()")]


@pytest.fixture(scope="session", params=SUITES)
def program(request: pytest.FixtureRequest) -> Neovim:
    """Each Neovim."""
    with needed():
        return neovim(request.param)


def only(suite: str) -> pytest.MarkDecorator:
    """For tests of what only one Neovim can, or of what is the same in each."""
    return pytest.mark.parametrize("program", [suite], indirect=True)


OLD, NEWEST = map(only, SUITES)
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


@pytest.fixture(scope="session")
def _shared(program: Neovim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(program, make_desk(tmp_path_factory.mktemp("desk"), FILES), "shop/orders.py")
    yield editor
    editor.close()


@pytest.fixture
def editor(_shared: Editor) -> Editor:
    """For tests that leave things as they were: one editor for them all, in a small shop."""
    _shared.fresh()
    _shared.edit("shop/orders.py", 6)
    return _shared


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    os.environ.pop("NVIM", None)  # tests may be run in a terminal of Neovim's
