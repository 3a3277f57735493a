"""Decide which rules exclude a file, and where each rule applies.

Highest precedence first: the `exclude` setting; `.codekinignore` files; git's rules (`.gitignore` files, the
repository's `info/exclude`, the user's own excludes); the built-in defaults, except for what the `include` setting
names. Among files of one kind the nearer wins. As with git, nothing inside an excluded folder can be re-included.

A rule beyond a limit, or that can't be read, is not applied and is reported in `problems`.
"""

import os
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from codekin.files import FileTooLargeError, read_file
from codekin.settings import IndexSettings
from codekin.workspace.gitignore import MAX_GLOB_BYTES, IgnoreFile, encode_name
from codekin.workspace.repository import (
    GIT_ENTRY,
    find_enclosing_folders,
    find_exclude_file,
    find_user_ignore_files,
    is_linked_worktree,
)

CODEKIN_IGNORE_FILE = ".codekinignore"
GIT_IGNORE_FILE = ".gitignore"
_MAX_FILE_BYTES = 1_048_576  # the largest ignore files of well-known repositories have about 10,000
_MAX_LAYERS = 100  # ignore files in force in one folder, per kind; every name is matched against all
_MAX_LAYER_BYTES = 2_097_152  # of ignore files in force in one folder, per kind: in memory a byte takes up to 200
_MAX_CACHED_FILES = 1_000  # parsed ignore files; beyond it the cache is cleared
_MAX_CACHED_BYTES = 2_097_152  # of their text, likewise
_MAX_INCLUDE_DEPTH = 100  # folders that lead to what `include` names

# `build`, `dist`, `out` and `target` are missing on purpose: `.gitignore` files name them where tools create them, and
# a source folder may have such a name. Tools mark the folders they create by a marker file.
_DEFAULT_FOLDERS = """
.git/ .hg/ .svn/ .bzr/ .jj/ .pijul/ _darcs/ CVS/
node_modules/ bower_components/ jspm_packages/ .yarn/ .pnpm-store/ .npm/
vendor/ vendored/ _vendor/ third_party/ thirdparty/ third-party/ 3rdparty/ Pods/ Carthage/ elm-stuff/
site-packages/ dist-packages/ !/site-packages/ !/dist-packages/ __pypackages__/ __pycache__/ *.egg-info/ .eggs/
.venv/ .tox/ .nox/ .mypy_cache/ .pytest_cache/ .ruff_cache/ .hypothesis/ .ipynb_checkpoints/
.next/ .nuxt/ .svelte-kit/ .angular/ .turbo/ .parcel-cache/ .nyc_output/ .cache/ __snapshots__/
.gradle/ .idea/ .vs/ .history/ .metals/ .bloop/ .bsp/ .dart_tool/ .build/ DerivedData/ CMakeFiles/ cmake-build-*/
.terraform/ .serverless/ .aws-sam/ .direnv/ .bundle/ .stack-work/ .cargo/
"""
_MARKER_FILES = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")  # a virtual environment, a conda environment, a cache

_GENERATED_FILES = """
*.min.js *.min.mjs *.min.css *.bundle.js *-bundle.js *.chunk.js
*_pb2.py *_pb2.pyi *_pb2_grpc.py *.pb.go *.pb.gw.go *.pb.cc *.pb.h *.pb.swift *_pb.js *_pb.d.ts *_pb.rb *_grpc_pb.js
*.generated.* *.gen.go *_generated.go zz_generated.* *.g.dart *.freezed.dart *.g.cs *.g.i.cs *.[dD]esigner.cs *.snap
*.lock *-lock.json *-lock.yaml *-lock.yml *.lockb go.sum npm-shrinkwrap.json
"""

Layer = tuple[IgnoreFile, str]  # an ignore file, and the path from its folder to the current one: "" or "a/b/", encoded


class Verdict(Enum):
    """What the rules decide about one entry of a folder."""

    INCLUDED = "included"  # named by the user: no default applies
    KEPT = "kept"
    TRAVERSED = "traversed"  # a folder excluded by default, entered because `include` names something in it
    GENERATED = "generated"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class IgnoreScope:
    """The rules in force in one folder."""

    path: Path
    relative_folder: str  # the path from the root to it: "" or "a/b/", encoded
    verdict: Verdict  # on the folder itself
    codekin_layers: tuple[Layer, ...]  # nearest first, like `git_layers`
    git_layers: tuple[Layer, ...]


