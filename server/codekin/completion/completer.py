"""Complete the code at a cursor with lines of the code base."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from codekin.code.cell_lines import find_cell
from codekin.code.cells import Notebook, blank_other_languages, replace_cell_text
from codekin.code.components import COMPONENT_LANGUAGES, blank_all_but_script
from codekin.code.lines import is_closing, split_lines
from codekin.code.notebooks import is_notebook
from codekin.completion.candidates import CandidateFinder, LineCandidate
from codekin.completion.context import CompletionContext, read_context
from codekin.completion.cursor import CellText, Cursor
from codekin.completion.features import FeatureExtractor
from codekin.completion.insertion import looks_secret, make_insertion
from codekin.completion.line_completer import LineCompleter
from codekin.completion.parse_check import ParseCheck
from codekin.completion.ranking import RankedLine, rank_lines
from codekin.completion.sources import SourceDocuments
from codekin.completion.truncation import adapt_lines, choose_extents
from codekin.embed.embedder import Embedder
from codekin.errors import NoLineError, QueryError
from codekin.index.index import Index
from codekin.settings import CompletionSettings
from codekin.types import Cancel, Completion, Span
from codekin.workspace.workspace import Document, Workspace

_MAX_CONTEXTS = 8  # documents whose last context is kept
_MAX_CHARACTERS = 1_048_576  # of a document: in larger ones a key would take seconds
_SURE = 0.5  # confidence of a line's rest above which whole lines are not ranked
_MAX_TRIED_LINES = 3  # that are made into text; the next ones are rarely above any floor


class Completer:
    """Completes code with lines of one index; keeps the last context of eight documents. Thread-safe."""

    def __init__(self, index: Index, workspace: Workspace, embedder: Embedder) -> None:
        self._index = index
        self._workspace = workspace
        self._checks: OrderedDict[Path, ParseCheck] = OrderedDict()  # the last one of each document
        self._lock = threading.Lock()
        documents = SourceDocuments(workspace)
        self._finder = CandidateFinder(index, documents, embedder)
        self._lines = LineCompleter(index, workspace, documents)

    def load_tokens(self, near: Path | None = None) -> None:
        """Read the workspace's tokens before returning, with `near` only the nearest documents'. Raises StoreError."""
        self._lines.update(near)

    def close(self) -> None:
        """Make a background update of tokens end soon; returns at once."""
        self._lines.close()

    def make_cursor(self, path: Path, text: str | CellText | None, row: int, column: int) -> Cursor:
        """Return the cursor at (row, column) in `text`, or in the document where that is None. Raises QueryError.

        That is where there is no source code, the text is too large, or the document's own text has no such row. In
        `text` any row is accepted: an editor's text may lag behind its cursor.
        """
        path = self._workspace.resolve_path(path)
        if is_notebook(path):
            return self._make_notebook_cursor(path, text, row, column)
        if isinstance(text, CellText):
            text = text.text
        if text is None:
            document = self._workspace.read_document(path)
            text = document.text if isinstance(document, Document) else None
            lines = split_lines(text) if text is not None else []
            if lines and row >= len(lines):
                raise NoLineError(path, lines, row)
        language = None if text is None else self._workspace.language_rules.detect_language(path, text=text)
        if text is not None and (refused := self._workspace.check_text_size(path, text)):
            raise QueryError(f"{path} is left out: {refused.reason}.")
        if text is None or language is None:
            raise QueryError(f"{path} can't be read as source. Name a source file.")
        if language in COMPONENT_LANGUAGES and (script := blank_all_but_script(split_lines(text), language, row)):
            text, language = script
        return Cursor(path, text, language, row, column)

    def _make_notebook_cursor(self, path: Path, text: str | CellText | None, row: int, column: int) -> Cursor:
        """Return the cursor in a notebook's code, with all cells. Raises QueryError where it is in no code cell."""
        document = self._workspace.read_document(path)
        key, text = (text.key, text.text) if isinstance(text, CellText) else ("", text)
        if not isinstance(document, Document):
            raise QueryError(f"{path} can't be read as source. Name a notebook with code.")
        if text is not None and not document.cells:  # the editor shows it as a script
            return Cursor(path, text, document.language, row, column)
        notebook = Notebook(document.text, document.language, document.cells, 0)
        if text is not None:
            notebook = replace_cell_text(notebook, key, text)
            cell = next((cell for cell in notebook.cells if cell.key and cell.key == key), None)
            row += cell.span.start if cell else 0
        else:
            cell = find_cell(notebook.cells, row)
        lines = notebook.text.split("\n")
        if cell is None or row >= cell.span.end or (text and lines[row] != split_lines(text)[row - cell.span.start]):
            raise QueryError(f"{path} has no code cell at this position. Name a line of a code cell.")
        return Cursor(path, blank_other_languages(notebook, cell.language), cell.language, row, column, notebook.cells)

    def complete(
        self, cursor: Cursor, settings: CompletionSettings, cancel_event: Cancel, excluded: Collection[bytes] = ()
    ) -> list[Completion]:
        """Return what may be inserted at the cursor, most probable first; [] where nothing reaches the floor.

        [] too in comments, strings, documents over 1,048,576 characters, or when cancelled. `excluded` has the hashes
        of contents that nothing is copied from. The context is kept for the next call; nothing is inserted.
        """
        former = self._checks.get(cursor.path)
        if former is not None and former.context.language != cursor.language:
            former = None
        if len(cursor.text) > _MAX_CHARACTERS:
            return []
        context = read_context(cursor, former.context if former else None)
        check = ParseCheck(context, former)
        completions = [] if context.is_in_prose else self._complete(context, check, settings, cancel_event, excluded)
        self._remember_check(cursor.path, check)
        return [_add_cell(completion, cursor) for completion in completions] if cursor.cells else completions

    def _complete(
        self,
        context: CompletionContext,
        check: ParseCheck,
        settings: CompletionSettings,
        cancel_event: Cancel,
        excluded: Collection[bytes],
    ) -> list[Completion]:
        """Return the completions at the context: the rest of the line, or whole lines where these are more probable."""
        rest = self._lines.complete_line(context, check, settings.floor, cancel_event)
        if rest is not None and rest.confidence >= _SURE:
            return [rest]
        lines = self._complete_lines(context, check, settings, cancel_event, excluded) if context.can_continue else []
        if rest is not None and (not lines or lines[0].confidence < rest.confidence):
            return [rest]
        return lines

    def _complete_lines(
        self,
        context: CompletionContext,
        check: ParseCheck,
        settings: CompletionSettings,
        cancel_event: Cancel,
        excluded: Collection[bytes],
    ) -> list[Completion]:
        """Return the completions by whole lines; [] where the most probable line only closes a block."""
        ranked_lines = self.rank_next_lines(context, cancel_event, excluded)
        if ranked_lines and is_closing(ranked_lines[0].line):
            return []  # most likely the block ends here, which needs no suggestion
        probable_lines = [line for line in ranked_lines[:_MAX_TRIED_LINES] if line.probability >= settings.floor]
        completions = _make_completions(context, probable_lines, check, settings.max_lines, cancel_event)
        return list(islice(completions, settings.limit))

    def _remember_check(self, path: Path, check: ParseCheck) -> None:
        """Cache the check and its context for the document's next one; drop the oldest of more than eight."""
        with self._lock:
            self._checks[path] = check
            self._checks.move_to_end(path)
            while len(self._checks) > _MAX_CONTEXTS:
                self._checks.popitem(last=False)

    def rank_next_lines(
        self, context: CompletionContext, cancel_event: Cancel, excluded: Collection[bytes] = ()
    ) -> list[RankedLine]:
        """Return the lines that the candidates propose, most probable first, without a floor; [] where cancelled."""
        return rank_lines(self.list_candidates(context, cancel_event, excluded))

    def list_candidates(
        self, context: CompletionContext, cancel_event: Cancel, excluded: Collection[bytes] = ()
    ) -> list[LineCandidate]:
        """Return the candidates, with features, whose line starts with what is typed, unranked; [] where cancelled."""
        extractor = FeatureExtractor(context, self._index)
        typed = context.text_before.strip()
        candidates = []
        for candidate in self._finder.find_candidates(context, excluded, cancel_event):
            if cancel_event.is_set():
                return []
            if extractor.adapt_candidate(candidate, typed):
                candidates.append(candidate)
        return candidates


