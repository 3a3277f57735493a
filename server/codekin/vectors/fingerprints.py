"""The contents' structures in memory, all of them compared with a query's: half a millisecond for 50,000.

A `Structures` never changes: adding and leaving out give another one that shares the blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codekin.code.fingerprints import SKETCH_BYTES, Fingerprints
from codekin.vectors.matrix import FloatArray, LabelArray, positions

_BLOCK = 16_384  # contents; what is added is copied together with the last block, until that is full
_BYTES = 16 + SKETCH_BYTES
_CHANCE = np.float32(1 / 256)  # bytes of different minima are equal as often


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some contents; those without a renamed fingerprint or a sketch have zeros there."""

    labels: LabelArray  # (n,)
    exact: npt.NDArray[np.uint64]  # (n,)
    renamed: npt.NDArray[np.uint64]  # (n,)
    sketches: npt.NDArray[np.uint8]  # (SKETCH, n): by column, so that equal bytes are counted many contents at a time

    def likeness(self, asked: Fingerprints, renamed_score: float) -> FloatArray:
        """(n,): 1 for the same code, `renamed_score` where it is but for names, else the estimated Jaccard."""
        score = np.zeros(len(self.labels), np.float32)
        if asked.sketch:
            own = np.frombuffer(asked.sketch, np.uint8)[:, None]
            equal = (self.sketches == own).view(np.uint8).sum(axis=0, dtype=np.uint8)
            score = np.maximum((equal.astype(np.float32) / SKETCH_BYTES - _CHANCE) / (1 - _CHANCE), 0)
            score = np.minimum(score, renamed_score)
            score[self.renamed == np.frombuffer(asked.renamed, np.uint64)] = renamed_score
        score[self.exact == np.frombuffer(asked.exact, np.uint64)] = 1
        return score


class FingerprintIndex:
    """Contents by number, each with its structure; any number of threads may ask."""

    def __init__(self, blocks: Sequence[_Block] = ()) -> None:
        self._blocks = tuple(blocks)

    def __len__(self) -> int:
        return sum(len(block.labels) for block in self._blocks)

    @property
    def newest(self) -> int:
        """The highest number; 0 where there is none."""
        return int(self._blocks[-1].labels[-1]) if self._blocks else 0

    @property
    def nbytes(self) -> int:
        """What they take in memory."""
        return len(self) * (_BYTES + 8)

    def add_rows(self, rows: Sequence[tuple[int, bytes]]) -> "FingerprintIndex":
        """With these (number, packed structure), ascending and higher than all that are there."""
        if not rows:
            return self
        labels = np.array([number for number, _ in rows], np.int64)
        raw = np.frombuffer(b"".join(packed[:_BYTES].ljust(_BYTES, b"\0") for _, packed in rows), np.uint8)
        table = raw.reshape(len(rows), _BYTES)
        blocks = list(self._blocks)
        if blocks and len(blocks[-1].labels) < _BLOCK:
            last = blocks.pop()
            labels, table = np.concatenate([last.labels, labels]), np.concatenate([_table(last), table])
        return FingerprintIndex([*blocks, *_cut(labels, table)])

    def without(self, numbers: LabelArray) -> "FingerprintIndex":
        """Without these contents; blocks that have none of them are shared."""
        blocks: list[_Block] = []
        for block in self._blocks:
            kept = _kept(block, numbers)
            if blocks and len(blocks[-1].labels) + len(kept.labels) <= _BLOCK and kept is not block:
                kept = _joined(blocks.pop(), kept)
            if len(kept.labels):
                blocks.append(kept)
        return FingerprintIndex(blocks)

    def find_similar(
        self, asked: Fingerprints, least: float, renamed_score: float, allowed: LabelArray | None = None
    ) -> tuple[LabelArray, FloatArray]:
        """The contents (of `allowed`, where given) that are at least so like the structure, and how much; unordered."""
        labels, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for block in self._blocks:
            score = block.likeness(asked, renamed_score)
            found = np.flatnonzero(score >= least)
            if allowed is not None:
                found = found[np.isin(block.labels[found], allowed)]
            labels.append(block.labels[found])
            scores.append(score[found])
        return np.concatenate(labels), np.concatenate(scores)

    def find_similar_pairs(
        self, contents: LabelArray, near: npt.NDArray[np.int64], least: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Of `contents` (n,) and some others' positions for each (n, k): the pairs of positions, each once, that share
        at least so much of the structure (Jaccard, estimated). Those without a sketch are like none.
        """
        own = np.zeros((len(contents), SKETCH_BYTES), np.uint8)
        for block in self._blocks:
            at = np.minimum(np.searchsorted(block.labels, contents), len(block.labels) - 1)
            here = np.flatnonzero(np.equal(block.labels[at], contents))
            own[here] = block.sketches.T[at[here]]
        usable: npt.NDArray[np.bool_] = np.asarray(own.any(axis=1))
        pairs = [np.empty((0, 2), np.int64)]
        for column in near.T:
            equal = np.equal(own, own[column]).mean(axis=1)
            found = np.flatnonzero(usable & usable[column] & ((equal - _CHANCE) / (1 - _CHANCE) >= least))
            pairs.append(np.sort(np.stack([found, column[found]], axis=1), axis=1))
        one, other = np.unique(np.concatenate(pairs), axis=0).T
        return one, other


def _cut(labels: LabelArray, table: npt.NDArray[np.uint8]) -> Iterator[_Block]:
    """Blocks of the rows of `table` (n, 16 + SKETCH)."""
    for start in range(0, len(labels), _BLOCK):
        rows = np.ascontiguousarray(table[start : start + _BLOCK])
        digests = rows[:, :16].copy().view(np.uint64)
        sketches = np.ascontiguousarray(rows[:, 16:].T)
        yield _Block(labels[start : start + _BLOCK], digests[:, 0].copy(), digests[:, 1].copy(), sketches)


def _kept(block: _Block, numbers: LabelArray) -> _Block:
    """The block without `numbers`."""
    gone = positions(block.labels, numbers)
    if not len(gone):
        return block
    labels, exact, renamed = np.delete(block.labels, gone), np.delete(block.exact, gone), np.delete(block.renamed, gone)
    return _Block(labels, exact, renamed, np.delete(block.sketches, gone, axis=1))


def _joined(one: _Block, other: _Block) -> _Block:
    return _Block(
        np.concatenate([one.labels, other.labels]),
        np.concatenate([one.exact, other.exact]),
        np.concatenate([one.renamed, other.renamed]),
        np.concatenate([one.sketches, other.sketches], axis=1),
    )


def _table(block: _Block) -> npt.NDArray[np.uint8]:
    digests = np.stack([block.exact, block.renamed], axis=1).view(np.uint8)
    return np.concatenate([digests, block.sketches.T], axis=1)
