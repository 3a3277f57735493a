"""Retrieval by structure: the contents whose tokens are the query's, or its but for names, or nearly so."""

import numpy as np

from codekin.code.fingerprints import make_fingerprints
from codekin.index.index import Index
from codekin.types import Candidate, Query

RENAMED = 0.99  # the score of the same structure with other names; the most that an estimate may say

_LEAST = 0.25  # estimated Jaccard similarity; unrelated functions reach it, clones that can be shown do not miss it


class StructuralRetriever:
    """The fingerprints in memory."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(self, query: Query, k: int, least: float = _LEAST) -> list[Candidate]:
        """At most `k` candidates of that score or a higher one, best first.

        1 is the same code, RENAMED the same but for names and literals.
        Else a score is the estimated share of what both have in what either has: runs of tokens, names, literals.
        None where the query's language is not known, or it is too short to compare.
        """
        asked = make_fingerprints(query.text, query.language) if query.language else None
        if asked is None:
            return []
        allowed = self._index.allowed_contents(query.within)
        labels, scores = self._index.fingerprints.find_similar(asked, least, RENAMED, allowed)
        order = np.lexsort((self._index.sort_keys_of(labels), -scores))
        found: list[Candidate] = []
        for start in range(0, len(order), 2 * k):  # during a scan contents that no file has may be among the best
            best = order[start : start + 2 * k]
            alive = set(self._index.store.filter_live(labels[best].tolist()))
            pairs = zip(labels[best].tolist(), scores[best].tolist(), strict=True)
            found += [Candidate(label, score) for label, score in pairs if label in alive]
            if len(found) >= k:
                break
        return found[:k]
