"""Tiny checkpoints of random weights, each with a real tokenizer: everything of a model but its sense."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.processors import ByteLevel, TemplateProcessing
from tokenizers.trainers import BpeTrainer

from codekin.embed.tasks import PREFIXES
from codekin.types import Role

END = "<|endoftext|>"
# How Qwen2 splits texts. transformers' tokenizer of that name does so whatever tokenizer.json says.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a tiny decoder is like."""

    kind: str = "qwen2"  # or qwen3
    layers: int = 2
    width: int = 64
    heads: int = 4
    shared: int = 2
    head_size: int = 16
    wide: int = 128
    ends_text: bool = False  # whether the tokenizer itself puts an end token
    dims: tuple[int, ...] = (16, 32, 64)
    prompts: dict[str, str] = field(
        default_factory=lambda: {
            f"{task}_{'query' if role is Role.QUERY else 'document'}": text for (task, role), text in PREFIXES.items()
        }
    )
    pooling: str = "lasttoken"


def write_checkpoint(folder: Path, shape: Shape = Shape(), seed: int = 0) -> Path:
    """The folder, with a decoder in it."""
    folder.mkdir(parents=True)
    size = write_tokenizer(folder, shape.ends_text)
    _write(folder / "config.json", _config(shape, size))
    _write(folder / "config_sentence_transformers.json", {"prompts": shape.prompts, "similarity_fn_name": "cosine"})
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": layer_number, "name": str(layer_number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for layer_number, (path, kind) in enumerate(steps)
    ]
    _write(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    modes = {
        f"pooling_mode_{mode}": mode.startswith(shape.pooling) for mode in ("cls_token", "mean_tokens", "lasttoken")
    }
    _write(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": shape.width, **modes, "include_prompt": True}
    )
    save_file(_weights(shape, size, seed), folder / "model.safetensors", {"format": "pt"})
    return folder


def write_tokenizer(folder: Path, ends_text: bool = False) -> int:
    """A byte-level BPE tokenizer learned from these very tests; its number of tokens."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(vocab_size=1000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train([str(path) for path in sorted(Path(__file__).parent.rglob("*.py"))], trainer)
    tokenizer.add_special_tokens([AddedToken(END, special=True)])
    end = tokenizer.token_to_id(END)
    processor = (
        TemplateProcessing(f"$A {END}", special_tokens=[(END, end)]) if ends_text else ByteLevel(trim_offsets=False)
    )
    tokenizer.post_processor = processor
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": END,
        "model_max_length": 512,
    }
    _write(folder / "tokenizer_config.json", tokenizer_config)
    return int(tokenizer.get_vocab_size())


def _config(shape: Shape, tokens: int) -> dict[str, Any]:
    name = {"qwen2": "Qwen2Model", "qwen3": "Qwen3Model"}[shape.kind]
    return {
        "architectures": [name],
        "model_type": shape.kind,
        "vocab_size": tokens,
        "hidden_size": shape.width,
        "intermediate_size": shape.wide,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.shared,
        "head_dim": shape.head_size,
        "hidden_act": "silu",
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000.0,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "matryoshka_dims": list(shape.dims),
        "dtype": "float32",
    }


def _weights(shape: Shape, tokens: int, seed: int) -> dict[str, Any]:
    """As large as layers of a trained model make them, so that every part tells in the vector."""
    random = np.random.default_rng(seed)
    inner, outer = shape.heads * shape.head_size, shape.shared * shape.head_size
    sizes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (tokens, shape.width), "norm.weight": (shape.width,)}
    for layer in (f"layers.{layer_number}" for layer_number in range(shape.layers)):
        attention, feed = f"{layer}.self_attn", f"{layer}.mlp"
        linear = {f"{attention}.q_proj": (inner, shape.width), f"{attention}.o_proj": (shape.width, inner)}
        linear |= {f"{attention}.{part}_proj": (outer, shape.width) for part in "kv"}
        linear |= {f"{feed}.{part}_proj": (shape.wide, shape.width) for part in ("gate", "up")}
        linear |= {f"{feed}.down_proj": (shape.width, shape.wide)}
        sizes |= {f"{name}.weight": size for name, size in linear.items()}
        sizes |= {f"{layer}.{part}_layernorm.weight": (shape.width,) for part in ("input", "post_attention")}
        if shape.kind == "qwen2":
            sizes |= {f"{attention}.{part}_proj.bias": linear[f"{attention}.{part}_proj"][:1] for part in "qkv"}
        else:
            sizes |= {f"{attention}.{part}_norm.weight": (shape.head_size,) for part in "qk"}
    return {name: _random(name, size, random) for name, size in sizes.items()}


def _random(name: str, size: tuple[int, ...], random: np.random.Generator) -> Any:
    spread = 1.0 if "embed" in name else 0.1 if len(size) == 1 else size[1] ** -0.5
    mean = 1.0 if "norm" in name else 0.0
    return (mean + spread * random.standard_normal(size)).astype(np.float32)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1))
