"""Convert answers to JSON and back, with nothing lost: the command that asks shows what it would have found itself."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from codekin.types import Answer, Cell, Filter, Hit, Kinship, Location, Snippet, SnippetKind, Span, TeamPlace


def answer_to_message(answer: Answer) -> dict[str, Any]:
    """Return an answer (without `asked_name`) as a dict for JSON, for `answer_from_message`."""
    return {
        "hits": [_hit_to_message(hit) for hit in answer.hits],
        "coverage": answer.coverage,
        "seconds": answer.seconds,
        "asked": answer.asked and [str(answer.asked[0]), answer.asked[1].start, answer.asked[1].end],
        "asked_cell": answer.asked_cell and asdict(answer.asked_cell),
        "team_problem": answer.team_problem,
    }


def answer_from_message(message: dict[str, Any]) -> Answer:
    """Return the answer of a message. Raises KeyError, TypeError or ValueError where it is none."""
    asked = message["asked"]
    return Answer(
        hits=tuple(_hit_from_message(hit) for hit in message["hits"]),
        coverage=float(message["coverage"]),
        seconds=float(message["seconds"]),
        asked=(Path(asked[0]), Span(asked[1], asked[2])) if asked else None,
        asked_cell=_cell_from_message(message["asked_cell"]),
        team_problem=str(message["team_problem"]),
    )


def filter_to_message(hit_filter: Filter) -> dict[str, Any]:
    """Return a filter as a dict for JSON, for `filter_from_message`."""
    return {
        "languages": hit_filter.languages,
        "folder": hit_filter.folder and str(hit_filter.folder),
        "paths": hit_filter.paths,
        "excluded_paths": hit_filter.excluded_paths,
        "kinds": hit_filter.kinds,
        "tests": hit_filter.tests,
        "team": hit_filter.team,
    }


def filter_from_message(message: dict[str, Any]) -> Filter:
    """Return the filter of a message. Raises KeyError, TypeError or ValueError where it is none."""
    return Filter(
        tuple(message["languages"]),
        Path(message["folder"]) if message["folder"] else None,
        tuple(message["paths"]),
        tuple(message["excluded_paths"]),
        tuple(map(SnippetKind, message["kinds"])),
        message["tests"],
        bool(message["team"]),
    )


def snippet_to_message(snippet: Snippet) -> dict[str, Any]:
    """Return a dict for JSON: a snippet's qualified name, kind and span of rows."""
    return {"qualified_name": snippet.qualified_name, "kind": snippet.kind, "span": asdict(snippet.span)}


def snippet_from_message(message: dict[str, Any]) -> Snippet:
    """Return the snippet of a message, without a text. Raises KeyError, TypeError or ValueError where it is none."""
    span = Span(**message["span"])
    return Snippet("", message["qualified_name"], SnippetKind(message["kind"]), "", span, span.start, "", "")


def _hit_to_message(hit: Hit) -> dict[str, Any]:
    """Return a hit as a dict for JSON, paths as text."""
    return asdict(hit) | {"place": asdict(hit.place) | {"path": str(hit.place.path)}}


def _hit_from_message(message: dict[str, Any]) -> Hit:
    """Return the hit of a message. Raises KeyError, TypeError or ValueError if it is malformed."""
    place = message["place"]
    location = Location(
        **place | {"path": Path(place["path"]), "span": Span(**place["span"]), "kind": SnippetKind(place["kind"])}
    )
    kinship = message["kinship"] and Kinship(message["kinship"])
    team = message["team"] and TeamPlace(**message["team"])
    cell = _cell_from_message(message["cell"])
    return Hit(**message | {"place": location, "kinship": kinship, "cell": cell, "team": team})


def _cell_from_message(message: dict[str, Any] | None) -> Cell | None:
    """Return the cell of a message, None for None. Raises KeyError or TypeError if it is malformed."""
    if message is None:
        return None
    return Cell(**message | {"span": Span(**message["span"]), "rows": tuple(message["rows"])})
