"""Fingerprints of all contents in memory. A query is compared with all of them: half a millisecond for 50,000.

A `FingerprintIndex` is immutable: changes return another first that shares the blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codekin.code.fingerprints import SKETCH_BYTES, Fingerprints
from codekin.vectors.matrix import FloatArray, LabelArray, find_positions

_CONTENTS_PER_BLOCK = 16_384  # added contents are copied together with the last block, until that is full
_BYTES_PER_CONTENT = 16 + SKETCH_BYTES
_CHANCE_SHARE = np.float32(1 / 256)  # share of bytes that are equal by chance


@dataclass(frozen=True, slots=True, eq=False)
class _FingerprintBlock:
    """Fingerprints of some contents, with zeros if a content has no renamed fingerprint or no sketch."""

    labels: LabelArray  # (n,)
    exact: npt.NDArray[np.uint64]  # (n,)
    renamed: npt.NDArray[np.uint64]  # (n,)
    sketches: npt.NDArray[np.uint8]  # (SKETCH_BYTES, n): by column, to count equal bytes of many contents at a time

    def compute_similarity(self, query: Fingerprints, renamed_score: float) -> FloatArray:
        """Return (n,): 1 for equal code, `renamed_score` if only names differ, else the estimated Jaccard index."""
        scores = np.zeros(len(self.labels), np.float32)
        if query.sketch:
            query_sketch = np.frombuffer(query.sketch, np.uint8)[:, None]
            equal_counts = (self.sketches == query_sketch).view(np.uint8).sum(axis=0, dtype=np.uint8)
            scores = np.maximum(
                (equal_counts.astype(np.float32) / SKETCH_BYTES - _CHANCE_SHARE) / (1 - _CHANCE_SHARE), 0
            )
            scores = np.minimum(scores, renamed_score)
            scores[self.renamed == np.frombuffer(query.renamed, np.uint64)] = renamed_score
        scores[self.exact == np.frombuffer(query.exact, np.uint64)] = 1
        return scores


class FingerprintIndex:
    """The fingerprints of contents, by number. Immutable, so any number of threads may search it."""

    def __init__(self, fingerprint_blocks: Sequence[_FingerprintBlock] = ()) -> None:
        self._blocks = tuple(fingerprint_blocks)

    @classmethod
    def from_table(cls, content_labels: LabelArray, table: npt.NDArray[np.uint8]) -> "FingerprintIndex":
        """Return an index of the contents (n,), ascending, with these rows of bytes, as `to_table` returns them."""
        return cls(list(_split_into_blocks(content_labels, table)))

    def to_table(self) -> tuple[LabelArray, npt.NDArray[np.uint8]]:
        """Return the contents (n,), ascending, and their fingerprints as rows of bytes, (n, 16 + SKETCH_BYTES)."""
        labels = [np.empty(0, np.int64), *(fingerprint_block.labels for fingerprint_block in self._blocks)]
        tables = [np.empty((0, _BYTES_PER_CONTENT), np.uint8), *map(_to_table, self._blocks)]
        return np.concatenate(labels), np.concatenate(tables)

    def __len__(self) -> int:
        return sum(len(fingerprint_block.labels) for fingerprint_block in self._blocks)

    @property
    def newest(self) -> int:
        """Return the highest number of a content; 0 if there is none."""
        return int(self._blocks[-1].labels[-1]) if self._blocks else 0

    @property
    def nbytes(self) -> int:
        """Return the memory that the arrays take, in bytes."""
        return len(self) * (_BYTES_PER_CONTENT + 8)

    def add_rows(self, rows: Sequence[tuple[int, bytes]]) -> "FingerprintIndex":
        """Return an index with further rows (number, packed fingerprints); numbers ascend, above all present ones."""
        if not rows:
            return self
        content_labels = np.array([content for content, _ in rows], np.int64)
        joined_rows = np.frombuffer(
            b"".join(packed[:_BYTES_PER_CONTENT].ljust(_BYTES_PER_CONTENT, b"\0") for _, packed in rows), np.uint8
        )
        table = joined_rows.reshape(len(rows), _BYTES_PER_CONTENT)
        fingerprint_blocks = list(self._blocks)
        if fingerprint_blocks and len(fingerprint_blocks[-1].labels) < _CONTENTS_PER_BLOCK:
            last_block = fingerprint_blocks.pop()
            content_labels = np.concatenate([last_block.labels, content_labels])
            table = np.concatenate([_to_table(last_block), table])
        return FingerprintIndex([*fingerprint_blocks, *_split_into_blocks(content_labels, table)])

    def remove_contents(self, numbers: LabelArray) -> "FingerprintIndex":
        """Return an index without these contents; it shares the blocks that have none of them."""
        fingerprint_blocks: list[_FingerprintBlock] = []
        for fingerprint_block in self._blocks:
            kept_block = _remove_from_block(fingerprint_block, numbers)
            is_changed = kept_block is not fingerprint_block
            if (
                fingerprint_blocks
                and is_changed
                and len(fingerprint_blocks[-1].labels) + len(kept_block.labels) <= _CONTENTS_PER_BLOCK
            ):
                kept_block = _join_blocks(fingerprint_blocks.pop(), kept_block)
            if len(kept_block.labels):
                fingerprint_blocks.append(kept_block)
        return FingerprintIndex(fingerprint_blocks)

    def find_similar(
        self, query: Fingerprints, min_score: float, renamed_score: float, allowed: LabelArray | None = None
    ) -> tuple[LabelArray, FloatArray]:
        """Return contents (of `allowed`, if given) at least `min_score` similar to the query, and scores; unordered."""
        content_labels, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for fingerprint_block in self._blocks:
            block_scores = fingerprint_block.compute_similarity(query, renamed_score)
            rows = np.flatnonzero(block_scores >= min_score)
            if allowed is not None:
                rows = rows[np.isin(fingerprint_block.labels[rows], allowed)]
            content_labels.append(fingerprint_block.labels[rows])
            scores.append(block_scores[rows])
        return np.concatenate(content_labels), np.concatenate(scores)

    def find_similar_pairs(
        self, contents: LabelArray, neighbours: npt.NDArray[np.int64], min_score: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return two arrays of positions in `contents`: each pair of neighbours that scores `min_score` or more, once.

        `neighbours` (n, k) are positions in `contents`. The score is the estimated Jaccard index; contents without a
        sketch are in no pair.
        """
        sketches = np.zeros((len(contents), SKETCH_BYTES), np.uint8)
        for fingerprint_block in self._blocks:
            rows = np.minimum(np.searchsorted(fingerprint_block.labels, contents), len(fingerprint_block.labels) - 1)
            positions = np.flatnonzero(np.equal(fingerprint_block.labels[rows], contents))
            sketches[positions] = fingerprint_block.sketches.T[rows[positions]]
        has_sketch: npt.NDArray[np.bool_] = np.asarray(sketches.any(axis=1))
        pairs = [np.empty((0, 2), np.int64)]
        for column in neighbours.T:
            equal_share = np.equal(sketches, sketches[column]).mean(axis=1)
            is_similar = (equal_share - _CHANCE_SHARE) / (1 - _CHANCE_SHARE) >= min_score
            positions = np.flatnonzero(has_sketch & has_sketch[column] & is_similar)
            pairs.append(np.sort(np.stack([positions, column[positions]], axis=1), axis=1))
        first_positions, second_positions = np.unique(np.concatenate(pairs), axis=0).T
        return first_positions, second_positions


