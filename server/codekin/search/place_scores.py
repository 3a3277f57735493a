"""Order the places of a file for a sentence: which of its snippets does what is asked?

The file is found already, so that its name, its class's and its common words say little here. What counts is how much
of the question a place says, in its text or its names, and whether it is more than a stub or a remainder.
"""

from collections.abc import Sequence

import numpy as np

from codekin.search.name_matches import Scores
from codekin.search.place_weights import PLACE_WEIGHTS
from codekin.search.rank_features import KIND_NUMBERS, SnippetFeatures
from codekin.search.text_cover import TextCover
from codekin.types import SnippetKind

# Of a question, where texts are not known, per share of BM25: what fits 3,000 hits of questions about 12 repositories;
# and what tells the questions that are answered at all from nonsense, whose best hits have one rare word of it.
_COVER_PER_SHARE, CAUTIOUS_COVER_PER_SHARE = 2.0, 0.5


def compute_place_features(snippets: SnippetFeatures, said: Scores) -> dict[str, Scores]:
    """Return name → values (n,) of the snippets' features, those in PLACE_WEIGHTS; `said` is of `cover_question`."""
    is_class, is_constructor = (_are_of_kind(snippets, kind) for kind in (SnippetKind.CLASS, SnippetKind.CONSTRUCTOR))
    defined = snippets.defined * ~is_constructor  # Java's has the name of its class, which is what is meant
    return {
        "cosine": snippets.cosines,
        "share": snippets.shares,  # of BM25
        "said": said,
        "qualified": snippets.qualified,  # its name and its class's have the question's words, and few others
        "defined": defined,  # the question has its name
        "defined alone": defined * snippets.name_cover,  # and says little else
        "class": (is_class & (defined == 0)).astype(np.float64),  # what is left of it without its methods
        "defined class": is_class * defined,
        "rest of a file": (~snippets.is_function & ~is_class).astype(np.float64),
        "method": _are_of_kind(snippets, SnippetKind.METHOD).astype(np.float64),
        "constructor": is_constructor.astype(np.float64),
        "test": _are_of_kind(snippets, SnippetKind.TEST).astype(np.float64),
        "stub": snippets.is_stub.astype(np.float64),
        "lines": np.log1p(snippets.line_counts),
    }


def score_places(snippets: SnippetFeatures, said: Scores) -> Scores:
    """Return the snippets' scores, (n,), in logits beside others of the same file; `said` is of `cover_question`.

    Documentation has those that it had: the weights were fitted to code.
    """
    features = compute_place_features(snippets, said)
    scores = sum(weight * features[name] for name, weight in PLACE_WEIGHTS.items())
    return np.where(snippets.is_prose, snippets.scores, scores)


def cover_question(snippets: SnippetFeatures, texts: TextCover) -> Scores:
    """Return how much of the question each snippet's text or qualified name says, (n,), 0 to 1, by words' rarity.

    Reads postings: a few milliseconds. Raises StoreError.
    """
    contents: Sequence[int] = [location.content for location in snippets.locations]
    rarities, has_words = texts.compare(contents)
    total = float(rarities.sum())
    covered = np.maximum(snippets.similarities, has_words) @ rarities
    return np.asarray(covered / total) if total else np.zeros(len(contents))


def estimate_cover(snippets: SnippetFeatures) -> Scores:
    """Estimate, where texts are not known, what `cover_question` returns, by the share of BM25 and qualified names."""
    return np.maximum(np.minimum(_COVER_PER_SHARE * snippets.shares, 1.0), snippets.qualified_cover)


def _are_of_kind(snippets: SnippetFeatures, kind: SnippetKind) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return for each snippet whether it is of the kind, (n,)."""
    return np.asarray(snippets.kinds == KIND_NUMBERS[kind])
