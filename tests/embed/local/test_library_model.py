"""Architectures that codekin has no layers for run through transformers, as sentence-transformers has them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, Gemma3TextConfig, ModernBertConfig, XLMRobertaConfig

from codekin.embed.embedder import load_embedder
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.errors import ModelError
from codekin.settings import ModelSettings
from codekin.types import Role, Task

TEXTS = ["def add(a, b):\n    return a + b", "x", "for (int i = 0; i < n; i++) total += values[i];" * 9, "read a file"]
SIZES: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}


def make_config(kind: str, vocabulary: int) -> Any:
    if kind == "modernbert":
        return ModernBertConfig(
            vocab_size=vocabulary,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=1,
            cls_token_id=1,
            sep_token_id=1,
            **SIZES,
        )
    if kind == "xlm-roberta":
        return XLMRobertaConfig(vocab_size=vocabulary, pad_token_id=1, max_position_embeddings=514, **SIZES)
    return Gemma3TextConfig(
        vocab_size=vocabulary,
        pad_token_id=0,
        num_key_value_heads=2,
        head_dim=16,
        use_bidirectional_attention=True,
        **SIZES,
    )


def write_model(base: Path, folder: Path, kind: str, pooling: str) -> Path:
    """Write a model of random weights with the tiny tokenizer, pooled in that way."""
    shutil.copytree(base, folder)
    torch.manual_seed(0)
    vocabulary = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]) + 1
    model = AutoModel.from_config(make_config(kind, vocabulary))
    for parameter in model.parameters():  # as large as training makes them, so that every part tells in the vector
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    modes = {name: name == f"pooling_mode_{pooling}" for name in ("pooling_mode_cls_token", "pooling_mode_mean_tokens")}
    content = {"word_embedding_dimension": 64, "include_prompt": True, **modes}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(content))
    return folder


def add_dense_layers(folder: Path) -> None:
    """Put two dense layers between pooling and normalisation, as EmbeddingGemma has them."""
    shapes = {"2_Dense": (64, 96, "Identity"), "3_Dense": (96, 48, "Tanh")}
    modules = json.loads((folder / "modules.json").read_text())
    for number, (name, (width, out_width, activation)) in enumerate(shapes.items(), start=2):
        (folder / name).mkdir()
        weights = {"linear.weight": torch.randn(out_width, width) / 8}
        if activation == "Tanh":
            weights["linear.bias"] = torch.randn(out_width)
        save_file(weights, folder / name / "model.safetensors")
        module = "linear" if activation == "Identity" else "activation"
        content = {
            "in_features": width,
            "out_features": out_width,
            "bias": activation == "Tanh",
            "activation_function": f"torch.nn.modules.{module}.{activation}",
        }
        (folder / name / "config.json").write_text(json.dumps(content))
        modules.insert(number, {"path": name, "type": "sentence_transformers.models.Dense"})
    modules = [module | {"idx": number, "name": str(number)} for number, module in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(modules))


def embed_here(folder: Path, texts: list[str] = TEXTS) -> Any:
    settings = ModelSettings(str(folder), device="cpu", precision="float32")
    return load_embedder(settings).embed(texts, Task.NL2CODE, Role.QUERY)


@pytest.mark.parametrize(
    ("kind", "pooling"), [("modernbert", "cls_token"), ("xlm-roberta", "mean_tokens"), ("gemma3_text", "mean_tokens")]
)
def test_vectors_are_those_of_sentence_transformers(
    tiny_checkpoint: Path, tmp_path: Path, kind: str, pooling: str
) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", kind, pooling)
    if kind == "gemma3_text":
        add_dense_layers(folder)
    expected = SentenceTransformer(str(folder), device="cpu").encode(
        TEXTS, prompt_name="nl2code_query", normalize_embeddings=True
    )
    vectors = embed_here(folder)
    assert vectors.shape == expected.shape
    assert float((vectors * np.asarray(expected)).sum(axis=1).min()) > 0.99999
    assert float((vectors[0] * vectors[3]).sum()) < 0.99  # texts are told apart


def test_a_text_has_the_same_vector_alone(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", "modernbert", "mean_tokens")
    assert np.allclose(embed_here(folder)[1], embed_here(folder, TEXTS[1:2])[0], atol=1e-5)


def test_it_says_that_it_is_slower(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", "modernbert", "mean_tokens")
    embedder = load_embedder(ModelSettings(str(folder), device="cpu", precision="int8"))
    assert "by transformers: slower" in embedder.device
    assert "int8" not in embedder.device


def test_positions_of_roberta_begin_after_padding(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", "xlm-roberta", "mean_tokens")
    assert read_checkpoint(ModelSettings(str(folder), max_tokens=4096)).max_tokens == 512


def test_dense_layers_are_part_of_the_fingerprint(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", "modernbert", "mean_tokens")
    before = read_checkpoint(ModelSettings(str(folder)))
    add_dense_layers(folder)
    after = read_checkpoint(ModelSettings(str(folder)))
    assert (before.dims[-1], after.dims[-1]) == (64, 48)
    assert before.fingerprint != after.fingerprint


def test_another_activation_is_refused(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", "modernbert", "mean_tokens")
    add_dense_layers(folder)
    config = json.loads((folder / "2_Dense" / "config.json").read_text())
    config["activation_function"] = "their_code.Swish"
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="Swish; codekin supports Identity, Tanh"):
        read_checkpoint(ModelSettings(str(folder)))


def test_without_the_library_the_remedy_is_named(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_checkpoint, tmp_path / "model", "modernbert", "mean_tokens")
    code = f"""
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "transformers" else find_spec(name, *rest)
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.settings import ModelSettings
try: read_checkpoint(ModelSettings({str(folder)!r}))
except Exception as error: print(error)
"""
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "of type modernbert; without transformers codekin runs qwen2" in completed.stdout
    assert "pip install 'codekin[transformers]'" in completed.stdout
