"""Map a document's lines to the client's: those of the file, of one notebook cell, or of the notebook's JSON.

The client's lines are the lines that it shows; the document's lines are those of its text (see code/cell_lines.py).
Runs on the engine's threads.
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
class DocumentView:
    """A document as the client shows it under one URI: a file, one notebook cell, or a notebook's JSON."""

    path: Path  # the real path
    document: "Document"
    cell: Cell | None  # the cell that is open under the URI

    @property
    def is_notebook_json(self) -> bool:
        """Return whether the client shows the notebook as its JSON."""
        return self.cell is None and bool(self.document.cells)

    def to_document_line(self, client_line: int) -> int:
        """Return the document's line for one that the client shows, both 0-based; not clamped to the cell."""
        if self.is_notebook_json:
            return find_line_of_row(self.document.cells, client_line)
        return client_line + self.cell.span.start if self.cell else client_line

    def to_client_line(self, document_line: int) -> int:
        """Return the line that the client shows for one of the document, both 0-based; not clamped to a cell."""
        if self.is_notebook_json:
            return to_file_row(find_cell(self.document.cells, document_line), document_line)
        return document_line - self.cell.span.start if self.cell else document_line

    def to_client_lines(self, document_lines: Span) -> Span:
        """Return the lines, half-open, that the client shows for lines of the document, at least one."""
        first_line = self.to_client_line(document_lines.start)
        return Span(first_line, max(self.to_client_line(document_lines.end - 1), first_line) + 1)

    def has_snippet(self, snippet: Snippet) -> bool:
        """Return whether the view shows the snippet: for a cell, whether it begins in the cell; else True."""
        return self.cell is None or self.cell.span.start <= snippet.span.start < self.cell.span.end

    def to_document_lines(self, selection: Range) -> Span:
        """Return the document's lines, half-open, that a selection of the client touches, at least one, clamped."""
        from codekin.code.lines import split_lines

        if self.cell is not None:
            line_count = self.cell.span.end - self.cell.span.start
        elif self.is_notebook_json:
            line_count = max(row for cell in self.document.cells for row in cell.rows or (0,)) + 2
        else:
            line_count = len(split_lines(self.document.text))
        client_lines = to_line_span(selection, line_count)
        first_line = self.to_document_line(client_lines.start)
        return Span(first_line, max(self.to_document_line(client_lines.end - 1), first_line) + 1)

    def to_name_range(self, snippet: Snippet, line_text: str, encoding: str) -> Range:
        """Return the client's range of the snippet's name in `line_text`; in notebook JSON, of the whole line."""
        client_line = self.to_client_line(snippet.name_line)
        if self.is_notebook_json:
            return Range(Position(client_line, 0), Position(client_line + 1, 0))
        return to_name_range(line_text, client_line, snippet.name, encoding)


def open_view(engine: "Engine", file_path: Path, client_uri: str) -> DocumentView | None:
    """Return the view of the file or notebook cell with this URI; None if unreadable, or the cell is not open."""
    from codekin.workspace.workspace import Document

    file_path = engine.resolve_path(file_path)
    document = engine.read_document(file_path)
    if not isinstance(document, Document):
        return None
    open_cell = next(
        (open_cell for open_cell in document.cells if open_cell.key and unquote(open_cell.key) == unquote(client_uri)),
        None,
    )
    return None if open_cell is None and to_path(client_uri) is None else DocumentView(file_path, document, open_cell)