class IgnoreRules:
    """All rules of a workspace, and a cache of the ignore files read. Thread-safe."""

    def __init__(self, settings: IndexSettings) -> None:
        self._exclude = _parse_patterns(settings.exclude)
        self._include = _parse_patterns(settings.include)
        self._include_ancestors = _parse_patterns(_list_ancestors(settings.include))
        self._default_folders = _parse_patterns(_DEFAULT_FOLDERS.split())
        self._generated_files = _parse_patterns(_GENERATED_FILES.split())
        self._cache: dict[Path, tuple[tuple[int, int, int], IgnoreFile]] = {}
        self._cached_bytes = 0
        self._problems: dict[Path | str, str] = {}
        self._user_ignore_files = find_user_ignore_files()
        self.external_files: set[Path] = set(self._user_ignore_files)  # ignore files outside the source tree
        for setting_name, ignore_file in (("index.exclude", self._exclude), ("index.include", self._include)):
            if ignore_file.dropped_patterns:
                self._problems[setting_name] = f"The setting {setting_name} {_describe_excess(ignore_file)} Shorten it."

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a message, with its remedy, for each rule that was read but is not applied."""
        return tuple(self._problems.values())

    def make_root_scope(self, root: Path) -> IgnoreScope:
        """Return the rules in force in a workspace root: those around it in its repository, not its own ignore files.

        A root itself is never excluded: no default applies to it, and if a repository around it ignores it, the
        rules from outside are dropped.
        """
        git_layers: tuple[Layer, ...] = ()
        for ancestor, child_name in find_enclosing_folders(root):
            git_layers = self._add_git_layers(ancestor, list_entries(ancestor), git_layers)
            encoded_name = encode_name(child_name)
            is_ignored = _match_layers(git_layers, encoded_name, is_folder=True)
            git_layers = () if is_ignored else _descend_layers(git_layers, encoded_name)
        return IgnoreScope(root, "", Verdict.INCLUDED, (), git_layers)

    def make_child_scope(self, scope: IgnoreScope, name: str) -> IgnoreScope | None:
        """Return the rules in force in the subfolder `name`, without its own ignore files; None if it is excluded."""
        verdict = self.classify_entry(scope, name, True)
        if verdict is Verdict.IGNORED:
            return None
        encoded_name = encode_name(name)
        return IgnoreScope(
            scope.path / name,
            f"{scope.relative_folder}{encoded_name}/",
            verdict,
            _descend_layers(scope.codekin_layers, encoded_name),
            _descend_layers(scope.git_layers, encoded_name),
        )

    def enter_scope(self, scope: IgnoreScope, entry_names: Container[str]) -> IgnoreScope | None:
        """Return `scope` with the folder's own ignore files, read here, added; None if its entries exclude it.

        The entries exclude a folder that a tool made (a virtual environment, a cache), and a linked worktree.
        """
        if scope.verdict is Verdict.KEPT and any(marker in entry_names for marker in _MARKER_FILES):
            return None
        if GIT_ENTRY in entry_names and self.is_other_worktree(scope):
            return None
        codekin_layers, codekin_file = scope.codekin_layers, scope.path / CODEKIN_IGNORE_FILE
        if CODEKIN_IGNORE_FILE in entry_names and (ignore_file := self._load_ignore_file(codekin_file)):
            codekin_layers = self._add_layer(codekin_layers, ignore_file, codekin_file)
        git_layers = self._add_git_layers(scope.path, entry_names, scope.git_layers)
        if codekin_layers is scope.codekin_layers and git_layers is scope.git_layers:
            return scope
        return replace(scope, codekin_layers=codekin_layers, git_layers=git_layers)

    def is_other_worktree(self, scope: IgnoreScope) -> bool:
        """Return whether the folder is excluded as a linked worktree; roots and included folders never are."""
        return scope.verdict is not Verdict.INCLUDED and is_linked_worktree(scope.path)

    def classify_entry(self, scope: IgnoreScope, name: str, is_folder: bool) -> Verdict:
        """Return the verdict of all rules on the entry `name` of the scope's folder."""
        encoded_name = encode_name(name)
        if self._exclude and self._exclude.match_entry(scope.relative_folder, encoded_name, is_folder):
            return Verdict.IGNORED
        is_ignored = _match_layers(scope.codekin_layers, encoded_name, is_folder)
        if is_ignored is not None:
            return Verdict.IGNORED if is_ignored else Verdict.INCLUDED
        if _match_layers(scope.git_layers, encoded_name, is_folder):
            return Verdict.IGNORED
        if self._include and self._include.match_entry(scope.relative_folder, encoded_name, is_folder):
            return Verdict.INCLUDED
        return self._classify_by_default(scope, encoded_name, is_folder)

    def _classify_by_default(self, scope: IgnoreScope, encoded_name: str, is_folder: bool) -> Verdict:
        """Return the built-in rules' verdict: folders of tools are IGNORED, files named as made by tools GENERATED.

        An ignored folder that leads to an included path is TRAVERSED.
        """
        entry = scope.relative_folder, encoded_name, is_folder
        is_excluded = scope.verdict is Verdict.TRAVERSED or (is_folder and self._default_folders.match_entry(*entry))
        if is_excluded:
            leads_to_included = is_folder and self._include_ancestors.match_entry(*entry)
            return Verdict.TRAVERSED if leads_to_included else Verdict.IGNORED
        is_generated = not is_folder and self._generated_files.match_entry(*entry)
        return Verdict.GENERATED if is_generated else Verdict.KEPT

    def _add_git_layers(
        self, folder: Path, entry_names: Container[str], layers: tuple[Layer, ...]
    ) -> tuple[Layer, ...]:
        """Return `layers` with Git's rules in `folder`, noting external files; a nested repository drops the rest."""
        if GIT_ENTRY in entry_names:
            repository_excludes = find_exclude_file(folder)
            self.external_files.add(repository_excludes)
            ignore_files = [self._load_ignore_file(path) for path in (repository_excludes, *self._user_ignore_files)]
            layers = tuple((ignore_file, "") for ignore_file in ignore_files if ignore_file)
        if GIT_IGNORE_FILE in entry_names and (ignore_file := self._load_ignore_file(folder / GIT_IGNORE_FILE)):
            layers = self._add_layer(layers, ignore_file, folder / GIT_IGNORE_FILE)
        return layers

    def _add_layer(self, layers: tuple[Layer, ...], ignore_file: IgnoreFile, file_path: Path) -> tuple[Layer, ...]:
        """Return `layers` with an ignore file added; unchanged, with a problem, if matching would cost too much."""
        in_force = [ignore_file, *(layer for layer, _ in layers)]
        glob_bytes = sum(layer.glob_bytes for layer in in_force)
        layer_bytes = sum(layer.size for layer in in_force)
        if len(layers) < _MAX_LAYERS and glob_bytes <= MAX_GLOB_BYTES and layer_bytes <= _MAX_LAYER_BYTES:
            return ((ignore_file, ""), *layers)
        self._problems[file_path] = (
            f"{file_path} is not applied: together with the folders above there are more than {_MAX_LAYERS} such "
            f"files, more than {_MAX_LAYER_BYTES:,} bytes, or more than {MAX_GLOB_BYTES:,} bytes of patterns with "
            "wildcards. Shorten them."
        )
        return layers

    def _load_ignore_file(self, path: Path) -> IgnoreFile | None:
        """Return an ignore file, cached while unchanged; None, with a problem, if it is unreadable. Follows no link."""
        try:
            status = path.lstat()
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
            cached_entry = self._cache.get(path)
            if cached_entry is not None and cached_entry[0] == signature:
                return cached_entry[1]
            ignore_file = IgnoreFile(read_file(path, _MAX_FILE_BYTES, follow_links=False).data)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except FileTooLargeError as error:
            self._problems[path] = f"{path} is not applied: {error}. Shorten it."
            return None
        except OSError as error:
            self._problems[path] = f"{path} is not applied: {error.strerror or error}. Make it readable or remove it."
            return None
        self._problems.pop(path, None)
        self._cache_file(path, signature, ignore_file)
        return ignore_file

    def _cache_file(self, path: Path, signature: tuple[int, int, int], ignore_file: IgnoreFile) -> None:
        """Cache a parsed file; a full cache is cleared before."""
        if len(self._cache) >= _MAX_CACHED_FILES or self._cached_bytes + ignore_file.size > _MAX_CACHED_BYTES:
            self._cache.clear()
            self._cached_bytes = 0
        self._cache[path] = (signature, ignore_file)
        self._cached_bytes += ignore_file.size  # a replaced file still counts: the cache is cleared the sooner


