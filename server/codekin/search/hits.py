"""Candidates → hits: where the contents stand, whether they still stand there, and why they are like the query."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

from codekin.code.cell_lines import find_cell
from codekin.code.extract import find_snippet, group_parts, split_lines, to_canonical_text
from codekin.code.lines import hash_content
from codekin.code.words import split_words
from codekin.errors import NoLineError, QueryError
from codekin.index.index import Index
from codekin.search.calibrate import calibrate_similarity
from codekin.search.clone_classification import TokenProfile, classify
from codekin.search.structural import RENAMED
from codekin.types import Cancel, Candidate, Cell, Filter, Hit, Kinship, Location, Snippet, Span
from codekin.workspace.workspace import Document, Workspace, snippets_of

_TAKEN_APART = 4  # files per question that are parsed anew because a snippet is no longer where it was
_LOOKED_UP = 16  # candidates at a time: rarely are more needed
_TOLD = 4  # words that a reason names at most
_COMMON = 0.1  # words in more than this share of the contents are no reason


@dataclass(frozen=True, slots=True)
class CodeQuery:
    """What the hits are compared with."""

    text: str
    language: str | None = None  # None: clones are not looked for
    path: Path | None = None  # of the query's own snippet, which is never a hit
    span: Span = Span(0, 0)
    is_code: bool = True
    own: tuple[Span, ...] = ()  # the snippets that it is of, with the other parts of their functions
    cell: Cell | None = None  # in a notebook, the one that it begins in

    def is_at(self, place: Location) -> bool:
        """Whether the place is the query's own."""
        return place.path == self.path and any(_overlap(place.span, each) for each in (self.span, *self.own))


def query_at(workspace: Workspace, path: Path, lines: Span) -> CodeQuery:
    """The snippet at a single line; the lines themselves where there are more. Raises QueryError."""
    document = workspace.read_document(path)
    if not isinstance(document, Document):
        reason = f": {document.reason}" if document else ""
        raise QueryError(f"{path} can't be read{reason}. Name a source file.")
    text = split_lines(document.text)
    if not 0 <= lines.start < len(text):
        raise NoLineError(path, text, lines.start)
    snippets, cell = snippets_of(document), find_cell(document.cells, lines.start)
    if lines.end - lines.start > 1:
        language = cell.language if cell else document.language
        selected = to_canonical_text(text[lines.start : lines.end])
        return CodeQuery(selected, language, path, lines, own=_own(snippets, lines), cell=cell)
    snippet = find_snippet(snippets, lines.start)
    if snippet is None:
        raise QueryError(f"{path} has no code to compare.")
    cell, own = find_cell(document.cells, snippet.span.start), _own(snippets, snippet.span)
    return CodeQuery(snippet.text, snippet.language, path, snippet.span, own=own, cell=cell)


def _own(snippets: Sequence[Snippet], lines: Span) -> tuple[Span, ...]:
    functions = [parts for parts in group_parts(snippets) if any(_overlap(part.span, lines) for part in parts)]
    return tuple(part.span for parts in functions for part in parts)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


class DocumentReader:
    """The documents as they are during one question: each is read once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._documents: dict[Path, tuple[Document, list[str]] | None] = {}
        self._taken_apart = 0
        self.stale: set[Path] = set()  # documents that are not as the store has them

    def read_lines(self, path: Path) -> list[str]:
        """The document's lines; none where it is gone."""
        known = self._read(path)
        return known[1] if known else []

    def cell(self, place: Location) -> Cell | None:
        """The notebook's cell that the place is in."""
        known = self._read(place.path)
        return find_cell(known[0].cells, place.span.start) if known else None

    def locate_now(self, place: Location, key: bytes) -> Location | None:
        """Where the content with this hash stands now in the place's document; None where it no longer does."""
        lines = self.read_lines(place.path)
        if hash_content(to_canonical_text(lines[place.span.start : place.span.end])) == key:
            return place
        self.stale.add(place.path)
        return self._moved(place, key)

    def _moved(self, place: Location, key: bytes) -> Location | None:
        known = self._read(place.path)
        if known is None or self._taken_apart >= _TAKEN_APART:
            return None
        self._taken_apart += 1
        for snippet in snippets_of(known[0]):
            if hash_content(snippet.text) == key:
                return replace(place, span=snippet.span, name_line=snippet.name_line)
        return None

    def _read(self, path: Path) -> tuple[Document, list[str]] | None:
        if path not in self._documents:
            document = self._workspace.read_document(path)
            found = (document, split_lines(document.text)) if isinstance(document, Document) else None
            self._documents[path] = found
        return self._documents[path]


