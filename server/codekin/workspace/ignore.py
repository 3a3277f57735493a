"""Which rules say what is left out, and where each is in force.

Strongest first: the `exclude` setting; `.codekinignore` files; git's rules (`.gitignore` files, the repository's
`info/exclude`, the user's own excludes); then the built-in defaults, but for what the `include` setting names.
In each of the first three the nearer file is the stronger. As with git, nothing inside a folder that is left out
can be taken back in.

What is beyond a limit, or can't be read, does not count, and is told in `problems`.
"""

import os
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from codekin.files import FileTooLargeError, read_file
from codekin.settings import IndexSettings
from codekin.workspace.gitignore import MAX_GLOB_BYTES, IgnoreFile, encode_name
from codekin.workspace.repository import POINTER, exclude_file, is_linked_worktree, top_of, user_excludes

OWN_FILE = ".codekinignore"
GIT_FILE = ".gitignore"
_MAX_BYTES = 1_048_576  # of an ignore file; the largest of well-known repositories have some 10,000
_MAX_LAYERS = 100  # ignore files in force in one folder, of each kind
_KEPT_SPECS = 1_000  # read and kept, for who asks again

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

Layer = tuple[
    IgnoreFile, str
]  # a spec, and the path from its folder to the one it is asked about: "" or "a/b/", encoded


