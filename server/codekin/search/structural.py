"""Retrieval by structure: find contents with the query's tokens, with other names, or with nearly the same tokens."""

import numpy as np

from codekin.code.fingerprints import make_fingerprints
from codekin.index.index import Index
from codekin.types import Candidate, Query

RENAMED = 0.99  # score of the same structure with other names, and the highest of an estimate
_MIN_SIMILARITY = 0.25  # estimated Jaccard similarity: unrelated functions reach it, provable clones do not miss it


class StructuralRetriever:
    """Finds clones of code by fingerprints of their tokens, in memory."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(self, query: Query, k: int, min_score: float = _MIN_SIMILARITY) -> list[Candidate]:
        """Return at most `k` contents whose tokens' structure is at least `min_score` like the query's, best first.

        1 is the same code, RENAMED the same but for names and literals. Lower scores are the estimated Jaccard
        similarity of the runs of tokens, names and literals. [] where the query's language is not known, or the query
        is too short to compare.
        """
        fingerprints = make_fingerprints(query.text, query.language) if query.language else None
        if fingerprints is None:
            return []
        allowed = self._index.allowed_contents(query.hit_filter)
        labels, scores = self._index.fingerprints.find_similar(fingerprints, min_score, RENAMED, allowed)
        order = np.lexsort((self._index.sort_keys_of(labels), -scores))
        candidates: list[Candidate] = []
        for start in range(0, len(order), 2 * k):  # during a scan, contents that no file has any more may be among them
            chunk = order[start : start + 2 * k]
            chunk_labels, chunk_scores = labels[chunk].tolist(), scores[chunk].tolist()
            live_contents = set(self._index.store.filter_live(chunk_labels))
            candidates += [
                Candidate(label, score)
                for label, score in zip(chunk_labels, chunk_scores, strict=True)
                if label in live_contents
            ]
            if len(candidates) >= k:
                break
        return candidates[:k]
