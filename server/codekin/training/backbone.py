"""A language model that becomes an embedder: loading, LoRA, and a folder that other programs load.

The folder is laid out as sentence-transformers does, so that both it and `embed/` read it.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from codekin.embed.local.checkpoint import find_checkpoint
from codekin.embed.tasks import PREFIXES
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelError
from codekin.training.pooling import LatentAttentionPooling, PoolingName, make_pooling
from codekin.types import Role

_DOCUMENT = {Role.QUERY: "query", Role.PASSAGE: "document"}  # what sentence-transformers calls the roles
_LATENT = "latent_attention.pt"


@dataclass(frozen=True, slots=True)
class EmbedderBuild:
    """Which language model, and what is made of it."""

    backbone: str  # a folder, or what model.name may be
    pooling: PoolingName = "last"
    dims: tuple[
        int, ...
    ] = ()  # Matryoshka, ascending; the last is the whole vector's. None: the model's own, else 1/4, 1/2 and all
    max_tokens: int = 512  # of a text with its instruction: the length the paper trained at
    lora: int = 0  # the rank of the adapters that are trained in place of all weights; 0 trains all


class TextEncoder(nn.Module):
    """Texts → raw vectors by a backbone and a pooling. Causal attention, as the backbone has it."""

    def __init__(self, build: EmbedderBuild) -> None:
        """Raises ModelError where the backbone can't be loaded, or has no such dimensions."""
        super().__init__()
        self.build = build
        self.tokenizer, self.backbone = _loaded(build.backbone)
        config = self.backbone.config
        self.width = int(config.hidden_size)
        halves = (self.width // 4, self.width // 2, self.width)
        self.dims = build.dims or tuple(getattr(config, "matryoshka_dims", None) or halves)
        if list(self.dims) != sorted(set(self.dims)) or self.dims[-1] != self.width or self.dims[0] < 1:
            raise ModelError(f"The dimensions {self.dims} do not fit: name them ascending, the last {self.width}.")
        self.pooling = make_pooling(build.pooling, self.width)
        if build.lora:
            self.backbone = _with_adapters(self.backbone, build.lora)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text with its instruction, cut to the limit; the tokenizer decides about an end token."""
        clean = [replace_surrogates(text) for text in texts]
        found = self.tokenizer(clean, truncation=True, max_length=self.build.max_tokens)["input_ids"]
        return [list(ids) or [self.tokenizer.pad_token_id] for ids in found]

    def forward(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Raw vectors (n, d), float32; texts of like length waste the least."""
        device = next(self.parameters()).device
        longest = max(map(len, ids))
        padded = torch.full((len(ids), longest), int(self.tokenizer.pad_token_id))
        mask = torch.zeros(len(ids), longest, dtype=torch.long)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        padded, mask = padded.to(device), mask.to(device)
        states = self.backbone(input_ids=padded, attention_mask=mask).last_hidden_state
        return self.pooling(states, mask).float()

    def save(self, folder: Path, told: dict[str, Any]) -> None:
        """The embedder as a folder, whole or not at all; `told` says how it came to be."""
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        backbone = self.backbone
        if self.build.lora:  # on a copy: training may go on
            backbone = _merged(backbone)
        backbone.config.matryoshka_dims = list(self.dims)
        backbone.save_pretrained(partial, safe_serialization=True)
        self.tokenizer.save_pretrained(partial)
        _describe(partial, self)
        (partial / "training.json").write_text(json.dumps(told, indent=1, default=str) + "\n", "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)


def _loaded(name: str) -> tuple[Any, Any]:
    """The tokenizer and the decoder, in float32."""
    disable_progress_bar()
    folder = find_checkpoint(name)
    try:
        # By tokenizer.json and nothing else, as embed/ reads it.
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        backbone = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32, use_safetensors=True)
    except (OSError, ValueError) as error:
        remedy = "Name a folder with config.json, tokenizer.json and model.safetensors."
        raise ModelError(f"{name} can't be loaded ({error}). {remedy}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    backbone.config.use_cache = False
    return tokenizer, backbone


def _with_adapters(backbone: Any, rank: int) -> Any:
    from peft import LoraConfig, TaskType, get_peft_model

    kind = TaskType.FEATURE_EXTRACTION
    return get_peft_model(
        backbone, LoraConfig(kind, r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear")
    )


def _merged(adapted: Any) -> Any:
    from copy import deepcopy

    return deepcopy(adapted).merge_and_unload()


def _describe(folder: Path, model: TextEncoder) -> None:
    """The files from which sentence-transformers, and `embed/checkpoint.py`, know how to use the weights."""
    way, own = model.build.pooling, "codekin.training.pooling.LatentAttention"
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [
        {
            "idx": at,
            "name": str(at),
            "path": "" if at == 0 else f"{at}_{kind}",
            "type": f"sentence_transformers.models.{kind}",
        }
        for at, kind in enumerate(kinds)
    ]
    pooled = {"pooling_mode_mean_tokens": way == "mean", "pooling_mode_lasttoken": way == "last"}
    if isinstance(model.pooling, LatentAttentionPooling):
        modules[1]["type"] = own
        torch.save(model.pooling.state_dict(), folder / _LATENT)
    prompts = {f"{task}_{_DOCUMENT[role]}": text for (task, role), text in PREFIXES.items()}
    files: dict[str, Any] = {
        "modules.json": modules,
        "1_Pooling/config.json": {"word_embedding_dimension": model.width, **pooled, "include_prompt": True},
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": model.build.max_tokens, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": prompts, "similarity_fn_name": "cosine"},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
