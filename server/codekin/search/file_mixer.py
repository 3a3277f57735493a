"""Order the likeliest files by what no sum of signals can say: a small fitted network looks at them beside each other.

That a file is called what is asked says much where no other is, and little where all are; a name that the whole
workspace mentions is rather meant than one that nobody does. The network changes the order of the best files, not how
good they are said to be: the highest sums are dealt out in its order, so that what was fitted to sums still holds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.search.file_mixer_weights import FILE_MIXER
from codekin.search.name_matches import Scores
from codekin.search.query_terms import QueryTerms

MAX_MIXED_FILES = 40  # by the sum of their signals
# Of a file alone. Tests and documentation are weighed by hand: neither answers a question that this was fitted to.
_OWN_FEATURES = ("exact", "exact_title", "internal", "legacy", "foreign", "former")
_COMPARED_FEATURES = (  # of a file, and how far it is behind the best of the others
    *("nearest", "near", "wordiest", "many", "covered", "title_precise", "place_name", "called", "defined", "named"),
    *("depth", "functions", "title_strength", "qualified", "nearest_function", "wordiest_function"),
    *("stub", "meaning_rank", "word_rank"),
)


class BestFiles(NamedTuple):
    """The best files for a question, by the sum of their signals, and what the network sees of them."""

    rows: npt.NDArray[np.int64]  # (n,): their rows among all files, best first
    inputs: Scores  # (n, inputs)


def compare_best_files(
    scores: Scores, features: Mapping[str, Scores], paths: Sequence[Path], terms: QueryTerms
) -> BestFiles:
    """Return the rows of up to 40 files of code with the highest scores, best first, and the network's inputs."""
    code_rows = np.flatnonzero(features["prose"] == 0)
    rows = code_rows[np.argsort(-scores[code_rows], kind="stable")[:MAX_MIXED_FILES]]
    mentions = np.log1p(terms.count_mentions(paths[row].stem for row in rows.tolist()))
    compared = np.array([*(features[name][rows] for name in _COMPARED_FEATURES), mentions, scores[rows]]).T
    own = np.array([features[name][rows] for name in _OWN_FEATURES]).T
    question = np.array([np.log1p(len(terms.words)), float(bool(terms.name)), terms.known_share])
    behind = compared - compared.max(axis=0, initial=-np.inf)
    return BestFiles(rows, np.hstack([own, compared, behind, np.tile(question, (len(rows), 1))]))


def deal_scores(scores: Scores, best: BestFiles) -> Scores:
    """Return a copy of all scores in which those of the best files are swapped into the order of the network."""
    if not len(best.rows):
        return scores
    mixed = scores[best.rows] + FILE_MIXER.compute_scores((best.inputs - FILE_MIXER.means) / FILE_MIXER.scales)
    return swap_scores(scores, best.rows, mixed)


def swap_scores(scores: Scores, rows: npt.NDArray[np.int64], keys: Scores) -> Scores:
    """Return a copy of all scores in which those of some rows are swapped, so that the highest key has the highest."""
    swapped = scores.copy()
    swapped[rows[np.argsort(-keys, kind="stable")]] = -np.sort(-scores[rows])
    return swapped
