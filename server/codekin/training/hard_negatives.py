"""Find a hard negative for each pair: a passage of the same package that a model takes for the answer, and is none."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import Embedder, load_embedder
from codekin.settings import ModelSettings
from codekin.training import jsonl
from codekin.training.jsonl import PairFile, TaskPair
from codekin.types import Role

logger = logging.getLogger(__name__)
_WORD = re.compile(r"\w+")
_MAX_GROUP = 2_000  # pairs that are compared with each other at once
_MAX_CANDIDATES = 8  # looked at for each pair, best first
_MAX_SCORE_SHARE = 0.95  # of the right passage's score: what is nearer may be right, too
_MAX_OVERLAP = 0.6  # of the words of both, over which two passages are copies of each other


def mine_negatives(pairs_path: Path, mined_path: Path, model_name: str) -> Path:
    """Write the pairs with their negatives to `mined_path` unless it is there; return that. Raises ModelError.

    All texts of a package and task are in memory at once.
    """
    if not mined_path.exists():
        pair_file = PairFile(pairs_path)
        embedder = load_embedder(ModelSettings(name=model_name))
        mined_pairs = list(_mine_groups(pair_file, embedder))
        jsonl.write_task_pairs((pair for _, pair in sorted(mined_pairs, key=lambda item: item[0])), mined_path)
        found_count = sum(bool(pair.negative) for _, pair in mined_pairs)
        logger.info("%s: %d of %d pairs have a hard negative", mined_path, found_count, len(mined_pairs))
    return mined_path


def _mine_groups(pair_file: PairFile, embedder: Embedder) -> Iterator[tuple[int, TaskPair]]:
    """Yield each row with its pair, completed by a negative, in the order of tasks and groups."""
    task_order = np.lexsort((pair_file.group_numbers, pair_file.task_indices))
    keys = np.stack([pair_file.task_indices, pair_file.group_numbers])[:, task_order]
    group_ends = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    for group_rows in np.split(task_order, group_ends):
        for start in range(0, len(group_rows), _MAX_GROUP):
            rows = group_rows[start : start + _MAX_GROUP]
            pairs = pair_file.read_rows(rows)
            for row, pair, negative in zip(rows, pairs, find_hard_negatives(pairs, embedder), strict=True):
                yield int(row), replace(pair, negative=negative)


def find_hard_negatives(pairs: Sequence[TaskPair], embedder: Embedder) -> list[str]:
    """Return for each of the pairs, all of one task, the best scored wrong passage among the others', or "".

    Wrong is none that answers the same query, that scores over 95 % of the right one, or has most of its words.
    """
    queries = embedder.embed([pair.query for pair in pairs], pairs[0].task, Role.QUERY)
    passages = embedder.embed([pair.passage for pair in pairs], pairs[0].task, Role.PASSAGE)
    scores: NDArray[np.float32] = np.asarray(queries @ passages.T)
    order = np.argsort(-scores, axis=1)
    words = [frozenset(_WORD.findall(pair.passage.lower())) for pair in pairs]
    negatives = []
    for index, pair in enumerate(pairs):
        limit = _MAX_SCORE_SHARE * scores[index, index]
        candidates = [other for other in order[index] if scores[index, other] < limit][:_MAX_CANDIDATES]
        wrong = (
            pairs[other].passage
            for other in candidates
            if pairs[other].query != pair.query and _compute_overlap(words[index], words[other]) <= _MAX_OVERLAP
        )
        negatives.append(next(wrong, ""))
    return negatives


def _compute_overlap(words: frozenset[str], other_words: frozenset[str]) -> float:
    """Return the Jaccard index of two sets of words; 1 for two empty ones."""
    return len(words & other_words) / max(1, len(words | other_words)) if words or other_words else 1.0
