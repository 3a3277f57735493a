"""What the words on the command line mean: places, folders, languages, addresses. Wrong ones raise QueryError."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codekin.code.cell_lines import find_line_of_row
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.engine import Engine

# The lazy path leaves a drive's colon to itself; a column, or grep's colon at the end, may follow the line.
_PLACE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?:?", re.DOTALL)
_IN_CELL = re.compile(r"(?P<path>.+\.ipynb)#(?P<cell>\d+)(?::(?P<line>\d+))?", re.DOTALL | re.IGNORECASE)
_DIGITS = 18  # of a line's number; Python refuses to read thousands
_ADDRESS = re.compile(r"(?:(?P<host>.*):)?(?P<port>\d+)", re.DOTALL)
_REPOSITORIES = (".git", ".hg", ".jj", ".svn")
_PROJECTS = (
    *("pyproject.toml", "setup.py", "package.json", "Cargo.toml", "go.mod", "pom.xml", "build.gradle"),
    *("build.gradle.kts", "composer.json", "Gemfile", "CMakeLists.txt", "meson.build", "Makefile", "Package.swift"),
    *("build.sbt", ".codekinignore"),
)


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What `similar` and `search` have in common."""

    root: Path | None
    k: int | None
    language: str | None
    folder: Path | None
    model: str | None
    as_json: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A line that the command line names, 0-based: of a file, or of a notebook's cell."""

    path: Path
    line: int
    cell: int | None = None

    def line_in(self, engine: "Engine") -> int:
        """The line of the document's text. Raises QueryError where the notebook has no such cell."""
        cells = engine.list_cells(self.path)
        if self.cell is None:
            return find_line_of_row(cells, self.line) if cells else self.line
        cell = next((cell for cell in cells if cell.index == self.cell), None)
        if cell is None:
            raise QueryError(f"Cell {self.cell + 1} of {self.path} holds no code. Name another one.")
        return min(cell.span.start + self.line, cell.span.end - 1)


def line_named(place: str) -> Named:
    """The same as `file_and_line`; and of a notebook `NOTEBOOK#CELL` or `NOTEBOOK#CELL:LINE`, by the cell's lines."""
    in_cell = _IN_CELL.fullmatch(place)
    if in_cell is None:
        return Named(*parse_file_and_line(place))
    path, line = parse_file_and_line(f"{in_cell['path']}:{in_cell['line'] or 1}")
    if int(in_cell["cell"][:_DIGITS]) < 1:
        raise QueryError("Cells are counted from 1.")
    return Named(path, line, int(in_cell["cell"][:_DIGITS]) - 1)


def parse_file_and_line(place: str) -> tuple[Path, int]:
    """`FILE:LINE` (also `FILE:LINE:COLUMN`) as the file and its 0-based line."""
    match = _PLACE.fullmatch(place)
    if match is None:
        raise QueryError(f"{place} names no line. Write FILE:LINE, as in src/app.py:42.")
    path, line = Path(match["path"]), int(match["line"][:_DIGITS])
    if line < 1:
        raise QueryError("Lines are counted from 1.")
    if _is_folder(path):
        raise QueryError(f"{path} is a folder. Name a source file and a line, as in src/app.py:42.")
    if not os.path.exists(path):  # noqa: PTH110 (Path.exists raises where the path is too long)
        raise QueryError(f"There is no file {path} in {Path.cwd()}. Name one that is there.")
    return path.resolve(), line - 1


def find_root(start: Path) -> Path:
    """The workspace that `start` (a file or a folder) is in: the nearest folder with a repository, else with a
    project's file, else the folder itself.

    The home folder and the file system's root are no workspace that anybody means, unless they are named.
    """
    folder = start if start.is_dir() else start.parent
    if _is_too_wide(folder):
        raise QueryError(f"{folder} as a whole is hardly what you mean. Name the workspace with --root, or go into it.")
    for marks in (_REPOSITORIES, _PROJECTS):
        for candidate in (folder, *folder.parents):
            if not _is_too_wide(candidate) and any(os.path.lexists(candidate / mark) for mark in marks):
                return candidate
    return folder


def _is_too_wide(folder: Path) -> bool:
    return folder.parent == folder or folder == Path.home().resolve()


def resolve_filter_folder(folder: Path, root: Path) -> Path:
    """The folder that a question is limited to, seen from the current directory or from the root."""
    for candidate in map(Path, (os.path.realpath(folder), os.path.realpath(root / folder))):
        if _is_folder(candidate) and candidate.is_relative_to(root):
            return candidate
    raise QueryError(f"There is no folder {folder} in {root}. Name one that is there.")


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 (Path.is_dir raises where the path is too long)


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT` (`[HOST]:PORT` for IPv6, or a port of this machine alone) as the two."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65_535:
        raise QueryError(f"{text} is no address. Write HOST:PORT, as in 127.0.0.1:2087.")
    return (match["host"] or "").strip("[]") or "127.0.0.1", int(match["port"])
