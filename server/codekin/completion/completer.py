"""Complete the code at a cursor with lines of the code base."""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
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
from codekin.completion.cursor_line import CursorReading
from codekin.completion.features import FeatureExtractor
from codekin.completion.line_completer import LineCompleter
from codekin.completion.line_scorer import make_scorer
from codekin.completion.line_texts import LineTextMaker
from codekin.completion.parse_check import ParseCheck
from codekin.completion.ranking import RankedLine, rank_lines
from codekin.completion.sources import SourceDocuments
from codekin.embed.embedder import Embedder
from codekin.errors import NoLineError, QueryError
from codekin.index.index import Index
from codekin.settings import CompletionSettings
from codekin.types import Cancel, Completion
from codekin.workspace.workspace import Document, Workspace
from codekin.workspace.worktrees import Worktrees

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
        worktrees = Worktrees(workspace.roots)
        self._finder = CandidateFinder(index, documents, embedder, worktrees)
        self._lines = LineCompleter(index, workspace, documents, worktrees)

    def load_tokens(self, near_path: Path | None = None) -> None:
        """Update the n-gram model's tokens, and wait for it; with `near_path` only about 400,000. Raises StoreError.

        Those 400,000 are of the documents nearest to `near_path`, by folder.
        """
        self._lines.update(near_path)

    def close(self) -> None:
        """Stop the updates of tokens for good: one under way ends soon. Returns at once."""
        self._lines.close()

    def make_cursor(
        self, document_path: Path, document_text: str | CellText | None, cursor_row: int, cursor_column: int
    ) -> Cursor:
        """Return the cursor in `document_text`, if None in the file as open or on disk. Raises QueryError.

        That is where there is no source code, the text is too large, or the document's own text has no such row. In
        `document_text` any row is accepted: an editor's text may lag behind its cursor.
        """
        document_path = self._workspace.resolve_path(document_path)
        if is_notebook(document_path):
            return self._make_notebook_cursor(document_path, document_text, cursor_row, cursor_column)
        if isinstance(document_text, CellText):
            document_text = document_text.text
        if document_text is None:
            document = self._workspace.read_document(document_path)
            document_text = document.text if isinstance(document, Document) else None
            document_lines = split_lines(document_text) if document_text is not None else []
            if document_lines and cursor_row >= len(document_lines):
                raise NoLineError(document_path, document_lines, cursor_row)
        language = (
            None
            if document_text is None
            else self._workspace.language_rules.detect_language(document_path, text=document_text)
        )
        if document_text is not None and (
            skipped_text := self._workspace.check_text_size(document_path, document_text)
        ):
            raise QueryError(f"{document_path} is left out: {skipped_text.reason}.")
        if document_text is None or language is None:
            raise QueryError(f"{document_path} can't be read as source. Name a source file.")
        if language in COMPONENT_LANGUAGES and (
            script_and_language := blank_all_but_script(split_lines(document_text), language, cursor_row)
        ):
            document_text, language = script_and_language
        return Cursor(document_path, document_text, language, cursor_row, cursor_column)

    def _make_notebook_cursor(
        self, document_path: Path, cell_text: str | CellText | None, cursor_row: int, cursor_column: int
    ) -> Cursor:
        """Return the cursor in a notebook's joined code, other languages blanked. Raises QueryError outside code."""
        document = self._workspace.read_document(document_path)
        cell_key, cell_text = (cell_text.key, cell_text.text) if isinstance(cell_text, CellText) else ("", cell_text)
        if not isinstance(document, Document):
            raise QueryError(f"{document_path} can't be read as source. Name a notebook with code.")
        if cell_text is not None and not document.cells:  # the editor shows it as a script
            return Cursor(document_path, cell_text, document.language, cursor_row, cursor_column)
        notebook = Notebook(document.text, document.language, document.cells, 0)
        if cell_text is not None:
            notebook = replace_cell_text(notebook, cell_key, cell_text)
            cursor_cell = next(
                (cursor_cell for cursor_cell in notebook.cells if cursor_cell.key and cursor_cell.key == cell_key), None
            )
            cursor_row += cursor_cell.span.start if cursor_cell else 0
        else:
            cursor_cell = find_cell(notebook.cells, cursor_row)
        notebook_lines = notebook.text.split("\n")
        if (
            cursor_cell is None
            or cursor_row >= cursor_cell.span.end
            or (cell_text and notebook_lines[cursor_row] != split_lines(cell_text)[cursor_row - cursor_cell.span.start])
        ):
            raise QueryError(f"{document_path} has no code cell at this position. Name a line of a code cell.")
        return Cursor(
            document_path,
            blank_other_languages(notebook, cursor_cell.language),
            cursor_cell.language,
            cursor_row,
            cursor_column,
            notebook.cells,
        )

    def complete(
        self, cursor: Cursor, settings: CompletionSettings, cancel_event: Cancel, excluded: Collection[bytes] = ()
    ) -> list[Completion]:
        """Return completions at the cursor, the best first, [] where none reaches the floor; cache the context.

        [] too in comments, strings, documents over 1,048,576 characters, or when cancelled. `excluded` has the hashes
        of contents that nothing is copied from. The context is kept for the next call; nothing is inserted.
        """
        former_check = self._checks.get(cursor.path)
        if former_check is not None and former_check.context.language != cursor.language:
            former_check = None
        if len(cursor.text) > _MAX_CHARACTERS:
            return []
        context = read_context(cursor, former_check.context if former_check else None)
        parse_check = ParseCheck(context, former_check)
        completions = (
            [] if context.is_in_prose else self._complete(context, parse_check, settings, cancel_event, excluded)
        )
        self._remember_check(cursor.path, parse_check)
        return [_add_cell(completion, cursor) for completion in completions] if cursor.cells else completions

    def _complete(
        self,
        context: CompletionContext,
        parse_check: ParseCheck,
        settings: CompletionSettings,
        cancel_event: Cancel,
        excluded: Collection[bytes],
    ) -> list[Completion]:
        """Return up to `limit` rests of the line and whole lines, one for each first line; [] when cancelled.

        Where one is wanted, a rest of 0.5 or more is enough: whole lines are not ranked then.
        """
        floor, limit = settings.floor, settings.limit
        reading = self.read_cursor(context, excluded)
        line_rests = (
            self._lines.complete_line(reading, parse_check, floor, limit, cancel_event) if reading is not None else []
        )
        if limit == 1 and line_rests and line_rests[0].confidence >= _SURE:
            return line_rests
        line_completions: list[Completion] = []
        if context.can_continue and (ranked_lines := self._rank_lines(context, reading, cancel_event, excluded)):
            probable_lines = [
                ranked_line for ranked_line in ranked_lines[:_MAX_TRIED_LINES] if ranked_line.probability >= floor
            ]
            completions = LineTextMaker(context, parse_check, settings.max_lines).make_completions(
                probable_lines, lambda symbol: self._lines.find_source_line(reading, symbol), cancel_event
            )
            line_completions = list(islice(completions, limit))
        return [] if cancel_event.is_set() else _merge(line_completions, line_rests)[:limit]

    def _rank_lines(
        self,
        context: CompletionContext,
        reading: CursorReading | None,
        cancel_event: Cancel,
        excluded: Collection[bytes],
    ) -> list[RankedLine]:
        """Return the next lines, most probable first; [] where more likely the block ends, or when cancelled."""
        scorer = make_scorer(reading)
        if scorer and scorer.may_end_block():
            return []
        candidates = self.list_candidates(context, cancel_event, excluded)
        if cancel_event.is_set():
            return []
        ranked_lines = rank_lines(candidates, scorer)
        return [] if ranked_lines and is_closing(ranked_lines[0].line) else ranked_lines

    def _remember_check(self, document_path: Path, parse_check: ParseCheck) -> None:
        """Cache the check and its context for the document's next one; drop the oldest of more than eight."""
        with self._lock:
            self._checks[document_path] = parse_check
            self._checks.move_to_end(document_path)
            while len(self._checks) > _MAX_CONTEXTS:
                self._checks.popitem(last=False)

    def read_cursor(self, context: CompletionContext, excluded: Collection[bytes] = ()) -> CursorReading | None:
        """Return the cursor line's tokens and n-gram model, None without lexical rules; may start a token update.

        The update, of the workspace's tokens, runs in the background. Documents that have a content whose hash is
        `excluded` are not counted.
        """
        excluded_paths = self._index.store.find_files_with(excluded) if excluded else ()
        return self._lines.read_cursor(context, excluded_paths, frozenset(excluded))

    def list_candidates(
        self, context: CompletionContext, cancel_event: Cancel, excluded: Collection[bytes] = ()
    ) -> list[LineCandidate]:
        """Return the candidates, with features, whose line starts with what is typed, unranked; [] where cancelled."""
        extractor = FeatureExtractor(context, self._index)
        typed_text = context.text_before.strip()
        candidates = []
        for candidate in self._finder.find_candidates(context, excluded, cancel_event):
            if cancel_event.is_set():
                return []
            if extractor.adapt_candidate(candidate, typed_text):
                candidates.append(candidate)
        return candidates


def _merge(line_completions: Iterable[Completion], line_rests: Iterable[Completion]) -> list[Completion]:
    """Return both in their own orders, the surer of the next two first, and of a first line only what comes first."""
    merged: dict[str, Completion] = {}
    for completion in heapq.merge(line_completions, line_rests, key=lambda completion: -completion.confidence):
        merged.setdefault(completion.text.partition("\n")[0], completion)
    return list(merged.values())


def _add_cell(completion: Completion, cursor: Cursor) -> Completion:
    """Return the completion, with its source's notebook cell if that is in the cursor's document; else unchanged."""
    if completion.path != cursor.path:
        return completion
    return replace(completion, cell=find_cell(cursor.cells, completion.span.start))