class _FolderEntries:
    """A folder's names as a container that asks the disk for the one name it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        return os.path.lexists(f"{self._folder}{os.sep}{name}")


def list_entries(folder: Path) -> Container[str]:
    """Return a container of a folder's names, which checks one name on the disk at a time."""
    return _FolderEntries(folder)


def _match_layers(layers: tuple[Layer, ...], encoded_name: str, is_folder: bool) -> bool | None:
    """Return whether the nearest layer that matches ignores the entry; None if no layer matches."""
    for ignore_file, folder in layers:
        is_ignored = ignore_file.match_entry(folder, encoded_name, is_folder)
        if is_ignored is not None:
            return is_ignored
    return None


def _descend_layers(layers: tuple[Layer, ...], encoded_name: str) -> tuple[Layer, ...]:
    """Return the layers as seen from a subfolder: its name is appended to each path."""
    return tuple((ignore_file, f"{folder}{encoded_name}/") for ignore_file, folder in layers)


def _parse_patterns(patterns: Iterable[str]) -> IgnoreFile:
    """Return the patterns of a setting, or built-in ones, as an ignore file."""
    joined_patterns = "\n".join(patterns)
    try:
        return IgnoreFile(joined_patterns.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # an unpaired surrogate, which no file name has
        return IgnoreFile(joined_patterns.encode("utf-8", "replace"))


def _describe_excess(ignore_file: IgnoreFile) -> str:
    """Return the end of a message: too many bytes of patterns with wildcards; the last N patterns are not applied."""
    dropped_patterns = f"the last {ignore_file.dropped_patterns:,} are not applied"
    return f"has more than {MAX_GLOB_BYTES:,} bytes of patterns with wildcards; {dropped_patterns}."


def _list_ancestors(patterns: Collection[str]) -> Iterator[str]:
    """Yield patterns for the folders that lead to what these patterns name."""
    for pattern in patterns:
        parts = pattern.strip("/").split("/", _MAX_INCLUDE_DEPTH)
        for count in range(1, len(parts)):
            if set(parts[:count]) != {"**"}:
                yield f"/{'/'.join(parts[:count])}/"
