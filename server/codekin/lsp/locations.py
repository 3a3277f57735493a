"""Hits as the protocol says them."""

from textwrap import dedent
from typing import TYPE_CHECKING

from lsprotocol.types import Location, Position, Range, SymbolKind

from codekin.lsp.convert import code_range, name_range
from codekin.lsp.documents import Documents
from codekin.lsp.protocol import AnswerJson, HitJson, LocationJson, range_json
from codekin.types import Answer, Hit, Kind

if TYPE_CHECKING:
    from codekin.types import Snippet

_PREVIEW_LINES = 12
_PREVIEW_CHARS = 1000

SYMBOL_KINDS = {
    Kind.FUNCTION: SymbolKind.Function,
    Kind.METHOD: SymbolKind.Method,
    Kind.CONSTRUCTOR: SymbolKind.Constructor,
    Kind.TEST: SymbolKind.Function,
    Kind.CLASS: SymbolKind.Class,
    Kind.MODULE: SymbolKind.Module,
    Kind.LINES: SymbolKind.File,
}


def location_of(hit: Hit, documents: Documents) -> Location:
    """The whole of it."""
    lines = hit.text.split("\n")
    span = code_range(lines, hit.place.span.start, documents.encoding)
    return Location(documents.address(hit.place.path), span)


def name_of(hit: Hit, documents: Documents) -> Range:
    """Where its name stands."""
    place, lines = hit.place, hit.text.split("\n")
    line = lines[min(max(place.name_line - place.span.start, 0), len(lines) - 1)]
    return name_range(line, place.name_line, place.name, documents.encoding)


def name_location_of(hit: Hit, documents: Documents) -> Location:
    """Where a cursor belongs: on its name, below decorators and comments, whose lines say nothing of it in a list."""
    return Location(documents.address(hit.place.path), name_of(hit, documents))


def answer_json(answer: Answer, documents: Documents) -> AnswerJson:
    """An answer as JSON."""
    hits = [_hit_json(hit, documents) for hit in answer.hits]
    asked: LocationJson | None = None
    if answer.asked:
        path, span = answer.asked
        lines = Range(Position(span.start, 0), Position(span.end, 0))
        asked = {"uri": documents.address(path), "range": range_json(lines)}
    return {"hits": hits, "asked": asked, "coverage": answer.coverage, "seconds": answer.seconds}


def shown(hit: Hit, documents: Documents) -> str:
    """The hit in a line: `src/a.py:12 name`."""
    return f"{documents.shown(hit.place.path)}:{hit.place.name_line + 1} {hit.place.qualified_name}".rstrip()


def is_definition(snippet: "Snippet") -> bool:
    """Whether it is a function of some kind, whole."""
    return snippet.part == 0 and snippet.kind not in (Kind.CLASS, Kind.MODULE, Kind.LINES)


def _hit_json(hit: Hit, documents: Documents) -> HitJson:
    place, location = hit.place, location_of(hit, documents)
    return {
        "location": {"uri": location.uri, "range": range_json(location.range)},
        "selectionRange": range_json(name_of(hit, documents)),
        "name": place.name,
        "qualifiedName": place.qualified_name,
        "kind": place.kind.value,
        "language": place.language,
        "score": hit.score,
        "kinship": hit.kinship.value if hit.kinship else None,
        "why": hit.why,
        "preview": dedent("\n".join(hit.text.split("\n")[:_PREVIEW_LINES]))[:_PREVIEW_CHARS],
    }
