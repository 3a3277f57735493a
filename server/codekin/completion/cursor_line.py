"""The tokens around a cursor, and the n-gram model there: made once for the rest of its line and for whole lines."""

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codekin.code.lines import hash_content
from codekin.completion.context import CompletionContext, measure_indent
from codekin.completion.document_tokens import DocumentTokens
from codekin.completion.edits import count_common_items
from codekin.completion.line_tokens import (
    LINE_END,
    LineTokens,
    TokenVocabulary,
    mark_block_ends,
    read_line_tokens,
)
from codekin.completion.ngram import NgramModel
from codekin.completion.parallel_code import ParallelCode
from codekin.completion.typed_tokens import is_comment_behind, read_typed_tokens
from codekin.completion.workspace_tokens import TokenSnapshot

_KEPT_MODELS = 4  # of the cursor's line
_ENDED_NAME = 0.6  # probability that a name which the document has ends at the cursor
_MAX_NEAR_TOKENS = 150_000  # in which parallel code is looked for


@dataclass(frozen=True, slots=True, eq=False)
class CursorLine:
    """A reading of the cursor's line: the document's tokens, and the token that goes on at the cursor; "" for none."""

    document: DocumentTokens
    model: NgramModel
    open_token: str  # the beginning of a name or string at the cursor, which `document` is without
    token_count: int  # of the cursor's line in `document`
    probability: float = 1.0  # that the line is to be read like this


@dataclass(frozen=True, slots=True, eq=False)
class CursorReading:
    """How the cursor's line can be read, the likeliest reading first, by the workspace's tokens at one time."""

    context: CompletionContext
    snapshot: TokenSnapshot
    lines: tuple[CursorLine, ...]  # at least one
    is_completable: bool  # whether something is typed, no word goes on behind the cursor, and no comment ends there


class _NearCode(NamedTuple):
    """The tokens of the documents nearest to one."""

    snapshot: TokenSnapshot
    key: tuple[Path | int, ...]  # the document's path, and the numbers of the documents that are left out
    code: ParallelCode


class _Surroundings(NamedTuple):
    """All that a model depends on besides the cursor's line; equal only where the tokens are the same objects."""

    snapshot: TokenSnapshot
    near_code: ParallelCode  # without the documents that are excluded
    tokens_above: LineTokens
    tokens_below: LineTokens
    cursor_row: int
    first_row: int  # of the cursor's function
    is_block_ended: bool

    def make_document(self, read_line: LineTokens) -> DocumentTokens:
        """Return a new document with these tokens on the cursor's line."""
        return DocumentTokens(
            self.tokens_above.followed_by(read_line, self.cursor_row),
            replace(self.tokens_below, rows=self.tokens_below.rows + self.cursor_row + 1),
            self.snapshot.vocabulary,
            self.first_row,
            self.is_block_ended,
        )


