"""A user's VS Code, served to a headless browser."""

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

from ..debian import skip_if_unavailable
from ..install_vscode import start_downloads
from ..project import PROGRAMS, UserProject

_START_TIMEOUT_S, _INSTALL_TIMEOUT_S = 600, 600
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
class ServedVSCode:
    """An installed VS Code with a fresh user data folder."""

    program: Path
    home: Path
    project: UserProject

    @property
    def settings(self) -> Path:
        """The user's settings file."""
        return self.home / "data" / "User" / "settings.json"

    def write_settings(self, values: dict[str, Any]) -> None:
        """Write the settings of the user and of the remote machine, which has those of scope machine."""
        for folder in ("User", "Machine"):
            path = self.home / "data" / folder / "settings.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def install_extension(self, package: Path) -> None:
        """Install a .vsix file."""
        command = [*self._command, "--install-extension", str(package)]
        completed = subprocess.run(
            command,
            env=self.project.environment,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
        assert "successfully installed" in completed.stdout, completed.stdout + completed.stderr

    @contextmanager
    def serve(self, *flags: str) -> Iterator[str]:
        """Run the server, and yield its address."""
        socket_folder = tempfile.mkdtemp(prefix="vsc")  # a socket's path must be short
        address = ("--host", "127.0.0.1", "--port", "0", "--without-connection-token", "--telemetry-level", "off")
        environment = self.project.environment | {"TMPDIR": socket_folder, "XDG_RUNTIME_DIR": socket_folder}
        log = self.home / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(
                [*self._command, *address, *flags],
                env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                yield f"http://127.0.0.1:{_wait_for_port(server, log)}"
            finally:
                _terminate(server)
                shutil.rmtree(socket_folder, ignore_errors=True)

    @property
    def _command(self) -> list[str]:
        main = self.program / "cs/lib/vscode/out/server-main.js"
        data = ["--accept-server-license-terms", "--server-data-dir", str(self.home)]
        return [str(self.program / "node"), str(main), *data]


def create_vscode(version: str, home: Path, project: UserProject, **settings: Any) -> ServedVSCode:
    """Set up VS Code in this version. Skips the test if it cannot be downloaded."""
    with skip_if_unavailable():
        vscode = ServedVSCode(start_downloads()[0][version].result(), home, project)
    vscode.write_settings(SETTINGS | settings)
    project.write(".profile", 'PATH="$HOME/bin:$PATH"\n')  # VS Code takes PATH from a login shell, like Debian's
    return vscode


def run_browser_script(arguments: Sequence[str], folder: Path, timeout_s: float) -> tuple[int, str]:
    """Run a script that drives the browser, and ends itself at the timeout; return its exit status and output."""
    with skip_if_unavailable():
        program, libraries = start_downloads()[1].result()
    environment = dict(os.environ) | libraries | {"CHROMIUM": str(program), "TIMEOUT_MS": str(int(1000 * timeout_s))}
    completed = subprocess.run(
        ["node", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s + 30,
        check=False,
    )
    return completed.returncode, completed.stdout + completed.stderr


def _wait_for_port(server: "subprocess.Popen[bytes]", log: Path) -> int:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        match = _LISTENING.search(log.read_text("utf-8", "replace"))
        if match:
            return int(match[1] or match[2])
        time.sleep(0.05)
    raise AssertionError(f"VS Code's server does not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def _terminate(server: "subprocess.Popen[bytes]") -> None:
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
