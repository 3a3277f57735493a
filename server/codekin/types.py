"""Shared data types: frozen, without behaviour, known to every package. Higher scores are better.

Lines are 0-based and spans half-open everywhere inside; only the command line prints 1-based, inclusive lines.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Protocol

from codekin.model_status import ModelState as ModelState
from codekin.model_status import ModelStatus as ModelStatus


class SnippetKind(StrEnum):
    """The syntactic kind of a snippet."""

    FUNCTION = "function"
    METHOD = "method"
    CONSTRUCTOR = "constructor"
    TEST = "test"
    CLASS = "class"  # what is left of a class, interface, trait, struct or enum without its methods
    MODULE = "module"  # what is left of a file without its definitions
    SECTION = "section"  # of documentation: what is under one heading
    LINES = "lines"  # a window of lines of a file whose language has no grammar

    @property
    def is_function(self) -> bool:
        """Return whether the kind is a function, test, constructor or method: only these count as duplicates."""
        return self not in (SnippetKind.CLASS, SnippetKind.MODULE, SnippetKind.SECTION, SnippetKind.LINES)


class Task(StrEnum):
    """The five retrieval tasks of jina-code-embeddings (arXiv 2508.21290, table 1)."""

    NL2CODE = "nl2code"
    QA = "qa"
    CODE2CODE = "code2code"
    CODE2NL = "code2nl"
    CODE2COMPLETION = "code2completion"


class Role(StrEnum):
    """The side of a retrieval that a text is on: what is asked, or what is searched."""

    QUERY = "query"
    PASSAGE = "passage"


class Kinship(StrEnum):
    """How closely a hit resembles the query's code; closest first."""

    IDENTICAL = "identical"  # formatting and comments aside
    RENAMED = "renamed"  # the same structure with other names, or other literals
    EDITED = "edited"  # most of the structure
    SIMILAR = "similar"  # in words or meaning


@dataclass(frozen=True, slots=True)
class Span:
    """Whole lines of a document, 0-based, half-open: `start <= line < end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A notebook's code cell: the lines that it occupies in the document's text and in the file."""

    index: int  # among all cells of the notebook, from 0
    id: str  # "" where the notebook gives none
    language: str
    span: Span  # of the document's text
    rows: tuple[int, ...]  # of each of its lines, the file's line that holds it; () where it was never saved
    key: str = ""  # what the editor that has the cell open calls it


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A cell of a notebook that an editor has open, with code or with prose."""

    key: str  # what the editor calls it
    text: str
    language: str  # as the editor calls it
    index: int  # as in Cell; -1 where the editor does not say
    before: str = ""  # its text when it was opened


@dataclass(frozen=True, slots=True)
class OpenNotebook:
    """A notebook that an editor has open, with all of its cells or some of them."""

    cells: tuple[OpenCell, ...]
    is_whole: bool  # has all cells, in order; else only some, and the others are as they were saved


@dataclass(frozen=True, slots=True)
class Snippet:
    """Function-sized unit of a document; snippets with equal `text` are one content and share one vector."""

    name: str  # "" where the source gives none
    qualified_name: str  # "Outer.Inner.method"
    kind: SnippetKind
    language: str
    span: Span
    name_line: int  # the line on which the name stands; doc comments and decorators come before it
    doc: str  # the doc comment's own words, without comment marks
    text: str  # canonical: the span's lines dedented, LF between them, no trailing blanks
    part: int = 0  # 0: whole; 1, 2, …: the pieces of a definition longer than the bound
    borders: tuple[int, ...] = ()  # of a whole function: lines of `text` on which its body's statements begin


@dataclass(frozen=True, slots=True)
class Location:
    """Location of a stored snippet, without its text."""

    path: Path  # absolute
    span: Span
    name: str
    qualified_name: str
    kind: SnippetKind
    language: str
    name_line: int
    part: int
    content: int  # the store's number of the snippet's text; equal texts have equal numbers


@dataclass(frozen=True, slots=True)
class Filter:
    """Restriction of a query, applied before ranking; what is empty restricts nothing."""

    languages: tuple[str, ...] = ()  # in one of them
    folder: Path | None = None  # absolute
    paths: tuple[str, ...] = ()  # patterns in .gitignore syntax, relative to the root: one of them matches
    excluded_paths: tuple[str, ...] = ()  # the same: none of them matches
    kinds: tuple[SnippetKind, ...] = ()  # of one of them
    tests: bool | None = None  # only tests, no tests, or both
    team: bool = False  # also in the team's other repositories, where the user's settings name a gateway


@dataclass(frozen=True, slots=True)
class Query:
    """Text to search for, with its task and its filter, as the retrievers get it."""

    text: str
    task: Task
    hit_filter: Filter = Filter()
    language: str | None = None  # of the query's code, if known


@dataclass(frozen=True, slots=True)
class Candidate:
    """A content that one retriever found, and its score, before fusion."""

    content: int
    score: float  # 0 … 1, comparable only within one retriever and one query


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """Where a hit of the team's index stands, in a repository that is not open here."""

    repository: str
    path: str  # relative to the repository, with /
    link: str  # the forge's page of these lines; "" where there is none
    is_cloned: bool  # whether the hit's own path is a file of a local clone


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a query, after fusion, at its place in the current text."""

    place: Location
    score: float  # 0 … 1
    why: str
    kinship: Kinship | None  # None where the query is not code
    text: str  # the span's lines as they are now
    share: float = 0.0  # of the structure that it shares with the query; 0 where the kinship is not structural
    cell: Cell | None = None  # in a notebook, the cell that holds it
    team: TeamPlace | None = None  # None where it is in the workspace


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits of one query, best first."""

    hits: tuple[Hit, ...]
    coverage: float  # the share of the workspace's files that were searchable, 0 … 1
    seconds: float
    asked: tuple[Path, Span] | None = None  # the place of the query's code, if it is in a file
    asked_cell: Cell | None = None  # in a notebook, the cell in which the query's code begins
    asked_name: str = ""  # its qualified name, if it is a snippet that has one
    team_problem: str = ""  # why the team's index did not answer, with a remedy


