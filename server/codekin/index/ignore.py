"""Which rules say what is left out, and where each is in force.

Strongest first: the `exclude` setting; `.codekinignore` files; git's rules (`.gitignore` files, the repository's
`info/exclude`, the user's own excludes); then the built-in defaults, but for what the `include` setting names.
In each of the first three the nearer file is the stronger. As with git, nothing inside a folder that is left out
can be taken back in.
"""

import os
import re
import stat
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from platformdirs.unix import Unix

from codekin.index.gitignore import Spec, encoded
from codekin.settings import IndexSettings

OWN_FILE = ".codekinignore"
GIT_FILE = ".gitignore"
_MAX_BYTES = 1_048_576  # a larger ignore file is no ignore file
_MAX_POINTER = 4_096  # characters; a path has no more

# `build`, `dist`, `out` and `target` are not here: git's rules have them wherever they are made, and a source folder
# may bear such a name. What a tool made says so itself by a marker.
_FOLDERS = """
.git/ .hg/ .svn/ .bzr/ .jj/ .pijul/ _darcs/ CVS/
node_modules/ bower_components/ jspm_packages/ .yarn/ .pnpm-store/ .npm/
vendor/ vendored/ _vendor/ third_party/ thirdparty/ third-party/ 3rdparty/ Pods/ Carthage/ elm-stuff/
site-packages/ dist-packages/ !/site-packages/ !/dist-packages/ __pypackages__/ __pycache__/ *.egg-info/ .eggs/
.venv/ .tox/ .nox/ .mypy_cache/ .pytest_cache/ .ruff_cache/ .hypothesis/ .ipynb_checkpoints/
.next/ .nuxt/ .svelte-kit/ .angular/ .turbo/ .parcel-cache/ .nyc_output/ .cache/ __snapshots__/
.gradle/ .idea/ .vs/ .history/ .metals/ .bloop/ .bsp/ .dart_tool/ .build/ DerivedData/ CMakeFiles/ cmake-build-*/
.terraform/ .serverless/ .aws-sam/ .direnv/ .bundle/ .stack-work/ .cargo/
"""
_MARKERS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")  # a virtual environment, a conda environment, a cache

_GENERATED = """
*.min.js *.min.mjs *.min.css *.bundle.js *-bundle.js *.chunk.js
*_pb2.py *_pb2.pyi *_pb2_grpc.py *.pb.go *.pb.gw.go *.pb.cc *.pb.h *.pb.swift *_pb.js *_pb.d.ts *_pb.rb *_grpc_pb.js
*.generated.* *.gen.go *_generated.go zz_generated.* *.g.dart *.freezed.dart *.g.cs *.g.i.cs *.[dD]esigner.cs *.snap
*.lock *-lock.json *-lock.yaml *-lock.yml *.lockb go.sum npm-shrinkwrap.json
"""

Layer = tuple[Spec, str]  # a spec, and the path from its folder to the one it is asked about: "" or "a/b/", encoded


