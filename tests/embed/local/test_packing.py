"""Texts go through a transformer in batches, and their vectors do not depend on which."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from codekin.embed.embedder import load_transformer
from codekin.embed.local.transformer import encoder as encoding
from codekin.embed.local.transformer.packing import pack_tokens, split_batches
from codekin.errors import ModelError

from .reference_texts import SETTINGS, TEXTS, least, rows_of

pytestmark = pytest.mark.usefixtures("one_thread")


class TestBatches:
    def test_each_text_is_in_one_batch_within_the_budget(self):
        lengths = [3, 900, 20, 20, 500, 1, 7]
        batches = list(split_batches(lengths, 512))
        assert sorted(number for batch in batches for number in batch) == list(range(7))
        assert all(sum(lengths[position] for position in batch) <= 512 or len(batch) == 1 for batch in batches)
        assert batches[0] == [1]

    def test_a_text_s_vector_is_the_same_whatever_stands_beside_it(self, tiny_checkpoint: Path):
        model = load_transformer(replace(SETTINGS, name=str(tiny_checkpoint)))
        together = rows_of(model.encode(TEXTS, "Candidate: "))
        alone = rows_of(np.concatenate([model.encode([text], "Candidate: ") for text in TEXTS]))
        assert least(together, alone) > 0.99999

    def test_a_question_may_go_on_where_the_last_one_ended(self, tiny_checkpoint: Path):
        model, other_model = (load_transformer(replace(SETTINGS, name=str(tiny_checkpoint))) for _ in range(2))
        typed = "def total(rows):\n    return sum(row.price for row in rows)\n"
        for end in [*range(1, len(typed)), 20, 5, len(typed)]:
            assert (
                least(rows_of(model.encode([typed[:end]], "")), rows_of(other_model.encode([typed[:end], "x"], ""))[:1])
                > 0.99999
            )
        assert len(model._query_caches) <= encoding._MAX_QUERY_CACHES

    def test_who_stops_asking_stops_the_work(self, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch):
        model = load_transformer(replace(SETTINGS, name=str(tiny_checkpoint)))
        steps: Iterator[tuple[list[int], Any]] = model.encode_stepwise(["def f(): pass\n" * 30] * 20, "")
        first, _ = next(steps)
        steps.close()
        assert 0 < len(first) < 20
        assert model.encode(["x"], "").any()

    def test_what_does_not_fit_into_memory_is_done_in_halves(
        self, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
    ):
        model = load_transformer(replace(SETTINGS, name=str(tiny_checkpoint)))
        expected, run = model.encode(TEXTS, ""), model._model.compute_last_states

        def fail_above_two(packed: Any, prefix: Any) -> Any:
            if len(packed.lengths) > 2:
                raise torch.OutOfMemoryError("no room")
            return run(packed, prefix)

        monkeypatch.setattr(model._model, "compute_last_states", fail_above_two)
        assert least(rows_of(model.encode(TEXTS[:3], "")), rows_of(expected[:3])) > 0.99999
        assert np.allclose(model.encode(TEXTS, ""), expected, atol=1e-4)

    def test_too_little_memory_for_one_text_says_what_helps(
        self, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
    ):
        model = load_transformer(replace(SETTINGS, name=str(tiny_checkpoint)))

        def fail(packed: Any, prefix: Any) -> Any:
            raise torch.OutOfMemoryError("no room")

        monkeypatch.setattr(model._model, "compute_last_states", fail)
        with pytest.raises(ModelError, match="max_tokens"):
            model.encode(["x"], "")


def test_texts_of_any_length_come_in_few_shapes_so_that_few_kernels_are_made_and_kept() -> None:
    packed = [
        pack_tokens([[1] * first, [1] * second], 0, torch.device("cpu")) for first in (20, 30, 32) for second in (1, 9)
    ]
    assert {tuple(batch.padded_to_packed.shape) for batch in packed} == {(2, 32)}
    assert {len(batch.input_ids) for batch in packed} == {32, 48}
