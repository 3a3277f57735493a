"""The parameters of codekin's own requests (protocol.py): read from JSON, as somebody's client wrote it by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol.types import Position, Range

from codekin.bounds import MAX_HITS


class ArgumentsError(Exception):
    """The parameters are not as they must be; the message says how."""


@dataclass(frozen=True, slots=True)
class ScopeParams:
    """How many answers, and from where. `{limit?, language?, folder?}`"""

    limit: int | None  # at most so many hits; None: the setting search.limit
    language: str | None  # only hits in this language
    folder: str | None  # only hits below this folder: a file: URI or an absolute path


@dataclass(frozen=True, slots=True)
class FindSimilarParams:
    """`{textDocument: {uri}, position | range, show?, …Scope}` or `{text, …Scope}`.

    At a position: what is like the function there. With a range of several lines: what is like these lines.
    With `text`, `language` is what the text is in and the hits are limited to; without it no clones are recognised
    but the same text.
    """

    uri: str
    asked: Range
    text: str | None  # the code itself; uri and asked say nothing then
    show: bool  # also show the answer, by window/showDocument or window/showMessage
    scope: ScopeParams


@dataclass(frozen=True, slots=True)
class SearchParams:
    """`{query, show?, …Scope}`"""

    query: str
    show: bool
    scope: ScopeParams


def parse_find_similar(value: Any) -> FindSimilarParams:
    """Raises ArgumentsError."""
    usage = (
        'codekin.findSimilar takes {"textDocument": {"uri"}, "position": {"line", "character"}}, the same with '
        '"range": {"start", "end"}, or {"text"}'
    )
    given = _Given(value, usage)
    scope, show = _scope(given), given.flag("show")
    if given.has("text"):
        return FindSimilarParams("", _line(Position(0, 0)), given.text("text"), show, scope)
    uri = given.inner("textDocument").text("uri")
    if given.has("range"):
        bounds = given.inner("range")
        asked = Range(_position(bounds.inner("start")), _position(bounds.inner("end")))
    else:
        asked = _line(_position(given.inner("position")))
    return FindSimilarParams(uri, asked, None, show, scope)


def parse_search(value: Any) -> SearchParams:
    """Raises ArgumentsError."""
    given = _Given(value, 'codekin.search takes {"query"}, in words or code')
    return SearchParams(given.text("query"), given.flag("show"), _scope(given))


@dataclass(frozen=True, slots=True)
class CompareParams:
    """`{mine: Location, theirs: Location}`: a duplicate, whole, and where else it stands."""

    uri: str  # theirs
    start: Position


def parse_compare(value: Any) -> CompareParams:
    """Raises ArgumentsError."""
    theirs = _Given(value, 'codekin.compare takes {"mine": Location, "theirs": Location}').inner("theirs")
    return CompareParams(theirs.text("uri"), _position(theirs.inner("range").inner("start")))


@dataclass(frozen=True, slots=True)
class MapParams:
    """`{limit?, workDoneToken?}`"""

    limit: int | None  # at most so many functions; None: as many as are drawn at all
    token: int | str | None  # under which progress is told


def parse_map(value: Any) -> MapParams:
    """Raises ArgumentsError."""
    given = _Given(value if value is not None else {}, 'codekin.map takes {"limit"}')
    token = value.get("workDoneToken") if given.has("workDoneToken") else None
    limit = given.count("limit", 1) if given.has("limit") else None
    return MapParams(limit, token if isinstance(token, int | str) else None)


class _Given:
    """A JSON object from outside, read with the reader's eyes open."""

    def __init__(self, value: Any, usage: str, path: str = "") -> None:
        if not isinstance(value, Mapping):
            raise ArgumentsError(f"{usage}; {path.rstrip('.') or 'what came'} is no object.")
        self._value, self._usage, self._path = value, usage, path

    def has(self, key: str) -> bool:
        return self._value.get(key) is not None

    def inner(self, key: str) -> "_Given":
        return _Given(self._value.get(key), self._usage, f"{self._path}{key}.")

    def text(self, key: str) -> str:
        value = self._value.get(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def count(self, key: str, least: int, most: int = 2**31 - 1) -> int:
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._wrong(key, f"a whole number from {least:,} to {most:,}")
        return value

    def flag(self, key: str) -> bool:
        value = self._value.get(key) or False
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def _wrong(self, key: str, wanted: str) -> ArgumentsError:
        value = self._value.get(key)
        said = "is missing" if value is None else f"is {str(value)[:40]!r}, but must be {wanted}"
        return ArgumentsError(f"{self._usage}; {self._path}{key} {said}.")


def _scope(given: _Given) -> ScopeParams:
    return ScopeParams(
        given.count("limit", 1, MAX_HITS) if given.has("limit") else None,
        given.text("language") if given.has("language") else None,
        given.text("folder") if given.has("folder") else None,
    )


def _position(given: _Given) -> Position:
    return Position(given.count("line", 0), given.count("character", 0))


def _line(position: Position) -> Range:
    return Range(position, position)
