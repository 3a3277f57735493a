"""Completes the line that the cursor is in, by the n-gram model of the workspace."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from codekin.completion.context import CompletionContext
from codekin.completion.document_tokens import DocumentTokens
from codekin.completion.insertion import fit_text_after, looks_secret
from codekin.completion.line_proposals import LineProposal, LineProposer
from codekin.completion.line_scorer import LineScorer
from codekin.completion.line_tokens import LONG_LITERAL, LineTokens, TokenVocabulary, read_line_tokens
from codekin.completion.ngram import NgramModel, Source
from codekin.completion.parse_check import ParseCheck
from codekin.completion.sources import SourceDocuments
from codekin.completion.workspace_tokens import MAX_TOKENS, TokenSnapshot, WorkspaceTokens
from codekin.index.index import Index
from codekin.types import Cancel, Completion, Span
from codekin.workspace.workspace import Workspace

_OPEN_TOKEN = re.compile(r"[$@#]?[^\W\d][\w$]*|([\"'`])(?:(?!\1).)*")  # a name or a string, which may go on
_CLI_TOKENS = 400_000  # that a single command reads: those of the nearest documents
_MIN_CHARACTERS, _MIN_CERTAIN_CHARACTERS = 2, 4  # of a whole line and of a beginning: less is typed sooner than read


@dataclass(frozen=True, slots=True, eq=False)
class CursorLine:
    """A reading of the cursor's line: the document's tokens, and the token that goes on at the cursor; "" for none."""

    document: DocumentTokens
    open_token: str  # the beginning of a name or string at the cursor, which `document` is without


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line that a completion is taken from."""

    path: Path
    row: int
    text: str


@dataclass(frozen=True, slots=True)
class LineBeginning(Completion):
    """A completion behind which its line goes on: no more of it is certain enough to be shown."""


class LineCompleter:
    """Completes lines from one workspace."""

    def __init__(self, index: Index, workspace: Workspace, documents: SourceDocuments) -> None:
        self._documents = documents
        self._tokens = WorkspaceTokens(index, workspace)
        self._line_tokens = _TokenCache()

    def update(self, near_path: Path | None = None) -> None:
        """Read the workspace's tokens, with `near_path` only the nearest documents'; then return. Raises StoreError."""
        self._tokens.update(near_path, MAX_TOKENS if near_path is None else _CLI_TOKENS)

    def close(self) -> None:
        """Make a background update of tokens end soon; returns at once."""
        self._tokens.close()

    def complete_line(
        self, context: CompletionContext, parse_check: ParseCheck, floor: float, cancel_event: Cancel
    ) -> Completion | None:
        """Return the most probable rest of the cursor's line; None if that is blank or nothing reaches the floor."""
        self._tokens.update_in_background()
        snapshot = self._tokens.snapshot
        for cursor_line in self._read_cursor_line(context, snapshot.vocabulary):
            document = cursor_line.document
            ngram_model = NgramModel(document, snapshot.index, snapshot.find_documents(context.path))
            proposer = LineProposer(ngram_model, snapshot.vocabulary, document.names)
            token_context = document.make_context()
            proposals = proposer.propose_rests(token_context, cursor_line.open_token, floor, cancel_event)
            if not proposals:
                continue
            fitting = next(
                (
                    (proposal, inserted_text)
                    for proposal, inserted_text in _fit_proposals(context, proposals)
                    if parse_check.fits_line(inserted_text, ends_line=proposal.is_whole)
                ),
                None,
            )
            if fitting is None:
                return None
            proposal, inserted_text = fitting
            symbol_source = ngram_model.find_source(token_context, proposal.symbols[0])
            source_line = self._find_source_line(context, document, symbol_source, snapshot) if symbol_source else None
            return _make_completion(context, inserted_text, proposal, source_line) if source_line else None
        return None

    def open_scorer(self, context: CompletionContext, excluded_paths: Collection[Path] = ()) -> LineScorer | None:
        """Return what scores whole lines at the cursor; None before the workspace's tokens are read.

        None, too, where the language has no lexical rules. Nothing is counted in the documents of `excluded_paths`.
        """
        snapshot, read_tokens = self._tokens.snapshot, self._line_tokens.read
        if not snapshot.paths:
            return None
        tokens_above = read_tokens("above", (*context.lines[: context.row], ""), context.language, snapshot.vocabulary)
        tokens_below = read_tokens("below", context.lines[context.row + 1 :], context.language, snapshot.vocabulary)
        if tokens_above is None or tokens_below is None:
            return None
        tokens_after = replace(tokens_below, rows=tokens_below.rows + context.row + 1)
        document = DocumentTokens(tokens_above, tokens_after, snapshot.vocabulary, context.first_row)
        excluded_documents = {
            number for path in (context.path, *excluded_paths) for number in snapshot.find_documents(path)
        }
        ngram_model = NgramModel(document, snapshot.index, sorted(excluded_documents))
        return LineScorer(ngram_model, document, context, snapshot.numbers)

    def _read_cursor_line(self, context: CompletionContext, vocabulary: TokenVocabulary) -> Iterator[CursorLine]:
        """Yield the line's tokens up to the cursor: with the last one unfinished, then, if that is a known one, whole.

        Yields nothing inside a word, behind a comment, and where nothing is typed on the line.
        """
        if not context.text_before.strip() or re.match(r"[\w$]", context.text_after):
            return
        cursor_row, read_tokens = context.row, self._line_tokens.read
        tokens_above = read_tokens("above", (*context.lines[:cursor_row], ""), context.language, vocabulary)
        line_tokens = read_line_tokens(context.text_before, context.language, vocabulary)
        tokens_below = read_tokens("below", context.lines[cursor_row + 1 :], context.language, vocabulary)
        if tokens_above is None or line_tokens is None or tokens_below is None or not len(line_tokens.symbols):
            return
        last_token, tokens_after = (
            context.text_before[int(line_tokens.offsets[-1]) :],
            replace(tokens_below, rows=tokens_below.rows + cursor_row + 1),
        )
        if _is_comment_behind(last_token, int(line_tokens.symbols[-1]), vocabulary):
            return
        if _OPEN_TOKEN.fullmatch(last_token):
            line_before = LineTokens(line_tokens.symbols[:-1], line_tokens.rows[:-1], line_tokens.offsets[:-1])
            tokens_without_last = DocumentTokens(
                tokens_above.followed_by(line_before, cursor_row), tokens_after, vocabulary, context.first_row
            )
            yield CursorLine(tokens_without_last, last_token)
            if vocabulary[last_token] not in tokens_without_last.names:
                return  # the beginning of a longer one, most likely
        yield CursorLine(
            DocumentTokens(
                tokens_above.followed_by(line_tokens, cursor_row), tokens_after, vocabulary, context.first_row
            ),
            "",
        )

    def _find_source_line(
        self, context: CompletionContext, document: DocumentTokens, symbol_source: Source, snapshot: TokenSnapshot
    ) -> SourceLine | None:
        """Return the line that a predicted symbol stands on; None where its document has changed since it was read."""
        if symbol_source.is_in_document:
            source_row = document.find_row(symbol_source.position)
            return SourceLine(context.path, source_row, context.lines[source_row])
        (document_number,) = snapshot.index.documents_of(np.array([symbol_source.position]))
        source_document = self._documents.read(snapshot.paths[document_number])
        if source_document is None or source_document.document.hash != snapshot.hashes[document_number]:
            return None
        source_row = snapshot.find_row(int(document_number), symbol_source.position)
        return SourceLine(source_document.document.path, source_row, source_document.lines[source_row])


