"""Fetch the corpus: permissively licensed packages by name, with the registries' ordinary clients.

A manifest (`manifest.json`) lists `[registry, name, version, licence]`; an empty version means the newest, and the
version that was fetched is written to `harvested.json` beside the sources. The block list names repositories
("owner/name" a line) that must not be trained on: packages of such a name are refused, and vendored copies inside
others are excluded.
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

_FETCH_TIMEOUT_S = 900.0  # a package of hundreds of MB

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|0BSD|ISC|Apache|PSF|Python|Zlib|BSL|Boost|Unlicense|CC0|PostgreSQL|Ruby|MIT-0|HPND|Public Domain|"
    r"BlueOak|Artistic-2|TCL|NCSA|curl|WTFPL)\b",
    re.IGNORECASE,
)
_VENDORED_FOLDERS = {
    "_vendor", "_vendored_packages", "vendor", "vendored", "vendors", "third_party", "third-party", "thirdparty",
    "3rdparty", "node_modules", "bower_components", "bundled", "extern", "min", "debian", "godeps", "locale",
    "locales", ".git", ".pc", "generated",
}  # fmt: skip
_AFFIXES = re.compile(
    r"^(python3?-|ruby-|node-|lua-|php-|rust-|lib(?!uv)|golang-(github-)?|@[^/]+/)|"
    r"(-java|-ruby|-php|-js|\.js|-go|-rs|-docs?)$"
)


class CorpusError(CodekinError):
    """A package can't be fetched, or must not be."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package to fetch, as one line of the manifest names it."""

    registry: str  # "pypi" | "npm" | "debian"
    name: str
    version: str
    licence: str

    @property
    def folder_name(self) -> str:
        """Return the name of the folder into which the package is unpacked, without its version: `npm-@a+b`."""
        return f"{self.registry}-{self.name}".replace("/", "+")


class BlockList:
    """The repositories that must not be trained on, as packages, vendored copies or quoted files."""

    def __init__(self, path: Path | None) -> None:
        """Read the UTF-8 file of repositories, one "owner/name" a line; None blocks nothing. Raises OSError."""
        lines = [line.strip().split(" ")[0] for line in path.read_text("utf-8").splitlines()] if path else []
        repositories = [line for line in lines if "/" in line and not line.startswith("#")]
        self._plain_names = {_to_comparable_name(line.split("/")[1]) for line in repositories}
        self._plain_names |= {_to_comparable_name(line) for line in repositories}  # golang-github-OWNER-NAME
        self._mentions = tuple(line.lower() for line in repositories)

    def blocks_package(self, package: str) -> bool:
        """Return whether a package has the name of a blocked repository, of any owner; affixes don't count."""
        return (
            _to_comparable_name(package) in self._plain_names
            or _to_comparable_name(package.rsplit("/", 1)[-1]) in self._plain_names
        )

    def blocks_path(self, relative: Path) -> bool:
        """Return whether a folder in the relative path, or a bundled file, has a blocked repository's name."""
        return any(
            _to_comparable_name(re.sub(r"[-_]?v?\d[\d.]*$", "", part)) in self._plain_names
            for part in relative.parent.parts
        ) or (
            _to_comparable_name(relative.stem) in self._plain_names and relative.suffix in {".js", ".hpp", ".h", ".php"}
        )

    def blocks_text(self, first_lines: str) -> bool:
        """Return whether a file's first lines mention a blocked repository as owner/name, in any case."""
        lowered = first_lines.lower()
        return any(mention in lowered for mention in self._mentions)


def _to_comparable_name(name: str) -> str:
    """Return the name in lower case, without affixes such as `python3-` and without punctuation."""
    name = _AFFIXES.sub("", _AFFIXES.sub("", name.lower()))
    return re.sub(r"[^a-z0-9]", "", name)


def to_plain_name(folder_name: str) -> str:
    """Return the common name of a package's folder: `debian-python-sqlalchemy-doc` gives `sqlalchemy`; perhaps ""."""
    plain_name = re.sub(
        r"^(python3?|ruby|node|lua|php|rust|golang(-[^-]+)?)-", "", folder_name.partition("-")[2].rpartition("+")[2]
    )
    return re.sub(r"-(docs?|java|ruby|php|js)$|[-_]?v?\d[\d.]*$", "", plain_name).strip("-")


def read_manifest(path: Path) -> tuple[Package, ...]:
    """Return the packages listed in the manifest, unchecked. Raises OSError, ValueError, TypeError."""
    return tuple(Package(*line) for line in json.loads(path.read_text("utf-8")))


def fetch_packages(manifest: Path, block_list: BlockList, sources_folder: Path) -> Iterator[tuple[Package, str]]:
    """Fetch and unpack missing packages, removing half-fetched ones; yield each package with its problem, or ""."""
    for package in read_manifest(manifest):
        package_folder = sources_folder.absolute() / package.folder_name
        try:
            check_package(package, block_list)
            if not (package_folder / "harvested.json").exists():
                shutil.rmtree(package_folder, ignore_errors=True)
                package_folder.mkdir(parents=True)
                _FETCHERS[package.registry](package, package_folder)
                (package_folder / "harvested.json").write_text(json.dumps(asdict(package)), "utf-8")
            yield package, ""
        except (CorpusError, OSError, ProcessError, tarfile.TarError, zipfile.BadZipFile) as error:
            yield package, f"{type(error).__name__}: {error}"


