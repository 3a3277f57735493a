"""Parse arguments of the command line: lines of files, folders, addresses. Invalid ones raise QueryError."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codekin.code.cell_lines import find_line_of_row
from codekin.code.languages import find_language
from codekin.errors import QueryError, name_missing_package
from codekin.types import Filter, SnippetKind, Span
from codekin.workspace.wide_folders import is_system_folder, is_too_wide

if TYPE_CHECKING:
    from codekin.cli.duplicates import DuplicateOptions
    from codekin.engine import Engine

# The lazy path leaves a drive's colon to itself; a column, or grep's colon at the end, may follow the line.
_FILE_AND_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?:?", re.DOTALL)
_LINE_RANGE = re.compile(r"(?P<first>.+:\d+)-(?P<last>\d+)", re.DOTALL)
_NOTEBOOK_CELL = re.compile(r"(?P<path>.+\.ipynb)#(?P<cell>\d+)(?::(?P<line>\d+))?", re.DOTALL | re.IGNORECASE)
_MAX_LINE_DIGITS = 18  # of a line's number; Python refuses to read thousands
_ADDRESS = re.compile(r"(?:(?P<host>.*):)?(?P<port>\d+)", re.DOTALL)
_REPOSITORY_MARKERS = (".git", ".hg", ".jj", ".svn")
_PROJECT_MARKERS = (
    *("pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod", "pom.xml", "build.gradle"),
    *("build.gradle.kts", "composer.json", "Gemfile", "CMakeLists.txt", "meson.build", "Makefile", "Package.swift"),
    *("build.sbt", ".codekinignore"),
)
_FILTER_OPTIONS = {
    "language": "--language",
    "folder": "--folder",
    "path": "--path",
    "excluded": "--not",
    "kind": "--kind",
}


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The options that `similar` and `search` share."""

    root: Path | None
    k: int | None
    language: tuple[str, ...]
    folder: Path | None
    path: tuple[str, ...]  # patterns
    excluded: tuple[str, ...]
    kind: tuple[str, ...]
    tests: bool | None
    model: str | None
    as_json: bool
    resident: bool  # whether a process that an earlier command left may answer
    team: bool  # whether the team's index may be asked, too


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line, 0-based, of a file; with `cell` (0-based), of that code cell of a notebook."""

    path: Path
    line: int
    cell: int | None = None
    last_line: int | None = None  # of several lines, included

    @property
    def is_single(self) -> bool:
        """Return whether the reference names one line, which stands for its whole function."""
        return self.last_line is None or self.last_line <= self.line

    @property
    def end(self) -> int:
        """Return the end of the named lines, exclusive, 0-based."""
        return (self.line if self.last_line is None else max(self.line, self.last_line)) + 1

    def resolve_lines(self, engine: "Engine") -> Span:
        """Return the 0-based span of the lines in the document's text. Raises QueryError without a named cell.

        Each end is found as `resolve_line` does.
        """
        start_line = self.resolve_line(engine)
        if self.is_single:
            return Span(start_line, start_line + 1)
        last_line = replace(self, line=self.end - 1, last_line=None).resolve_line(engine)
        return Span(start_line, max(last_line, start_line) + 1)

    def resolve_line(self, engine: "Engine") -> int:
        """Return the 0-based line in the document's text, clamped to a named cell. Raises QueryError without it."""
        code_cells = engine.list_cells(self.path)
        if self.cell is None:
            return find_line_of_row(code_cells, self.line) if code_cells else self.line
        named_cell = next((named_cell for named_cell in code_cells if named_cell.index == self.cell), None)
        if named_cell is None:
            raise QueryError(f"Cell {self.cell + 1} of {self.path} contains no code. Choose another cell.")
        return min(named_cell.span.start + self.line, named_cell.span.end - 1)


def parse_line_reference(reference: str) -> NamedLine:
    """Parse `FILE:LINE[-LINE]`, `NOTEBOOK#CELL[:LINE[-LINE]]`, counted from 1, to a NamedLine, from 0.

    Raises QueryError, also for no file.
    """
    range_match = _LINE_RANGE.fullmatch(reference)
    if range_match is not None:
        first_line = parse_line_reference(range_match["first"])
        last_line = int(range_match["last"][:_MAX_LINE_DIGITS]) - 1
        if last_line < first_line.line:
            raise QueryError(f"{reference} ends before it begins. Write FILE:FIRST-LAST, as in src/app.py:10-20.")
        return replace(first_line, last_line=last_line)
    cell_match = _NOTEBOOK_CELL.fullmatch(reference)
    if cell_match is None:
        return NamedLine(*parse_file_and_line(reference))
    file_path, cell_line = parse_file_and_line(f"{cell_match['path']}:{cell_match['line'] or 1}")
    if int(cell_match["cell"][:_MAX_LINE_DIGITS]) < 1:
        raise QueryError("Cells are counted from 1.")
    return NamedLine(file_path, cell_line, int(cell_match["cell"][:_MAX_LINE_DIGITS]) - 1)


