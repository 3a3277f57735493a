"""Any model that codekin knows can be measured, by `codekin evaluate` and by mteb."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from codekin.embed.embedder import load_embedder
from codekin.evaluation.benchmarks import Benchmark
from codekin.evaluation.models import can_index_passages, load_named_embedder
from codekin.evaluation.mteb import MtebEncoder
from codekin.evaluation.retrieval import evaluate_benchmark
from codekin.settings import ModelSettings
from codekin.types import Role, Task

SETTINGS = ModelSettings(device="cpu", precision="float32")


def test_a_folder_is_called_by_its_own_name(tiny_checkpoint: Path) -> None:
    name, embedder = load_named_embedder(replace(SETTINGS, name=str(tiny_checkpoint)))
    assert (name, embedder.dim) == (tiny_checkpoint.name, 64)
    assert not can_index_passages(ModelSettings(str(tiny_checkpoint)))
    assert can_index_passages(ModelSettings())


def test_a_heavy_model_is_measured_with_all_that_determines_its_numbers(tiny_checkpoint: Path) -> None:
    passages = ("def add(a, b): return a + b", "class Stack: pass", "print('hello')")
    benchmark = Benchmark("tiny", Task.NL2CODE, passages[:1], passages, ({0: 1.0},), (None,), ("python",))
    embedder = load_embedder(replace(SETTINGS, name=str(tiny_checkpoint), dim=32))
    rows = [row for way in evaluate_benchmark(benchmark, {"tiny": embedder}, {}) for row in way]
    assert [row.model for row in rows] == ["bm25", "tiny", "tiny+bm25"]
    assert all(word in rows[1].signature for word in (embedder.fingerprint, "dim 32", "torch", "float32"))


def test_the_real_weights_of_a_package_are_measured_by_their_short_name() -> None:
    name, embedder = load_named_embedder(replace(SETTINGS, name="minilm"))
    assert (name, embedder.dim) == ("all-MiniLM-L6-v2", 384)


class TestMteb:
    def test_texts_stand_behind_their_task_s_instruction(self, tiny_checkpoint: Path) -> None:
        encoder = MtebEncoder(str(tiny_checkpoint), precision="float32", device="cpu")
        batches = [{"text": ["a", "b"]}, {"text": ["c"]}]
        embedder = load_embedder(replace(SETTINGS, name=str(tiny_checkpoint)))
        for name, task in (("StackOverflowQA", Task.QA), ("CosQA", Task.NL2CODE)):
            for side, role in (("query", Role.QUERY), ("document", Role.PASSAGE)):
                task_metadata = SimpleNamespace(name=name)
                vectors = encoder.encode(batches, task_metadata=task_metadata, prompt_type=SimpleNamespace(value=side))
                assert np.allclose(vectors, embedder.embed(["a", "b", "c"], task, role), atol=1e-5)
        assert encoder.similarity(vectors, vectors).shape == (3, 3)
        assert encoder.similarity_pairwise(vectors, vectors) == pytest.approx(1, abs=1e-5)

    @pytest.mark.skipif(importlib.util.find_spec("mteb") is None, reason="mteb is not installed")
    def test_it_is_what_mteb_asks_for(self) -> None:
        from mteb.models.models_protocols import EncoderProtocol

        encoder = MtebEncoder()
        assert isinstance(encoder, EncoderProtocol)
        assert encoder.mteb_model_meta.name == "codekin/codekin-static"
