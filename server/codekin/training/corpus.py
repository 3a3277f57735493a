"""The corpus: permissively licensed packages by name, fetched with the registries' ordinary clients, never committed.

A manifest (`manifest.json`) lists `[registry, name, version, licence]`; an empty version takes the newest, and what was
taken is written to `harvested.json` beside the sources. The block list names repositories ("owner/name" a line) that
must not be trained on: packages of such a name are refused, and vendored copies inside others are left out.
"""

import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from codekin.errors import CodekinError
from codekin.processes import Ended, ProcessError, run_module, run_program

_FETCH_S = 900.0  # a package of hundreds of MB

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|0BSD|ISC|Apache|PSF|Python|Zlib|BSL|Boost|Unlicense|CC0|PostgreSQL|Ruby|MIT-0|HPND|Public Domain|"
    r"BlueOak|Artistic-2|TCL|NCSA|curl|WTFPL)\b",
    re.IGNORECASE,
)
_VENDORED = {
    "_vendor", "_vendored_packages", "vendor", "vendored", "vendors", "third_party", "third-party", "thirdparty",
    "3rdparty", "node_modules", "bower_components", "bundled", "extern", "min", "debian", "godeps", "locale",
    "locales", ".git", ".pc", "generated",
}  # fmt: skip
_AFFIXES = re.compile(
    r"^(python3?-|ruby-|node-|lua-|php-|rust-|lib(?!uv)|golang-(github-)?|@[^/]+/)|(-java|-ruby|-php|-js|\.js|-go|-rs)$"
)


class CorpusError(CodekinError):
    """A package can't be fetched, or must not be."""


@dataclass(frozen=True, slots=True)
class Package:
    """One line of the manifest."""

    registry: str  # "pypi" | "npm" | "debian"
    name: str
    version: str
    licence: str

    @property
    def folder(self) -> str:
        return f"{self.registry}-{self.name}".replace("/", "+")


class BlockList:
    """The repositories that must not be trained on, by any route."""

    def __init__(self, path: Path | None) -> None:
        """Without a file nothing is blocked."""
        lines = [line.strip().split(" ")[0] for line in path.read_text("utf-8").splitlines()] if path else []
        repositories = [line for line in lines if "/" in line and not line.startswith("#")]
        self._names = {_plain(line.split("/")[1]) for line in repositories}
        self._names |= {_plain(line) for line in repositories}  # golang-github-OWNER-NAME
        self._mentions = tuple(line.lower() for line in repositories)

    def blocks_package(self, package: str) -> bool:
        """Whether a package of this name bears the name of a blocked repository."""
        return _plain(package) in self._names or _plain(package.rsplit("/", 1)[-1]) in self._names

    def blocks_path(self, relative: Path) -> bool:
        """Whether a path inside a package leads through a copy of a blocked repository."""
        return any(_plain(re.sub(r"[-_]?v?\d[\d.]*$", "", part)) in self._names for part in relative.parent.parts) or (
            _plain(relative.stem) in self._names and relative.suffix in {".js", ".hpp", ".h", ".php"}
        )

    def blocks_text(self, head: str) -> bool:
        """Whether a file's first lines say that it comes from a blocked repository."""
        lowered = head.lower()
        return any(mention in lowered for mention in self._mentions)


def _plain(name: str) -> str:
    name = _AFFIXES.sub("", _AFFIXES.sub("", name.lower()))
    return re.sub(r"[^a-z0-9]", "", name)


def to_plain_name(folder: str) -> str:
    """What people call a package: `debian-python-sqlalchemy-doc` → sqlalchemy."""
    name = re.sub(
        r"^(python3?|ruby|node|lua|php|rust|golang(-[^-]+)?)-", "", folder.partition("-")[2].rpartition("+")[2]
    )
    return re.sub(r"-(docs?|java|ruby|php|js)$|[-_]?v?\d[\d.]*$", "", name).strip("-")


def read_manifest(path: Path) -> tuple[Package, ...]:
    return tuple(Package(*line) for line in json.loads(path.read_text("utf-8")))


