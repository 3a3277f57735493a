"""Define the results of codekin's own requests, as JSON.

| request, and command | parameters | result |
|---|---|---|
| `codekin/findSimilar`, `codekin.findSimilar` | `FindSimilar` | `Answer` |
| `codekin/search`, `codekin.search` | `Search` | `Answer` |
| `codekin/alreadyExists`, `codekin.alreadyExists` | `AlreadyExists` | `ExistenceAnswer` |
| `codekin.showCompletionSource` (command only) | none | `Source`, null where nothing was shown |
| `codekin.compare` (command only) | `Compare` | null |
| `codekin/status`, `codekin.status` | none | `Status` |
| `codekin/report`, `codekin.report` | none | `Report` |
| `codekin/map`, `codekin.map` | `Draw` | `Map`; `$/progress` under its `workDoneToken` |
| `codekin/reindex`, `codekin.reindex` | none | `Status` |
| `codekin/pause`, `codekin.pause` | none | `Status` |
| `codekin/resume`, `codekin.resume` | none | `Status` |

The params are in request_params.py; a command takes them as its one argument.
The notification `codekin/statusChanged` carries a `Status`.
Positions are the protocol's: 0-based, in the negotiated encoding.
"""

from typing import Any, TypedDict

from lsprotocol.types import Range

from codekin import __version__
from codekin.printable import printable_lines
from codekin.types import IndexState, ModelState, ModelStatus, Progress, Status

STATUS_CHANGED = "codekin/statusChanged"


class PositionJson(TypedDict):
    """Position between two characters."""

    line: int
    character: int


class RangeJson(TypedDict):
    """Range from one position up to another."""

    start: PositionJson
    end: PositionJson


class LocationJson(TypedDict):
    """Range in a document."""

    uri: str
    range: RangeJson


class CellJson(TypedDict):
    """Notebook cell of a hit, for clients that open notebooks."""

    index: int  # among all cells, from 0
    range: RangeJson  # the whole hit, in the cell's own lines
    selectionRange: RangeJson  # the name


class HitJson(TypedDict):
    """Code that matches a query."""

    location: LocationJson  # the whole code
    selectionRange: RangeJson  # the name
    name: str  # "" for code without a name
    qualifiedName: str
    kind: str  # "function" | "method" | "constructor" | "test" | "class" | "module" | "section" | "lines"
    language: str
    score: float  # 0 … 1, higher is better
    kinship: str | None  # "identical" | "renamed" | "edited" | "similar"; null where the query was not code
    why: str
    preview: str  # the first lines
    cell: CellJson | None  # null where the file is no notebook
    repository: str | None  # of the team's, which the workspace does not have; null where it is in the workspace


class AnswerJson(TypedDict):
    """Hits, best first, and how much of the workspace was searched."""

    hits: list[HitJson]
    asked: LocationJson | None  # the code of the query, in whole lines; null where the query was a text
    askedName: str  # its qualified name; "" where it has none
    coverage: float  # the share of the workspace that could be searched, 0 … 1
    seconds: float


class ExistenceJson(TypedDict):
    """Whether a function of the given code, or what a description asks for, exists already."""

    name: str  # qualified; "" of a description, and of code without a name
    line: int  # 0-based, in the given code
    verdict: str  # "yes" (by its structure) | "likely" | "possible" (worth a look) | "no"
    probability: float  # that the best match is what was asked for, 0 … 1
    matches: list[HitJson]  # best first; of a "no", the nearest there is


class ExistenceAnswerJson(TypedDict):
    """Verdicts on the functions of some code, or one on a description."""

    functions: list[ExistenceJson]
    coverage: float


class SourceJson(TypedDict):
    """Location that a completion is taken from."""

    label: str  # "from orders/service.py:42, edited"
    location: LocationJson


class ProgressJson(TypedDict):
    """Progress of the bulk index, in files."""

    done: int
    total: int
    secondsLeft: float | None