class Verdict(Enum):
    """What the rules say about one entry of a folder."""

    CHOSEN = "chosen"  # named by the user: no default applies
    KEPT = "kept"
    THROUGH = "through"  # a folder left out by default, entered for the sake of what `include` names in it
    GENERATED = "generated"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules in force in one folder."""

    path: Path
    inside: str  # the path from the root to it: "" or "a/b/", encoded
    verdict: Verdict  # on the folder itself
    own: tuple[Layer, ...]  # nearest first, as in `git`
    git: tuple[Layer, ...]


class IgnoreRules:
    """All the rules of a workspace, with the ignore files read so far. May be asked from any thread."""

    def __init__(self, settings: IndexSettings) -> None:
        self._exclude = _spec(settings.exclude)
        self._include = _spec(settings.include)
        self._gates = _spec(_ancestors(settings.include))
        self._folders = _spec(_FOLDERS.split())
        self._generated = _spec(_GENERATED.split())
        self._read: dict[Path, tuple[tuple[int, int, int], Spec]] = {}
        self._user = _user_excludes()
        self.outside: set[Path] = set(self._user)  # ignore files that don't stand beside sources

    def root(self, root: Path) -> Scope:
        """The scope of a workspace's root, before it is `entered`.

        A root is never left out itself: no default applies to it, and when a repository around it ignores it, the
        rules from outside are not asked.
        """
        git: tuple[Layer, ...] = ()
        for folder, name in _path_within_repository(root):
            git = self._git_layers(folder, entries(folder), git)
            git = () if _said(git, encoded(name), True) else _below(git, encoded(name))
        return Scope(root, "", Verdict.CHOSEN, (), git)

    def child(self, scope: Scope, name: str) -> Scope | None:
        """The scope of the folder `name` in the scope's, before it is `entered`; None when it is left out."""
        verdict = self.verdict(scope, name, True)
        if verdict is Verdict.IGNORED:
            return None
        key = encoded(name)
        return Scope(
            scope.path / name, f"{scope.inside}{key}/", verdict, _below(scope.own, key), _below(scope.git, key)
        )

    def entered(self, scope: Scope, names: Container[str]) -> Scope | None:
        """`scope` with the rules of its own ignore files, `names` being the folder's entries.

        None when they show that a tool made it: a virtual environment, a cache.
        """
        if scope.verdict is Verdict.KEPT and any(marker in names for marker in _MARKERS):
            return None
        own = scope.own
        if OWN_FILE in names and (spec := self._file(scope.path / OWN_FILE)):
            own = ((spec, ""), *own)
        git = self._git_layers(scope.path, names, scope.git)
        return scope if own is scope.own and git is scope.git else replace(scope, own=own, git=git)

    def verdict(self, scope: Scope, name: str, is_folder: bool) -> Verdict:
        """What the rules say about the entry `name` of the scope's folder."""
        key = encoded(name)
        if self._exclude and self._exclude.verdict(scope.inside, key, is_folder):
            return Verdict.IGNORED
        own = _said(scope.own, key, is_folder)
        if own is not None:
            return Verdict.IGNORED if own else Verdict.CHOSEN
        if _said(scope.git, key, is_folder):
            return Verdict.IGNORED
        if self._include and self._include.verdict(scope.inside, key, is_folder):
            return Verdict.CHOSEN
        return self._by_default(scope, key, is_folder)

    def _by_default(self, scope: Scope, key: str, is_folder: bool) -> Verdict:
        left_out = scope.verdict is Verdict.THROUGH or (is_folder and self._folders.verdict(scope.inside, key, True))
        if left_out:
            opens = is_folder and self._gates.verdict(scope.inside, key, True)
            return Verdict.THROUGH if opens else Verdict.IGNORED
        if not is_folder and self._generated.verdict(scope.inside, key, False):
            return Verdict.GENERATED
        return Verdict.KEPT

    def _git_layers(self, folder: Path, names: Container[str], layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """Git's rules in `folder`; a repository starts anew, whatever stands around it."""
        if ".git" in names:
            repository = _exclude_file(folder)
            self.outside.add(repository)
            specs = [self._file(path) for path in (repository, *self._user)]
            layers = tuple((spec, "") for spec in specs if spec)
        if GIT_FILE in names and (spec := self._file(folder / GIT_FILE)):
            layers = ((spec, ""), *layers)
        return layers

    def _file(self, path: Path) -> Spec | None:
        """The spec of an ignore file as it is now; links are not followed, as with git."""
        try:
            status = path.lstat()
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._read.get(path)
            if known is not None and known[0] == signature:
                return known[1]
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
                return None
            spec = Spec(path.read_bytes())
        except OSError:
            return None
        self._read[path] = (signature, spec)
        return spec


class _Entries:
    """A folder's entries, asked one by one on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return os.path.lexists(f"{self._folder}{os.sep}{name}")


def entries(folder: Path) -> Container[str]:
    """The names in `folder`, for one who asks about few of them."""
    return _Entries(folder)


def _said(layers: tuple[Layer, ...], key: str, is_folder: bool) -> bool | None:
    for spec, folder in layers:
        said = spec.verdict(folder, key, is_folder)
        if said is not None:
            return said
    return None


def _below(layers: tuple[Layer, ...], key: str) -> tuple[Layer, ...]:
    return tuple((spec, f"{folder}{key}/") for spec, folder in layers)


def _spec(patterns: Iterable[str]) -> Spec:
    return Spec("\n".join(patterns).encode("utf-8", "surrogateescape"))


def _ancestors(patterns: Collection[str]) -> Iterator[str]:
    """The folders on the way to what the patterns name."""
    for pattern in patterns:
        parts = pattern.strip("/").split("/")
        for count in range(1, len(parts)):
            if set(parts[:count]) != {"**"}:
                yield f"/{'/'.join(parts[:count])}/"


def _path_within_repository(root: Path) -> list[tuple[Path, str]]:
    """Each folder from the top of the repository around `root` down to `root`'s parent, with the name next on the way.

    Empty when `root` is a repository's top itself, or in none.
    """
    folders = (root, *root.parents)
    top = next((place for place, folder in enumerate(folders) if os.path.lexists(folder / ".git")), 0)
    return [(folders[place], folders[place - 1].name) for place in range(top, 0, -1)]


def _exclude_file(folder: Path) -> Path:
    """`info/exclude` of the repository at `folder`; a worktree's and a submodule's `.git` is a file that points on."""
    git = folder / ".git"
    git = folder / _pointer(git).removeprefix("gitdir:").strip() if git.is_file() else git
    return Path(os.path.normpath(git / _pointer(git / "commondir").strip() / "info" / "exclude"))


def _pointer(file: Path) -> str:
    """What a file of git's says that holds a path only; "" where there is none."""
    try:
        if not file.is_file():
            return ""
        with file.open(encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(_MAX_POINTER).replace("\0", "")
    except OSError:
        return ""


def _user_excludes() -> tuple[Path, ...]:
    """The user's own ignore file: `core.excludesFile`, else git's default for it."""
    try:
        home, folder = Path.home(), Unix("git").user_config_path
        for config in (home / ".gitconfig", folder / "config"):
            text = config.read_text("utf-8", "surrogateescape") if config.is_file() else ""
            named = re.search(r'^\s*excludesfile\s*=\s*"?([^"\n\0]+?)"?\s*$', text, re.IGNORECASE | re.MULTILINE)
            if named:
                return (Path(named[1]).expanduser(),)
    except (OSError, RuntimeError):  # a home that nobody has, or may read
        return ()
    return (folder / "ignore",)
