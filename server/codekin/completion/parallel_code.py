"""Predicts the next token by parallel code: what agrees with the code before the cursor in all but names and literals.

A test after another one, a handler after its sibling, the next case of a switch: where the tokens before the cursor
are the same but for names, strings and numbers, the token that follows there is likely, with the names at the cursor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from codekin.completion.document_tokens import CONTEXT_TOKENS, TokenContext
from codekin.completion.line_tokens import (
    BOUNDARY,
    KIND_BITS,
    LINE_END,
    LONG_LITERAL,
    MARK,
    Positions,
    Symbols,
    TokenVocabulary,
)
from codekin.completion.suffix_index import MAX_CONTEXT_TOKENS, Followers
from codekin.completion.word_substitution import substitute_words

MIN_LENGTH = 5  # of them that must agree
MAX_PARALLELS = 4  # places that predict
_KEY_TOKENS = 17  # at the end of a context, by which it is known again
_MAX_COMPARED = 48  # places whose tokens before are all compared
_SHORTER_TOKENS = 3  # than the longest agreement: of those the one with more equal names may be better
_KIND_SHAPES = (-1, -2, -3, 0)  # of a name, string and number; marks stay


class Parallel(NamedTuple):
    """A place in parallel code, and the symbol that it predicts."""

    symbol: int
    length: int  # tokens before the place that agree, at least 5
    equal_share: float  # of them, those that are the same token
    is_renamed: bool  # whether the symbol is the cursor's name for one that the place repeats
    is_substituted: bool  # whether words of it were replaced as in another name
    position: int  # of the place in its code
    is_in_document: bool


class _Places(NamedTuple):
    """Places in one code whose tokens before agree with those before the cursor."""

    positions: Positions
    lengths: Positions  # tokens that agree
    equal_counts: Positions  # of them, the same ones


_NO_PLACES = _Places(*(np.empty(0, np.int64),) * 3)


class _Place(NamedTuple):
    """One of these places."""

    code: "ParallelCode"
    position: int
    length: int
    equal_count: int


@dataclass(eq=False)
class ParallelCode:
    """Tokens in which parallel code is looked for: the document's, or those of the nearest documents."""

    symbols: Symbols  # each document begins with BOUNDARY
    vocabulary: TokenVocabulary
    is_document: bool  # whether they are of the cursor's document
    origins: Positions = field(default_factory=lambda: np.empty(0, np.int64))  # in the workspace's symbols, of others

    @cached_property
    def _tokens(self) -> Symbols:
        """Return the vocabulary number of each symbol; cached."""
        return self.symbols >> 1

    @cached_property
    def _shapes(self) -> Symbols:
        """Return the tokens with each name, string and number replaced by one for its kind; cached."""
        return _make_shapes(self._tokens, self.vocabulary)

    @cached_property
    def _followers(self) -> Followers:
        """Return an index of positions by the shapes before them; cached."""
        return Followers(self._shapes * 2, np.flatnonzero(self._tokens != BOUNDARY))

    def find_places(self, tokens: Symbols, shapes: Symbols, *, is_block_ended: bool) -> _Places:
        """Return up to 48 places before which about the most tokens agree with `tokens`, at least 5.

        At a line's start a place counts only if its line begins further left than the one above just as the cursor's.
        """
        matches = self._followers.match_contexts(shapes[-MAX_CONTEXT_TOKENS:].tolist())
        positions = matches.select(max(matches.longest - _SHORTER_TOKENS, MIN_LENGTH))
        if tokens[-1] == LINE_END:
            positions = positions[self.symbols[positions - 1] & 1 == is_block_ended]
        if not len(positions):
            return _NO_PLACES
        if len(positions) > _MAX_COMPARED:
            positions = positions[np.arange(_MAX_COMPARED) * len(positions) // _MAX_COMPARED]
        distances = np.arange(1, len(tokens) + 1)
        places_before = np.maximum(positions[:, None] - distances, 0)
        differs = self._shapes[places_before] != shapes[::-1]
        lengths = np.where(differs.any(axis=1), differs.argmax(axis=1), len(tokens))
        is_equal = (self._tokens[places_before] == tokens[::-1]) & (distances <= lengths[:, None])
        return _Places(positions, lengths, is_equal.sum(axis=1))

    def extend_places(self, places: _Places, token: int, shape: int) -> _Places:
        """Return those of the places that have the token, or another one of its shape, each a token further on."""
        is_kept = (self._shapes[places.positions] == shape) & (places.positions + 1 < len(self.symbols))
        positions = places.positions[is_kept]
        lengths = np.minimum(places.lengths[is_kept] + 1, CONTEXT_TOKENS)
        equal_counts = places.equal_counts[is_kept] + (self._tokens[positions] == token)
        return _Places(positions + 1, lengths, np.minimum(equal_counts, lengths))

    def predict(self, place: _Place, tokens: Symbols, is_known: Callable[[int], bool]) -> Parallel:
        """Return what the place predicts behind `tokens`, its names replaced by those that stand for them there.

        A name whose words are replaced must be `is_known`.
        """
        symbol = int(self.symbols[place.position])
        spacing, token = symbol & 1, symbol >> 1
        if token == LINE_END:
            return _make_parallel(place, LINE_END * 2)
        if self.vocabulary.kinds[token] == MARK or token in (BOUNDARY, LONG_LITERAL):
            return _make_parallel(place, symbol)
        former_tokens = self._tokens[place.position - place.length : place.position]
        new_tokens = tokens[-place.length :]
        same_places = np.flatnonzero(former_tokens == token)
        if len(same_places):
            new_token = int(new_tokens[same_places[-1]])
            return _make_parallel(place, new_token * 2 + spacing, is_renamed=new_token != token)
        substituted_token = self._substitute(token, former_tokens, new_tokens)
        if substituted_token is not None and is_known(substituted_token):
            return _make_parallel(place, substituted_token * 2 + spacing, is_substituted=True)
        return _make_parallel(place, symbol)

    def _substitute(self, token: int, former_tokens: Symbols, new_tokens: Symbols) -> int | None:
        """Return the vocabulary's token that the nearest pair of different names makes of `token`; None for none."""
        texts = self.vocabulary.texts
        for place in np.flatnonzero(former_tokens != new_tokens)[::-1].tolist():
            text = substitute_words(texts[token], texts[int(former_tokens[place])], texts[int(new_tokens[place])])
            if text is not None and text in self.vocabulary:
                return self.vocabulary[text]
        return None


def _make_parallel(place: _Place, symbol: int, *, is_renamed: bool = False, is_substituted: bool = False) -> Parallel:
    """Return the place's prediction of the symbol."""
    equal_share = place.equal_count / place.length
    is_document = place.code.is_document
    position = place.position if is_document else int(place.code.origins[place.position])
    return Parallel(symbol, place.length, equal_share, is_renamed, is_substituted, position, is_document)


class ParallelFinder:
    """Finds parallel code at one cursor; behind a longer context it follows what it found behind the shorter one."""

    def __init__(self, codes: Sequence[ParallelCode], is_known: Callable[[int], bool]) -> None:
        """Keep the codes, at least one, of the same vocabulary; no other tokens than `is_known` are made of words."""
        self._codes = codes
        self._is_known = is_known
        self._kinds = codes[0].vocabulary.kinds
        self._places: dict[tuple[int, ...], list[_Places]] = {}  # the last tokens → the places in each code

    def find_parallels(self, token_context: TokenContext) -> list[Parallel]:
        """Return what the up to 4 places most like the context predict, the likest first; [] where none is parallel."""
        tokens = token_context.tokens[-CONTEXT_TOKENS:]
        all_places = self._follow_places(tokens) or self._search_places(tokens, token_context.is_block_ended)
        self._places[tuple(tokens[-_KEY_TOKENS:])] = all_places
        likest = [
            _Place(code, *place)
            for code, places in zip(self._codes, all_places, strict=True)
            for place in zip(*(column.tolist() for column in places), strict=True)
        ]
        likest.sort(key=lambda place: -place.length - place.equal_count)
        context_tokens = np.array(tokens, np.int32)
        return [place.code.predict(place, context_tokens, self._is_known) for place in likest[:MAX_PARALLELS]]

    def _follow_places(self, tokens: Sequence[int]) -> list[_Places]:
        """Return the places found behind all tokens but the last that go on like that one; [] where none does."""
        former_places = self._places.get(tuple(tokens[-_KEY_TOKENS - 1 : -1]))
        if former_places is None:
            return []
        token, shape = tokens[-1], self._find_shape(tokens[-1])
        all_places = [
            code.extend_places(places, token, shape) for code, places in zip(self._codes, former_places, strict=True)
        ]
        return all_places if any(len(places.positions) for places in all_places) else []

    def _search_places(self, context_tokens: Sequence[int], is_block_ended: bool) -> list[_Places]:
        """Return the places in each code whose tokens before agree the most with these."""
        tokens = np.array(context_tokens, np.int32)
        shapes = np.array([self._find_shape(token) for token in context_tokens], np.int32)
        return [code.find_places(tokens, shapes, is_block_ended=is_block_ended) for code in self._codes]

    def _find_shape(self, token: int) -> int:
        """Return the token, or one number for its kind if that is a name, string or number."""
        token_kind = self._kinds[token]
        return token if token_kind == MARK else _KIND_SHAPES[token_kind]


def _make_shapes(tokens: Symbols, vocabulary: TokenVocabulary) -> Symbols:
    """Return the tokens with each name, string and number, called ones included, replaced by one for its kind."""
    kinds = vocabulary.read_traits()[tokens] & KIND_BITS
    return np.where(kinds == MARK, tokens, np.array(_KIND_SHAPES, np.int32)[kinds]).astype(np.int32)
