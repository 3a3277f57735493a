"""Install VS Code (from the npm package code-server), a headless browser, and the extension's build tools."""

import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from filelock import FileLock

from .debian import CACHE, UnavailableError, unpack_package

SOURCE = Path(__file__).parents[2] / "editors" / "vscode"
# Versions of code-server, with the Node.js that each needs where the installed one is too old
VERSIONS = {"4.100.3": None, "4.139.1": "24.11.1"}
_TIMEOUT_S = 900
_REPLACEMENTS = {
    "@vscode/spdlog": "spdlog.js",
    "@vscode/native-watchdog": "watchdog.js",
    "native-watchdog": "watchdog.js",
}


def install_vscode(version: str) -> Path:
    """Return the folder with this version's `node` and `cs/lib/vscode/out/server-main.js`. Raises UnavailableError."""
    home = CACHE / "vscode" / version
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            shutil.rmtree(home)
            home.mkdir()
            _install_version(home, version)
            (home / "complete").touch()
    return home


@cache
def start_downloads() -> tuple[dict[str, Future[Path]], Future[tuple[Path, dict[str, str]]]]:
    """Install each VS Code and the browser in parallel: each waits for the network most of the time."""
    pool = ThreadPoolExecutor()
    futures = {version: pool.submit(install_vscode, version) for version in VERSIONS}, pool.submit(install_chromium)
    pool.submit(install_tools)
    pool.shutdown(wait=False)
    return futures


def _install_version(home: Path, version: str) -> None:
    with ThreadPoolExecutor() as pool:
        node_program = pool.submit(_find_node, home / "rt", VERSIONS[version])
        pool.submit(_unpack_version, home, version).result()
        (home / "node").symlink_to(node_program.result())


def _find_node(home: Path, node_version: str | None) -> str:
    """Install Node.js in this version; None means that the installed one is new enough."""
    if node_version is None:
        installed = shutil.which("node")
        if installed is None:
            raise UnavailableError("needs node, which is not installed")
        return installed
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    home.mkdir()
    (home / "package.json").write_text('{"private": true}')
    run_npm("install", "--ignore-scripts", f"node-linux-{machine}@{node_version}", folder=home)
    return str(home / "node_modules" / f"node-linux-{machine}" / "bin" / "node")


def _unpack_version(home: Path, version: str) -> None:
    """Unpack VS Code's server and install its dependencies. The two native modules it needs at start are replaced."""
    run_npm("pack", "--silent", f"code-server@{version}", folder=home)
    (archive,) = home.glob("code-server-*.tgz")
    with tarfile.open(archive) as packed_archive:
        packed_archive.extractall(home, filter="tar")
    archive.unlink()
    (home / "package").rename(home / "cs")
    server_folder = home / "cs" / "lib" / "vscode"
    run_npm("install", "--omit=dev", "--omit=optional", "--ignore-scripts", "--legacy-peer-deps", folder=server_folder)
    modules = server_folder / "node_modules"
    if not (server_folder / "node_modules.asar").exists():
        (server_folder / "node_modules.asar").symlink_to("node_modules")
    for name, script in _REPLACEMENTS.items():
        if (modules / name).is_dir():
            shutil.copy(Path(__file__).parent / "vscode" / "standins" / script, modules / name / "index.js")


def install_tools() -> Path:
    """Install the extension's development dependencies by its lock file; return `node_modules`.

    Raises UnavailableError.
    """
    lock = (SOURCE / "package-lock.json").read_bytes()
    home = CACHE / "vscode" / f"tools-{hashlib.sha256(lock).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(SOURCE / name, home / name)
            run_npm("ci", "--ignore-scripts", folder=home)
            (home / "complete").touch()
    return home / "node_modules"


def install_chromium() -> tuple[Path, dict[str, str]]:
    """Install a headless browser; return it and its environment variables. Raises UnavailableError."""
    program = "usr/lib/chromium/chromium-headless-shell"
    root = unpack_package("chromium-headless-shell", "bookworm", programs=(program,))
    folders = {path.parent for path in (root / "usr/lib").rglob("lib*.so*")}  # some libraries look for others by path
    return root / program, {"LD_LIBRARY_PATH": ":".join(sorted(map(str, folders), key=len))}


def run_npm(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run npm and return its output. Raises UnavailableError if it fails."""
    quiet = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false"}
    return run_program(["npm", *arguments], folder, (environment or dict(os.environ)) | quiet)


def run_program(command: Sequence[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a program and return its output. Raises UnavailableError if it fails or is not installed."""
    try:
        completed = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise UnavailableError(f"needs {command[0]}, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{' '.join(command[:2])} takes longer than {_TIMEOUT_S} s") from None
    if completed.returncode:
        raise UnavailableError(f"{' '.join(command[:2])} fails: {(completed.stderr or completed.stdout)[-300:]}")
    return completed.stdout
