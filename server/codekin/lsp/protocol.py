"""What codekin speaks beyond the standard: the parameters and results of its own requests, as JSON has them.

| request, and command | parameters | result |
|---|---|---|
| `codekin/findSimilar`, `codekin.findSimilar` | `FindSimilar` | `Answer` |
| `codekin/search`, `codekin.search` | `Search` | `Answer` |
| `codekin.showCompletionSource` (command only) | none | `Source`, null where nothing was shown |
| `codekin/status`, `codekin.status` | none | `Status` |
| `codekin/reindex`, `codekin.reindex` | none | `Status` |
| `codekin/pause`, `codekin.pause` | none | `Status` |
| `codekin/resume`, `codekin.resume` | none | `Status` |

A command takes its parameters as its one argument. The notification `codekin/statusChanged` carries a `Status`.
Positions are the protocol's: 0-based, in the negotiated encoding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from lsprotocol.types import Position, Range

from codekin import __version__
from codekin.types import Progress, Status

STATUS_CHANGED = "codekin/statusChanged"

_MOST = 1000


class ArgumentsError(Exception):
    """The parameters are not as they must be; the message says how."""


# Parameters: read from JSON, as they come from a client that somebody wrote by hand


@dataclass(frozen=True, slots=True)
class Scope:
    """How many answers, and from where. `{limit?, language?, folder?}`"""

    limit: int | None  # at most so many hits; None: the setting search.limit
    language: str | None  # only hits in this language
    folder: str | None  # only hits below this folder: a file: URI or an absolute path


@dataclass(frozen=True, slots=True)
class FindSimilar:
    """`{textDocument: {uri}, position | range, show?, …Scope}` or `{text, …Scope}`.

    At a position: what is like the function there. With a range of several lines: what is like these lines.
    With `text`, `language` is what the text is in and the hits are limited to; without it no clones are recognised
    but the same text.
    """

    uri: str
    asked: Range
    text: str | None  # the code itself; uri and asked say nothing then
    show: bool  # also show the answer, by window/showDocument or window/showMessage
    scope: Scope


@dataclass(frozen=True, slots=True)
class Search:
    """`{query, show?, …Scope}`"""

    query: str
    show: bool
    scope: Scope


def find_similar(value: Any) -> FindSimilar:
    """Raises ArgumentsError."""
    usage = (
        'codekin.findSimilar takes {"textDocument": {"uri"}, "position": {"line", "character"}}, the same with '
        '"range": {"start", "end"}, or {"text"}'
    )
    given = _Given(value, usage)
    scope, show = _scope(given), given.flag("show")
    if given.has("text"):
        return FindSimilar("", _line(Position(0, 0)), given.text("text"), show, scope)
    uri = given.inner("textDocument").text("uri")
    if given.has("range"):
        bounds = given.inner("range")
        asked = Range(_position(bounds.inner("start")), _position(bounds.inner("end")))
    else:
        asked = _line(_position(given.inner("position")))
    return FindSimilar(uri, asked, None, show, scope)


def search(value: Any) -> Search:
    """Raises ArgumentsError."""
    given = _Given(value, 'codekin.search takes {"query"}, in words or code')
    return Search(given.text("query"), given.flag("show"), _scope(given))


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


def _scope(given: _Given) -> Scope:
    return Scope(
        given.count("limit", 1, _MOST) if given.has("limit") else None,
        given.text("language") if given.has("language") else None,
        given.text("folder") if given.has("folder") else None,
    )


def _position(given: _Given) -> Position:
    return Position(given.count("line", 0), given.count("character", 0))


def _line(position: Position) -> Range:
    return Range(position, position)


# Results: JSON from the start


class PositionJson(TypedDict):
    """A place between two characters."""

    line: int
    character: int


class RangeJson(TypedDict):
    """From one position up to another."""

    start: PositionJson
    end: PositionJson


class LocationJson(TypedDict):
    """A range in a document."""

    uri: str
    range: RangeJson


class HitJson(TypedDict):
    """A place that is like what was asked."""

    location: LocationJson  # the whole of it
    selectionRange: RangeJson  # its name
    name: str  # "" where the source gives none
    qualifiedName: str
    kind: str  # "function" | "method" | "constructor" | "test" | "class" | "module" | "lines"
    language: str
    score: float  # 0 … 1, higher is better
    kinship: str | None  # "identical" | "renamed" | "edited" | "similar"; null where the question was not code
    why: str
    preview: str  # its first lines


class AnswerJson(TypedDict):
    """Hits, best first."""

    hits: list[HitJson]
    asked: LocationJson | None  # the code that was asked about, in whole lines; null where the question was a text
    coverage: float  # the share of the workspace that could be searched, 0 … 1
    seconds: float


class SourceJson(TypedDict):
    """Where a completion is taken from."""

    label: str  # "from orders/service.py:42, edited"
    location: LocationJson


class ProgressJson(TypedDict):
    """How far the bulk index is, in files."""

    done: int
    total: int
    secondsLeft: float | None


class StatusJson(TypedDict):
    """How things are."""

    version: str
    state: str  # "no folder" | "opening" | "indexing" | "ready" | "paused" | "standing by" | "failed"
    roots: list[str]
    files: int
    snippets: int
    skipped: int
    coverage: float
    progress: ProgressJson | None
    model: str
    device: str
    dense: str  # how vectors are searched
    store: str  # the index's file
    storeBytes: int
    embedded: int  # contents embedded since the server started
    watching: str
    problems: list[str]  # each names its remedy


NO_ANSWER: AnswerJson = {"hits": [], "asked": None, "coverage": 0.0, "seconds": 0.0}


def range_json(span: Range) -> RangeJson:
    """A range as JSON."""
    start, end = span.start, span.end
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def status_json(status: Status) -> StatusJson:
    """The engine's status as JSON."""
    return {
        "version": __version__,
        "state": status.state,
        "roots": [str(root) for root in status.roots],
        "files": status.files,
        "snippets": status.snippets,
        "skipped": status.skipped,
        "coverage": status.coverage,
        "progress": _progress_json(status.progress),
        "model": status.model,
        "device": status.device,
        "dense": status.dense,
        "store": str(status.store),
        "storeBytes": status.store_bytes,
        "embedded": status.embedded,
        "watching": status.watching,
        "problems": list(status.problems),
    }


def bare_status(state: str, problems: list[str]) -> StatusJson:
    """The status while there is no engine."""
    return {
        "version": __version__,
        "state": state,
        "roots": [],
        "files": 0,
        "snippets": 0,
        "skipped": 0,
        "coverage": 0.0,
        "progress": None,
        "model": "",
        "device": "",
        "dense": "",
        "store": "",
        "storeBytes": 0,
        "embedded": 0,
        "watching": "off",
        "problems": problems,
    }


def _progress_json(progress: Progress | None) -> ProgressJson | None:
    if progress is None:
        return None
    return {"done": progress.done, "total": progress.total, "secondsLeft": progress.seconds_left}
