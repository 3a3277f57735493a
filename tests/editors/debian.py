"""Install programs of other Debian releases without changing the system.

An apt with its own root, below the user's cache, downloads a package with its dependencies; `dpkg-deb -x` unpacks them,
and patchelf makes the program find its libraries there. The archive is the one in the system's own sources. Installed
packages are reused without network; to install one anew, remove its folder.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

CACHE = platformdirs.user_cache_path("codekin-tests")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT_S = 600
_APT = """\
Dir "{0}"; Dir::State "{0}/state"; Dir::State::status "{0}/state/status"; Dir::Cache "{0}/cache"; Dir::Etc "{0}";
Dir::Etc::sourcelist "{0}/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-";
Dir::Etc::parts "/etc/apt/apt.conf.d"; Dir::Etc::trusted "{0}/none.gpg"; Dir::Etc::trustedparts "{0}/none";
APT::Install-Recommends "false"; APT::Sandbox::User "root"; Debug::NoLocking "true";
Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; Acquire::Retries "2"; Acquire::http::Timeout "20";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"""


class UnavailableError(Exception):
    """A program that a test needs cannot be installed here; the message says why."""


@contextmanager
def skip_if_unavailable() -> Iterator[None]:
    """Skip the test if a program is unavailable. In continuous integration the test fails instead."""
    try:
        yield
    except UnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@cache
def unpack_package(package: str, *suites: str, programs: Sequence[str] = ()) -> Path:
    """Unpack a package of the last of the `suites`, with its dependencies; return the folder that stands for `/`.

    `programs`, relative to that folder, are made runnable. Raises UnavailableError.
    """
    home = CACHE / "debian" / f"{package}-{suites[-1]}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            shutil.rmtree(home)
            for archive in _download(home / "apt", package, suites):
                _run("dpkg-deb", "-x", str(archive), str(home / "root"))
            for program in programs:
                _patch_program(home / "root" / program, home / "root")
            shutil.rmtree(home / "apt")
            (home / "complete").touch()
    return home / "root"


def _download(home: Path, package: str, suites: Sequence[str]) -> list[Path]:
    """Download the archives of the package and its dependencies."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (home / folder).mkdir(parents=True)
    (home / "state/status").touch()  # nothing is installed, so all dependencies are downloaded
    archive = _find_archive()
    (home / "sources.list").write_text(
        "".join(f"deb [signed-by={_KEYRING}] {archive} {suite} main\n" for suite in suites)
    )
    (home / "apt.conf").write_text(_APT.format(home))
    environment = {**os.environ, "APT_CONFIG": str(home / "apt.conf")}
    _run("apt-get", "update", "-qq", environment=environment)
    install = ("apt-get", "install", "-y", "-qq", "--download-only", "-t", suites[-1], package)
    _run(*install, environment=environment)
    return sorted((home / "cache/archives").glob("*.deb"))


def _find_archive() -> str:
    """Find the address of the Debian archive in the system's sources."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    if not _KEYRING.exists():
        raise UnavailableError("needs Debian's package archive, and this system is no Debian")
    for source in sources:
        text = source.read_text("utf-8") if source.is_file() else ""
        for address in re.findall(r"^(?:URIs:|deb\s+(?:\[.*?\])?)\s*(\S+)", text, re.MULTILINE):
            if address.rstrip("/").endswith("/debian"):
                return str(address)
    raise UnavailableError("needs Debian's package archive, and the system's sources name none")


def _patch_program(program: Path, root: Path) -> None:
    """Make the program find the dynamic loader and the libraries below `root`."""
    interpreter = Path(_patchelf("--print-interpreter", str(program)).strip())
    loader = next(root.rglob(interpreter.name), None)
    if loader is None:
        raise UnavailableError(f"{program.name} needs {interpreter}, which did not come with it")
    folders = {path.parent for path in root.rglob("lib*.so*")}
    path = ":".join(sorted(map(str, folders), key=len))
    _patchelf("--set-interpreter", str(loader), "--force-rpath", "--set-rpath", path, str(program))


def _patchelf(*arguments: str) -> str:
    installed = Path(sys.executable).with_name("patchelf")
    return _run(str(installed) if installed.exists() else "patchelf", *arguments)


def _run(*command: str, environment: dict[str, str] | None = None) -> str:
    try:
        completed = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise UnavailableError(f"needs {Path(command[0]).name}, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[0]} {command[1]} takes longer than {_TIMEOUT_S} s") from None
    if completed.returncode:
        said = " ".join((completed.stderr or completed.stdout).split())
        raise UnavailableError(f"{Path(command[0]).name} {command[1]} fails: {said[:300]}")
    return completed.stdout
