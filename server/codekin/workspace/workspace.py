"""List the files of a workspace and read their current text.

A file is in the workspace if it is below a root, in a language codekin knows, and no rule excludes it (see ignore.py).
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from codekin.code.notebooks import is_notebook
from codekin.errors import WorkspaceError
from codekin.settings import IndexSettings
from codekin.types import Cancel, Cell, OpenNotebook, Retry, Skipped
from codekin.workspace.documents import Document as Document
from codekin.workspace.documents import SourceFile as SourceFile
from codekin.workspace.documents import (
    check_code_size,
    find_generated_reason,
    get_size_limit,
    read_document_file,
    read_first_line,
    skip_too_large,
    skip_unreadable,
)
from codekin.workspace.documents import snippets_of as snippets_of
from codekin.workspace.ignore import (
    CODEKIN_IGNORE_FILE,
    GIT_IGNORE_FILE,
    IgnoreRules,
    IgnoreScope,
    Verdict,
)
from codekin.workspace.language_rules import LanguageRules
from codekin.workspace.listing import is_utf8
from codekin.workspace.notebook_cache import NotebookCache
from codekin.workspace.overlays import Overlays, resolve_path
from codekin.workspace.repository import GIT_ENTRY
from codekin.workspace.secret_files import REASON as SECRET_REASON
from codekin.workspace.secret_files import has_secret_name, holds_secrets
from codekin.workspace.walk import FolderWalker, VisitedFolder
from codekin.workspace.wide_folders import is_whole_disk

_KEPT_VERDICTS = (Verdict.INCLUDED, Verdict.KEPT)
SUPPRESSIONS_FILE = ".codekin.toml"  # at a root: duplicates to ignore
_INCLUDE_REMEDY = "add it to index.include to index it"


class Workspace:
    """The files below the roots that rules include, and their current text, open documents first. Thread-safe."""

    def __init__(self, roots: Sequence[Path], settings: IndexSettings) -> None:
        """Take the roots; reads nothing yet. Raises WorkspaceError where one is the whole disk."""
        self._rules = IgnoreRules(settings)
        self._max_bytes = settings.max_file_bytes
        self.language_rules = LanguageRules(settings.languages)
        self._notebooks = NotebookCache(self._max_bytes, self.language_rules)
        self._overlays = Overlays()
        self._walker = FolderWalker(roots, self._rules)
        self.roots = self._walker.roots
        for root in filter(is_whole_disk, self.roots):
            raise WorkspaceError(f"Refusing to index the whole disk ({root}). Open or name the folder of a project.")

    def walk(
        self, cancel_event: Cancel | None = None, on_path: Callable[[str], None] = lambda _: None
    ) -> Iterator[SourceFile | Skipped]:
        """Yield every file of the workspace, and skipped ones with their reasons, in a fixed order, until cancelled.

        A root or folder that can't be read is yielded as skipped too, so that its files are not forgotten. `on_path` is
        called with each path on which the result depends, just before that is looked at.
        """
        return self._list_entries(self._walker.visit_roots(cancel_event, on_path), on_path)

    def walk_again(
        self, folders: Iterable[Path], is_known: Callable[[str], bool], on_path: Callable[[str], None]
    ) -> Iterator[SourceFile | Skipped]:
        """Yield source files and skipped ones in these folders, and in those below them that are not `is_known`."""
        return self._list_entries(self._walker.visit_again(folders, is_known, on_path), on_path)

    def walk_entries(self, cancel_event: Cancel | None = None) -> Iterator["os.DirEntry[str] | Skipped"]:
        """Yield the entries that by name alone may be source files or have rules; Skipped for unreadable folders.

        A folder that can't be read is yielded as skipped.
        """
        for visited in self._walker.visit_roots(cancel_event):
            if isinstance(visited, Skipped):
                yield visited
                continue
            for entry in visited.files:
                path = visited.scope.path / entry.name
                is_rule_file = self.is_ignore_file(path) or self.is_suppressions_file(path)
                if is_rule_file or self._is_kept_by_name(visited.scope, path):
                    yield entry

    def walk_folders(self, top_folder: Path, cancel_event: Cancel | None = None) -> Iterator[Path]:
        """Yield `top_folder` and every folder below it that the walk enters; nothing if the rules exclude it."""
        for visited in self._walker.visit_tree(top_folder, cancel_event):
            if not isinstance(visited, Skipped):
                yield visited.scope.path

    def check_file(self, path: Path) -> SourceFile | Skipped | None:
        """Return the SourceFile or Skipped that a walk would yield for the path; None if it is not in the workspace.

        An open document that was never saved is in the workspace too; its `mtime_ns` is 0.
        """
        try:
            os.fsencode(path)
        except UnicodeEncodeError:  # no file can have this name
            return None
        path = self.resolve_path(path.parent) / path.name
        if (scope := self._walker.find_scope(path.parent)) is None:
            return None
        is_open = self.is_open(path)
        classified = self._classify_entry(scope, path, is_open=is_open)
        if classified is None and is_open and not os.path.lexists(path):
            overlay = self.read_document(path)
            is_kept = self._rules.classify_entry(scope, path.name, is_folder=False) in _KEPT_VERDICTS
            if is_kept and isinstance(overlay, Document):
                return SourceFile(path, overlay.language, overlay.size, 0)
            return None
        return classified

    def read_document(self, path: Path) -> Document | Skipped | None:
        """Return a file's current Document, open text first; Skipped, with the reason; None if gone or not source code.

        A file that holds secrets, or is generated and not included by a setting, is skipped, too.
        """
        if has_secret_name(path):
            return Skipped(path, SECRET_REASON)
        text = self._overlays.get_text(path)
        document = self._read_candidate(path, text)
        if not isinstance(document, Document):
            return document
        # A document that is open is skipped only while it is: the next scan looks at the disk.
        retry = Retry.WHEN_CHANGED if text is None else Retry.NEXT_SCAN
        if holds_secrets(path, document.text):
            return Skipped(path, SECRET_REASON, retry=retry)
        if (reason := find_generated_reason(document.text, document.language)) and not self._is_included(path):
            return Skipped(path, f"{reason}; {_INCLUDE_REMEDY}", retry=retry)
        return document

    def _read_candidate(self, path: Path, text: str | OpenNotebook | None) -> Document | Skipped | None:
        """Return the document of `text`, or the disk's if that is None, unchecked for secrets; or Skipped, or None."""
        if text is None:
            if is_notebook(path):
                return self._notebooks.read_document(path)
            return read_document_file(path, self._max_bytes, self.language_rules)
        if isinstance(text, str) and (too_large := self.check_text_size(path, text)):
            return too_large
        document = self._notebooks.open_document(path, text)
        return check_code_size(document, self._max_bytes) or document

    def check_text_size(self, path: Path, text: str) -> Skipped | None:
        """Return a Skipped with the reason if this unsaved text of `path` is too large; else None."""
        byte_count = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if byte_count <= get_size_limit(path, self._max_bytes):
            return None
        return replace(skip_too_large(path, byte_count, self._max_bytes), retry=Retry.NEXT_SCAN)

    def cells(self, path: Path) -> tuple[Cell, ...]:
        """Read a notebook and return its current code cells; () for any other file, and for a skipped one."""
        document = self.read_document(path) if is_notebook(path) else None
        return document.cells if isinstance(document, Document) else ()

    def open_overlay(self, path: Path, text: str | OpenNotebook) -> None:
        """Set, in memory, the text that replaces what is on the disk at `path`; queues nothing."""
        self._overlays.open_document(path, text)

    def close_overlay(self, path: Path) -> None:
        """Drop the text for `path`, if there is one, so that what is on the disk counts again; queues nothing."""
        self._overlays.close_document(path)

    def is_open(self, path: Path) -> bool:
        """Return whether an editor has the file open."""
        return self._overlays.get_text(path) is not None

    def overlays(self) -> Mapping[Path, str | OpenNotebook]:
        """Return a dict, a copy: path → unsaved text of each open document."""
        return self._overlays.copy_texts()

    def get_unsaved_text(self, path: Path) -> str | None:
        """Return the text of an open document; None for notebooks and closed files."""
        text = self._overlays.get_text(path)
        return text if isinstance(text, str) else None

    def resolve_path(self, path: Path) -> Path:
        """Return the path with links resolved, so that each file has one path; unchanged if that fails."""
        return resolve_path(path)

    def select_covered(self, paths: Iterable[Path]) -> set[Path]:
        """Return the set of those paths, links resolved, that by name could be in the workspace, existing or not.

        A root's suppressions file is covered, too.
        """
        scopes: dict[Path, IgnoreScope | None] = {}
        covered: set[Path] = set()
        for path in paths:
            scope = self._walker.find_scope(path.parent, scopes) if self.language_rules.may_be_source(path) else None
            if self.is_suppressions_file(path) or (scope and self._is_kept_by_name(scope, path)):
                covered.add(path)
        return covered

    def covers_folder(self, folder: Path) -> bool:
        """Return whether files in this folder may be in the workspace, by the rules that are in force now."""
        return self._walker.find_scope(folder) is not None

    def enters_folder(self, folder: Path) -> bool:
        """Return whether the walk enters, or would enter, this folder; its links must be resolved."""
        return self._walker.find_unentered_scope(folder) is not None

    @property
    def external_ignore_files(self) -> frozenset[Path]:
        """Return the paths of ignore files outside the source tree met so far: repositories' and the user's own."""
        return frozenset(self._rules.external_files)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a message, with its remedy, for each rule that was read but is not applied."""
        return self._rules.problems

    def is_ignore_file(self, path: Path) -> bool:
        """Return whether this path is an ignore file's or `.git`: a change of it can change which files are indexed."""
        return path.name in (GIT_IGNORE_FILE, CODEKIN_IGNORE_FILE, GIT_ENTRY) or path in self._rules.external_files

    def is_suppressions_file(self, path: Path) -> bool:
        """Return whether this is a root's `.codekin.toml`, which lists duplicates to ignore."""
        return path.name == SUPPRESSIONS_FILE and path.parent in self.roots

    def may_matter(self, path: Path) -> bool:
        """Return whether a change of the file can change the index or the suppressions, by its name alone."""
        return self.language_rules.may_be_source(path) or self.is_suppressions_file(path)

    def _list_entries(
        self, visited_folders: Iterable[VisitedFolder | Skipped], on_path: Callable[[str], None]
    ) -> Iterator[SourceFile | Skipped]:
        """Yield the source files and skipped files of these folders, and skipped folders."""
        for visited in visited_folders:
            if isinstance(visited, Skipped):
                yield visited
                continue
            for entry in visited.files:
                if self.is_ignore_file(visited.scope.path / entry.name):
                    on_path(entry.path)
                if classified := self._classify_entry(visited.scope, entry, on_path=on_path):
                    yield classified

    def _classify_entry(
        self,
        scope: IgnoreScope,
        entry: "os.DirEntry[str] | Path",
        *,
        is_open: bool = False,
        on_path: Callable[[str], None] = lambda _: None,
    ) -> SourceFile | Skipped | None:
        """Return the SourceFile, or Skipped; None if no source file. An open file may exceed the size limit."""
        name, path = entry.name, scope.path / entry.name
        language, is_secret = self.language_rules.detect_language(path), has_secret_name(path)
        verdict = self._rules.classify_entry(scope, name, is_folder=False)
        if verdict in (Verdict.IGNORED, Verdict.TRAVERSED) or (language is None and "." in name and not is_secret):
            return None
        on_path(os.fspath(entry))
        try:
            status = entry.stat(follow_symlinks=False)
            is_file = stat.S_ISREG(status.st_mode)
            if is_file and language is None and not is_secret:
                language = self.language_rules.detect_language(path, read_first_line(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return skip_unreadable(path, error)
        if is_file and is_secret:
            return Skipped(path, SECRET_REASON)
        if not is_file or language is None:
            return None
        source_file = SourceFile(path, language, status.st_size, status.st_mtime_ns)
        return self._find_skip(source_file, verdict, is_open) or source_file

    def _find_skip(self, source_file: SourceFile, verdict: Verdict, is_open: bool) -> Skipped | None:
        """Return a Skipped if a source file's name, size or path excludes it; else None."""
        path = source_file.path
        if verdict is Verdict.GENERATED:
            return Skipped(path, f"generated, according to its name; {_INCLUDE_REMEDY}")
        if source_file.size > get_size_limit(path, self._max_bytes) and not is_open:
            return skip_too_large(path, source_file.size, self._max_bytes)
        if not is_utf8(path):
            return Skipped(path, "its path is not valid UTF-8; rename it to index it")
        return None

    def _is_kept_by_name(self, scope: IgnoreScope, path: Path) -> bool:
        """Return whether `path`, in the scope's folder, could be a source file that no rule excludes."""
        return (
            self.language_rules.may_be_source(path)
            and self._rules.classify_entry(scope, path.name, is_folder=False) in _KEPT_VERDICTS
        )

    def _is_included(self, path: Path) -> bool:
        """Return whether `index.include` or a `!` pattern of a .codekinignore includes the file by name."""
        scope = self._walker.find_scope(path.parent)
        return scope is not None and self._rules.classify_entry(scope, path.name, is_folder=False) is Verdict.INCLUDED
