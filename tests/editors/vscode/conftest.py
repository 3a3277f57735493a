# ruff: noqa: TID252 (tests are no package, so that only relative imports find the folder above)
"""The extension, built and packed as it is released, and VS Code to run it in."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..bring_vscode import SOURCE, chromium, tools, vscode
from ..debian import needed
from ..desk import PROGRAMS, Desk

_BUILD_S, _START_S, _SUITE_S = 120, 60, 150
_LISTENING = re.compile(r"listening on (\d+)|https?://[^:/]+:(\d+)")


@dataclass(frozen=True, slots=True)
class Built:
    """What the build has made."""

    folder: Path  # with `dist` and the packed `codekin.vsix`
    unpacked: Path  # the extension as VS Code would install it

    def script(self, name: str) -> subprocess.CompletedProcess[str]:
        """Carry out a script of package.json."""
        return subprocess.run(
            ["npm", "run", "-s", name], cwd=self.folder, capture_output=True, text=True, timeout=_BUILD_S, check=False
        )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built in a copy: nothing is left in the working tree."""
    with needed():
        modules = tools()
    folder = tmp_path_factory.mktemp("extension") / "vscode"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "*.vsix", "__pycache__"))
    (folder / "node_modules").symlink_to(modules)
    made = Built(folder, folder.parent / "unpacked" / "extension")
    for name in ("package", "bundle-tests"):
        done = made.script(name)
        assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(folder / "codekin.vsix") as packed:
        packed.extractall(folder.parent / "unpacked")
    return made


@contextmanager
def _serving(home: Path, desk: Desk, version_home: Path) -> Iterator[str]:
    """VS Code's server, and its address."""
    data = home / "data"
    (data / "data" / "User").mkdir(parents=True)
    settings = {
        "codekin.path": str(PROGRAMS / "codekin"),
        "security.workspace.trust.enabled": False,
        "telemetry.telemetryLevel": "off",
        "extensions.autoCheckUpdates": False,
        "git.enabled": False,
    }
    for folder in ("User", "Machine"):  # what is of the machine is taken from the remote's own settings
        (data / "data" / folder).mkdir(exist_ok=True)
        (data / "data" / folder / "settings.json").write_text(json.dumps(settings))
    short = tempfile.mkdtemp(prefix="vsc")  # a socket's path must be
    command = [
        *(str(version_home / "node"), str(version_home / "cs/lib/vscode/out/server-main.js")),
        *("--host", "127.0.0.1", "--port", "0", "--without-connection-token", "--accept-server-license-terms"),
        *("--server-data-dir", str(data), "--telemetry-level", "off", "--disable-workspace-trust"),
        "--enable-smoke-test-driver",
    ]
    log = home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, env=desk.environment | {"TMPDIR": short, "XDG_RUNTIME_DIR": short}, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{_port(server, log)}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            shutil.rmtree(short, ignore_errors=True)


def _port(server: "subprocess.Popen[bytes]", log: Path) -> int:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and server.poll() is None:
        found = _LISTENING.search(log.read_text("utf-8", "replace"))
        if found:
            return int(found[1] or found[2])
        time.sleep(0.05)
    raise AssertionError(f"VS Code's server does not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def run_suite(version: str, built: Built, desk: Desk, home: Path) -> tuple[int, str]:
    """Run the extension host's suite in this VS Code: its exit status, and what was said."""
    with needed():
        program = vscode(version)
        browser, libraries = chromium()
    with _serving(home, desk, program) as address:
        page = ["node", "test/page.mjs", address, str(desk.project), str(built.unpacked)]
        done = subprocess.run(
            [*page, str(built.folder / "dist" / "host" / "index.js"), str(browser)],
            cwd=built.folder,
            env=dict(os.environ) | libraries | {"MOST_MS": str(1000 * (_SUITE_S - 30))},
            capture_output=True, text=True, timeout=_SUITE_S, check=False,
        )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
