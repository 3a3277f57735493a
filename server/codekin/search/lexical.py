"""Retrieval by words: BM25 over identifiers, split into words and whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codekin.code.words import find_compound_identifiers, split_words
from codekin.index.index import Index
from codekin.search.name_matches import Scores
from codekin.search.pools import CandidatePool
from codekin.storage.full_text import BM25_B, BM25_K1, compute_rarity
from codekin.types import Candidate, Query, Task
from codekin.vectors.matrix import LabelArray

# The rarest terms decide nearly everything; all words of a function cost a hundred times as much, and rank worse.
_MAX_TERMS = {Task.NL2CODE: 16, Task.CODE2CODE: 8}
_MAX_POSTINGS = (
    12_000  # that are ranked for one query, in a millisecond or two; the rarest term is searched in any case
)


class LexicalRetriever:
    """Finds contents that have the query's rarest words, by SQLite's full-text index."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(self, query: Query, k: int, pool: CandidatePool | None = None) -> list[Candidate]:
        """Return up to `k` candidates by the query's rarest words, best first; score: BM25 / the highest possible.

        They are from `pool` where that is given, else from the query's filter.
        """
        return self.search_apart(query, ((k, pool or CandidatePool(self._index.allowed_contents(query.hit_filter))),))[
            0
        ]

    def search_apart(self, query: Query, requests: Sequence[tuple[int, CandidatePool]]) -> list[list[Candidate]]:
        """Return a list of candidates per (k, pool) from one search, whose size the first pool determines.

        Of pools beside the first one only what is among the best of all is found.
        """
        words = {*split_words(query.text), *find_compound_identifiers(query.text)}
        frequencies = self._select_rarest(words, _MAX_TERMS[query.task])
        matches = self._find_matches(list(frequencies))
        k, pool = requests[0]
        best = matches
        if pool.allowed is None:  # else filter all matches, not only the best ones
            best = matches.select_best(pool.count_to_retrieve(k))
            if np.count_nonzero(pool.keeps(best.contents)) < k <= len(best.contents):  # prose took the places of code
                best = matches
        best = self._sort(best)
        shares = np.minimum(best.scores / (self._compute_max_score(list(frequencies.values())) or 1.0), 1.0)
        return [_list_candidates(best.contents, shares, pool)[:k] for k, pool in requests]

    def _find_matches(self, words: Sequence[str]) -> "_Matches":
        """Return the contents that have any of the words, with the BM25 that SQLite would compute. Raises StoreError.

        Of a content, each word is stored once, so that only its length is left to divide by.
        """
        postings, (content_count, word_count) = (
            self._index.store.find_postings(words),
            self._index.store.count_all_words(),
        )
        scores = np.zeros(max((int(contents[-1]) + 1 for contents in postings if len(contents)), default=0))
        for contents in postings:
            scores[contents] += compute_rarity(len(contents), content_count)
        matched = np.flatnonzero(scores)
        lengths = self._index.count_words_of(matched) / max(word_count / max(content_count, 1), 1e-9)
        saturation = (BM25_K1 + 1) / (1 + BM25_K1 * (1 - BM25_B + BM25_B * lengths))
        return _Matches(matched, scores[matched] * saturation)

    def _compute_max_score(self, document_frequencies: Sequence[int]) -> float:
        """Return the BM25 that a short text full of these terms would have; 0 for none."""
        total = max(self._index.content_count, 1)
        return sum((BM25_K1 + 1) * compute_rarity(frequency, total) for frequency in document_frequencies)

    def _sort(self, matches: "_Matches") -> "_Matches":
        """Return the matches best first; those with equal scores in an order that is the same in every index."""
        order = np.lexsort((self._index.sort_keys_of(matches.contents), -matches.scores))
        return _Matches(matches.contents[order], matches.scores[order])

    def _select_rarest(self, terms: set[str], max_terms: int) -> dict[str, int]:
        """Return term → document frequency of the rarest terms that occur: `max_terms`, 12,000 postings at most."""
        selected: dict[str, int] = {}
        self._index.load_document_frequencies(terms)
        for frequency, term in sorted((self._index.document_frequency(term), term) for term in terms):
            if not frequency:
                continue
            if len(selected) == max_terms or (selected and sum(selected.values()) + frequency > _MAX_POSTINGS):
                break
            selected[term] = frequency
        return selected


@dataclass(frozen=True, slots=True, eq=False)
class _Matches:
    """Contents and their scores."""

    contents: LabelArray  # (n,)
    scores: Scores  # (n,)

    def select_best(self, count: int) -> "_Matches":
        """Return the best `count`, and all ties with the last, in the order that they have."""
        if not 0 < count < len(self.scores):
            return self
        is_best = self.scores >= np.partition(self.scores, -count)[-count]
        return _Matches(self.contents[is_best], self.scores[is_best])


def _list_candidates(contents: LabelArray, shares: Scores, pool: CandidatePool) -> list[Candidate]:
    """Return the contents that are in the pool as candidates, in order."""
    is_kept = pool.keeps(contents) if pool.allowed is None else np.isin(contents, pool.allowed)
    return list(map(Candidate, contents[is_kept].tolist(), shares[is_kept].tolist()))
