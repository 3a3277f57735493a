"""The continuations' vectors: made for the store that all share, searched in memory.

A function has MAX_BORDERS continuations, whose vectors stand end to end in one row under the function's content hash,
so that they are found, shared and dropped with it. In memory a number takes a byte: 64 of a vector's numbers, which
tell continuations apart as well as 256 did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from codekin.code.continuations import MAX_BORDERS, few
from codekin.embed.embedder import Embedder
from codekin.index.vectors import Floats, Labels
from codekin.types import Role, Snippet, Task

DIM = 64
ROW = MAX_BORDERS * DIM
_STEPS = 127.0
_FEW = 64  # rows
_BLOCK = 16_384  # rows made float32 at a time


def space(embedder: Embedder) -> str:
    """The continuations' space; like every space it changes with the model."""
    return f"{embedder.space(Task.CODE2COMPLETION)}/{MAX_BORDERS}x{DIM}"


def passages(snippets: Sequence[Snippet], embedder: Embedder) -> Floats:
    """(n, ROW), unit rows: the vectors of each snippet's continuations; each has borders."""
    texts = []
    for snippet in snippets:
        lines = snippet.text.split("\n")
        starts = few(snippet.borders)
        texts += ["\n".join(lines[start:]) for start in (*starts, *starts[-1:] * MAX_BORDERS)[:MAX_BORDERS]]
    rows = shortened(embedder.embed(texts, Task.CODE2COMPLETION, Role.PASSAGE))
    return rows.reshape(len(snippets), ROW) / np.float32(MAX_BORDERS**0.5)


def shortened(vectors: Floats) -> Floats:
    """(n, DIM), unit rows: the first numbers of Matryoshka vectors."""
    short = vectors[:, :DIM]
    return np.asarray(short / np.maximum(np.linalg.norm(short, axis=1, keepdims=True), np.float32(1e-12)))


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """Contents by number, each with the vectors of its continuations; adding gives another one."""

    labels: Labels = field(default_factory=lambda: np.empty(0, np.int64))  # (n,)
    rows: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty((0, ROW), np.int8))

    def added(self, labels: Sequence[int], rows: Floats) -> "Passages":
        """With the rows (n, ROW), unit length, of these contents."""
        if not len(labels):
            return self
        small = np.rint(rows * np.float32(_STEPS * MAX_BORDERS**0.5)).clip(-_STEPS, _STEPS).astype(np.int8)
        return Passages(np.concatenate([self.labels, np.array(labels, np.int64)]), np.concatenate([self.rows, small]))

    def without(self, contents: Labels) -> "Passages":
        """Without these contents."""
        gone = np.flatnonzero(np.isin(self.labels, contents))
        if not len(gone):
            return self
        return Passages(np.delete(self.labels, gone), _without_rows(self.rows, gone))

    def nearest(self, vector: Floats) -> Floats:
        """(n,): the cosine of each content's nearest continuation to the question's `vector` (DIM,)."""
        cosines = np.empty(len(self.labels), np.float32)
        for start in range(0, len(cosines), _BLOCK):
            block = self.rows[start : start + _BLOCK].astype(np.float32).reshape(-1, MAX_BORDERS, DIM)
            cosines[start : start + _BLOCK] = np.vecdot(block, vector).max(axis=1)
        return cosines / np.float32(_STEPS)


def _without_rows(rows: npt.NDArray[np.int8], gone: Labels) -> npt.NDArray[np.int8]:
    """`np.delete` by runs of rows: ten times as fast for the few that an edit takes away."""
    if len(gone) > _FEW:
        return np.delete(rows, gone, axis=0)
    starts, ends = np.append(0, gone + 1).tolist(), np.append(gone, len(rows)).tolist()
    return np.concatenate([rows[start:end] for start, end in zip(starts, ends, strict=True)])
