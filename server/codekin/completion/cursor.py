"""The cursor of a completion: a position in the current text of a document."""

from dataclasses import dataclass
from pathlib import Path

from codekin.types import Cell


@dataclass(frozen=True, slots=True)
class CellText:
    """The text of a notebook's cell that an editor has open under `key`."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a document's current text: row and column are 0-based, the column counts characters."""

    path: Path
    text: str
    language: str
    row: int
    column: int
    cells: tuple[Cell, ...] = ()  # of a notebook
