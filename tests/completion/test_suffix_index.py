"""Contexts of any length are found as a comparison with every position finds them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.completion import suffix_index
from codekin.completion.line_tokens import BOUNDARY
from codekin.completion.suffix_index import (
    MAX_CONTEXT_TOKENS,
    MAX_MATCHES,
    Followers,
    SuffixIndex,
    build_suffix_index,
)

DOCUMENTS = st.lists(st.lists(st.integers(3, 6), max_size=60), max_size=6)
CONTEXTS = st.lists(st.integers(3, 6), min_size=1, max_size=MAX_CONTEXT_TOKENS + 2)
LENGTHS = tuple(range(1, MAX_CONTEXT_TOKENS + 1))


def build(documents: list[list[int]]) -> SuffixIndex:
    return build_suffix_index([np.array([BOUNDARY, *tokens], np.int32) * 2 for tokens in documents])


@given(DOCUMENTS, CONTEXTS)
def test_matches_are_the_positions_behind_equal_tokens(documents: list[list[int]], context: list[int]):
    index = build(documents)
    tokens = index.symbols >> 1
    matches = index.find_matches(context, LENGTHS)
    for length in LENGTHS[: len(context)]:
        expected = [
            position
            for position in range(length, len(tokens))
            if tokens[position - length : position].tolist() == context[-length:]
        ]
        assert sorted(matches.get(length, np.empty(0)).tolist()) == expected
    assert all(length <= len(context) for length in matches)


@given(DOCUMENTS, CONTEXTS)
def test_comparing_one_document_finds_the_same(documents: list[list[int]], context: list[int]):
    index = build(documents)
    compared = Followers(index.symbols, np.arange(1, max(len(index.symbols), 1))).match_contexts(context)
    matches = index.find_matches(context, LENGTHS)
    assert compared.longest == max(matches, default=0)
    for length, positions in matches.items():
        assert sorted(compared.select(length).tolist()) == sorted(positions.tolist())


def test_frequent_contexts_are_counted_in_part():
    index = build([[3, 4] * 2 * MAX_MATCHES])
    matches = index.find_matches([3], LENGTHS)
    assert len(matches[1]) == MAX_MATCHES
    assert set((index.symbols[matches[1]] >> 1).tolist()) == {4}


@given(DOCUMENTS)
def test_each_position_has_its_document(documents: list[list[int]]):
    index = build(documents)
    numbers = index.documents_of(np.arange(len(index.symbols)))
    assert numbers.tolist() == [number for number, tokens in enumerate(documents) for _ in range(len(tokens) + 1)]
    ranges = [index.find_range(number) for number in range(len(documents))]
    assert [(index.symbols[slice(*bounds)] >> 1).tolist() for bounds in ranges] == [[BOUNDARY, *t] for t in documents]


def test_an_empty_workspace_has_no_matches():
    assert build([]).find_matches([3, 4], LENGTHS) == {}


@given(DOCUMENTS, st.integers(1, 20))
def test_parts_are_sorted_as_the_whole(documents: list[list[int]], part_size: int):
    whole = build(documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suffix_index, "_SORTED_POSITIONS", part_size)
        assert build(documents).order.tolist() == whole.order.tolist()