def _add_cell(completion: Completion, cursor: Cursor) -> Completion:
    """Return the completion, with its source's notebook cell if that is in the cursor's document; else unchanged."""
    if completion.path != cursor.path:
        return completion
    return replace(completion, cell=find_cell(cursor.cells, completion.span.start))


def _make_completions(
    context: CompletionContext,
    ranked_lines: Sequence[RankedLine],
    check: ParseCheck,
    max_lines: int,
    cancel_event: Cancel,
) -> Iterator[Completion]:
    """Yield for each line its longest agreed extent that fits, holds no secret and parses no worse, until cancelled."""
    for ranked in ranked_lines:
        candidate = ranked.candidates[0]
        for rows in choose_extents(context, ranked.candidates, max_lines):
            if cancel_event.is_set():
                return
            lines = adapt_lines(candidate, rows)
            inserted_text = make_insertion(context, lines, candidate.source.lines)
            if (
                inserted_text
                and inserted_text.strip()
                and not looks_secret(context.text_before + inserted_text)
                and check.is_no_worse(inserted_text)
            ):
                yield _make_completion(context, ranked, inserted_text, rows, lines)
                break


def _make_completion(
    context: CompletionContext, ranked: RankedLine, inserted_text: str, rows: Sequence[int], lines: Sequence[str]
) -> Completion:
    """Return the completion that inserts `inserted_text`, copied from these rows of the best candidate's source."""
    source = ranked.candidates[0].source
    return Completion(
        inserted_text,
        context.row,
        context.column,
        ranked.probability,
        source.path,
        Span(source.start_row + rows[0], source.start_row + rows[-1] + 1),
        source.name,
        edited=lines != [source.lines[row] for row in rows],
        cell=source.cell,
    )
