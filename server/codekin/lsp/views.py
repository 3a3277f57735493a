"""How a client sees a document: as the file, as one cell of a notebook, or as the JSON that a notebook is.

Rows are the client's lines; lines are those of the document's text (see code/cells.py). For the engine's threads.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lsprotocol.types import Position, Range

from codekin.code.cell_lines import find_cell, find_line_of_row, to_file_row
from codekin.lsp.convert import to_line_span, to_name_range, to_path
from codekin.types import Cell, Snippet, Span

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.workspace.workspace import Document


@dataclass(frozen=True)
class View:
    """A document as the client sees it under one address."""

    path: Path  # where it really stands
    document: "Document"
    cell: Cell | None  # the one that is open under the address

    @property
    def is_json(self) -> bool:
        """Whether the client sees the JSON of a notebook."""
        return self.cell is None and bool(self.document.cells)

    def line(self, row: int) -> int:
        """The client's line as the document's."""
        if self.is_json:
            return find_line_of_row(self.document.cells, row)
        return row + self.cell.span.start if self.cell else row

    def row(self, line: int) -> int:
        """The document's line as the client's."""
        if self.is_json:
            return to_file_row(find_cell(self.document.cells, line), line)
        return line - self.cell.span.start if self.cell else line

    def rows(self, span: Span) -> Span:
        """The document's lines as the client's."""
        start = self.row(span.start)
        return Span(start, max(self.row(span.end - 1), start) + 1)

    def holds(self, snippet: Snippet) -> bool:
        """Whether the client sees the snippet here."""
        return self.cell is None or self.cell.span.start <= snippet.span.start < self.cell.span.end

    def span(self, asked: Range) -> Span:
        """The document's lines that a selection touches."""
        from codekin.code.lines import split_lines

        if self.cell is not None:
            count = self.cell.span.end - self.cell.span.start
        elif self.is_json:
            count = max(row for cell in self.document.cells for row in cell.rows or (0,)) + 2
        else:
            count = len(split_lines(self.document.text))
        rows = to_line_span(asked, count)
        start = self.line(rows.start)
        return Span(start, max(self.line(rows.end - 1), start) + 1)

    def name(self, snippet: Snippet, line: str, encoding: str) -> Range:
        """Where the client sees the snippet's name, which stands in `line`."""
        row = self.row(snippet.name_line)
        if self.is_json:
            return Range(Position(row, 0), Position(row + 1, 0))
        return to_name_range(line, row, snippet.name, encoding)


def view_of(engine: "Engine", path: Path, uri: str) -> View | None:
    """The view of a file, or of a notebook's cell, at this address; None where there is no code (any more, or yet)."""
    from codekin.workspace.workspace import Document

    path = engine.resolve_path(path)
    document = engine.read_document(path)
    if not isinstance(document, Document):
        return None
    cell = next((cell for cell in document.cells if cell.key and unquote(cell.key) == unquote(uri)), None)
    return None if cell is None and to_path(uri) is None else View(path, document, cell)