def check_package(package: Package, block_list: BlockList) -> None:
    """Raise CorpusError for a blocked package, one without a permissive licence, or an unknown registry."""
    if block_list.blocks_package(package.name):
        raise CorpusError(f"{package.name} is on the block list. Take it out of the manifest.")
    if not PERMISSIVE.search(package.licence):
        raise CorpusError(f"{package.name}'s licence ({package.licence}) is not permissive. Take it out.")
    if package.registry not in _FETCHERS:
        raise CorpusError(f"{package.registry} is no registry. Choose one of {', '.join(_FETCHERS)}.")


def list_sources(package_folder: Path, block_list: BlockList, max_bytes: int = 1_000_000) -> Iterator[Path]:
    """Yield a package's files to train on, by path: none vendored, minified, over `max_bytes`, or of a blocked name."""
    paths = [
        (source_path, source_path.relative_to(package_folder)) for source_path in sorted(package_folder.rglob("*"))
    ]
    excluded_folders = _VENDORED_FOLDERS
    if any({"src", "lib", "source"}.intersection(relative_path.parts[:-1]) for _, relative_path in paths):
        excluded_folders = _VENDORED_FOLDERS | {"dist"}  # built from the sources beside it
    for source_path, relative_path in paths:
        if (
            excluded_folders.intersection(part.lower() for part in relative_path.parts[1:-1])
            or ".min." in source_path.name
            or block_list.blocks_path(relative_path)
        ):
            continue
        if source_path.is_file() and not source_path.is_symlink() and source_path.stat().st_size <= max_bytes:
            yield source_path


def _pin_version(package: Package, separator: str) -> str:
    """Return the name with its version, or without where that is empty."""
    return f"{package.name}{separator}{package.version}" if package.version else package.name


def _run_command(*command: str, folder: Path | None = None) -> None:
    """Run a registry's client for up to 15 min, in `folder` if given. Raises CorpusError or ProcessError."""
    _check_result(command, run_program(*command, folder=folder, timeout_s=_FETCH_TIMEOUT_S))


def _check_result(command: Sequence[str], result: Ended) -> None:
    """Raise CorpusError, with the last 300 characters of standard error, where the command has failed."""
    if result.returncode:
        raise CorpusError(f"{' '.join(command[:3])} failed: {result.stderr.strip()[-300:]}")


def _fetch_pypi(package: Package, package_folder: Path) -> None:
    """Download the package's wheel, by pip, and unpack it into `package_folder`/tree. Raises CorpusError."""
    command = ("pip", "download", "--no-deps", "--only-binary", ":all:", "-q", "--dest", str(package_folder))
    run_pip = run_module if find_spec("pip") else run_program  # uv creates environments without pip
    _check_result(command, run_pip(*command, _pin_version(package, "=="), timeout_s=_FETCH_TIMEOUT_S))
    for wheel in package_folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(package_folder / "tree")  # noqa: S202 -- zipfile keeps members inside
        wheel.unlink()


def _fetch_npm(package: Package, package_folder: Path) -> None:
    """Download the package's archive, by npm, and unpack it into `package_folder`/tree. Raises CorpusError."""
    _run_command("npm", "pack", "--silent", "--pack-destination", str(package_folder), _pin_version(package, "@"))
    for archive in package_folder.glob("*.tgz"):
        with tarfile.open(archive) as tar:
            tar.extractall(package_folder / "tree", filter="data")
        archive.unlink()


def _fetch_debian(package: Package, package_folder: Path) -> None:
    """Download the source package, else the binary one, and unpack it into `package_folder`/tree. Raises CorpusError.

    Binary packages of scripting languages hold their source. Needs a `deb-src` line in apt's sources, or APT_CONFIG
    naming a configuration that has one.
    """
    try:
        _run_command(
            "apt-get",
            "source",
            "-qq",
            "--download-only",
            "--tar-only",
            _pin_version(package, "="),
            folder=package_folder,
        )
    except CorpusError:
        _run_command("apt-get", "download", "-qq", _pin_version(package, "="), folder=package_folder)
    archives = [path for path in package_folder.iterdir() if path.is_file() and path.suffix != ".asc"]
    (package_folder / "tree").mkdir()
    for archive in archives:
        if archive.suffix == ".deb":
            _run_command("dpkg-deb", "-x", str(archive), str(package_folder / "tree"))
        elif ".orig" in archive.name:
            _run_command("tar", "xf", str(archive), "-C", str(package_folder / "tree"), "--no-same-owner")
    for path in [path for path in package_folder.iterdir() if path.is_file()]:
        path.unlink()


_FETCHERS = {"pypi": _fetch_pypi, "npm": _fetch_npm, "debian": _fetch_debian}
