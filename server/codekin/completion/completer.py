"""How does this code base go on from here? The door of this room."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from codekin.code.cell_lines import cell_at
from codekin.code.cells import Notebook, in_language, with_text
from codekin.code.languages import detect_language
from codekin.code.lines import is_closing, split_lines
from codekin.code.notebooks import is_notebook
from codekin.completion.candidates import CandidateFinder, LineCandidate
from codekin.completion.context import CompletionContext, read_context
from codekin.completion.features import FeatureExtractor
from codekin.completion.insertion import ParseCheck, looks_secret, make_insertion
from codekin.completion.ranking import RankedLine, rank_lines
from codekin.completion.truncation import adapt_lines, choose_extents
from codekin.embed.embedder import Embedder
from codekin.errors import NoLineError, QueryError
from codekin.index.index import Index
from codekin.settings import CompletionSettings
from codekin.types import Cancel, Cell, Completion, Span
from codekin.workspace.workspace import Document, Workspace

_REMEMBERED = 8  # documents
_LARGEST = 1_048_576  # characters of a document: in larger ones a key would take seconds
_TRIED = 3  # beliefs that are made into text; the next ones are rarely above any floor


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the code is to go on: a document's text of now, and a place in it, 0-based, in characters."""

    path: Path
    text: str
    language: str
    row: int
    column: int
    cells: tuple[Cell, ...] = ()  # of a notebook


class Completer:
    """Answers from one index."""

    def __init__(self, index: Index, workspace: Workspace, embedder: Embedder) -> None:
        self._index = index
        self._workspace = workspace
        self._known: OrderedDict[Path, CompletionContext] = OrderedDict()  # the documents asked about last
        self._lock = threading.Lock()
        self._clues = CandidateFinder(index, workspace, embedder)

    def make_cursor(self, path: Path, text: str | None, row: int, column: int, key: str = "") -> Cursor:
        """A place in `text`, or where that is None in the document; with `key`, in an open cell of a notebook.

        Raises QueryError where there is no source, or no such line in the document: an editor's text may lag behind its
        cursor, a person's may not.
        """
        path = self._workspace.resolve_path(path)
        if is_notebook(path):
            return self._cursor_in_notebook(path, text, (row, column), key)
        if text is None:
            document = self._workspace.read_document(path)
            text = document.text if isinstance(document, Document) else None
            lines = split_lines(text) if text is not None else []
            if lines and row >= len(lines):
                raise NoLineError(path, lines, row)
        language = None if text is None else detect_language(path, text=text)
        if text is not None and (refused := self._workspace.check_text_size(path, text)):
            raise QueryError(f"{path} is left out: {refused.reason}.")
        if text is None or language is None:
            raise QueryError(f"{path} can't be read as source. Name a source file.")
        return Cursor(path, text, language, row, column)

    def _cursor_in_notebook(self, path: Path, text: str | None, at: tuple[int, int], key: str) -> Cursor:
        """What the cells above and below say counts as the lines above and below do in any other file."""
        document, (row, column) = self._workspace.read_document(path), at
        if not isinstance(document, Document):
            raise QueryError(f"{path} can't be read as source. Name a notebook with code.")
        if text is not None and not document.cells:  # an editor shows it as the script that its code is
            return Cursor(path, text, document.language, row, column)
        notebook = Notebook(document.text, document.language, document.cells, 0)
        if text is not None:
            notebook = with_text(notebook, key, text)
            cell = next((cell for cell in notebook.cells if cell.key and cell.key == key), None)
            row += cell.span.start if cell else 0
        else:
            cell = cell_at(notebook.cells, row)
        lines = notebook.text.split("\n")
        if cell is None or row >= cell.span.end or (text and lines[row] != split_lines(text)[row - cell.span.start]):
            raise QueryError(f"There is no code at this place of {path}. Name a line of a cell.")
        return Cursor(path, in_language(notebook, cell.language), cell.language, row, column, notebook.cells)

    def complete(
        self, cursor: Cursor, settings: CompletionSettings, cancel: Cancel, without: Collection[bytes] = ()
    ) -> list[Completion]:
        """What may stand at the cursor, most probable first; [] where nothing is probable enough.

        Contents whose hashes are in `without` are left out.
        """
        former = self._known.get(cursor.path)
        if former is not None and former.language != cursor.language:
            former = None
        if len(cursor.text) > _LARGEST:
            return []
        asked = read_context(cursor.path, cursor.text, cursor.language, cursor.row, cursor.column, former)
        proof = ParseCheck(asked)
        found = self._complete(asked, proof, settings, cancel, without) if asked.can_continue else []
        self._remember(replace(asked, parsed=proof.parsed))
        return [_with_cell(completion, cursor) for completion in found] if cursor.cells else found

    def _complete(
        self,
        asked: CompletionContext,
        proof: ParseCheck,
        settings: CompletionSettings,
        cancel: Cancel,
        without: Collection[bytes],
    ) -> list[Completion]:
        believed = self.rank_next_lines(asked, cancel, without)
        if believed and is_closing(believed[0].line):
            return []  # most likely the block ends here, which is no news
        probable = (belief for belief in believed[:_TRIED] if belief.probability >= settings.floor)
        return list(islice(_offered(asked, probable, proof, settings, cancel), settings.limit))

    def _remember(self, asked: CompletionContext) -> None:
        """What the next question about the document needs not do again."""
        with self._lock:
            self._known[asked.path] = asked
            self._known.move_to_end(asked.path)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def rank_next_lines(
        self, asked: CompletionContext, cancel: Cancel, without: Collection[bytes] = ()
    ) -> list[RankedLine]:
        """The lines that may come next, most probable first."""
        return rank_lines(self.list_candidates(asked, cancel, without))

    def list_candidates(
        self, asked: CompletionContext, cancel: Cancel, without: Collection[bytes] = ()
    ) -> list[LineCandidate]:
        """The clues with their features."""
        weigh = FeatureExtractor(asked, self._index)
        found = []
        for clue in self._clues.find_candidates(asked, without, cancel):
            if cancel.is_set():
                return []
            weigh(clue)
            if not asked.text_before.strip() or clue.line.startswith(asked.text_before.strip()):
                found.append(clue)
        return found


def _with_cell(completion: Completion, cursor: Cursor) -> Completion:
    if completion.path != cursor.path:
        return completion
    return replace(completion, cell=cell_at(cursor.cells, completion.span.start))


def _offered(
    asked: CompletionContext,
    probable: Iterator[RankedLine],
    proof: ParseCheck,
    settings: CompletionSettings,
    cancel: Cancel,
) -> Iterator[Completion]:
    for belief in probable:
        clue = belief.clues[0]
        for rows in choose_extents(asked, belief.clues, settings.max_lines):
            if cancel.is_set():
                return
            lines = adapt_lines(clue, rows)
            text = make_insertion(asked, lines, clue.source.lines)
            if text and text.strip() and not looks_secret(asked.text_before + text) and proof.is_no_worse(text):
                yield _completion(asked, belief, text, rows, lines)
                break


def _completion(
    asked: CompletionContext, belief: RankedLine, text: str, rows: Sequence[int], lines: Sequence[str]
) -> Completion:
    clue = belief.clues[0]
    source = clue.source
    span = Span(source.first + rows[0], source.first + rows[-1] + 1)
    edited = lines != [source.lines[row] for row in rows]
    place = source.path, span, source.name
    return Completion(text, asked.row, asked.column, belief.probability, *place, edited, source.cell)
