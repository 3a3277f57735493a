"""Losses beside the contrastive one, which hold the model near what others know: a teacher, or its own backbone.

Each gives, for the pairs of a step, a function of their vectors: the queries', then the passages'.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from codekin.embed.embedder import Embedder
from codekin.training.jsonl import TaskPair
from codekin.training.losses import similarity_loss
from codekin.types import Role, Task

VectorLoss = Callable[[Tensor], Tensor | float]

_INITIAL_TEACHER_WEIGHT = 10.0  # beside a contrastive loss near 1, whose cosines are divided by the temperature
_SENTENCE_SIDES = {Task.NL2CODE: Role.QUERY, Task.QA: Role.QUERY, Task.CODE2NL: Role.PASSAGE}


class AuxiliaryLoss(Protocol):
    """Protocol of the losses."""

    def prepare(self, step: int, pairs: Sequence[TaskPair]) -> VectorLoss:
        """Return the weighted loss of a step from 0, whose pairs are of one task, as a function of its vectors."""


class TeacherLoss:
    """The cosine distance of each vector from the teacher's; its weight falls to nothing."""

    def __init__(self, teacher: Embedder, last_step: int) -> None:
        """Take the teacher, and the step from which it teaches no more."""
        self._teacher, self._last_step = teacher, last_step

    def prepare(self, step: int, pairs: Sequence[TaskPair]) -> VectorLoss:
        """Embed the pairs by the teacher; return a function of vectors: their weighted distance to these, at last 0."""
        remaining_share = 1 - step / self._last_step
        if remaining_share <= 0:
            return lambda _: 0.0
        texts_and_roles = ([pair.query for pair in pairs], Role.QUERY), ([pair.passage for pair in pairs], Role.PASSAGE)
        teacher_vectors = [self._teacher.embed(texts, pairs[0].task, role) for texts, role in texts_and_roles]
        targets = torch.from_numpy(np.concatenate(teacher_vectors))
        return lambda vectors: (
            _INITIAL_TEACHER_WEIGHT
            * remaining_share
            * (1 - functional.cosine_similarity(vectors, targets.to(vectors.device))).mean()
        )


class SentenceLoss:
    """How far the cosines between a batch's sentences are from those that the backbone gave them before training.

    A model that learns from comments alone forgets other English. Code is compared by nobody but the pairs.
    """

    def __init__(self, encode_original: Callable[[Sequence[str]], Tensor], weight: float) -> None:
        """Take the backbone's vectors of texts without instruction, (n, d), and the weight of the loss."""
        self._encode_original, self._weight = encode_original, weight

    def prepare(self, step: int, pairs: Sequence[TaskPair]) -> VectorLoss:  # noqa: ARG002 -- it is the same in each
        """Encode the sentences by the untrained backbone; return a function of vectors: cosines' weighted shift."""
        sentence_side = _SENTENCE_SIDES.get(pairs[0].task)
        if sentence_side is None:
            return lambda _: 0.0
        is_query = sentence_side is Role.QUERY
        reference_vectors = self._encode_original([pair.query if is_query else pair.passage for pair in pairs])
        sentences = slice(0, len(pairs)) if is_query else slice(len(pairs), None)
        return lambda vectors: self._weight * similarity_loss(vectors[sentences], reference_vectors)