class Verdict(Enum):
    """What the rules say about one entry of a folder."""

    CHOSEN = "chosen"  # named by the user: no default applies
    KEPT = "kept"
    THROUGH = "through"  # a folder left out by default, entered for the sake of what `include` names in it
    GENERATED = "generated"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class IgnoreScope:
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
        self._read: dict[Path, tuple[tuple[int, int, int], IgnoreFile]] = {}
        self._problems: dict[Path | str, str] = {}
        self._user = user_excludes()
        self.outside: set[Path] = set(self._user)  # ignore files that don't stand beside sources
        for name, spec in (("index.exclude", self._exclude), ("index.include", self._include)):
            if spec.left_out:
                self._problems[name] = f"The setting {name} {_beyond(spec)} Shorten it."

    @property
    def problems(self) -> tuple[str, ...]:
        """Rules that don't count, as far as they were asked for; each names its remedy."""
        return tuple(self._problems.values())

    def root_scope(self, root: Path) -> IgnoreScope:
        """The scope of a workspace's root, before it is `entered`.

        A root is never left out itself: no default applies to it, and when a repository around it ignores it, the
        rules from outside are not asked.
        """
        git: tuple[Layer, ...] = ()
        for folder, name in top_of(root):
            git = self._git_layers(folder, list_entries(folder), git)
            git = () if _said(git, encode_name(name), True) else _below(git, encode_name(name))
        return IgnoreScope(root, "", Verdict.CHOSEN, (), git)

    def child_scope(self, scope: IgnoreScope, name: str) -> IgnoreScope | None:
        """The scope of the folder `name` in the scope's, before it is `entered`; None when it is left out."""
        verdict = self.verdict(scope, name, True)
        if verdict is Verdict.IGNORED:
            return None
        key = encode_name(name)
        return IgnoreScope(
            scope.path / name, f"{scope.inside}{key}/", verdict, _below(scope.own, key), _below(scope.git, key)
        )

    def enter_scope(self, scope: IgnoreScope, names: Container[str]) -> IgnoreScope | None:
        """`scope` with the rules of its own ignore files, `names` being the folder's entries.

        None when they show that it is not to be indexed: a tool made it (a virtual environment, a cache), or it is
        a linked worktree.
        """
        if scope.verdict is Verdict.KEPT and any(marker in names for marker in _MARKERS):
            return None
        if POINTER in names and self.is_other_worktree(scope):
            return None
        own = scope.own
        if OWN_FILE in names and (spec := self._file(scope.path / OWN_FILE)):
            own = self._with_layer(own, spec, scope.path / OWN_FILE)
        git = self._git_layers(scope.path, names, scope.git)
        return scope if own is scope.own and git is scope.git else replace(scope, own=own, git=git)

    def is_other_worktree(self, scope: IgnoreScope) -> bool:
        """Whether the folder is left out as a linked worktree; no root is, nor what the user names."""
        return scope.verdict is not Verdict.CHOSEN and is_linked_worktree(scope.path)

    def verdict(self, scope: IgnoreScope, name: str, is_folder: bool) -> Verdict:
        """What the rules say about the entry `name` of the scope's folder."""
        key = encode_name(name)
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

    def _by_default(self, scope: IgnoreScope, key: str, is_folder: bool) -> Verdict:
        left_out = scope.verdict is Verdict.THROUGH or (is_folder and self._folders.verdict(scope.inside, key, True))
        if left_out:
            opens = is_folder and self._gates.verdict(scope.inside, key, True)
            return Verdict.THROUGH if opens else Verdict.IGNORED
        if not is_folder and self._generated.verdict(scope.inside, key, False):
            return Verdict.GENERATED
        return Verdict.KEPT

    def _git_layers(self, folder: Path, names: Container[str], layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """Git's rules in `folder`; a repository starts anew, whatever stands around it."""
        if POINTER in names:
            repository = exclude_file(folder)
            self.outside.add(repository)
            specs = [self._file(path) for path in (repository, *self._user)]
            layers = tuple((spec, "") for spec in specs if spec)
        if GIT_FILE in names and (spec := self._file(folder / GIT_FILE)):
            layers = self._with_layer(layers, spec, folder / GIT_FILE)
        return layers

    def _with_layer(self, layers: tuple[Layer, ...], spec: IgnoreFile, file: Path) -> tuple[Layer, ...]:
        """`layers` with one more in force, unless asking them all would cost too much."""
        in_force = sum(layer.glob_bytes for layer, _ in layers)
        if len(layers) < _MAX_LAYERS and in_force + spec.glob_bytes <= MAX_GLOB_BYTES:
            return ((spec, ""), *layers)
        self._problems[file] = (
            f"{file} does not count: with those of the folders above there are more than {_MAX_LAYERS} such files, or "
            f"more than {MAX_GLOB_BYTES:,} bytes of patterns with wildcards. Shorten them."
        )
        return layers

    def _file(self, path: Path) -> IgnoreFile | None:
        """The spec of an ignore file as it is now; links are not followed, as with git."""
        try:
            status = path.lstat()
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._read.get(path)
            if known is not None and known[0] == signature:
                return known[1]
            spec = IgnoreFile(read_file(path, _MAX_BYTES, follow_links=False).data)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except FileTooLargeError as error:
            self._problems[path] = f"{path} does not count: {error}. Shorten it."
            return None
        except OSError as error:
            self._problems[path] = f"{path} does not count: {error.strerror or error}. Put a readable file there."
            return None
        self._problems.pop(path, None)
        if len(self._read) >= _KEPT_SPECS:
            self._read.clear()
        self._read[path] = (signature, spec)
        return spec


class _Entries:
    """A folder's entries, asked one by one on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return os.path.lexists(f"{self._folder}{os.sep}{name}")


def list_entries(folder: Path) -> Container[str]:
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


def _spec(patterns: Iterable[str]) -> IgnoreFile:
    text = "\n".join(patterns)
    try:
        return IgnoreFile(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half a character, which no file's name has
        return IgnoreFile(text.encode("utf-8", "replace"))


def _beyond(spec: IgnoreFile) -> str:
    return f"has more than {MAX_GLOB_BYTES:,} bytes of patterns with wildcards; the last {spec.left_out:,} don't count."


def _ancestors(patterns: Collection[str]) -> Iterator[str]:
    """The folders on the way to what the patterns name."""
    for pattern in patterns:
        parts = pattern.strip("/").split("/")
        for count in range(1, len(parts)):
            if set(parts[:count]) != {"**"}:
                yield f"/{'/'.join(parts[:count])}/"
