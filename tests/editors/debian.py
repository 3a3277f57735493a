"""Programs of other Debian releases, unpacked beside the system, which stays as it is.

An apt of its own, below the user's cache, downloads a package with all it needs; `dpkg-deb -x` unpacks them, and
patchelf has the program find its libraries there. The archive is the one that the system's own sources name. What is
there is used again and asks for no network; to have it anew, remove its folder.
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
_MOST_S = 180
_APT = """\
Dir "{0}"; Dir::State "{0}/state"; Dir::State::status "{0}/state/status"; Dir::Cache "{0}/cache"; Dir::Etc "{0}";
Dir::Etc::sourcelist "{0}/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-";
Dir::Etc::parts "/etc/apt/apt.conf.d"; Dir::Etc::trusted "{0}/none.gpg"; Dir::Etc::trustedparts "{0}/none";
APT::Install-Recommends "false"; APT::Sandbox::User "root"; Debug::NoLocking "true";
Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; Acquire::Retries "2"; Acquire::http::Timeout "20";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"""


class UnavailableError(Exception):
    """What a test needs can't be had here; the message says why."""


@contextmanager
def needed() -> Iterator[None]:
    """Where what is needed can't be had, the test is skipped and says why; continuous integration must have it."""
    try:
        yield
    except UnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@cache
def unpacked(package: str, *suites: str, programs: Sequence[str] = ()) -> Path:
    """The folder that stands for `/`, with `package` of the last of the `suites` and its libraries in it.

    `programs`, seen from that folder, can be run. Raises UnavailableError.
    """
    home = CACHE / "debian" / f"{package}-{suites[-1]}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            shutil.rmtree(home)
            for archive in _downloaded(home / "apt", package, suites):
                _run("dpkg-deb", "-x", str(archive), str(home / "root"))
            for program in programs:
                _settle(home / "root" / program, home / "root")
            shutil.rmtree(home / "apt")
            (home / "complete").touch()
    return home / "root"


def _downloaded(home: Path, package: str, suites: Sequence[str]) -> list[Path]:
    """The archives of the package and of all it needs."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (home / folder).mkdir(parents=True)
    (home / "state/status").touch()  # nothing is installed, so that nothing of the system's is relied on
    archive = _archive()
    (home / "sources.list").write_text(
        "".join(f"deb [signed-by={_KEYRING}] {archive} {suite} main\n" for suite in suites)
    )
    (home / "apt.conf").write_text(_APT.format(home))
    environment = {**os.environ, "APT_CONFIG": str(home / "apt.conf")}
    _run("apt-get", "update", "-qq", environment=environment)
    install = ("apt-get", "install", "-y", "-qq", "--download-only", "-t", suites[-1], package)
    _run(*install, environment=environment)
    return sorted((home / "cache/archives").glob("*.deb"))


def _archive() -> str:
    """Where the system itself gets Debian's packages from."""
    sources = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    if not _KEYRING.exists():
        raise UnavailableError("needs Debian's package archive, and this system is no Debian")
    for source in sources:
        text = source.read_text("utf-8") if source.is_file() else ""
        for address in re.findall(r"^(?:URIs:|deb\s+(?:\[.*?\])?)\s*(\S+)", text, re.MULTILINE):
            if address.rstrip("/").endswith("/debian"):
                return str(address)
    raise UnavailableError("needs Debian's package archive, and the system's sources name none")


def _settle(program: Path, root: Path) -> None:
    """Have the program find the dynamic loader and the libraries below `root`."""
    asked = Path(_patchelf("--print-interpreter", str(program)).strip())
    loader = next(root.rglob(asked.name), None)
    if loader is None:
        raise UnavailableError(f"{program.name} wants {asked}, which did not come with it")
    folders = {path.parent for path in root.rglob("lib*.so*")}
    path = ":".join(sorted(map(str, folders), key=len))
    _patchelf("--set-interpreter", str(loader), "--force-rpath", "--set-rpath", path, str(program))


def _patchelf(*words: str) -> str:
    beside = Path(sys.executable).with_name("patchelf")
    return _run(str(beside) if beside.exists() else "patchelf", *words)


def _run(*words: str, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=_MOST_S, check=False)
    except FileNotFoundError:
        raise UnavailableError(f"needs {Path(words[0]).name}, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{words[0]} {words[1]} takes longer than {_MOST_S} s") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise UnavailableError(f"{Path(words[0]).name} {words[1]} fails: {said[:300]}")
    return done.stdout