class _TokenCache:
    """The tokens of the lines above and below the cursor, which stay the same while a line is typed."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Sequence[str], str, TokenVocabulary, LineTokens | None]] = {}

    def read(
        self, cache_key: str, lines: Sequence[str], language: str, vocabulary: TokenVocabulary
    ) -> LineTokens | None:
        """Return the tokens of the lines, cached per `cache_key` for equal lines; None without lexical rules."""
        cache_entry = self._entries.get(cache_key)
        if (
            cache_entry is None
            or cache_entry[2] is not vocabulary
            or cache_entry[1] != language
            or cache_entry[0] != lines
        ):
            tokens = read_line_tokens("\n".join(lines), language, vocabulary)
            cache_entry = self._entries[cache_key] = lines, language, vocabulary, tokens
        return cache_entry[3]


def _fit_proposals(context: CompletionContext, proposals: Sequence[LineProposal]) -> Iterator[tuple[LineProposal, str]]:
    """Yield each proposal that may be inserted at the cursor, with the text to insert."""
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


def _is_comment_behind(last_token: str, last_symbol: int, vocabulary: TokenVocabulary) -> bool:
    """Return whether the text has more than its first token, the line's last one: a comment."""
    token_text = vocabulary.texts[last_symbol >> 1]
    return last_symbol >> 1 != LONG_LITERAL and bool(last_token.removeprefix(token_text).strip())


def _fit_at_cursor(context: CompletionContext, proposal: LineProposal) -> str | None:
    """Return the part of the proposal to insert; None if it is short, or does not fit what follows the cursor."""
    proposed_text = proposal.text.lstrip() if context.text_before[-1:].isspace() else proposal.text
    if not proposal.is_whole and (context.text_after.strip() or len(proposed_text.strip()) < _MIN_CERTAIN_CHARACTERS):
        return None
    fitting_text = fit_text_after(context, proposed_text, [])
    return fitting_text if fitting_text and len(fitting_text.strip()) >= _MIN_CHARACTERS else None