def fetch_packages(manifest: Path, blocked: BlockList, folder: Path) -> Iterator[tuple[Package, str]]:
    """Fetch and unpack what is not there yet; yields each package with what became of it: "" is well."""
    for package in read_manifest(manifest):
        target = folder.absolute() / package.folder
        try:
            check_package(package, blocked)
            if not (target / "harvested.json").exists():
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir(parents=True)
                _FETCH[package.registry](package, target)
                (target / "harvested.json").write_text(json.dumps(asdict(package)), "utf-8")
            yield package, ""
        except (CorpusError, OSError, ProcessError, tarfile.TarError, zipfile.BadZipFile) as error:
            yield package, f"{type(error).__name__}: {error}"


def check_package(package: Package, blocked: BlockList) -> None:
    """Raises CorpusError for a package on the block list, without a permissive licence or from elsewhere."""
    if blocked.blocks_package(package.name):
        raise CorpusError(f"{package.name} is on the block list. Take it out of the manifest.")
    if not PERMISSIVE.search(package.licence):
        raise CorpusError(f"{package.name}'s licence ({package.licence}) is not permissive. Take it out.")
    if package.registry not in _FETCH:
        raise CorpusError(f"{package.registry} is no registry. Choose one of {', '.join(_FETCH)}.")


def list_sources(folder: Path, blocked: BlockList, max_bytes: int = 1_000_000) -> Iterator[Path]:
    """The files of an unpacked package that may be trained on: no vendored, minified or blocked ones."""
    paths = [(path, path.relative_to(folder)) for path in sorted(folder.rglob("*"))]
    left_out = _VENDORED
    if any({"src", "lib", "source"}.intersection(relative.parts[:-1]) for _, relative in paths):
        left_out = _VENDORED | {"dist"}  # built from what stands beside it
    for path, relative in paths:
        if (
            left_out.intersection(part.lower() for part in relative.parts[1:-1])
            or ".min." in path.name
            or blocked.blocks_path(relative)
        ):
            continue
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= max_bytes:
            yield path


def _pinned(package: Package, sign: str) -> str:
    return f"{package.name}{sign}{package.version}" if package.version else package.name


def _run(*command: str, folder: Path | None = None) -> None:
    """`folder` is one of ours, empty or with what was downloaded."""
    _check(command, run_program(*command, folder=folder, timeout_s=_FETCH_S))


def _check(command: Sequence[str], result: Ended) -> None:
    if result.returncode:
        raise CorpusError(f"{' '.join(command[:3])} failed: {result.stderr.strip()[-300:]}")


def _fetch_pypi(package: Package, folder: Path) -> None:
    command = ("pip", "download", "--no-deps", "--only-binary", ":all:", "-q", "--dest", str(folder))
    run = run_module if find_spec("pip") else run_program  # uv makes environments without it
    _check(command, run(*command, _pinned(package, "=="), timeout_s=_FETCH_S))
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / "tree")  # noqa: S202 -- zipfile keeps members inside
        wheel.unlink()


def _fetch_npm(package: Package, folder: Path) -> None:
    _run("npm", "pack", "--silent", "--pack-destination", str(folder), _pinned(package, "@"))
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "tree", filter="data")
        archive.unlink()


def _fetch_debian(package: Package, folder: Path) -> None:
    """The source package; the binary one of the same name, which scripting languages ship as source, where that fails.

    Needs a `deb-src` line in apt's sources, or APT_CONFIG naming a configuration that has one.
    """
    try:
        _run("apt-get", "source", "-qq", "--download-only", "--tar-only", _pinned(package, "="), folder=folder)
    except CorpusError:
        _run("apt-get", "download", "-qq", _pinned(package, "="), folder=folder)
    archives = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".asc"]
    (folder / "tree").mkdir()
    for archive in archives:
        if archive.suffix == ".deb":
            _run("dpkg-deb", "-x", str(archive), str(folder / "tree"))
        elif ".orig" in archive.name:
            _run("tar", "xf", str(archive), "-C", str(folder / "tree"), "--no-same-owner")
    for path in [path for path in folder.iterdir() if path.is_file()]:
        path.unlink()


_FETCH = {"pypi": _fetch_pypi, "npm": _fetch_npm, "debian": _fetch_debian}
