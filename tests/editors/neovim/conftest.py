"""Neovim in a terminal with the plugin of this repository, driven by keys and by its API."""

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

from ..debian import skip_if_unavailable
from ..install_neovim import Neovim, install_neovim
from ..project import SHOP_FILES, UserProject, create_project
from ..terminal import Terminal

PLUGIN = Path(__file__).parents[3] / "editors" / "neovim"
SUITES = ["trixie", "forky"]  # 0.10, and the newest: 0.12 as this is written
TIMEOUT_S = 180.0  # far more than any condition needs
INDEXED = "return (select(2, require('codekin').status()) or {}).coverage == 1"
RESET = """
  vim.cmd('stopinsert | silent! tabonly! | silent! only! | silent! %bwipeout!')
  vim.fn.setqflist({}, 'f')
  require('codekin').setup({})
  messages = {}
"""
RECORD_MESSAGES = """
  messages = {}
  default_notify = default_notify or vim.notify
  vim.notify = function(text) table.insert(messages, text) end -- the default may wait for a key
"""


class Editor:
    """A Neovim in a terminal."""

    def __init__(self, program: Neovim, project: UserProject, *words: str, plugin: Path = PLUGIN, **more: str) -> None:
        self.project, self.is_closed = project, False
        self._folder = tempfile.TemporaryDirectory(prefix="nvim")  # with a short path, for the socket
        address = f"{self._folder.name}/s"
        command = [
            str(program.command),
            "--clean",
            "--cmd",
            f"set rtp^={plugin} noswapfile shortmess+=I background=dark",
        ]
        environment = (
            project.environment | program.environment | {"XDG_RUNTIME_DIR": self._folder.name, "NVIM_TEST": "1"} | more
        )
        self.terminal = Terminal([*command, "--listen", address, *words], project.folder, environment)
        self.terminal.__enter__()
        end = time.monotonic() + TIMEOUT_S
        while not self._answers(address):
            self.terminal.read(0.01)
            assert time.monotonic() < end, f"Neovim does not start:\n{self.terminal.screen}"
        self.api = pynvim.attach("socket", path=address)
        self.wait_until("return vim.v.vim_did_enter == 1")
        self.lua(RECORD_MESSAGES)

    @staticmethod
    def _answers(address: str) -> bool:
        with socket.socket(socket.AF_UNIX) as knocking:
            return Path(address).exists() and knocking.connect_ex(address) == 0

    def close(self) -> None:
        """Quit at once: kill the server, which Neovim would wait for, and the terminal, which it would query."""
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
        """Run Lua code in Neovim and return its result."""
        with self._fail_if_blocked():
            return self.api.exec_lua(code, *arguments)

    def execute(self, command: str) -> None:
        """Run an Ex command."""
        with self._fail_if_blocked():
            self.api.command(command)

    @contextmanager
    def _fail_if_blocked(self) -> Iterator[None]:
        """Fail if Neovim waits for a key, as at "Press ENTER", where it would never answer."""

        def fail(*_: object) -> None:
            raise AssertionError(f"Neovim waits for a key:\n{self.terminal.screen}")

        if self.api.api.get_mode()["blocking"]:
            fail()
        signal.signal(signal.SIGALRM, fail)
        signal.setitimer(signal.ITIMER_REAL, TIMEOUT_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def send_keys(self, keys: str) -> None:
        """Send keys in Neovim's notation."""
        self.api.input(keys)

    def wait_until(self, condition: str | Callable[[], Any], *arguments: Any) -> Any:
        """Wait until the condition, a function or Lua code, returns a truthy value, and return that."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            value = self.lua(condition, *arguments) if isinstance(condition, str) else condition()
            if value:
                return value
            self.terminal.drain(0.005)  # Neovim blocks when nobody reads its output
            assert time.monotonic() < end, f"{condition} timed out:\n{self.terminal.screen}"

    def wait_for_message(self, text: str) -> str:
        """Wait for a message that contains this text."""
        code = "for _, each in ipairs(messages) do if each:find(..., 1, true) then return each end end"
        return str(self.wait_until(code, text))

    def open_file(self, name: str, line: int = 1) -> None:
        """Open a file of the project at a line, and wait until the project is indexed."""
        self.execute(f"edit! {name}")
        self.execute(str(line))
        self.wait_until(INDEXED)

    def reset(self) -> None:
        """Close everything, reset options and lists, and clear the screen."""
        self.send_keys("<Esc><Esc>")
        self.lua(RESET)
        self.settle()

    def settle(self) -> None:
        """Wait until the screen shows all that Neovim has drawn so far, and no message."""
        blank = f"blank {time.monotonic_ns()}"
        self.execute(f"redraw! | echo '{blank}'")
        self.terminal.wait_until(blank)
        self.execute("redraw! | echo ''")
        self.terminal.wait_until(lambda screen: blank not in screen)

    def repeat_until(self, command: str, condition: str) -> None:
        """Repeat the command until it has results for which the condition, Lua code, is true."""

        def answered() -> bool:
            self.lua("vim.fn.setqflist({}, 'f') messages = {}")
            self.execute(command)
            if self.wait_until("return #vim.fn.getqflist() > 0 and 'hits' or #messages > 0 and 'nothing'") == "nothing":
                return False
            self.execute("wincmd p")
            return bool(self.lua(condition))

        self.wait_until(answered)

    def read_quickfix(self) -> list[str]:
        """Wait for a non-empty quickfix list, and return its texts."""
        return [item["text"] for item in self.wait_until("return vim.fn.getqflist()")]


@pytest.fixture(scope="session", params=SUITES)
def program(request: pytest.FixtureRequest) -> Neovim:
    """Each version of Neovim."""
    with skip_if_unavailable():
        return install_neovim(request.param)


def run_only_in(suite: str) -> pytest.MarkDecorator:
    """Run a test in one version only."""
    return pytest.mark.parametrize("program", [suite], indirect=True)


OLD, NEWEST = map(run_only_in, SUITES)
Start = Callable[..., Editor]


@pytest.fixture
def start(program: Neovim, tmp_path: Path) -> Iterator[Start]:
    """Start editors that no other test uses."""
    editors: list[Editor] = []

    def start_editor(
        *words: str, files: dict[str, str] = SHOP_FILES, project: UserProject | None = None, **more: Any
    ) -> Editor:
        project = project or create_project(tmp_path, files)
        editors.append(Editor(program, project, *words, **more))
        return editors[-1]

    yield start_editor
    for editor in editors:
        editor.close()


@pytest.fixture(scope="session")
def _shared(program: Neovim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(program, create_project(tmp_path_factory.mktemp("project"), SHOP_FILES), "shop/orders.py")
    yield editor
    editor.close()


@pytest.fixture
def editor(_shared: Editor) -> Editor:
    """One editor for all tests that change no files, in a small project."""
    _shared.reset()
    _shared.open_file("shop/orders.py", 6)
    return _shared


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    os.environ.pop("NVIM", None)  # the tests may run in a terminal of Neovim
