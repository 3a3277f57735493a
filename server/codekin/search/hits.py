"""Turn candidates into hits: where the contents are now, and why they are like the query."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

from codekin.code.cell_lines import find_cell
from codekin.code.extract import find_snippet, group_parts, split_lines, to_canonical_text
from codekin.code.lines import hash_content
from codekin.code.words import split_words
from codekin.errors import NoDocumentError, NoLineError, QueryError
from codekin.index.index import Index
from codekin.search.calibrate import calibrate_similarity
from codekin.search.clone_classification import CloneEvidence, TokenProfile, classify
from codekin.search.query_terms import is_significant
from codekin.search.structural import RENAMED
from codekin.types import Cancel, Candidate, Cell, Filter, Hit, Kinship, Location, Snippet, SnippetKind, Span
from codekin.workspace.workspace import Document, Workspace, snippets_of

_MAX_REPARSED_FILES = 4  # per query, because a snippet is no longer where it was
_CHUNK_SIZE = 16  # candidates that are located at a time: rarely are more needed
_MAX_LISTED_WORDS = 4  # in a reason
_MAX_COMMON_SHARE = 0.1  # of the contents: words in more of them are no reason
_MIN_COMMON_COUNT = 4  # contents, which a word may be in however few there are


@dataclass(frozen=True, slots=True)
class CodeQuery:
    """The code or question that hits are compared with."""

    text: str
    language: str | None = None  # None: clones are not looked for
    path: Path | None = None  # of the query's own snippet, which is never a hit
    span: Span = Span(0, 0)
    is_code: bool = True
    function_spans: tuple[Span, ...] = ()  # of all functions that overlap the query, with all parts; never hits
    cell: Cell | None = None  # in a notebook, the one that it begins in
    name: str = ""  # qualified name of the query's own snippet

    def is_at(self, location: Location) -> bool:
        """Return whether the location overlaps the query's own code or its functions in the same document."""
        own_spans = (self.span, *self.function_spans)
        return location.path == self.path and any(_overlap(location.span, span) for span in own_spans)


def query_at(workspace: Workspace, path: Path, lines: Span) -> CodeQuery:
    """Return a CodeQuery for the snippet at one line, or for several lines. Raises QueryError if there is no code."""
    document = workspace.read_document(path)
    if not isinstance(document, Document):
        raise NoDocumentError(path, document.reason if document else "")
    document_lines = split_lines(document.text)
    if not 0 <= lines.start < len(document_lines):
        raise NoLineError(path, document_lines, lines.start)
    snippets, cell = snippets_of(document), find_cell(document.cells, lines.start)
    if lines.end - lines.start > 1:
        language = cell.language if cell else document.language
        selected_text = to_canonical_text(document_lines[lines.start : lines.end])
        function_spans = _find_function_spans(snippets, lines)
        return CodeQuery(selected_text, language, path, lines, function_spans=function_spans, cell=cell)
    snippet = find_snippet(snippets, lines.start)
    if snippet is None or snippet.kind is SnippetKind.SECTION:
        raise QueryError(f"{path} has no code to compare.")
    return CodeQuery(
        snippet.text,
        snippet.language,
        path,
        snippet.span,
        function_spans=_find_function_spans(snippets, snippet.span),
        cell=find_cell(document.cells, snippet.span.start),
        name=snippet.qualified_name,
    )


def _find_function_spans(snippets: Sequence[Snippet], lines: Span) -> tuple[Span, ...]:
    """Return the spans of all parts of the snippets of which some part overlaps the lines; () where none does."""
    functions = [parts for parts in group_parts(snippets) if any(_overlap(part.span, lines) for part in parts)]
    return tuple(part.span for parts in functions for part in parts)


def _overlap(span: Span, other_span: Span) -> bool:
    """Return whether the two half-open spans have a line in common."""
    return span.start < other_span.end and other_span.start < span.end


