"""What is in the workspace, and what does it say now?

A file is in the workspace when it stands below a root, in a language codekin knows, and no rule leaves it out (see
ignore.py). Links are never followed: what they point to is found where it really stands, or lies outside the roots.
"""

import contextlib
import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.code.languages import language_of
from codekin.index.ignore import GIT_FILE, OWN_FILE, IgnoreRules, Scope, Verdict, entries
from codekin.index.reading import decoded, made_by_machine
from codekin.settings import IndexSettings
from codekin.types import Cancel, Skipped

_NS = 1_000_000_000
_TICK_NS = 20_000_000  # file systems stamp times no finer than this
_FIRST_LINE = 256  # characters
_REMEDY = "index.include brings it in"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is to be indexed, as the disk lists it."""

    path: Path  # absolute
    language: str
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Document:
    """A source file's text of now: the editor's where it is open, else the disk's."""

    path: Path
    text: str
    language: str
    size: int  # bytes on the disk; of an overlay, of its text
    mtime_ns: int  # 0: not to be trusted, compare the text
    hash: bytes  # 16 bytes of BLAKE2b of the text in UTF-8
    overlay: bool


class Workspace:
    """The folders that are indexed, seen through the rules and the open documents. May be asked from any thread."""

    def __init__(self, roots: Sequence[Path], settings: IndexSettings) -> None:
        self._rules = IgnoreRules(settings)
        self._max_bytes = settings.max_file_bytes
        self._overlays: dict[Path, str] = {}
        self._lock = threading.Lock()
        self.roots: tuple[Path, ...] = ()
        for root in sorted({Path(os.path.realpath(root)) for root in roots}):
            if self._scope(root) is None:  # else another root reaches it
                self.roots += (root,)

    def walk(self, cancel: Cancel | None = None) -> Iterator[SourceFile | Skipped]:
        """Every file of the workspace, and those that are left out for a reason worth telling; in a fixed order.

        A root or a folder that can't be read is told as skipped too: what was known of it is not to be forgotten.
        """
        for root in self.roots:
            for visited in self._visit(self._rules.root(root), cancel):
                if isinstance(visited, Skipped):
                    yield visited
                    continue
                scope, files = visited
                for entry in files:
                    if found := self._judged(scope, entry):
                        yield found

    def folders(self, under: Path, cancel: Cancel | None = None) -> Iterator[Path]:
        """`under` and every folder below it that the walk enters; none when the rules leave it out."""
        start = self._bare(under)
        for visited in self._visit(start, cancel) if start else ():
            if not isinstance(visited, Skipped):
                yield visited[0].path

    def admits(self, path: Path) -> SourceFile | Skipped | None:
        """The same verdict for one path; None: not in the workspace, or not there any more.

        An open document that was never saved is in the workspace too; its `mtime_ns` is 0.
        """
        path = self.locate(path.parent) / path.name
        scope = self._scope(path.parent)
        if scope is None:
            return None
        found = self._judged(scope, path)
        if found is None and (text := self._overlay(path)) is not None and not os.path.lexists(path):
            document = _document(path, text, None)
            kept = self._rules.verdict(scope, path.name, is_folder=False) in (Verdict.CHOSEN, Verdict.KEPT)
            return SourceFile(path, document.language, document.size, 0) if document and kept else None
        return found

    def read(self, path: Path) -> Document | Skipped | None:
        """The text of now, of any file, in the workspace or not. None: it is gone, or in no language codekin knows."""
        text = self._overlay(path)
        if text is not None:
            return _document(path, text, None)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            with path.open("rb") as stream:
                data = stream.read(self._max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError as error:
            return _unreadable(path, error)
        if len(data) > self._max_bytes:
            return self._too_large(path, max(len(data), status.st_size))
        text = decoded(data)
        if text is None:
            return Skipped(path, "binary")
        reason = made_by_machine(text)
        return (
            Skipped(path, f"{reason}; {_REMEDY}")
            if reason and not self._chosen(path)
            else _document(path, text, status)
        )

    def open(self, path: Path, text: str) -> None:
        """From now on `text` is what `path` says, whatever is on the disk."""
        path = self.locate(path)
        with self._lock:
            self._overlays[path] = text

    def close(self, path: Path) -> None:
        """From now on the disk says again what is in `path`."""
        path = self.locate(path)
        with self._lock:
            self._overlays.pop(path, None)

    def is_open(self, path: Path) -> bool:
        """Whether the editor has the file open."""
        path = self.locate(path)
        with self._lock:
            return path in self._overlays

    def overlays(self) -> Mapping[Path, str]:
        """The texts of all open documents, as they are at this moment."""
        with self._lock:
            return dict(self._overlays)

    def locate(self, path: Path) -> Path:
        """Where the file really stands: one file has one path, whatever links lead to it."""
        try:
            return Path(os.path.realpath(path))
        except (OSError, ValueError):
            return path

    def is_ignore_file(self, path: Path) -> bool:
        """Whether a change of this file changes what is in the workspace."""
        return path.name in (GIT_FILE, OWN_FILE) or path in self._rules.outside

    def _visit(self, start: Scope, cancel: Cancel | None) -> Iterator[tuple[Scope, list[os.DirEntry[str]]] | Skipped]:
        """Each folder from `start` down that is not left out, with its files."""
        pending = [start]
        while pending and not (cancel is not None and cancel.is_set()):
            bare = pending.pop()
            try:
                with os.scandir(bare.path) as listing:
                    found = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                if bare is start or not isinstance(error, FileNotFoundError | NotADirectoryError):
                    yield _unreadable(bare.path, error)
                continue
            scope = self._rules.entered(bare, {entry.name for entry in found})
            if scope is None:
                continue
            folders, files = _sorted_out(found)
            yield scope, files
            for folder in reversed(folders):
                below = self._rules.child(scope, folder.name)
                if below is not None and below.path not in self.roots:
                    pending.append(below)

    def _judged(self, scope: Scope, entry: "os.DirEntry[str] | Path") -> SourceFile | Skipped | None:
        """The verdict on one entry of the scope's folder."""
        name, path = entry.name, scope.path / entry.name
        language = language_of(path)
        if language is None and "." in name:
            return None
        verdict = self._rules.verdict(scope, name, is_folder=False)
        if verdict in (Verdict.IGNORED, Verdict.THROUGH):
            return None
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                return None
            language = language or language_of(path, _first_line(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return _unreadable(path, error)
        if language is None:
            return None
        if verdict is Verdict.GENERATED:
            return Skipped(path, f"generated, as its name says; {_REMEDY}")
        if status.st_size > self._max_bytes:
            return self._too_large(path, status.st_size)
        if not _is_utf8(name):
            return Skipped(path, "its name is not valid UTF-8; rename it to have it indexed")
        return SourceFile(path, language, status.st_size, status.st_mtime_ns)

    def _scope(self, folder: Path) -> Scope | None:
        """The scope of a folder as it is now; None when it is in no root or left out."""
        root = next((root for root in (folder, *folder.parents) if root in self.roots), None)
        if root is None:
            return None
        scope: Scope | None = self._rules.entered(self._rules.root(root), entries(root))
        for name in folder.relative_to(root).parts:
            below = scope and self._rules.child(scope, name)
            scope = below and self._rules.entered(below, entries(below.path))
        return scope

    def _bare(self, folder: Path) -> Scope | None:
        """The scope of a folder before it is entered."""
        if folder in self.roots:
            return self._rules.root(folder)
        scope = self._scope(folder.parent)
        return None if scope is None or folder.is_symlink() else self._rules.child(scope, folder.name)

    def _chosen(self, path: Path) -> bool:
        scope = self._scope(path.parent)
        return scope is not None and self._rules.verdict(scope, path.name, is_folder=False) is Verdict.CHOSEN

    def _overlay(self, path: Path) -> str | None:
        if not self._overlays:  # as in bulk, where finding out about links would cost as much as reading
            return None
        path = self.locate(path)
        with self._lock:
            return self._overlays.get(path)

    def _too_large(self, path: Path, size: int) -> Skipped:
        return Skipped(path, f"{size:,} bytes; index.max_file_bytes is {self._max_bytes:,}")


def _sorted_out(found: list[os.DirEntry[str]]) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """The folders and the files among a folder's entries, without links."""
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    for entry in found:
        with contextlib.suppress(OSError):  # it vanished, on a file system that lists names without kinds
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry)
    return folders, files


def _document(path: Path, text: str, status: os.stat_result | None) -> Document | None:
    language = language_of(path, *_samples(text))
    if language is None:
        return None
    data = text.encode("utf-8", "surrogatepass")
    size, mtime_ns = (len(data), 0) if status is None else (status.st_size, _trusted(status.st_mtime_ns))
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return Document(path, text, language, size, mtime_ns, digest, overlay=status is None)


def _samples(text: str) -> tuple[str, str]:
    """What a language is told from besides the name: the first line, and the text."""
    return text[:_FIRST_LINE].partition("\n")[0], text


def _trusted(mtime_ns: int) -> int:
    """`mtime_ns`, or 0 when a later write could get the same stamp."""
    tick = _NS * 2 if mtime_ns % _NS == 0 else _TICK_NS  # some file systems keep whole seconds only
    return 0 if abs(time.time_ns() - mtime_ns) < tick else mtime_ns


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(_FIRST_LINE).partition(b"\n")[0].decode("utf-8", "replace")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(path: Path, error: OSError) -> Skipped:
    return Skipped(path, f"can't be read: {error.strerror or error}")