class CursorReader:
    """Reads the line at a cursor; keeps the tokens above and below it, which stay the same while a line is typed."""

    def __init__(self) -> None:
        self._token_cache = _TokenCache()
        self._near_code: _NearCode | None = None  # of the last document
        self._line_models: _LineModels | None = None  # of the last line

    def _find_near_code(self, document_path: Path, snapshot: TokenSnapshot, excluded: Sequence[int]) -> ParallelCode:
        """Return the tokens of the documents nearest to this one, none `excluded`; cached for the last document."""
        key: tuple[Path | int, ...] = (document_path, *excluded)
        near_code = self._near_code
        if near_code is None or near_code.snapshot is not snapshot or near_code.key != key:
            near_code = _NearCode(snapshot, key, read_near_code(snapshot, document_path, excluded))
            self._near_code = near_code
        return near_code.code

    def read(
        self, context: CompletionContext, snapshot: TokenSnapshot, excluded: Sequence[int], hidden: frozenset[bytes]
    ) -> CursorReading | None:
        """Return the cursor line's tokens and n-gram model, its last token once open, once whole; None without rules.

        First with the last token unfinished, then, if that token is known, with it as a whole. Nothing is counted in
        the `excluded` documents of the snapshot, nor in the document's own snippets whose hashes are `hidden`. The
        tokens above and below the line are cached.
        """
        lines, cursor_row = _hide_snippets(context, hidden), context.row
        vocabulary, language = snapshot.vocabulary, context.language
        tokens_above = self._token_cache.read_above((*lines[:cursor_row], ""), language, vocabulary)
        tokens_below = self._token_cache.read_below(lines[cursor_row + 1 :], language, vocabulary)
        line_tokens = read_line_tokens(context.text_before, language, vocabulary)
        if tokens_above is None or tokens_below is None or line_tokens is None:
            return None
        near_code = self._find_near_code(context.path, snapshot, excluded)
        line_models = self._find_line_models(
            _Surroundings(
                snapshot, near_code, tokens_above, tokens_below, cursor_row, context.first_row, is_block_ended(context)
            ),
            excluded,
        )
        cursor_lines: list[CursorLine] = []
        for read_line, open_token in read_typed_tokens(context.text_before, line_tokens, language):
            if cursor_lines and not cursor_lines[0].document.has_token(vocabulary[cursor_lines[0].open_token]):
                break  # the beginning of a longer name, most likely
            model, document = line_models.find_model(read_line)
            probability = _ENDED_NAME if cursor_lines else 1.0
            cursor_lines.append(CursorLine(document, model, open_token, len(read_line.symbols), probability))
        is_in_word = re.match(r"[\w$]", context.text_after) is not None
        is_completable = bool(len(line_tokens.symbols)) and not is_in_word
        return CursorReading(
            context,
            snapshot,
            tuple(cursor_lines),
            is_completable and not is_comment_behind(context.text_before, line_tokens, language),
        )

    def _find_line_models(self, surroundings: _Surroundings, excluded: Sequence[int]) -> "_LineModels":
        """Return the models of the line within these surroundings: those of the last line if it is the same one."""
        line_models = self._line_models
        if line_models is None or line_models.surroundings != surroundings:
            line_models = self._line_models = _LineModels(surroundings, excluded)
        return line_models


class _LineModels:
    """The models behind beginnings of one line, of the last four that were asked for. Thread-safe.

    While a name is typed, the tokens before it stay the same: so do all predictions.
    """

    def __init__(self, surroundings: _Surroundings, excluded: Sequence[int]) -> None:
        self.surroundings = surroundings
        self._excluded = excluded
        self._models: OrderedDict[bytes, tuple[NgramModel, DocumentTokens]] = OrderedDict()  # by the line's symbols
        self._lock = threading.Lock()

    def find_model(self, read_line: LineTokens) -> tuple[NgramModel, DocumentTokens]:
        """Return the model behind these tokens of the line, and its document; cached."""
        key = read_line.symbols.tobytes()
        with self._lock:
            found = self._models.get(key)
            if found is None:
                surroundings = self.surroundings
                document = surroundings.make_document(read_line)
                index, near_code = surroundings.snapshot.index, surroundings.near_code
                found = self._models[key] = NgramModel(document, index, self._excluded, near_code), document
            self._models.move_to_end(key)
            while len(self._models) > _KEPT_MODELS:
                self._models.popitem(last=False)
            return found


def read_near_code(snapshot: TokenSnapshot, document_path: Path, excluded: Collection[int]) -> ParallelCode:
    """Return the tokens of the documents nearest to this one by folder, up to 150,000; none of those `excluded`."""
    positions = snapshot.find_nearest(document_path, excluded, _MAX_NEAR_TOKENS)
    return ParallelCode(snapshot.index.symbols[positions], snapshot.vocabulary, is_document=False, origins=positions)


def is_block_ended(context: CompletionContext) -> bool:
    """Return whether the cursor's line begins further left than the last line of code."""
    return (
        context.indent_column is not None
        and bool(context.content_lines)
        and context.indent_column < measure_indent(context.content_lines[-1])
    )


def _hide_snippets(context: CompletionContext, hidden: frozenset[bytes]) -> tuple[str, ...]:
    """Return the document's lines, blank in snippets, other than the cursor's, whose hash is in `hidden`."""
    if not hidden:
        return context.lines
    lines = list(context.lines)
    for snippet in context.other_snippets:
        if hash_content(snippet.text) in hidden:
            lines[snippet.span.start : snippet.span.end] = [""] * (snippet.span.end - snippet.span.start)
    return tuple(lines)