def parse_file_and_line(reference: str) -> tuple[Path, int]:
    """Parse `FILE:LINE[:COLUMN]` to the real path and 0-based line, without column. Raises QueryError for no file."""
    reference_match = _FILE_AND_LINE.fullmatch(reference)
    if reference_match is None:
        subject = f"{reference} is not a line of a file" if reference.strip() else "The place is empty"
        raise QueryError(f"{subject}. Write FILE:LINE, as in src/app.py:42.")
    file_path, line_number = Path(reference_match["path"]), int(reference_match["line"][:_MAX_LINE_DIGITS])
    if line_number < 1:
        raise QueryError("Lines are counted from 1.")
    if _is_folder(file_path):
        raise QueryError(f"{file_path} is a folder. Name a source file in it.")
    if not os.path.exists(file_path):  # noqa: PTH110 (Path.exists raises where the path is too long)
        raise QueryError(f"There is no file {file_path} in {Path.cwd()}. Check the path.")
    return file_path.resolve(), line_number - 1


def find_root(start_path: Path) -> Path:
    """Return a path's workspace: nearest repository, else project, else its folder; QueryError if that is too wide.

    Only an explicit --root makes a workspace of the home folder, of the file system's root and, unless they are
    projects, of the system's folders and of a file's folder that is not in the current one. Reads the disk.
    """
    start_folder = start_path if start_path.is_dir() else start_path.parent
    if is_too_wide(start_folder):
        raise QueryError(_explain_refusal(start_folder))
    for markers in (_REPOSITORY_MARKERS, _PROJECT_MARKERS):
        for candidate in (start_folder, *start_folder.parents):
            if not is_too_wide(candidate) and any(os.path.lexists(candidate / mark) for mark in markers):
                return candidate
    if start_path != start_folder and not start_folder.is_relative_to(Path.cwd()):
        raise QueryError(f"{start_path} is in no repository and in no project. Pass its workspace with --root DIR.")
    if is_system_folder(start_folder):
        raise QueryError(_explain_refusal(start_folder))
    return start_folder


def _explain_refusal(folder: Path) -> str:
    """Return the error message for a folder that is too wide to index."""
    description = "a folder of the system"
    if is_too_wide(folder):
        description = "the whole disk" if folder.parent == folder else "your whole home directory"
    return f"Refusing to index {description} ({folder}). Run this inside a project, or pass --root DIR."


def resolve_filter_folder(folder: Path, workspace_root: Path) -> Path:
    """Return --folder's real path, relative to the current folder, else the root. Raises QueryError if outside."""
    for candidate in map(Path, (os.path.realpath(folder), os.path.realpath(workspace_root / folder))):
        if _is_folder(candidate) and candidate.is_relative_to(workspace_root):
            return candidate
    raise QueryError(f"There is no folder {folder} in {workspace_root}. Check the path.")


def resolve_filter_path(named_path: Path, workspace_root: Path) -> Path:
    """Return a file's or folder's real path, relative to the current folder, else the root. Raises QueryError."""
    for candidate in map(Path, (os.path.realpath(named_path), os.path.realpath(workspace_root / named_path))):
        if os.path.lexists(candidate) and candidate.is_relative_to(workspace_root):
            return candidate
    raise QueryError(f"There is no file or folder {named_path} in {workspace_root}. Check the path.")


def _is_folder(path: Path) -> bool:
    """Return whether the path is an existing folder; False for a path that is too long."""
    return os.path.isdir(path)  # noqa: PTH112 (Path.is_dir raises where the path is too long)


def parse_address(address: str) -> tuple[str, int]:
    """Parse `HOST:PORT` (`[HOST]:PORT` for IPv6), port 0 to 65535; a bare `PORT` means 127.0.0.1. Raises QueryError."""
    address_match = _ADDRESS.fullmatch(address)
    if address_match is None or int(address_match["port"]) > 65_535:
        raise QueryError(f"{address} is not an address. Write HOST:PORT, as in 127.0.0.1:2087.")
    return (address_match["host"] or "").strip("[]") or "127.0.0.1", int(address_match["port"])


def make_filter(query_options: QueryOptions, workspace_root: Path) -> Filter:
    """Return what the options limit hits to. Raises QueryError for a language or folder that doesn't exist."""
    return Filter(
        tuple(map(find_language, query_options.language)),
        resolve_filter_folder(query_options.folder, workspace_root) if query_options.folder else None,
        query_options.path,
        query_options.excluded,
        tuple(map(SnippetKind, query_options.kind)),
        query_options.tests,
        team=query_options.team,
    )


def list_used_filters(command_options: "QueryOptions | DuplicateOptions") -> list[str]:
    """Return the names of a command's options that limit its hits or groups by their files and are given."""
    used_filters = [option for field, option in _FILTER_OPTIONS.items() if getattr(command_options, field, None)]
    if command_options.tests is not None:
        used_filters.append("--tests" if command_options.tests else "--no-tests")
    return used_filters


def require_package(package_name: str, extra: str) -> None:
    """Raise QueryError, with the remedy, where a package of one of codekin's extras is missing."""
    from importlib.util import find_spec

    if find_spec(package_name) is None:
        raise QueryError(name_missing_package(package_name, extra))
