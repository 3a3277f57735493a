"""Parse the params of codekin's own requests from JSON that clients write by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol.types import Position, Range

from codekin.bounds import MAX_HITS


class ArgumentsError(Exception):
    """Raised for invalid params; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class ScopeParams:
    """Limits on the hits of a query: `{limit?, language?, folder?, paths?, excludedPaths?, kinds?, tests?}`."""

    limit: int | None  # maximum number of hits; None: the setting search.limit
    languages: tuple[str, ...]  # only hits in one of these languages; `language` is one or an array of them
    folder: str | None  # only hits below this folder: a file: URI or an absolute path
    paths: tuple[str, ...]  # only hits in files that one of these patterns, as in .gitignore, matches
    excluded_paths: tuple[str, ...]  # and that none of these matches
    kinds: tuple[str, ...]  # only hits of one of these kinds
    tests: bool | None  # only tests, or no tests


@dataclass(frozen=True, slots=True)
class FindSimilarParams:
    """Params of findSimilar: `{textDocument: {uri}, position | range, show?, …Scope}` or `{text, …Scope}`.

    The code is the function at the position, or the range where it has several lines, or `text`. With `text`,
    `language` is the language of the text and of the hits; without it, only identical text is recognised as a clone.
    """

    uri: str
    selection: Range
    text: str | None  # the code itself; uri and selection are ignored then
    show: bool  # also show the answer, by window/showDocument or window/showMessage
    scope: ScopeParams


@dataclass(frozen=True, slots=True)
class SearchParams:
    """Params of search: `{query, show?, …Scope}`."""

    query: str
    show: bool
    scope: ScopeParams


def parse_find_similar(json_params: Any) -> FindSimilarParams:
    """Return the checked params of findSimilar; with `text`, uri and selection are empty. Raises ArgumentsError."""
    usage_text = (
        'codekin.findSimilar takes {"textDocument": {"uri"}, "position": {"line", "character"}}, the same with '
        '"range": {"start", "end"}, or {"text"}'
    )
    reader = _ParamsReader(json_params, usage_text)
    scope, show = _read_scope(reader), reader.read_boolean("show")
    if reader.has_key("text"):
        return FindSimilarParams("", _to_empty_range(Position(0, 0)), reader.read_string("text"), show, scope)
    uri = reader.read_object("textDocument").read_string("uri")
    if reader.has_key("range"):
        range_reader = reader.read_object("range")
        selection = Range(
            _read_position(range_reader.read_object("start")), _read_position(range_reader.read_object("end"))
        )
    else:
        selection = _to_empty_range(_read_position(reader.read_object("position")))
    return FindSimilarParams(uri, selection, None, show, scope)


def parse_search(json_params: Any) -> SearchParams:
    """Return the checked params of search; the query may be blank or long. Raises ArgumentsError."""
    reader = _ParamsReader(json_params, 'codekin.search takes {"query"}, in words or code')
    return SearchParams(reader.read_string("query"), reader.read_boolean("show"), _read_scope(reader))


@dataclass(frozen=True, slots=True)
class AlreadyExistsParams:
    """Params of alreadyExists: `{code, language?}` or `{description}`."""

    code: str | None  # one or more functions; None where there is a description
    description: str
    language: str | None  # of the code; without it, it is guessed


def parse_already_exists(json_params: Any) -> AlreadyExistsParams:
    """Return the checked params of alreadyExists. Raises ArgumentsError."""
    reader = _ParamsReader(json_params, 'codekin.alreadyExists takes {"code"}, or {"description"}')
    language = reader.read_string("language") if reader.has_key("language") else None
    if reader.has_key("code"):
        return AlreadyExistsParams(reader.read_string("code"), "", language)
    return AlreadyExistsParams(None, reader.read_string("description"), language)


@dataclass(frozen=True, slots=True)
class CompareParams:
    """Params of compare: `{mine: Location, theirs: Location}`, a duplicate and another occurrence of it."""

    uri: str  # of the other occurrence
    start: Position


def parse_compare(json_params: Any) -> CompareParams:
    """Return the checked params of compare: only the other occurrence's start. Raises ArgumentsError."""
    location_reader = _ParamsReader(
        json_params, 'codekin.compare takes {"mine": Location, "theirs": Location}'
    ).read_object("theirs")
    return CompareParams(
        location_reader.read_string("uri"), _read_position(location_reader.read_object("range").read_object("start"))
    )


