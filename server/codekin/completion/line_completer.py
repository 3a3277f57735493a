"""Completes the line that the cursor is in, by the n-gram model of the workspace."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from codekin.completion.context import CompletionContext
from codekin.completion.cursor_line import CursorReader, CursorReading
from codekin.completion.insertion import close_brackets, fit_text_after, looks_secret
from codekin.completion.line_proposals import MIN_BEGINNING_CHARACTERS, LineProposal, LineProposer
from codekin.completion.line_texts import SourceLine
from codekin.completion.parse_check import ParseCheck
from codekin.completion.sources import SourceDocuments
from codekin.completion.workspace_tokens import MAX_TOKENS, WorkspaceTokens
from codekin.index.index import Index
from codekin.types import Cancel, Completion, Span
from codekin.workspace.workspace import Workspace
from codekin.workspace.worktrees import Worktrees

_CLI_TOKENS = 400_000  # that a single command reads: those of the nearest documents
_MIN_CHARACTERS = 3  # of a whole rest: less is typed sooner than read


@dataclass(frozen=True, slots=True)
class LineBeginning(Completion):
    """A completion behind which its line goes on: no more of it is certain enough to be shown."""


class LineCompleter:
    """Completes lines from one workspace."""

    def __init__(self, index: Index, workspace: Workspace, documents: SourceDocuments, worktrees: Worktrees) -> None:
        self._worktrees = worktrees
        self._documents = documents
        self._tokens = WorkspaceTokens(index, workspace)
        self._cursor_reader = CursorReader()

    def update(self, near_path: Path | None = None) -> None:
        """Update the n-gram model's tokens, and wait for it; with `near_path` only about 400,000. Raises StoreError.

        Those 400,000 are of the documents nearest to `near_path`, by folder.
        """
        self._tokens.update(near_path, MAX_TOKENS if near_path is None else _CLI_TOKENS)

    def close(self) -> None:
        """Stop the updates of tokens for good: one under way ends soon. Returns at once."""
        self._tokens.close()

    def read_cursor(
        self,
        context: CompletionContext,
        excluded_paths: Collection[Path] = (),
        hidden_hashes: frozenset[bytes] = frozenset(),
    ) -> CursorReading | None:
        """Return the cursor line's tokens and n-gram model, None without lexical rules; may start a token update.

        The update, of the workspace's tokens, runs in the background. Nothing is counted in other documents of
        `excluded_paths`, in the document's other checkouts, nor in snippets of this one with `hidden_hashes`.
        """
        self._tokens.update_in_background()
        snapshot = self._tokens.snapshot
        left_out_paths = (context.path, *self._worktrees.find_other_checkouts(context.path), *excluded_paths)
        excluded_documents = {number for path in left_out_paths for number in snapshot.find_documents(path)}
        return self._cursor_reader.read(context, snapshot, sorted(excluded_documents), hidden_hashes)

    def complete_line(
        self, reading: CursorReading, parse_check: ParseCheck, floor: float, limit: int, cancel_event: Cancel
    ) -> list[Completion]:
        """Return completions by the rests of the line that reach `floor`, fit and parse, the best first; often [].

        The best is the likeliest with its end, cut before an uncertain string; a beginning that is certain comes last.
        """
        if not reading.is_completable:
            return []
        for reading_number, cursor_line in enumerate(reading.lines):
            token_context = cursor_line.document.make_context()
            if proposals := LineProposer(cursor_line).propose_rests(token_context, floor, cancel_event):
                return list(islice(self._make_completions(reading, reading_number, proposals, parse_check), limit))
        return []

    def _make_completions(
        self, reading: CursorReading, reading_number: int, proposals: Sequence[LineProposal], parse_check: ParseCheck
    ) -> Iterator[Completion]:
        """Yield a completion for each proposal that fits at the cursor, parses, and whose source can be read."""
        for proposal, inserted_text in _fit_proposals(reading.context, proposals):
            checked_text = inserted_text if proposal.is_whole else inserted_text + close_brackets(inserted_text)
            if parse_check.fits_line(checked_text, ends_line=proposal.is_whole):
                source_line = self.find_source_line(reading, proposal.symbols[0], reading_number)
                if source_line:
                    yield _make_completion(reading.context, inserted_text, proposal, source_line)

    def find_source_line(
        self, reading: CursorReading | None, symbol: int, reading_number: int = 0
    ) -> SourceLine | None:
        """Return the line that `symbol` at the cursor is predicted from, read now; None if that has changed."""
        if reading is None:
            return None
        cursor_line = reading.lines[reading_number]
        context, snapshot, document = reading.context, reading.snapshot, cursor_line.document
        symbol_source = cursor_line.model.find_source(document.make_context(), symbol)
        if symbol_source is None:
            return None
        if symbol_source.is_in_document:
            source_row = document.find_row(symbol_source.position)
            return SourceLine(context.path, source_row, context.lines[source_row])
        (document_number,) = snapshot.index.documents_of(np.array([symbol_source.position]))
        source_document = self._documents.read(snapshot.paths[document_number])
        if source_document is None or source_document.document.hash != snapshot.hashes[document_number]:
            return None
        source_row = snapshot.find_row(int(document_number), symbol_source.position)
        return SourceLine(source_document.document.path, source_row, source_document.lines[source_row])


def _fit_proposals(context: CompletionContext, proposals: Sequence[LineProposal]) -> Iterator[tuple[LineProposal, str]]:
    """Yield (proposal, text to insert) for each proposal that fits at the cursor and shows no secret."""
    for proposal in proposals:
        inserted_text = _fit_at_cursor(context, proposal)
        if inserted_text and not looks_secret(context.text_before + inserted_text):
            yield proposal, inserted_text


def _make_completion(
    context: CompletionContext, inserted_text: str, proposal: LineProposal, source_line: SourceLine
) -> Completion:
    """Return the completion that inserts `inserted_text` at the cursor, copied from or edited after the source line."""
    completion_type = Completion if proposal.is_whole else LineBeginning
    return completion_type(
        inserted_text,
        context.row,
        context.column,
        proposal.probability,
        source_line.path,
        Span(source_line.row, source_line.row + 1),
        "",
        edited=inserted_text.strip() not in source_line.text,
    )


def _fit_at_cursor(context: CompletionContext, proposal: LineProposal) -> str | None:
    """Return what to insert of the proposal; None if it is under 3 characters (a beginning: 4), or can't fit."""
    proposed_text = proposal.text.lstrip() if context.text_before[-1:].isspace() else proposal.text
    if not proposal.is_whole and (context.text_after.strip() or len(proposed_text.strip()) < MIN_BEGINNING_CHARACTERS):
        return None
    fitting_text = fit_text_after(context, proposed_text, [])
    return fitting_text if fitting_text and len(fitting_text.strip()) >= _MIN_CHARACTERS else None
