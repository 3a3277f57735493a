"""The parts in which gradients are computed."""

import pytest

pytest.importorskip("torch")

from codekin.training import gradient_cache


def test_parts_hold_every_text_once_within_the_budget() -> None:
    ids = [[1] * length for length in (3, 50, 7, 7, 12, 1, 30, 8)]
    for multiple in (1, 8):
        parts = gradient_cache.split_by_length(ids, gradient_cache.PartSize(32, multiple))
        assert sorted(row for part in parts for row in part) == list(range(len(ids)))
        padded_lengths = [-(-max(len(ids[row]) for row in part) // multiple) * multiple for part in parts]
        assert all(
            len(part) == 1 or length * len(part) <= 32 for part, length in zip(parts, padded_lengths, strict=True)
        )
