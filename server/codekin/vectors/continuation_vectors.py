"""Vectors of continuations: embedded for the shared store of vectors, searched in memory.

A function has MAX_BORDERS continuations. Their vectors are concatenated to one row under the function's content hash,
so that they are found, shared and removed with it. In memory each component takes a byte, and each vector has 64
components, which distinguish continuations as well as 256 did.
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
_INT8_SCALE = 127.0
# Of a row's numbers as int8: each of its vectors has one part of its length.
BYTE_SCALE = _INT8_SCALE * MAX_BORDERS**0.5
_MAX_SLICED_ROWS = 64  # more removed rows are faster by np.delete
_ROWS_PER_BLOCK = 1_024  # converted to float32 at a time: half a megabyte stays in the processor's cache


def continuation_space(embedder: Embedder) -> str:
    """Return the space of the embedder's continuation vectors; like every space it changes with the model."""
    return f"{embedder.space(Task.CODE2COMPLETION)}/{MAX_BORDERS}x{DIM}"


def embed_continuations(snippets: Sequence[Snippet], embedder: Embedder) -> FloatArray:
    """Embed the rest of each snippet after its signature and after its middle, side by side: unit rows (n, ROW).

    Raises ModelError.
    """
    texts: dict[str, int] = {}  # each once: most functions are so short that their continuations are one
    text_rows = []
    for snippet in snippets:
        lines = snippet.text.split("\n")
        starts = choose_split_points(snippet.borders)
        continuations = ["\n".join(lines[start:]) for start in starts]
        rows = [texts.setdefault(continuation, len(texts)) for continuation in continuations]
        text_rows += (rows + rows[-1:] * MAX_BORDERS)[:MAX_BORDERS]
    vectors = truncate_vectors(embedder.embed(list(texts), Task.CODE2COMPLETION, Role.PASSAGE))
    return vectors[text_rows].reshape(len(snippets), ROW) / np.float32(MAX_BORDERS**0.5)


def to_bytes(rows: FloatArray) -> npt.NDArray[np.int8]:
    """Return rows (n, ROW), as `embed_continuations` makes them, times BYTE_SCALE, rounded to int8."""
    return np.asarray(np.rint(rows * np.float32(BYTE_SCALE)).clip(-_INT8_SCALE, _INT8_SCALE), np.int8)


def truncate_vectors(vectors: FloatArray) -> FloatArray:
    """Return the first 64 components of Matryoshka vectors as unit rows (n, DIM); zeros stay zeros."""
    truncated_vectors = vectors[:, :DIM]
    return np.asarray(
        truncated_vectors / np.maximum(np.linalg.norm(truncated_vectors, axis=1, keepdims=True), np.float32(1e-12))
    )


@dataclass(frozen=True, slots=True, eq=False)
class ContinuationVectors:
    """The continuation vectors of contents, by number. Immutable; changes return a new object."""

    labels: LabelArray = field(default_factory=lambda: np.empty(0, np.int64))  # (n,)
    rows: npt.NDArray[np.int8] = field(default_factory=lambda: np.empty((0, ROW), np.int8))

    def add_rows(self, labels: Sequence[int], rows: FloatArray) -> "ContinuationVectors":
        """Return these and further contents' unit rows (n, ROW), rounded to int8; known contents are left out.

        Contents that are among these already are left out: their rows may be written before their vectors, and are
        then loaded with the content as well as with its vector.
        """
        new_labels = np.array(labels, np.int64)
        is_new = np.isin(new_labels, self.labels[np.isin(self.labels, new_labels)], invert=True)
        if not is_new.any():
            return self
        int8_rows = to_bytes(rows[is_new])
        return ContinuationVectors(
            np.concatenate([self.labels, new_labels[is_new]]), np.concatenate([self.rows, int8_rows])
        )

    def remove_contents(self, contents: LabelArray) -> "ContinuationVectors":
        """Return the vectors without these contents; itself if it has none of them."""
        removed_rows = np.flatnonzero(np.isin(self.labels, contents))
        if not len(removed_rows):
            return self
        return ContinuationVectors(np.delete(self.labels, removed_rows), _delete_rows(self.rows, removed_rows))

    def find_cosines(self, vector: FloatArray) -> FloatArray:
        """Return the unit `vector`'s (DIM,) cosine with each content's nearest continuation, to about 0.01: (n,).

        The order is that of `labels`.
        """
        cosines = np.empty(len(self.labels), np.float32)
        for start in range(0, len(cosines), _ROWS_PER_BLOCK):
            block = self.rows[start : start + _ROWS_PER_BLOCK].astype(np.float32).reshape(-1, MAX_BORDERS, DIM)
            border_cosines = np.vecdot(block, vector)
            cosines[start : start + _ROWS_PER_BLOCK] = np.maximum.reduce(border_cosines.T)
        return cosines / np.float32(_INT8_SCALE)


def _delete_rows(rows: npt.NDArray[np.int8], removed_rows: LabelArray) -> npt.NDArray[np.int8]:
    """Return a copy of `rows` without `removed_rows`, ascending; of a few, ten times as fast as np.delete."""
    if len(removed_rows) > _MAX_SLICED_ROWS:
        return np.delete(rows, removed_rows, axis=0)
    starts, ends = np.append(0, removed_rows + 1).tolist(), np.append(removed_rows, len(rows)).tolist()
    return np.concatenate([rows[start:end] for start, end in zip(starts, ends, strict=True)])
