"""The tokens of the cursor's document, as they count for the next one."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from codekin.completion.line_tokens import (
    BOUNDARY,
    IS_CALL,
    IS_CAPITALIZED,
    IS_MEMBER_MARK,
    KIND_BITS,
    LINE_END,
    MEMBER_MARKS,
    NAME,
    NUMBER,
    STRING,
    LineTokens,
    Positions,
    Symbols,
    TokenVocabulary,
)
from codekin.completion.suffix_index import MAX_CONTEXT_TOKENS, Followers

ANY_NAME, ANY_STRING, ANY_NUMBER = -1, -2, -3  # abstract tokens: any local name, string or number
_RECENT_TOKENS, _RECENT_DECAY = 300, 100.0  # before the cursor that are remembered; tokens to 1/e
_RECENT_NAMES = 4
CONTEXT_TOKENS = 64  # that a context keeps of those before the next one


@dataclass(slots=True)
class TokenContext:
    """The tokens before the cursor and those that a proposal adds, last one last."""

    tokens: list[int]
    abstract_tokens: list[int]
    open_brackets: tuple[str, ...] = ()  # the innermost last
    line_tokens: int = 0  # since the last line end
    is_block_ended: bool = False  # whether the line begins further left than the one above

    def extended(self, token: int, vocabulary: TokenVocabulary) -> "TokenContext":
        """Return a new context: the last 64 tokens of this one, then `token`; brackets and line length follow it."""
        text = vocabulary.texts[token]
        abstract_tokens = self.abstract_tokens[-MAX_CONTEXT_TOKENS:]
        if text == "(" and abstract_tokens[-1] == ANY_NAME:
            abstract_tokens[-1] = self.tokens[-1]  # a called name is none of the local ones
        is_fixed = vocabulary.texts[self.tokens[-1]] in MEMBER_MARKS or text[:1].isupper()
        token_kind = vocabulary.kinds[token]
        abstract_token = {NAME: token if is_fixed else ANY_NAME, STRING: ANY_STRING, NUMBER: ANY_NUMBER}.get(
            token_kind, token
        )
        return TokenContext(
            [*self.tokens[-CONTEXT_TOKENS:], token],
            [*abstract_tokens, abstract_token],
            _follow_bracket(self.open_brackets, text),
            0 if token == LINE_END else self.line_tokens + 1,
        )


@dataclass(eq=False)
class DocumentTokens:
    """The tokens of the document before and after the cursor, without those of the cursor's line behind it."""

    before: LineTokens
    after: LineTokens  # rows as in the document
    vocabulary: TokenVocabulary
    first_row: int  # of the function that the cursor is in, or of the lines above it
    is_block_ended: bool = False  # whether the cursor's line begins further left than the one above
    symbols: Symbols = field(init=False)  # BOUNDARY, the tokens before the cursor, BOUNDARY, those after it

    def __post_init__(self) -> None:
        boundary = np.array([BOUNDARY * 2], np.int32)
        self.symbols = np.concatenate((boundary, self.before.symbols, boundary, self.after.symbols))

    @cached_property
    def tokens(self) -> Symbols:
        """Return the vocabulary number of each of `symbols`, without its spacing; cached."""
        return self.symbols >> 1

    @cached_property
    def abstract_tokens(self) -> Symbols:
        """Return `tokens` with each local name, string and number replaced by one number for its kind; cached."""
        return make_abstract(self.tokens, self.vocabulary)

    @cached_property
    def abstract_symbols(self) -> Symbols:
        """Return the abstract tokens doubled, as symbols without white space before them; cached."""
        return self.abstract_tokens * 2

    def find_row(self, position: int) -> int:
        """Return the document's 0-based row of the token at this index of `symbols`."""
        is_before = position < self.cursor_position
        return int(
            self.before.rows[position - 1] if is_before else self.after.rows[position - self.cursor_position - 1]
        )

    @property
    def cursor_position(self) -> int:
        """Return the index of the cursor in `symbols`."""
        return len(self.before.symbols) + 1

    @cached_property
    def function_position(self) -> int:
        """Return the position in `symbols` at which the context (function or up to 60 lines) begins; cached."""
        return int(np.searchsorted(self.before.rows, self.first_row)) + 1

    @cached_property
    def function_tokens(self) -> frozenset[int]:
        """Return the distinct vocabulary numbers from the context's start to the cursor; cached."""
        return frozenset(self.tokens[self.function_position : self.cursor_position].tolist())

    def is_local_name(self, token: int, previous_token: int) -> bool:
        """Return whether the token is a name that begins with no capital, and is no member behind `previous_token`."""
        is_lower_name = self.vocabulary.kinds[token] == NAME and not self.vocabulary.texts[token][:1].isupper()
        return is_lower_name and self.vocabulary.texts[previous_token] not in MEMBER_MARKS

    def is_in_scope(self, token: int, previous_token: int) -> bool:
        """Return whether the token may be used behind the previous one: no local name that the document lacks."""
        return self.has_token(token) or not self.is_local_name(token, previous_token)

    def is_foreign_name(self, token: int, previous_token: int) -> bool:
        """Return whether the token would be a local name that the cursor's function doesn't contain."""
        return token not in self.function_tokens and self.is_local_name(token, previous_token)

    @cached_property
    def positions(self) -> Positions:
        """Return the indices in `symbols` of all tokens, not of the boundaries at the start and the cursor; cached."""
        return np.delete(np.arange(1, len(self.symbols)), self.cursor_position - 1)

    @cached_property
    def followers(self) -> Followers:
        """Return an index of the document's positions by the tokens before them; cached."""
        return Followers(self.symbols, self.positions)

    @cached_property
    def abstract_followers(self) -> Followers:
        """Return an index of positions by the tokens before, all local names, strings and numbers alike; cached."""
        return Followers(self.abstract_symbols, self.positions)

    @cached_property
    def recent_shares(self) -> dict[int, float]:
        """Return token → its share, 0 to 1, of the last 300 before the cursor, nearer ones weighing more; cached."""
        recent_tokens = self.before.symbols[-_RECENT_TOKENS:] >> 1
        weights = np.exp(-np.arange(len(recent_tokens))[::-1] / _RECENT_DECAY)
        distinct_tokens, inverse = np.unique(recent_tokens, return_inverse=True)
        token_shares = np.bincount(inverse, weights=weights) / max(float(weights.sum()), 1e-9)
        return dict(zip(distinct_tokens.tolist(), token_shares.tolist(), strict=True))

    @cached_property
    def recent_names(self) -> tuple[int, ...]:
        """Return the last four distinct local names of the function before the cursor, as tokens, the nearest first."""
        start_position = max(self.function_position, self.cursor_position - _RECENT_TOKENS)
        is_local = self.abstract_tokens[start_position : self.cursor_position] == ANY_NAME
        recent_tokens = self.tokens[start_position : self.cursor_position][is_local]
        return tuple(dict.fromkeys(recent_tokens[::-1].tolist()))[:_RECENT_NAMES]

    @cached_property
    def _is_present(self) -> npt.NDArray[np.bool_]:
        """Return for each token up to the highest one whether the document has it."""
        is_present = np.zeros(int(self.tokens.max(initial=0)) + 1, bool)
        is_present[self.tokens] = True
        return is_present

    def has_token(self, token: int) -> bool:
        """Return whether the document has the token."""
        return token < len(self._is_present) and bool(self._is_present[token])

    @cached_property
    def plain_symbols(self) -> Symbols:
        """Return a copy of the symbols in which all line ends are one symbol; cached."""
        return np.where(self.symbols == LINE_END * 2 + 1, LINE_END * 2, self.symbols).astype(np.int32)

    def find_function_range(self, positions: Positions) -> slice:
        """Return the slice of these ascending positions that is in the cursor's function, before the cursor."""
        return slice(*np.searchsorted(positions, (self.function_position, self.cursor_position)).tolist())

    def make_context(self) -> TokenContext:
        """Return the TokenContext at the cursor: the last 64 tokens, open brackets, tokens since the line end."""
        cursor_position = self.cursor_position
        start_position = max(cursor_position - CONTEXT_TOKENS, 0)
        context_tokens = self.tokens[start_position:cursor_position].tolist()
        open_brackets: tuple[str, ...] = ()
        for token in context_tokens:
            open_brackets = _follow_bracket(open_brackets, self.vocabulary.texts[token])
        line_tokens = next(
            (token_count for token_count, token in enumerate(reversed(context_tokens)) if token == LINE_END),
            len(context_tokens),
        )
        return TokenContext(
            context_tokens,
            self.abstract_tokens[start_position:cursor_position].tolist(),
            open_brackets,
            line_tokens,
            self.is_block_ended,
        )


def _follow_bracket(open_brackets: tuple[str, ...], token_text: str) -> tuple[str, ...]:
    """Return the brackets that are open behind a token, by those that are open before it."""
    if token_text in ("(", "[", "{"):
        return (*open_brackets, token_text)
    return open_brackets[:-1] if token_text in (")", "]", "}") else open_brackets


def make_abstract(tokens: Symbols, vocabulary: TokenVocabulary) -> Symbols:
    """Return the tokens with each local name, string and number replaced by one token for its kind.

    A name is local if it is lower-case, no member, and not called.
    """
    traits = vocabulary.read_traits()[tokens]
    token_kinds = traits & KIND_BITS
    follows_member_mark = np.roll(traits & IS_MEMBER_MARK != 0, 1)
    precedes_bracket = np.roll(traits & IS_CALL != 0, -1)
    is_local = (token_kinds == NAME) & (traits & IS_CAPITALIZED == 0) & ~follows_member_mark & ~precedes_bracket
    abstract_tokens = np.where(is_local, ANY_NAME, tokens)
    abstract_tokens = np.where(token_kinds == STRING, ANY_STRING, abstract_tokens)
    return np.where(token_kinds == NUMBER, ANY_NUMBER, abstract_tokens).astype(np.int32)
