"""Convert hits to the protocol's locations and to JSON, in the lines that the client shows."""

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import quote

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
    SnippetKind.SECTION: SymbolKind.String,
    SnippetKind.LINES: SymbolKind.File,
}


def to_location(hit: Hit, documents: Documents) -> Location:
    """Return the location of the hit's whole code, in an open notebook's cell or in the file. Reads nothing.

    For a notebook's cell that is not open, that is in lines of the file's JSON.
    """
    if hit.cell is not None and not hit.cell.key:
        return to_lines_location(hit.place.path, hit.place.span, hit.cell, documents)
    return Location(_find_client_uri(hit, documents), _find_code_range(hit, documents.encoding))


def to_hit_name_range(hit: Hit, documents: Documents) -> Range:
    """Return the range of the hit's name, or of its line without one, in the same document as `to_location`."""
    line = hit.place.name_line
    if hit.cell is not None and not hit.cell.key:
        return to_lines_location(hit.place.path, Span(line, line + 1), hit.cell, documents).range
    return _find_name_range(hit, documents.encoding)


def to_cursor_location(hit: Hit, documents: Documents) -> Location:
    """Return the location of the hit's name, not its whole code, which may begin with decorators or comments."""
    return Location(_find_client_uri(hit, documents), to_hit_name_range(hit, documents))


def to_lines_location(document_path: Path, span: Span, cell: Cell | None, documents: Documents) -> Location:
    """Return the location of whole lines of a document, in `cell` if open; up to the next line's start."""
    is_open = cell is not None and cell.key
    client_lines = to_cell_lines(cell, span) if cell and is_open else to_file_lines(cell, span)
    uri = cell.key if cell and is_open else documents.to_client_uri(document_path)
    return Location(uri, Range(Position(client_lines.start, 0), Position(client_lines.end, 0)))


def _find_client_uri(hit: Hit, documents: Documents) -> str:
    """Return the URI of the hit's file or open cell in the client; of a team's file not cloned here, its web page."""
    if hit.team and not hit.team.is_cloned:
        return hit.team.link or f"codekin-team:/{quote(f'{hit.team.repository}/{hit.team.path}')}"
    return hit.cell.key if hit.cell and hit.cell.key else documents.to_client_uri(hit.place.path)


def _find_code_range(hit: Hit, encoding: str) -> Range:
    """Return the range of the hit's code, in lines of the file or of the notebook's cell, open or not."""
    first_line = hit.place.span.start - (hit.cell.span.start if hit.cell else 0)
    return to_code_range(hit.text.split("\n"), first_line, encoding)


def _find_name_range(hit: Hit, encoding: str) -> Range:
    """Return the range of the hit's name, else of the whole line, in lines of the file or of the notebook's cell."""
    location, code_lines = hit.place, hit.text.split("\n")
    name_line = code_lines[min(max(location.name_line - location.span.start, 0), len(code_lines) - 1)]
    client_line = location.name_line - (hit.cell.span.start if hit.cell else 0)
    return to_name_range(name_line, client_line, location.name, encoding)


def to_answer_json(answer: Answer, documents: Documents) -> AnswerJson:
    """Return the answer as a dict for JSON: the client's locations and positions; reasons are made printable."""
    hit_objects = [to_hit_json(hit, documents) for hit in answer.hits]
    query_location: LocationJson | None = None
    if answer.asked:
        location = to_lines_location(*answer.asked, answer.asked_cell, documents)
        query_location = {"uri": location.uri, "range": to_range_json(location.range)}
    return {
        "hits": hit_objects,
        "asked": query_location,
        "askedName": printable(answer.asked_name),
        "coverage": answer.coverage,
        "seconds": answer.seconds,
    }


def format_hit(hit: Hit, documents: Documents) -> str:
    """Return the hit's 1-based line and name: `src/a.py:12 name`, in a notebook's third cell `a.ipynb#3:12 name`."""
    line_reference = format_line_reference(hit.place.path, hit.place.name_line, hit.cell, documents)
    return f"{line_reference} {printable(hit.place.qualified_name)}".rstrip()


def format_line_reference(document_path: Path, line_number: int, cell: Cell | None, documents: Documents) -> str:
    """Return a 0-based line as the command line names it, from 1: `src/a.py:12`, in a cell `a.ipynb#3:12`."""
    if cell is None:
        return f"{documents.display_path(document_path)}:{line_number + 1}"
    return f"{documents.display_path(document_path)}#{cell.index + 1}:{line_number - cell.span.start + 1}"


def is_definition(snippet: "Snippet") -> bool:
    """Return whether the snippet is a whole function of some kind, not a part, class or window of lines."""
    return snippet.part == 0 and snippet.kind.is_function


def to_hit_json(hit: Hit, documents: Documents) -> HitJson:
    """Return the hit as a dict for JSON, with a preview of at most 12 lines and 1,000 characters, dedented."""
    hit_location, client_location = hit.place, to_location(hit, documents)
    return {
        "location": {"uri": client_location.uri, "range": to_range_json(client_location.range)},
        "selectionRange": to_range_json(to_hit_name_range(hit, documents)),
        "name": hit_location.name,
        "qualifiedName": hit_location.qualified_name,
        "kind": hit_location.kind.value,
        "language": hit_location.language,
        "score": hit.score,
        "kinship": hit.kinship.value if hit.kinship else None,
        "why": printable(f"in {hit.team.repository}, {hit.why}" if hit.team else hit.why),
        "preview": dedent("\n".join(hit.text.split("\n")[:_PREVIEW_LINES]))[:_PREVIEW_CHARS],
        "cell": to_cell_json(hit, documents.encoding),
        "repository": printable(hit.team.repository) if hit.team else None,
    }


def to_cell_json(hit: Hit, encoding: str) -> CellJson | None:
    """Return the hit's 0-based cell index and ranges in the cell as a dict for JSON; None where it is no notebook."""
    if hit.cell is None:
        return None
    code_range, name_range = _find_code_range(hit, encoding), _find_name_range(hit, encoding)
    return {"index": hit.cell.index, "range": to_range_json(code_range), "selectionRange": to_range_json(name_range)}