class ModelJson(TypedDict):
    """State of an embedding model."""

    name: str
    device: str  # "" before it is loaded
    share: float  # of the functions that it has embedded, 0 … 1
    state: ModelState
    fromTeam: int  # vectors that the team's index gave, since the server started


class StatusJson(TypedDict):
    """State of the server and its index."""

    version: str
    state: IndexState
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
    ignored: int  # entries of .codekin.toml: ignored duplicates
    models: list[ModelJson]  # the built-in one first


class ReportJson(TypedDict):
    """Report on what is indexed, what is skipped and why, the resources used, and recent problems."""

    status: StatusJson
    languages: list[dict[str, Any]]  # {name, files, functions}, most files first
    reasons: list[dict[str, Any]]  # {reason, files}: why files were skipped, most first
    skippedFiles: list[dict[str, Any]]  # {path, reason}, by path; the first thousand
    unparsed: int  # files read as windows of lines although there is a grammar
    unparsedFiles: list[dict[str, Any]]  # {path, reason}, by path; the first thousand
    stored: list[dict[str, Any]]  # {what, path, bytes}: the files that codekin keeps
    held: list[
        dict[str, Any]
    ]  # {what, bytes, privateBytes}: memory, this process first; empty where the system tells none
    keeper: str  # who keeps the index in sync with the disk: "this process" | "another process" | "nobody"
    troubles: list[dict[str, Any]]  # {when, message}, oldest first; when: ISO 8601, UTC


class MapJson(TypedDict):
    """Map of all functions as points, similar ones near each other. Arrays are base64 of their bytes, little-endian."""

    total: int  # functions in the workspace
    shown: int  # n; fewer where they are too many, or have no vector yet
    generation: int  # of the index
    places: str  # float32 (n, 2): x and y, 0 … 1, y downwards
    group: str  # uint8 (n,), into groups
    file: str  # uint32 (n,), into files
    line: str  # uint32 (n,), 0-based: line of the name
    links: str  # uint32 (m, 2): near-duplicates
    names: list[str]  # (n,), qualified
    files: list[str]  # URIs
    groups: list[dict[str, Any]]  # {name, functions}: folders, largest first, "others" last


EMPTY_ANSWER: AnswerJson = {"hits": [], "asked": None, "askedName": "", "coverage": 0.0, "seconds": 0.0}


def to_range_json(client_range: Range) -> RangeJson:
    """Return the range as a dict for JSON."""
    start_position, end_position = client_range.start, client_range.end
    return {
        "start": {"line": start_position.line, "character": start_position.character},
        "end": {"line": end_position.line, "character": end_position.character},
    }


def to_status_json(status: Status) -> StatusJson:
    """Return the engine's status, with the version, as a dict for JSON; control characters in problems are escaped."""
    return {
        "version": __version__,
        "state": status.state,
        "roots": [str(root) for root in status.roots],
        "files": status.files,
        "snippets": status.snippets,
        "skipped": status.skipped,
        "coverage": status.coverage,
        "progress": _to_progress_json(status.progress),
        "model": status.model,
        "device": status.device,
        "dense": status.dense,
        "store": str(status.store),
        "storeBytes": status.store_bytes,
        "embedded": status.embedded,
        "watching": status.watching,
        "problems": list(map(printable_lines, status.problems)),
        "ignored": status.ignored,
        "models": [_to_model_json(model) for model in status.models],
    }


def make_bare_status(state: IndexState, problems: list[str]) -> StatusJson:
    """Return the status without an engine, a dict for JSON: this state and these problems, all counts 0."""
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
        "ignored": 0,
        "models": [],
    }


def _to_model_json(model: ModelStatus) -> ModelJson:
    """Return a model's status as a dict for JSON."""
    return {
        "name": model.name,
        "device": model.device,
        "share": model.share,
        "state": model.state,
        "fromTeam": model.from_team,
    }


def _to_progress_json(progress: Progress | None) -> ProgressJson | None:
    """Return the bulk index's progress as a dict for JSON; None where there is none."""
    if progress is None:
        return None
    return {"done": progress.done, "total": progress.total, "secondsLeft": progress.seconds_left}