@dataclass(frozen=True, slots=True)
class Completion:
    """Text that may be inserted at the cursor, its confidence, and the source it was taken from."""

    text: str
    row: int  # of the cursor, 0-based
    column: int  # in characters
    confidence: float  # 0 … 1: how probable it is that its first line is what would be typed
    path: Path  # of the source
    span: Span  # of the source
    name: str  # of the function it is taken from; "" where that has none
    edited: bool  # whether names differ from the source's
    cell: Cell | None = None  # of the source, in a notebook


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a bulk index; counts are files, or contents where a large model embeds them."""

    done: int
    total: int
    seconds_left: float | None  # None until there is something to estimate from
    models: tuple[tuple[str, float], ...] = ()  # if there are several: name and share of the contents of each


class Retry(Enum):
    """When indexing a skipped file is tried again."""

    WHEN_CHANGED = auto()  # the reason is the file itself
    NEXT_SCAN = auto()  # the reason may be gone by then
    ALONE = auto()  # at the next scan too, in a worker process of its own: it took too much time or memory


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source file or folder that is not indexed, and the reason."""

    path: Path
    reason: str
    is_unread: bool = field(default=False, compare=False)  # unreadable for now: its stored snippets are kept
    retry: Retry = field(default=Retry.WHEN_CHANGED, compare=False)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Counts of one index update, and the size of the index afterwards."""

    files: int = 0
    snippets: int = 0
    embedded: int = 0  # contents that went through the encoder
    reused: int = 0  # contents of changed files that already had a vector
    skipped: tuple[Skipped, ...] = ()
    seconds: float = 0.0
    store_bytes: int = 0


class IndexState(StrEnum):
    """State of a workspace's index; the values are part of the protocol."""

    NO_FOLDER = "no folder"  # the editor has no folder open, so there is nothing to index
    OPENING = "opening"
    INDEXING = "indexing"
    READY = "ready"  # in sync with the disk
    PAUSED = "paused"
    STANDING_BY = "standing by"  # another process keeps this index in sync with the disk
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of index, models and watcher of a running codekin, for display to a person."""

    roots: tuple[Path, ...]
    state: IndexState
    files: int
    snippets: int
    skipped: int
    coverage: float
    progress: Progress | None
    model: str
    device: str
    dense: str  # how vectors are searched: "graph (hnswlib)" | "exact", and why
    store: Path
    store_bytes: int
    embedded: int  # contents embedded since this process started
    watching: str  # "watchdog" | "polling every 5 s: …" | "off"
    problems: tuple[str, ...] = field(default=())  # each names its remedy
    ignored: int = 0  # entries of .codekin.toml: duplicates that are meant to be
    models: tuple[ModelStatus, ...] = ()  # the light one first


class Cancel(Protocol):
    """Cancellation flag, such as threading.Event: an answer under way ends soon after `is_set()` returns True."""

    def is_set(self) -> bool:
        """Return whether the answer under way is to end soon."""


OnProgress = Callable[[Progress], None]
