"""Candidates → hits: where the contents stand, whether they still stand there, and why they are like the query."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from codekin.code.extract import canonical, extract, split_lines
from codekin.code.words import words
from codekin.index.index import Index
from codekin.index.prepare import content_hash
from codekin.index.workspace import Document, Workspace
from codekin.types import Cancel, Candidate, Filter, Hit, Kinship, Place, Span

_TAKEN_APART = 4  # files per question that are parsed anew because a snippet is no longer where it was
_LOOKED_UP = 16  # candidates at a time: rarely are more needed
_TOLD = 4  # words that a reason names at most
_COMMON = 0.1  # words in more than this share of the contents are no reason


@dataclass(frozen=True, slots=True)
class Asked:
    """What the hits are compared with."""

    text: str
    path: Path | None = None  # of the query's own snippet, which is never a hit
    span: Span = Span(0, 0)
    is_code: bool = True

    def is_at(self, place: Place) -> bool:
        """Whether the place is the query's own."""
        overlap = place.span.start < self.span.end and self.span.start < place.span.end
        return place.path == self.path and overlap


class Reader:
    """The documents as they are during one question: each is read once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._documents: dict[Path, tuple[Document, list[str]] | None] = {}
        self._taken_apart = 0
        self.stale: set[Path] = set()  # documents that are not as the store has them

    def lines(self, path: Path) -> list[str]:
        """The document's lines; none where it is gone."""
        known = self._read(path)
        return known[1] if known else []

    def now(self, place: Place, key: bytes) -> Place | None:
        """Where the content with this hash stands now in the place's document; None where it no longer does."""
        lines = self.lines(place.path)
        if content_hash(canonical(lines[place.span.start : place.span.end])) == key:
            return place
        self.stale.add(place.path)
        return self._moved(place, key)

    def _moved(self, place: Place, key: bytes) -> Place | None:
        known = self._read(place.path)
        if known is None or self._taken_apart >= _TAKEN_APART:
            return None
        self._taken_apart += 1
        for snippet in extract(known[0].text, known[0].language):
            if content_hash(snippet.text) == key:
                return replace(place, span=snippet.span, name_line=snippet.name_line)
        return None

    def _read(self, path: Path) -> tuple[Document, list[str]] | None:
        if path not in self._documents:
            document = self._workspace.read(path)
            found = (document, split_lines(document.text)) if isinstance(document, Document) else None
            self._documents[path] = found
        return self._documents[path]


def hits(
    found: Iterable[tuple[Place, float]], asked: Asked, index: Index, reader: Reader, cancel: Cancel
) -> Iterator[Hit]:
    """The hits at (place, score), in their order, as they are now; made one by one, as many as are taken."""
    telling = _telling(asked.text, index)
    found = iter(found)
    while chunk := list(islice(found, _LOOKED_UP)):
        keys = index.store.hash_of(list({place.content for place, _ in chunk}))
        for place, score in chunk:
            if cancel.is_set():
                return
            if asked.is_at(place) or place.content not in keys:
                continue
            now = reader.now(place, keys[place.content])
            if now is not None and not asked.is_at(now):
                yield _hit(now, score, _text(now, reader), asked, telling)


def places_of(candidates: Sequence[Candidate], index: Index, within: Filter) -> Iterator[tuple[Place, float]]:
    """Where the candidates stand, each with its score; looked up as they are taken."""
    for i in range(0, len(candidates), _LOOKED_UP):
        chunk = candidates[i : i + _LOOKED_UP]
        places = index.store.places([candidate.content for candidate in chunk], within)
        for candidate in chunk:
            for place in places.get(candidate.content, ()):
                yield place, candidate.score


def _text(place: Place, reader: Reader) -> str:
    return "\n".join(reader.lines(place.path)[place.span.start : place.span.end])


def _hit(place: Place, score: float, text: str, asked: Asked, telling: Sequence[str]) -> Hit:
    if asked.is_code and canonical(text.split("\n")) == asked.text:
        return Hit(place, 1.0, "identical text", Kinship.IDENTICAL, text)
    shared = {*words(text), *words(place.qualified_name)}
    told = list(islice((word for word in telling if word in shared), _TOLD))
    reason = "shares " + ", ".join(told) if told else "similar meaning"
    return Hit(place, score, reason, Kinship.SIMILAR if asked.is_code else None, text)


def _telling(text: str, index: Index) -> list[str]:
    """The text's words that are worth telling a person, rarest first."""
    frequencies = sorted((index.frequency(word), word) for word in set(words(text)) if len(word) > 1)
    common = max(_COMMON * index.contents, 2)
    return [word for frequency, word in frequencies if 0 < frequency <= common]
