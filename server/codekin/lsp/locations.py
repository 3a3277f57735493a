"""Hits as the protocol says them."""

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from lsprotocol.types import Location, Position, Range, SymbolKind

from codekin.code.cell_lines import to_cell_lines, to_file_lines
from codekin.lsp.convert import to_code_range, to_name_range
from codekin.lsp.documents import Documents
from codekin.lsp.messages import AnswerJson, CellJson, HitJson, LocationJson, to_range_json
from codekin.printable import printable
from codekin.types import Answer, Cell, Hit, SnippetKind, Span

if TYPE_CHECKING:
    from codekin.types import Snippet

_PREVIEW_LINES = 12
_PREVIEW_CHARS = 1000

SYMBOL_KINDS = {
    SnippetKind.FUNCTION: SymbolKind.Function,
    SnippetKind.METHOD: SymbolKind.Method,
    SnippetKind.CONSTRUCTOR: SymbolKind.Constructor,
    SnippetKind.TEST: SymbolKind.Function,
    SnippetKind.CLASS: SymbolKind.Class,
    SnippetKind.MODULE: SymbolKind.Module,
    SnippetKind.LINES: SymbolKind.File,
}


def to_location(hit: Hit, documents: Documents) -> Location:
    """The whole of it. In a notebook: the cell where the client has it open, else lines of the file's JSON."""
    if hit.cell is not None and not hit.cell.key:
        return lines_location(hit.place.path, hit.place.span, hit.cell, documents)
    return Location(_address(hit, documents), _whole(hit, documents.encoding))


def to_name_location(hit: Hit, documents: Documents) -> Range:
    """Where its name stands."""
    line = hit.place.name_line
    if hit.cell is not None and not hit.cell.key:
        return lines_location(hit.place.path, Span(line, line + 1), hit.cell, documents).range
    return _name(hit, documents.encoding)


def to_cursor_location(hit: Hit, documents: Documents) -> Location:
    """Where a cursor belongs: on its name, below decorators and comments, whose lines say nothing of it in a list."""
    return Location(_address(hit, documents), to_name_location(hit, documents))


def lines_location(path: Path, span: Span, cell: Cell | None, documents: Documents) -> Location:
    """Whole lines of a document, which are in `cell` where it is a notebook."""
    is_open = cell is not None and cell.key
    lines = to_cell_lines(cell, span) if cell and is_open else to_file_lines(cell, span)
    uri = cell.key if cell and is_open else documents.to_client_uri(path)
    return Location(uri, Range(Position(lines.start, 0), Position(lines.end, 0)))


def _address(hit: Hit, documents: Documents) -> str:
    return hit.cell.key if hit.cell and hit.cell.key else documents.to_client_uri(hit.place.path)


def _whole(hit: Hit, encoding: str) -> Range:
    """All of it, in the lines of the file, or of the notebook's cell."""
    first = hit.place.span.start - (hit.cell.span.start if hit.cell else 0)
    return to_code_range(hit.text.split("\n"), first, encoding)


def _name(hit: Hit, encoding: str) -> Range:
    place, lines = hit.place, hit.text.split("\n")
    line = lines[min(max(place.name_line - place.span.start, 0), len(lines) - 1)]
    row = place.name_line - (hit.cell.span.start if hit.cell else 0)
    return to_name_range(line, row, place.name, encoding)


def to_answer_json(answer: Answer, documents: Documents) -> AnswerJson:
    """An answer as JSON."""
    hits = [_hit_json(hit, documents) for hit in answer.hits]
    asked: LocationJson | None = None
    if answer.asked:
        location = lines_location(*answer.asked, answer.asked_cell, documents)
        asked = {"uri": location.uri, "range": to_range_json(location.range)}
    return {"hits": hits, "asked": asked, "coverage": answer.coverage, "seconds": answer.seconds}


def format_hit(hit: Hit, documents: Documents) -> str:
    """The hit in a line: `src/a.py:12 name`; in the third cell of a notebook `a.ipynb#3:12 name`."""
    place = place_shown(hit.place.path, hit.place.name_line, hit.cell, documents)
    return f"{place} {printable(hit.place.qualified_name)}".rstrip()


def place_shown(path: Path, line: int, cell: Cell | None, documents: Documents) -> str:
    """A line of a document as the command line has it, too."""
    if cell is None:
        return f"{documents.display_path(path)}:{line + 1}"
    return f"{documents.display_path(path)}#{cell.index + 1}:{line - cell.span.start + 1}"


def is_definition(snippet: "Snippet") -> bool:
    """Whether it is a function of some kind, whole."""
    return snippet.part == 0 and snippet.kind.is_function


def _hit_json(hit: Hit, documents: Documents) -> HitJson:
    place, location = hit.place, to_location(hit, documents)
    return {
        "location": {"uri": location.uri, "range": to_range_json(location.range)},
        "selectionRange": to_range_json(to_name_location(hit, documents)),
        "name": place.name,
        "qualifiedName": place.qualified_name,
        "kind": place.kind.value,
        "language": place.language,
        "score": hit.score,
        "kinship": hit.kinship.value if hit.kinship else None,
        "why": printable(hit.why),
        "preview": dedent("\n".join(hit.text.split("\n")[:_PREVIEW_LINES]))[:_PREVIEW_CHARS],
        "cell": cell_json(hit, documents.encoding),
    }


def cell_json(hit: Hit, encoding: str) -> CellJson | None:
    """The notebook's cell that it is in, for clients that open notebooks by themselves."""
    if hit.cell is None:
        return None
    whole, name = _whole(hit, encoding), _name(hit, encoding)
    return {"index": hit.cell.index, "range": to_range_json(whole), "selectionRange": to_range_json(name)}
