"""Prepare all-MiniLM-L6-v2 to be trained on code: `codekin train small` starts from the folder written here.

Its WordPiece tokenizer lower-cases names before it looks at them: `getElementById` is one word to it, which it cuts
anywhere. Here names are split at their word borders first, and each instruction is one token, whose row is learned.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from codekin.embed.local.checkpoint import find_checkpoint
from codekin.errors import ModelError
from codekin.training.backbone import TOKEN_PREFIXES, EmbedderBuild

# getName → get Name, HTTPServer → HTTP Server, utf8 → utf 8; underscores are no words.
_WORD_BORDERS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|_+"
_DROPOUT_SETTINGS = ("hidden_dropout_prob", "attention_probs_dropout_prob")
_CARD = """\
---
license: apache-2.0
---
# A small embedder of code

Trained by `codekin train small` from `{backbone}`. If that is all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0,
itself made from nreimers/MiniLM-L6-H384-uncased), this is a work derived from it: its tokenizer splits names first, and
its weights are a mean of the original's and of those trained on pairs cut from permissively licensed packages.
`training.json` has the recipe and all measures.
"""
_EXPORT_TOKENS = 256  # that MiniLM was trained to read; shorter texts suffice to teach it code
_MATRYOSHKA_DIMS = (64, 128, 256)  # beside the full size


def prepare_small_backbone(model_name: str, folder: Path) -> Path:
    """Write the BERT encoder `model_name`, with the changed tokenizer, to `folder` unless it is there; return `folder`.

    Raises ModelError if that is no encoder on this machine, or its vocabulary lacks the pieces of the instructions.
    """
    source = find_checkpoint(model_name)
    if not (folder / "config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / "model.safetensors", folder / "model.safetensors")
        tokenizer = _change_tokenizer(json.loads((source / "tokenizer.json").read_text("utf-8")), source)
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]", "unk_token": "[UNK]"}), "utf-8")
        config = json.loads((source / "config.json").read_text("utf-8"))
        config |= dict.fromkeys(_DROPOUT_SETTINGS, 0.0)
        config["matryoshka_dims"] = [
            *(dim for dim in _MATRYOSHKA_DIMS if dim < config["hidden_size"]),
            config["hidden_size"],
        ]
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")  # last: the folder is whole
    return folder


def write_card(model_name: str, folder: Path) -> None:
    """Write README.md into `folder`: licence and origin of a model that was trained from `model_name`."""
    (folder / "README.md").write_text(_CARD.format(backbone=model_name), "utf-8")


def make_small_build(folder: Path, max_tokens: int) -> EmbedderBuild:
    """Return the small embedder's settings, for the backbone in `folder`: mean pooling, instructions of one token."""
    export_tokens = max(max_tokens, _EXPORT_TOKENS)
    return EmbedderBuild(str(folder), "mean", max_tokens=max_tokens, export_tokens=export_tokens, instructions="tokens")


def _change_tokenizer(tokenizer: dict[str, Any], source: Path) -> dict[str, Any]:
    """Return `tokenizer.json`'s content, changed to split names and know the instructions; the argument changes, too.

    Raises ModelError.
    """
    vocabulary = tokenizer["model"]["vocab"]
    known_tokens = {token["content"] for token in tokenizer["added_tokens"]}
    for token in dict.fromkeys(TOKEN_PREFIXES.values()):
        if token not in vocabulary:
            raise ModelError(f"{source} has no piece {token} in its vocabulary. Choose an uncased BERT encoder.")
        if token not in known_tokens:
            flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            tokenizer["added_tokens"].append({"id": vocabulary[token], "content": token, "special": True, **flags})
    tokenizer["added_tokens"].sort(key=lambda token: token["id"])
    split_words = {"type": "Replace", "pattern": {"Regex": _WORD_BORDERS}, "content": " "}
    tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [split_words, tokenizer["normalizer"]]}
    return tokenizer | {"truncation": None, "padding": None}
