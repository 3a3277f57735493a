"""Retrieval by words: BM25 over identifiers split to words, and whole identifiers beside them."""

import math
from collections.abc import Sequence

import numpy as np

from codekin.code.words import find_compound_identifiers, split_words
from codekin.index.index import Index
from codekin.types import Candidate, Query, Task

# The rarest terms say nearly everything; all of a function's words cost a hundred times as much, and rank worse.
_TERMS = {Task.NL2CODE: 16, Task.CODE2CODE: 8}
_POSTINGS = 12_000  # what full text ranks for one query at most: some 5 ms; the rarest word is asked for in any case


class LexicalRetriever:
    """SQLite's full text."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(self, query: Query, k: int) -> list[Candidate]:
        """At most `k` candidates, best first; a score is the share of the BM25 a content could reach at best."""
        store = self._index.store
        total = max(self._index.content_count, 1)
        terms = self._rarest({*split_words(query.text), *find_compound_identifiers(query.text)}, _TERMS[query.task])
        # As SQLite computes it: idf × (k1 + 1) is what a word gives when a short text is full of it.
        best = sum(2.2 * max(math.log((max(total - n, 0) + 0.5) / (n + 0.5)), 1e-6) for n in terms.values())
        allowed = self._index.allowed_contents(query.within)
        found = self._sorted(store.match_words(list(terms), k if allowed is None else -1))
        if allowed is not None:  # of all that match: a filter comes before the ranking's end
            passing = np.isin([candidate.content for candidate in found], allowed)
            found = [candidate for candidate, passes in zip(found, passing, strict=True) if passes]
        return [Candidate(candidate.content, min(candidate.score / best, 1.0)) for candidate in found[:k]]

    def _sorted(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Best first; equal ones in an order that every index has."""
        keys = self._index.sort_keys_of([candidate.content for candidate in found])
        order = np.lexsort((keys, np.array([-candidate.score for candidate in found])))
        return [found[i] for i in order.tolist()]

    def _rarest(self, terms: set[str], count: int) -> dict[str, int]:
        frequencies = sorted((self._index.document_frequency(term), term) for term in terms)
        chosen: dict[str, int] = {}
        for frequency, term in frequencies:
            if not frequency:
                continue
            if len(chosen) == count or (chosen and sum(chosen.values()) + frequency > _POSTINGS):
                break
            chosen[term] = frequency
        return chosen