@dataclass(frozen=True, slots=True, eq=False)
class _ReadLines:
    """Lines and their tokens, by one vocabulary."""

    lines: tuple[str, ...]
    language: str
    vocabulary: TokenVocabulary
    tokens: LineTokens | None  # None without lexical rules


class _TokenCache:
    """The tokens of the lines above and below the cursor: as it moves down, few lines are read again."""

    def __init__(self) -> None:
        self._read: dict[bool, _ReadLines] = {}  # the last lines above (True) and below

    def read_above(self, lines: tuple[str, ...], language: str, vocabulary: TokenVocabulary) -> LineTokens | None:
        """Return and cache the tokens above the cursor, read anew from the first changed line; None without rules."""
        return self._read_lines(lines, language, vocabulary, is_above=True)

    def read_below(self, lines: tuple[str, ...], language: str, vocabulary: TokenVocabulary) -> LineTokens | None:
        """Return the tokens below the cursor, cut from the last call's where its lines end with these; cached."""
        return self._read_lines(lines, language, vocabulary, is_above=False)

    def _read_lines(
        self, lines: tuple[str, ...], language: str, vocabulary: TokenVocabulary, *, is_above: bool
    ) -> LineTokens | None:
        """Return and cache the tokens of the lines, reusing the last call's; None without lexical rules."""
        former = self._read.get(is_above)
        if former is None or former.vocabulary is not vocabulary or former.language != language:
            tokens = read_line_tokens("\n".join(lines), language, vocabulary)
        elif former.tokens is None or former.lines == lines:
            return former.tokens
        elif is_above:
            tokens = _read_end(lines, former, former.tokens)
        else:
            tokens = _drop_beginning(lines, former, former.tokens)
            tokens = tokens or read_line_tokens("\n".join(lines), language, vocabulary)
        self._read[is_above] = _ReadLines(lines, language, vocabulary, tokens)
        return tokens


def _read_end(lines: tuple[str, ...], former: _ReadLines, tokens: LineTokens) -> LineTokens | None:
    """Return the tokens of all `lines`: the former ones up to the last line in common, the rest split anew."""
    common_count = count_common_items(former.lines, lines)
    # The last common line may go on in another way: its end is not yet one.
    line_ends = np.flatnonzero((tokens.symbols >> 1 == LINE_END) & (tokens.rows < common_count - 1))
    kept_count, start_row = (int(line_ends[-1]) + 1, int(tokens.rows[line_ends[-1]]) + 1) if len(line_ends) else (0, 0)
    start_offset = sum(map(len, lines[:start_row])) + start_row
    end_tokens = read_line_tokens("\n".join(lines[start_row:]), former.language, former.vocabulary)
    if end_tokens is None:
        return None
    kept_symbols = tokens.symbols[:kept_count].copy()
    kept_symbols[-1:] = LINE_END * 2  # whether a block ends there is said by what follows now
    all_tokens = LineTokens(
        np.concatenate((kept_symbols, end_tokens.symbols)),
        np.concatenate((tokens.rows[:kept_count], end_tokens.rows + start_row)),
        np.concatenate((tokens.offsets[:kept_count], end_tokens.offsets + start_offset)),
    )
    return mark_block_ends(all_tokens, np.cumsum([0, *(len(line) + 1 for line in lines)]))


def _drop_beginning(lines: tuple[str, ...], former: _ReadLines, tokens: LineTokens) -> LineTokens | None:
    """Return the former tokens of these lines, renumbered; None unless the former lines end with them."""
    dropped_count = len(former.lines) - len(lines)
    if dropped_count <= 0 or former.lines[dropped_count:] != lines:
        return None
    dropped_tokens = int(np.searchsorted(tokens.rows, dropped_count))
    is_behind_line_end = (
        dropped_tokens > 0
        and tokens.symbols[dropped_tokens - 1] >> 1 == LINE_END
        and tokens.rows[dropped_tokens - 1] == dropped_count - 1
    )
    if not is_behind_line_end:
        return None
    dropped_offset = sum(map(len, former.lines[:dropped_count])) + dropped_count
    return LineTokens(
        tokens.symbols[dropped_tokens:],
        tokens.rows[dropped_tokens:] - dropped_count,
        tokens.offsets[dropped_tokens:] - dropped_offset,
    )
