"""BM25 over identifier-split words and joined identifiers in the singular, in memory: every table's lexical baseline.

Source: Robertson and Zaragoza, The probabilistic relevance framework (2009); idf as in Lucene.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codekin.code.words import find_compound_identifiers, split_words

K1, B = 1.2, 0.75
SIGNATURE = f"k1={K1} b={B} words and joined identifiers in the singular"


def compute_bm25_scores(queries: Sequence[str], passages: Sequence[str]) -> NDArray[np.float32]:
    """Return the BM25 of each passage for each query, float32 (queries, passages), ≥ 0; needs a passage."""
    counts = [Counter(_split_terms(passage)) for passage in passages]
    lengths = np.array([sum(word_counts.values()) for word_counts in counts], dtype=np.float32)
    length_norms = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
    postings: dict[str, tuple[list[int], list[int]]] = {}
    for passage, word_counts in enumerate(counts):
        for word, occurrences in word_counts.items():
            rows, frequencies = postings.setdefault(word, ([], []))
            rows.append(passage)
            frequencies.append(occurrences)
    scores = np.zeros((len(queries), len(passages)), dtype=np.float32)
    for query, query_text in enumerate(queries):
        for word in dict.fromkeys(_split_terms(query_text)):
            if word in postings:
                rows, frequencies = postings[word]
                idf = np.log(1 + (len(passages) - len(rows) + 0.5) / (len(rows) + 0.5))
                term_frequencies = np.array(frequencies, dtype=np.float32)
                scores[query, rows] += idf * term_frequencies * (K1 + 1) / (term_frequencies + length_norms[rows])
    return scores


def _split_terms(text: str) -> list[str]:
    """Return the text's words and joined identifiers, in lower case and the singular, with repetitions."""
    return [_strip_plural(term) for term in split_words(text) + find_compound_identifiers(text)]


def _strip_plural(term: str) -> str:
    """Return the word without the s of an English plural, if longer than 3: Porter's stemmer gains no more."""
    return term[:-1] if len(term) > 3 and term.endswith("s") and not term.endswith("ss") else term
