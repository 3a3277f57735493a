"""Retrieval by words: BM25 over identifiers, split into words and whole."""

import math
from collections.abc import Sequence

import numpy as np

from codekin.code.words import find_compound_identifiers, split_words
from codekin.index.index import Index
from codekin.search.pools import CandidatePool
from codekin.types import Candidate, Query, Task

# The rarest terms decide nearly everything; all words of a function cost a hundred times as much, and rank worse.
_MAX_TERMS = {Task.NL2CODE: 16, Task.CODE2CODE: 8}
_MAX_POSTINGS = 12_000  # that full text ranks for one query, in some 5 ms; the rarest term is searched in any case
_BM25_K1 = 1.2  # SQLite's


class LexicalRetriever:
    """Finds contents that have the query's rarest words, by SQLite's full-text index."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(self, query: Query, k: int, pool: CandidatePool | None = None) -> list[Candidate]:
        """Return at most `k` candidates by the rarest words, best first; a score is a share of the highest BM25.

        They are from `pool` where that is given, else from the query's filter.
        """
        return self.search_apart(query, ((k, pool or CandidatePool(self._index.allowed_contents(query.hit_filter))),))[
            0
        ]

    def search_apart(self, query: Query, requests: Sequence[tuple[int, CandidatePool]]) -> list[list[Candidate]]:
        """Return for each (k, pool) the candidates of that pool, as `search` does, at the price of one search.

        Of pools beside the first one only what is among the best of all is found.
        """
        words = {*split_words(query.text), *find_compound_identifiers(query.text)}
        frequencies = self._select_rarest(words, _MAX_TERMS[query.task])
        max_score = self._compute_max_score(list(frequencies.values()))
        k, pool = requests[0]
        limit = pool.count_to_retrieve(k) if pool.allowed is None else -1  # filter all matches, not only the best ones
        matches = self._sort(self._index.store.match_words(list(frequencies), limit))
        if len(_filter_candidates(matches, pool)) < k <= len(matches) and limit > 0:  # prose took the places of code
            matches = self._sort(self._index.store.match_words(list(frequencies), -1))
        shares = [Candidate(match.content, min(match.score / max_score, 1.0)) for match in matches]
        return [_filter_candidates(shares, pool)[:k] for k, pool in requests]

    def _compute_max_score(self, document_frequencies: Sequence[int]) -> float:
        """Return the BM25, as SQLite computes it, that a short text full of these terms would have; 0 for none."""
        total = max(self._index.content_count, 1)
        return sum(
            (_BM25_K1 + 1) * max(math.log((max(total - frequency, 0) + 0.5) / (frequency + 0.5)), 1e-6)
            for frequency in document_frequencies
        )

    def _sort(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return the candidates best first; those with equal scores in an order that every index has."""
        sort_keys = self._index.sort_keys_of([candidate.content for candidate in candidates])
        order = np.lexsort((sort_keys, np.array([-candidate.score for candidate in candidates])))
        return [candidates[position] for position in order.tolist()]

    def _select_rarest(self, terms: set[str], max_terms: int) -> dict[str, int]:
        """Return term → document frequency for the rarest terms that the workspace has, within _MAX_POSTINGS."""
        selected: dict[str, int] = {}
        for frequency, term in sorted((self._index.document_frequency(term), term) for term in terms):
            if not frequency:
                continue
            if len(selected) == max_terms or (selected and sum(selected.values()) + frequency > _MAX_POSTINGS):
                break
            selected[term] = frequency
        return selected


def _filter_candidates(candidates: Sequence[Candidate], pool: CandidatePool) -> list[Candidate]:
    """Return the candidates that are in the pool, in order."""
    contents = [candidate.content for candidate in candidates]
    are_kept = pool.keeps(contents) if pool.allowed is None else np.isin(contents, pool.allowed)
    return [candidate for candidate, is_kept in zip(candidates, are_kept, strict=True) if is_kept]