def make_hits(
    found: Iterable[tuple[Location, float]],
    asked: CodeQuery,
    index: Index,
    reader: DocumentReader,
    cancel: Cancel,
    *,
    twins: bool = False,
) -> Iterator[Hit]:
    """The hits at (place, score), in their order, as they are now; made one by one, as many as are taken.

    With `twins` those alone that are so like the asked code that they could be one with it.
    """
    compared = _Compared(asked, index, twins)
    found = iter(found)
    while chunk := list(islice(found, _LOOKED_UP)):
        keys = index.store.content_hashes(list({place.content for place, _ in chunk}))
        for place, score in chunk:
            if cancel.is_set():
                return
            if asked.is_at(place) or place.content not in keys:
                continue
            now = reader.locate_now(place, keys[place.content])
            if now is None or asked.is_at(now):
                continue
            cell = reader.cell(now)
            if cell is not None:
                now = replace(now, language=cell.language)  # the store has its notebook's
            hit = compared.hit(now, score, _text(now, reader))
            if hit is not None:
                yield replace(hit, cell=cell) if cell else hit


def keep_best_parts(found: Iterable[Hit], k: int, index: Index) -> list[Hit]:
    """The first `k` hits; of a long function's parts the best one alone, where the first of them would be."""
    firsts: dict[Path, dict[int, int]] = {}  # by file: where a part begins → where its function's first part does
    best: dict[tuple[Path, int], Hit] = {}
    for hit in found:
        path, start = hit.place.path, hit.place.span.start
        if hit.place.part and path not in firsts:
            functions = group_parts(index.store.locations_in(path))
            firsts[path] = {part.span.start: parts[0].span.start for parts in functions for part in parts}
        key = path, firsts[path].get(start, start) if hit.place.part else start
        if key not in best or hit.score > best[key].score:
            best[key] = hit
        if len(best) == k:
            break
    return list(best.values())


def locate_candidates(
    candidates: Sequence[Candidate], index: Index, within: Filter
) -> Iterator[tuple[Location, float]]:
    """Where the candidates stand, each with its score; looked up as they are taken.

    Equal ones by where that is: in which order contents came into the index is an accident, another for each way in.
    """
    for i in range(0, len(candidates), _LOOKED_UP):
        chunk = candidates[i : i + _LOOKED_UP]
        places = index.store.locations_of([candidate.content for candidate in chunk], within)
        found = [(place, candidate.score) for candidate in chunk for place in places.get(candidate.content, ())]
        yield from sorted(found, key=lambda one: (-one[1], one[0].path, one[0].span.start))


def _text(place: Location, reader: DocumentReader) -> str:
    return "\n".join(reader.read_lines(place.path)[place.span.start : place.span.end])


class _Compared:
    """What was asked, to tell how each hit is like it."""

    def __init__(self, asked: CodeQuery, index: Index, twins: bool) -> None:
        self._asked = asked
        self._index = index
        self._twins = twins
        self._portrait = TokenProfile(asked.text, asked.language) if asked.is_code else None
        self._common = max(_COMMON * index.content_count, 2)

    @cached_property
    def _telling(self) -> list[str]:
        """Words of what was asked; looked up when a reason is to be told, which of duplicates it never is."""
        return self._rarest(
            word for word in set(split_words(self._asked.text)) if len(word) > 1 and not word.isdecimal()
        )

    def hit(self, place: Location, score: float, text: str) -> Hit | None:
        """The hit at a place; where its kinship can be shown, its score is no less than the share of the structure.

        None where it is no twin, and only those are wanted.
        """
        if self._portrait is None:
            return Hit(place, score, self._shared(place, text), None, text)
        its = _portrait(to_canonical_text(text.split("\n")), place.language, place.name)
        found = classify(self._portrait, its)
        if self._twins and not (found and found.is_near_duplicate):
            return None
        if found is None:
            why = self._calls(place, its) or self._shared(place, text)
            return Hit(place, calibrate_similarity(score), why, Kinship.SIMILAR, text)
        score = (
            1.0
            if found.kinship is Kinship.IDENTICAL
            else calibrate_similarity(max(score, RENAMED * _told_by(found.share)))
        )
        return Hit(place, score, found.why, found.kinship, text, found.share)

    def _calls(self, place: Location, its: TokenProfile) -> str:
        assert self._portrait is not None  # noqa: S101
        both = {
            "".join(split_words(name)): name
            for name in self._portrait.calls
            if name in its.calls and name != place.name
        }
        told = self._rarest(both)[:_TOLD]
        return f"same calls: {', '.join(both[word] for word in told)}" if len(told) > 1 else ""

    def _shared(self, place: Location, text: str) -> str:
        shared = {*split_words(text), *split_words(place.qualified_name)}
        told = list(islice((word for word in self._telling if word in shared), _TOLD))
        return "shares " + ", ".join(told) if told else "similar meaning"

    def _rarest(self, terms: Iterable[str]) -> list[str]:
        """The words and identifiers that are worth telling a person, rarest first."""
        frequencies = sorted((self._index.document_frequency(term), term) for term in terms)
        return [term for frequency, term in frequencies if 0 < frequency <= self._common]


@lru_cache(maxsize=512)
def _portrait(text: str, language: str, name: str) -> TokenProfile:
    """What is near to one function is near to its neighbours, too: the next question often meets the same texts."""
    return TokenProfile(text, language, name)


def _told_by(share: float) -> float:
    """How probably code that shares so much of its structure is a clone; half of it is shared by chance."""
    return max(2 * share - 1, 0.0) ** 3
