"""Find a hard negative for each pair: a wrong passage of its package that a model scores nearly as the right one."""

import hashlib
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
_MAX_SCORE_SHARE = 0.95  # of the right passage's score: what scores as much may be right, too
_MAX_OVERLAP = 0.6  # Jaccard index of their words, above which two passages count as copies of each other


def mine_negatives(pairs_path: Path, folder: Path, model_name: str) -> Path:
    """Write the pairs, each with its hard negative if any, into `folder` unless that is done; return the file's path.

    Its name tells these pairs and this model from others. All texts are in memory at once. Raises ModelError, OSError.
    """
    embedder = load_embedder(ModelSettings(name=model_name))
    with pairs_path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(embedder.fingerprint.encode())
    mined_path = folder / f"mined-{digest.hexdigest()[:16]}.jsonl"
    if not mined_path.exists():
        mined_pairs = list(_mine_groups(PairFile(pairs_path), embedder))
        jsonl.write_task_pairs((pair for _, pair in sorted(mined_pairs, key=lambda item: item[0])), mined_path)
        found_count = sum(bool(pair.negative) for _, pair in mined_pairs)
        logger.info("%s: %d of %d pairs have a hard negative", mined_path, found_count, len(mined_pairs))
    return mined_path


def _mine_groups(pair_file: PairFile, embedder: Embedder) -> Iterator[tuple[int, TaskPair]]:
    """Yield (row, its pair with a negative or ""), task by task and group by group; at most 2,000 compared at once."""
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
    """Return for each pair the other pairs' passage that scores best without being likely right, else "".

    All pairs, at least one, are of one task. A passage may be right, and is left out, where it answers an equal query,
    scores 95 % of the right one or more, or has most of its words. Raises ModelError.
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