class DocumentReader:
    """Reads documents as they are now, each once per query, and notes in `stale` which differ from the store."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._documents: dict[Path, tuple[Document, list[str]] | None] = {}
        self._reparsed_count = 0
        self.stale: set[Path] = set()  # documents whose text is not the one in the store

    def read_lines(self, path: Path) -> list[str]:
        """Return the document's lines, unsaved text included, from the cache once read; [] where it can't be read."""
        document_and_lines = self._read(path)
        return document_and_lines[1] if document_and_lines else []

    def find_cell(self, location: Location) -> Cell | None:
        """Return the notebook cell in which the location begins; None for other or unreadable files."""
        document_and_lines = self._read(location.path)
        return find_cell(document_and_lines[0].cells, location.span.start) if document_and_lines else None

    def locate_now(self, location: Location, content_hash: bytes) -> Location | None:
        """Return the content's Location in its document now, None if gone; add the path to `stale` unless in place."""
        lines = self.read_lines(location.path)
        if hash_content(to_canonical_text(lines[location.span.start : location.span.end])) == content_hash:
            return location
        self.stale.add(location.path)
        return self._find_moved(location, content_hash)

    def _find_moved(self, location: Location, content_hash: bytes) -> Location | None:
        """Parse the document; return the content's Location in it; None if nowhere, or if 4 were parsed before."""
        document_and_lines = self._read(location.path)
        if document_and_lines is None or self._reparsed_count >= _MAX_REPARSED_FILES:
            return None
        self._reparsed_count += 1
        for snippet in snippets_of(document_and_lines[0]):
            if hash_content(snippet.text) == content_hash:
                return replace(location, span=snippet.span, name_line=snippet.name_line)
        return None

    def _read(self, path: Path) -> tuple[Document, list[str]] | None:
        """Return the document and its lines, cached for this reader's life; None where it can't be read."""
        if path not in self._documents:
            document = self._workspace.read_document(path)
            self._documents[path] = (document, split_lines(document.text)) if isinstance(document, Document) else None
        return self._documents[path]


@dataclass(frozen=True, slots=True)
class QueryRun:
    """One run of a query: what is searched for, in which index, and the documents read for it."""

    query: CodeQuery
    index: Index
    reader: DocumentReader
    cancel_event: Cancel


def make_hits(scored_locations: Iterable[tuple[Location, float]], query_run: QueryRun) -> Iterator[Hit]:
    """Yield a Hit lazily for each (location, score) whose code still exists and is not the query's, until cancelled."""
    comparison = _QueryComparison(query_run.query, query_run.index)
    for code in _read_current_code(scored_locations, query_run):
        yield comparison.make_hit(code)


def make_duplicate_hits(scored_locations: Iterable[tuple[Location, float]], query_run: QueryRun) -> Iterator[Hit]:
    """Yield a hit for each location whose present code is a near-duplicate of the query, in order, until cancelled."""
    comparison = _QueryComparison(query_run.query, query_run.index)
    for code in _read_current_code(scored_locations, query_run):
        evidence = comparison.classify_code(code)
        if evidence is not None and evidence.is_near_duplicate:
            yield comparison.make_clone_hit(code, evidence)


def keep_best_parts(hits: Iterable[Hit], k: int, index: Index) -> list[Hit]:
    """Return the first `k` hits, of each long function only the best part, at the rank of its first; none for k < 1."""
    start_maps: dict[Path, dict[int, int]] = {}  # by file: start of a part → start of its function's first part
    best_hits: dict[tuple[Path, int], Hit] = {}
    for hit in hits if k > 0 else ():
        file_path, start = hit.place.path, hit.place.span.start
        if hit.place.part and file_path not in start_maps:
            functions = group_parts(index.store.locations_in(file_path))
            start_maps[file_path] = {part.span.start: parts[0].span.start for parts in functions for part in parts}
        function_key = file_path, start_maps[file_path].get(start, start) if hit.place.part else start
        if function_key not in best_hits or hit.score > best_hits[function_key].score:
            best_hits[function_key] = hit
        if len(best_hits) == k:
            break
    return list(best_hits.values())


def locate_candidates(
    candidates: Sequence[Candidate], index: Index, hit_filter: Filter
) -> Iterator[tuple[Location, float]]:
    """Yield (location, score) of each stored place of the candidates within the filter, looked up as they are taken.

    Candidates with equal scores are ordered by path and line: the order of indexing must not show.
    """
    for start in range(0, len(candidates), _CHUNK_SIZE):
        chunk = candidates[start : start + _CHUNK_SIZE]
        locations_by_content = index.store.locations_of([candidate.content for candidate in chunk], hit_filter)
        scored_locations = [
            (location, candidate.score)
            for candidate in chunk
            for location in locations_by_content.get(candidate.content, ())
        ]
        yield from sorted(scored_locations, key=lambda item: (-item[1], item[0].path, item[0].span.start))


@dataclass(frozen=True, slots=True)
class _CurrentCode:
    """A located candidate with its text as it is now."""

    location: Location
    score: float
    text: str
    cell: Cell | None


