"""The code that a completion is taken from, as it stands now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.code.cell_lines import cell_at
from codekin.code.extract import split_lines, to_canonical_text
from codekin.code.lines import hash_content
from codekin.index.index import Index
from codekin.types import Cancel, Cell, Location, SnippetKind
from codekin.workspace.workspace import Document, Workspace


@dataclass(frozen=True, slots=True)
class SourceSnippet:
    """A snippet that code may be taken from."""

    path: Path
    first: int  # its first line in the document
    lines: tuple[str, ...]
    name: str
    kind: SnippetKind
    head: int  # the line that has its name; -1 where that is in another part
    distance: int = 0  # snippets between it and the cursor, where it is in the same document
    cell: Cell | None = None  # in a notebook, the one that it is in


class SourceReader:
    """Contents of other documents than `path`, read while one question is answered."""

    def __init__(self, index: Index, workspace: Workspace, path: Path, without: Collection[bytes]) -> None:
        """Contents whose hashes are in `without` are none."""
        self._index = index
        self._workspace = workspace
        self._path = path
        self._without = without
        self._documents: dict[Path, tuple[list[str], tuple[Cell, ...]]] = {}

    def read_sources(self, contents: Sequence[int], cancel: Cancel) -> dict[int, SourceSnippet]:
        """By content, where it stands; the place nearest to the question's document, by its folder.

        What no longer stands where the index has it is left out: the next question will find it.
        """
        chosen = list(dict.fromkeys(contents))
        places, hashes = self._index.store.locations_of(chosen), self._index.store.content_hashes(chosen)
        found: dict[int, SourceSnippet] = {}
        for content, standing in places.items():
            key = hashes.get(content)
            elsewhere = [place for place in standing if place.path != self._path]
            if cancel.is_set() or not elsewhere or key is None or key in self._without:
                continue
            source = self._source(min(elsewhere, key=self._distance), key)
            if source is not None:
                found[content] = source
        return found

    def _distance(self, place: Location) -> tuple[bool, Path, int]:
        return place.path.parent != self._path.parent, place.path, place.span.start

    def _source(self, place: Location, key: bytes) -> SourceSnippet | None:
        lines, cells = self._read(place.path)
        text = to_canonical_text(lines[place.span.start : place.span.end])
        if hash_content(text) != key:
            return None
        head = place.name_line - place.span.start if place.part == 0 else -1
        cell = cell_at(cells, place.span.start)
        return SourceSnippet(
            place.path, place.span.start, tuple(text.split("\n")), place.name, place.kind, head, cell=cell
        )

    def _read(self, path: Path) -> tuple[list[str], tuple[Cell, ...]]:
        if path not in self._documents:
            document = self._workspace.read_document(path)
            known = (split_lines(document.text), document.cells) if isinstance(document, Document) else ([], ())
            self._documents[path] = known
        return self._documents[path]
