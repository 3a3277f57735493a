"""Read the snippets that a completion is copied from, as they are now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.code.cell_lines import find_cell
from codekin.code.extract import split_lines, to_canonical_text
from codekin.code.lines import hash_content
from codekin.index.index import Index
from codekin.types import Cancel, Cell, Location, SnippetKind
from codekin.workspace.workspace import Document, Workspace


@dataclass(frozen=True, slots=True)
class SourceSnippet:
    """A snippet that code may be copied from, with its present text and where that stands."""

    path: Path
    start_row: int  # of its first line in the document
    lines: tuple[str, ...]
    name: str
    kind: SnippetKind
    name_row: int  # of the line in `lines` that has the name; -1 where another part of the function has it
    distance: int = 0  # snippets between it and the cursor, where it is in the same document
    cell: Cell | None = None  # in a notebook, the one that it is in


class SourceReader:
    """Reads contents in documents other than the cursor's, each document once per completion."""

    def __init__(self, index: Index, workspace: Workspace, path: Path, excluded: Collection[bytes]) -> None:
        """`path` is the cursor's document; it and contents whose hashes are in `excluded` are never read."""
        self._index = index
        self._workspace = workspace
        self._path = path
        self._excluded = excluded
        self._documents: dict[Path, tuple[list[str], tuple[Cell, ...]]] = {}

    def read_sources(self, contents: Sequence[int], cancel: Cancel) -> dict[int, SourceSnippet]:
        """Return content → snippet as it is now, at the place nearest to the cursor's folder; stale contents left out.

        Also left out: contents excluded, in the cursor's document only, or not reached when cancelled.
        """
        distinct_contents = list(dict.fromkeys(contents))
        locations_by_content = self._index.store.locations_of(distinct_contents)
        hashes = self._index.store.content_hashes(distinct_contents)
        sources: dict[int, SourceSnippet] = {}
        for content, locations in locations_by_content.items():
            content_hash = hashes.get(content)
            candidates = [location for location in locations if location.path != self._path]
            if cancel.is_set() or not candidates or content_hash is None or content_hash in self._excluded:
                continue
            source = self._read_source(min(candidates, key=self._distance_to), content_hash)
            if source is not None:
                sources[content] = source
        return sources

    def _distance_to(self, location: Location) -> tuple[bool, Path, int]:
        """Return a sort key: locations in the cursor's folder first, then by path and line."""
        return location.path.parent != self._path.parent, location.path, location.span.start

    def _read_source(self, location: Location, content_hash: bytes) -> SourceSnippet | None:
        """Return the snippet at the location; None where its text is no longer the content with this hash."""
        document_lines, cells = self._read_document(location.path)
        start_row = location.span.start
        canonical_text = to_canonical_text(document_lines[start_row : location.span.end])
        if hash_content(canonical_text) != content_hash:
            return None
        name_row = location.name_line - start_row if location.part == 0 else -1
        lines, cell = tuple(canonical_text.split("\n")), find_cell(cells, start_row)
        return SourceSnippet(location.path, start_row, lines, location.name, location.kind, name_row, cell=cell)

    def _read_document(self, path: Path) -> tuple[list[str], tuple[Cell, ...]]:
        """Return the document's lines and cells, read at most once; empty where it can't be read."""
        if path not in self._documents:
            document = self._workspace.read_document(path)
            self._documents[path] = (
                (split_lines(document.text), document.cells) if isinstance(document, Document) else ([], ())
            )
        return self._documents[path]
