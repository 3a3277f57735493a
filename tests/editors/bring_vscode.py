"""VS Code, as the npm package code-server carries it, a browser to open it in, and our extension's tools."""

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

from .debian import CACHE, UnavailableError, unpacked

SOURCE = Path(__file__).parents[2] / "editors" / "vscode"
VERSIONS = {"4.100.3": None, "4.139.1": "24.11.1"}  # code-server's, and the Node.js that it wants where ours is too old
_MOST_S = 280
_STANDINS = {"@vscode/spdlog": "spdlog.js", "@vscode/native-watchdog": "watchdog.js", "native-watchdog": "watchdog.js"}


def vscode(version: str) -> Path:
    """The folder with this VS Code's `node` and `cs/lib/vscode/out/server-main.js`. Raises UnavailableError."""
    home = CACHE / "vscode" / version
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            shutil.rmtree(home)
            home.mkdir()
            _install(home, version)
            (home / "complete").touch()
    return home


@cache
def brought() -> tuple[dict[str, Future[Path]], Future[tuple[Path, dict[str, str]]]]:
    """Each VS Code, and the browser: all at once, for each waits for the network most of the time."""
    pool = ThreadPoolExecutor()
    futures = {version: pool.submit(vscode, version) for version in VERSIONS}, pool.submit(chromium)
    pool.submit(tools)
    pool.shutdown(wait=False)
    return futures


def _install(home: Path, version: str) -> None:
    with ThreadPoolExecutor() as pool:
        node, unpacking = pool.submit(_node, home / "rt", VERSIONS[version]), pool.submit(_unpack, home, version)
        unpacking.result()
        (home / "node").symlink_to(node.result())


def _node(home: Path, wanted: str | None) -> str:
    """A Node.js of the version that is wanted; ours where it does."""
    if wanted is None:
        ours = shutil.which("node")
        if ours is None:
            raise UnavailableError("needs node, which is not installed")
        return ours
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    home.mkdir()
    (home / "package.json").write_text('{"private": true}')
    npm("install", "--ignore-scripts", f"node-linux-{machine}@{wanted}", folder=home)
    return str(home / "node_modules" / f"node-linux-{machine}" / "bin" / "node")


def _unpack(home: Path, version: str) -> None:
    """VS Code's server with what it needs. Nothing is compiled: of its native modules no window waits but for two."""
    npm("pack", "--silent", f"code-server@{version}", folder=home)
    (archive,) = home.glob("code-server-*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(home, filter="tar")
    archive.unlink()
    (home / "package").rename(home / "cs")
    inside = home / "cs" / "lib" / "vscode"
    npm("install", "--omit=dev", "--omit=optional", "--ignore-scripts", "--legacy-peer-deps", folder=inside)
    modules = inside / "node_modules"
    if not (inside / "node_modules.asar").exists():
        (inside / "node_modules.asar").symlink_to("node_modules")
    for name, script in _STANDINS.items():
        if (modules / name).is_dir():
            shutil.copy(Path(__file__).parent / "vscode" / "standins" / script, modules / name / "index.js")


def tools() -> Path:
    """The `node_modules` that build and test the extension, as its lock file has them. Raises UnavailableError."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    home = CACHE / "vscode" / f"tools-{hashlib.sha256(lock).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(SOURCE / name, home / name)
            npm("ci", "--ignore-scripts", folder=home)
            (home / "complete").touch()
    return home / "node_modules"


def chromium() -> tuple[Path, dict[str, str]]:
    """A browser without a window, and what it needs in its environment. Raises UnavailableError."""
    program = "usr/lib/chromium/chromium-headless-shell"
    root = unpacked("chromium-headless-shell", "bookworm", programs=(program,))
    folders = {path.parent for path in (root / "usr/lib").rglob("lib*.so*")}  # some libraries look for others by path
    return root / program, {"LD_LIBRARY_PATH": ":".join(sorted(map(str, folders), key=len))}


def npm(*words: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    """What npm says. Raises UnavailableError where it fails."""
    quiet = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false"}
    return run(["npm", *words], folder, (environment or dict(os.environ)) | quiet)


def run(words: Sequence[str], folder: Path, environment: dict[str, str]) -> str:
    """What the program says. Raises UnavailableError where it fails or is not there."""
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, timeout=_MOST_S, check=False
        )
    except FileNotFoundError:
        raise UnavailableError(f"needs {words[0]}, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{' '.join(words[:2])} takes longer than {_MOST_S} s") from None
    if done.returncode:
        raise UnavailableError(f"{' '.join(words[:2])} fails: {(done.stderr or done.stdout)[-300:]}")
    return done.stdout
