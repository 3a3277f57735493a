"""The continuations' vectors: made for the store that all share, searched in memory.

A function has MAX_BORDERS continuations, whose vectors stand end to end in one row under the function's content hash,
so that they are found, shared and dropped with it. In memory a number takes a byte: 64 of a vector's numbers, which
tell continuations apart as well as 256 did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.code.line_hashes import MAX_BORDERS, choose_split_points
from codekin.embed.embedder import Embedder
from codekin.types import Role, Snippet, Task
from codekin.vectors.matrix import FloatArray, LabelArray

DIM = 64
ROW = MAX_BORDERS * DIM
_STEPS = 127.0
_FEW = 64  # rows
_BLOCK = 16_384  # rows made float32 at a time


def continuation_space(embedder: Embedder) -> str:
    """The continuations' space; like every space it changes with the model."""
    return f"{embedder.space(Task.CODE2COMPLETION)}/{MAX_BORDERS}x{DIM}"


def embed_continuations(snippets: Sequence[Snippet], embedder: Embedder) -> FloatArray:
    """(n, ROW), unit rows: the vectors of each snippet's continuations; each has borders."""
    texts = []
    for snippet in snippets:
        lines = snippet.text.split("\n")
        starts = choose_split_points(snippet.borders)
        texts += ["\n".join(lines[start:]) for start in (*starts, *starts[-1:] * MAX_BORDERS)[:MAX_BORDERS]]
    rows = truncate_vectors(embedder.embed(texts, Task.CODE2COMPLETION, Role.PASSAGE))
    return rows.reshape(len(snippets), ROW) / np.float32(MAX_BORDERS**0.5)


def truncate_vectors(vectors: FloatArray) -> FloatArray:
    """(n, DIM), unit rows: the first numbers of Matryoshka vectors."""
    short = vectors[:, :DIM]
    return np.asarray(short / np.maximum(np.linalg.norm(short, axis=1, keepdims=True), np.float32(1e-12)))


@dataclass(frozen=True, slots=True, eq=False)
class ContinuationVectors:
    """Contents by number, each with the vectors of its continuations; adding gives another one."""

    labels: LabelArray = field(default_factory=lambda: np.empty(0, np.int64))  # (n,)
    rows: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty((0, ROW), np.int8))

    def add_rows(self, labels: Sequence[int], rows: FloatArray) -> "ContinuationVectors":
        """With the rows (n, ROW), unit length, of these contents."""
        if not len(labels):
            return self
        small = np.rint(rows * np.float32(_STEPS * MAX_BORDERS**0.5)).clip(-_STEPS, _STEPS).astype(np.int8)
        return ContinuationVectors(
            np.concatenate([self.labels, np.array(labels, np.int64)]), np.concatenate([self.rows, small])
        )

    def without(self, contents: LabelArray) -> "ContinuationVectors":
        """Without these contents."""
        gone = np.flatnonzero(np.isin(self.labels, contents))
        if not len(gone):
            return self
        return ContinuationVectors(np.delete(self.labels, gone), _without_rows(self.rows, gone))

    def find_cosines(self, vector: FloatArray) -> FloatArray:
        """(n,): the cosine of each content's nearest continuation to the question's `vector` (DIM,)."""
        cosines = np.empty(len(self.labels), np.float32)
        for start in range(0, len(cosines), _BLOCK):
            block = self.rows[start : start + _BLOCK].astype(np.float32).reshape(-1, MAX_BORDERS, DIM)
            cosines[start : start + _BLOCK] = np.vecdot(block, vector).max(axis=1)
        return cosines / np.float32(_STEPS)


def _without_rows(rows: npt.NDArray[np.int8], gone: LabelArray) -> npt.NDArray[np.int8]:
    """`np.delete` by runs of rows: ten times as fast for the few that an edit takes away."""
    if len(gone) > _FEW:
        return np.delete(rows, gone, axis=0)
    starts, ends = np.append(0, gone + 1).tolist(), np.append(gone, len(rows)).tolist()
    return np.concatenate([rows[start:end] for start, end in zip(starts, ends, strict=True)])