def _read_current_code(
    scored_locations: Iterable[tuple[Location, float]], query_run: QueryRun
) -> Iterator[_CurrentCode]:
    """Yield each location's current code, followed where it moved, unless gone or the query's, until cancelled."""
    query, reader, remaining = query_run.query, query_run.reader, iter(scored_locations)
    while chunk := list(islice(remaining, _CHUNK_SIZE)):
        hashes = query_run.index.store.content_hashes(list({location.content for location, _ in chunk}))
        for stored_location, score in chunk:
            if query_run.cancel_event.is_set():
                return
            if query.is_at(stored_location) or stored_location.content not in hashes:
                continue
            location = reader.locate_now(stored_location, hashes[stored_location.content])
            if location is None or query.is_at(location):
                continue
            cell = reader.find_cell(location)
            if cell is not None:
                location = replace(location, language=cell.language)  # the store has the notebook's
            lines = reader.read_lines(location.path)[location.span.start : location.span.end]
            yield _CurrentCode(location, score, "\n".join(lines), cell)


class _QueryComparison:
    """Compares code with one query, and makes hits with the confidence and the reason."""

    def __init__(self, query: CodeQuery, index: Index) -> None:
        """Tokenize the query if it is code; words that more than a tenth of the contents, or 4, have are no reason."""
        self._query = query
        self._index = index
        self._profile = TokenProfile(query.text, query.language) if query.is_code else None
        self._max_frequency = max(_MAX_COMMON_SHARE * index.content_count, _MIN_COMMON_COUNT)

    @cached_property
    def _rare_query_words(self) -> list[str]:
        """Return the query's words that are rare enough to list in a reason, rarest first (cached)."""
        words = set(split_words(self._query.text))
        return self._sort_by_rarity(word for word in words if is_significant(word) and not word.isdecimal())

    def make_hit(self, code: _CurrentCode) -> Hit:
        """Return a Hit with a reason; its score is unchanged for a question, calibrated for code, raised for clones."""
        if self._profile is None:
            return Hit(code.location, code.score, self._describe_shared_words(code), None, code.text, cell=code.cell)
        evidence = self.classify_code(code)
        if evidence is not None:
            return self.make_clone_hit(code, evidence)
        reason = self._describe_calls(self._profile, code) or self._describe_shared_words(code)
        confidence = calibrate_similarity(code.score)
        return Hit(code.location, confidence, reason, Kinship.SIMILAR, code.text, cell=code.cell)

    def make_clone_hit(self, code: _CurrentCode, evidence: CloneEvidence) -> Hit:
        """Return the code as a hit as `evidence` says; its score is 1.0 if identical, else calibrated and bounded."""
        score = max(code.score, RENAMED * to_structure_score(evidence.share))
        confidence = calibrate_similarity(score, evidence.kinship)
        return Hit(code.location, confidence, evidence.why, evidence.kinship, code.text, evidence.share, code.cell)

    def classify_code(self, code: _CurrentCode) -> CloneEvidence | None:
        """Return how the code is a clone of the query; None if the tokens don't show it, or the query is a question."""
        return classify(self._profile, _profile_code(code)) if self._profile else None

    def _describe_calls(self, query_profile: TokenProfile, code: _CurrentCode) -> str:
        """Return `same calls: …` with up to four of the rarest calls that both have; "" for fewer than two."""
        called_names = _profile_code(code).called_names
        shared_calls = {
            "".join(split_words(called_name)): called_name
            for called_name in query_profile.called_names
            if called_name in called_names and called_name != code.location.name
        }
        rarest = self._sort_by_rarity(shared_calls)[:_MAX_LISTED_WORDS]
        return f"same calls: {', '.join(shared_calls[word] for word in rarest)}" if len(rarest) > 1 else ""

    def _describe_shared_words(self, code: _CurrentCode) -> str:
        """Return `shares …` with up to four of the rarest words that both have; `similar meaning` without any."""
        words = {*split_words(code.text), *split_words(code.location.qualified_name)}
        shared_words = list(islice((word for word in self._rare_query_words if word in words), _MAX_LISTED_WORDS))
        return "shares " + ", ".join(shared_words) if shared_words else "similar meaning"

    def _sort_by_rarity(self, terms: Iterable[str]) -> list[str]:
        """Return the terms that some, but at most a tenth of the contents (or four) have, rarest first, by name."""
        frequencies = sorted((self._index.document_frequency(term), term) for term in terms)
        return [term for frequency, term in frequencies if 0 < frequency <= self._max_frequency]


def _profile_code(code: _CurrentCode) -> TokenProfile:
    """Return the token profile of the code, from a cache where it has been profiled before."""
    return _make_profile(to_canonical_text(code.text.split("\n")), code.location.language, code.location.name)


@lru_cache(maxsize=512)
def _make_profile(text: str, language: str, name: str) -> TokenProfile:
    """Return a text's token profile, cached: neighbouring functions have the same functions as candidates."""
    return TokenProfile(text, language, name)


def to_structure_score(share: float) -> float:
    """Return a clone's score, 0 to 1, for its share of common structure; 0 up to a half, which is chance."""
    return max(2 * share - 1, 0.0) ** 3
