"""A user's VS Code, served to a browser without a window."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bring_vscode import brought
from ..debian import needed
from ..desk import PROGRAMS, Desk

_START_S, _INSTALL_S = 120, 120
_LISTENING = re.compile(r"listening on (\d+)|https?://[^:/]+:(\d+)")
SETTINGS = {
    "codekin.path": str(PROGRAMS / "codekin"),
    "telemetry.telemetryLevel": "off",
    "extensions.autoCheckUpdates": False,
    "git.enabled": False,
    "files.autoSave": "off",
    "editor.autoIndent": "none",  # a busy VS Code indents some lines and not others
    "workbench.startupEditor": "none",
    "chat.disableAIFeatures": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
}


@dataclass(frozen=True, slots=True)
class Code:
    """VS Code with its program, and a home in which nothing has happened yet."""

    program: Path
    home: Path
    desk: Desk

    @property
    def settings(self) -> Path:
        """The user's."""
        return self.home / "data" / "User" / "settings.json"

    def configure(self, values: dict[str, Any]) -> None:
        """Write the user's settings; those of the machine are taken from a remote machine's own."""
        for folder in ("User", "Machine"):
            path = self.home / "data" / folder / "settings.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def install(self, package: Path) -> None:
        """The extension, as a user would from a file."""
        words = [*self._command, "--install-extension", str(package)]
        environment = self.desk.environment
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        assert "successfully installed" in done.stdout, done.stdout + done.stderr

    @contextmanager
    def served(self, *flags: str) -> Iterator[str]:
        """Its address, while it runs."""
        short = tempfile.mkdtemp(prefix="vsc")  # a socket's path must be
        where = ("--host", "127.0.0.1", "--port", "0", "--without-connection-token", "--telemetry-level", "off")
        environment = self.desk.environment | {"TMPDIR": short, "XDG_RUNTIME_DIR": short}
        log = self.home / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(
                [*self._command, *where, *flags],
                env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                yield f"http://127.0.0.1:{_port(server, log)}"
            finally:
                _end(server)
                shutil.rmtree(short, ignore_errors=True)

    @property
    def _command(self) -> list[str]:
        main = self.program / "cs/lib/vscode/out/server-main.js"
        data = ["--accept-server-license-terms", "--server-data-dir", str(self.home)]
        return [str(self.program / "node"), str(main), *data]


def a_code(version: str, home: Path, desk: Desk, **settings: Any) -> Code:
    """VS Code of this version, set up; the test is skipped where there is none."""
    with needed():
        code = Code(brought()[0][version].result(), home, desk)
    code.configure(SETTINGS | settings)
    desk.write(".profile", 'PATH="$HOME/bin:$PATH"\n')  # VS Code asks a login shell, as Debian's do
    return code


def browse(words: Sequence[str], folder: Path, most_s: float) -> tuple[int, str]:
    """Run a script that drives the browser: its exit status, and what was said. It is ended when it takes too long."""
    with needed():
        program, libraries = brought()[1].result()
    environment = dict(os.environ) | libraries | {"CHROMIUM": str(program), "MOST_MS": str(int(1000 * most_s))}
    done = subprocess.run(
        ["node", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=most_s + 30, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _port(server: "subprocess.Popen[bytes]", log: Path) -> int:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and server.poll() is None:
        found = _LISTENING.search(log.read_text("utf-8", "replace"))
        if found:
            return int(found[1] or found[2])
        time.sleep(0.05)
    raise AssertionError(f"VS Code's server does not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def _end(server: "subprocess.Popen[bytes]") -> None:
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