def _split_into_blocks(content_labels: LabelArray, table: npt.NDArray[np.uint8]) -> Iterator[_FingerprintBlock]:
    """Yield the rows of `table` (n, 16 + SKETCH_BYTES) as blocks of 16,384 contents, the last one shorter."""
    for start in range(0, len(content_labels), _CONTENTS_PER_BLOCK):
        rows = np.ascontiguousarray(table[start : start + _CONTENTS_PER_BLOCK])
        digests = rows[:, :16].copy().view(np.uint64)
        sketches = np.ascontiguousarray(rows[:, 16:].T)
        yield _FingerprintBlock(
            content_labels[start : start + _CONTENTS_PER_BLOCK], digests[:, 0].copy(), digests[:, 1].copy(), sketches
        )


def _remove_from_block(fingerprint_block: _FingerprintBlock, numbers: LabelArray) -> _FingerprintBlock:
    """Return the block without these contents; the same block if it has none of them."""
    removed_rows = find_positions(fingerprint_block.labels, numbers)
    if not len(removed_rows):
        return fingerprint_block
    return _FingerprintBlock(
        np.delete(fingerprint_block.labels, removed_rows),
        np.delete(fingerprint_block.exact, removed_rows),
        np.delete(fingerprint_block.renamed, removed_rows),
        np.delete(fingerprint_block.sketches, removed_rows, axis=1),
    )


def _join_blocks(first_block: _FingerprintBlock, second_block: _FingerprintBlock) -> _FingerprintBlock:
    """Return one block with the contents of both."""
    return _FingerprintBlock(
        np.concatenate([first_block.labels, second_block.labels]),
        np.concatenate([first_block.exact, second_block.exact]),
        np.concatenate([first_block.renamed, second_block.renamed]),
        np.concatenate([first_block.sketches, second_block.sketches], axis=1),
    )


def _to_table(fingerprint_block: _FingerprintBlock) -> npt.NDArray[np.uint8]:
    """Return a block's fingerprints as rows of bytes, (n, 16 + SKETCH_BYTES)."""
    digests = np.stack([fingerprint_block.exact, fingerprint_block.renamed], axis=1).view(np.uint8)
    return np.concatenate([digests, fingerprint_block.sketches.T], axis=1)