@dataclass(frozen=True, slots=True)
class MapParams:
    """Params of map: `{limit?, workDoneToken?}`."""

    limit: int | None  # maximum number of functions; None: the highest allowed
    progress_token: int | str | None  # for $/progress


def parse_map(json_params: Any) -> MapParams:
    """Return the checked params of map; absent ones count as {}, a wrong token as none. Raises ArgumentsError."""
    reader = _ParamsReader(json_params if json_params is not None else {}, 'codekin.map takes {"limit"}')
    token = json_params.get("workDoneToken") if reader.has_key("workDoneToken") else None
    limit = reader.read_integer("limit", 1) if reader.has_key("limit") else None
    return MapParams(limit, token if isinstance(token, int | str) else None)


class _ParamsReader:
    """Reads and checks the members of a JSON object from the client. Its methods raise ArgumentsError."""

    def __init__(self, json_value: Any, usage_text: str, key_path: str = "") -> None:
        """Take a JSON object, named `key_path` in errors after `usage_text`. Raises ArgumentsError where it is none."""
        if not isinstance(json_value, Mapping):
            raise ArgumentsError(f"{usage_text}; {key_path.rstrip('.') or 'what came'} is no object.")
        self._json_object, self._usage_text, self._key_path = json_value, usage_text, key_path

    def has_key(self, member_name: str) -> bool:
        """Return whether the member is present and not null; its type is not checked. Never raises."""
        return self._json_object.get(member_name) is not None

    def read_object(self, member_name: str) -> "_ParamsReader":
        """Return a reader of the member, which must be an object. Raises ArgumentsError, also where it is missing."""
        return _ParamsReader(self._json_object.get(member_name), self._usage_text, f"{self._key_path}{member_name}.")

    def read_string(self, member_name: str) -> str:
        """Return the member, which must be a string, perhaps "". Raises ArgumentsError, also where it is missing."""
        member_value = self._json_object.get(member_name)
        if not isinstance(member_value, str):
            raise self._make_error(member_name, "a string")
        return member_value

    def read_strings(self, member_name: str) -> tuple[str, ...]:
        """Return the member, a string or an array of them, as a tuple; () if absent or null. Raises ArgumentsError."""
        if not self.has_key(member_name):
            return ()
        value = self._json_object[member_name]
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
            raise self._make_error(member_name, "a string, or an array of them")
        return tuple(values)

    def read_integer(self, member_name: str, min_value: int, max_value: int = 2**31 - 1) -> int:
        """Return the member, a whole number in the limits; no 3.0, no true. Raises ArgumentsError, also if missing."""
        member_value = self._json_object.get(member_name)
        if (
            isinstance(member_value, bool)
            or not isinstance(member_value, int)
            or not min_value <= member_value <= max_value
        ):
            raise self._make_error(member_name, f"a whole number from {min_value:,} to {max_value:,}")
        return member_value

    def read_boolean(self, member_name: str) -> bool:
        """Return the member, which must be true or false; False where absent, null or empty. Raises ArgumentsError."""
        member_value = self._json_object.get(member_name) or False
        if not isinstance(member_value, bool):
            raise self._make_error(member_name, "true or false")
        return member_value

    def _make_error(self, member_name: str, expectation: str) -> ArgumentsError:
        """Return, not raise, the error that says how the member, missing or wrong, must be."""
        member_value = self._json_object.get(member_name)
        explanation = (
            "is missing" if member_value is None else f"is {str(member_value)[:40]!r}, but must be {expectation}"
        )
        return ArgumentsError(f"{self._usage_text}; {self._key_path}{member_name} {explanation}.")


def _read_scope(reader: _ParamsReader) -> ScopeParams:
    """Return the members that limit the hits; None or () for each that is absent. Raises ArgumentsError."""
    return ScopeParams(
        reader.read_integer("limit", 1, MAX_HITS) if reader.has_key("limit") else None,
        reader.read_strings("language"),
        reader.read_string("folder") if reader.has_key("folder") else None,
        reader.read_strings("paths"),
        reader.read_strings("excludedPaths"),
        reader.read_strings("kinds"),
        reader.read_boolean("tests") if reader.has_key("tests") else None,
    )


def _read_position(reader: _ParamsReader) -> Position:
    """Return the object's `line` and `character` as a position. Raises ArgumentsError."""
    return Position(reader.read_integer("line", 0), reader.read_integer("character", 0))


def _to_empty_range(position: Position) -> Range:
    """Return the range that starts and ends at the position."""
    return Range(position, position)
