"""Turn a language model into an embedder: load it, add LoRA, and write a model folder that other programs can load.

The folder is laid out as sentence-transformers does, so that both it and `embed/` read it.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from codekin.embed.local.checkpoint import find_checkpoint
from codekin.embed.local.checkpoint_files import ONNX_FILE
from codekin.embed.tasks import PREFIXES, Prefixes
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelError
from codekin.training.pooling import LatentAttentionPooling, PoolingName, make_pooling
from codekin.types import Role

_PROMPT_ROLE_NAMES = {Role.QUERY: "query", Role.PASSAGE: "document"}  # sentence-transformers' names of the roles
_LATENT_POOLING_FILE = "latent_attention.pt"
_LATENT_POOLING_TYPE = "codekin.training.pooling.LatentAttention"
SHAPE_MULTIPLE = 32  # of padded lengths and numbers of texts: oneDNN compiles a kernel for each new shape
InstructionName = Literal["sentences", "tokens"]

# One special token for each instruction: pieces of BERT's vocabulary that no text contains. As in PREFIXES, nl2code and
# code2code share their passages' instruction.
_TOKEN_BY_PREFIX = {prefix: f"[unused{index}]" for index, prefix in enumerate(dict.fromkeys(PREFIXES.values()), 1)}
TOKEN_PREFIXES: Prefixes = {key: _TOKEN_BY_PREFIX[prefix] for key, prefix in PREFIXES.items()}
_PREFIXES_BY_NAME: Mapping[str, Prefixes] = {"sentences": PREFIXES, "tokens": TOKEN_PREFIXES}


@dataclass(frozen=True, slots=True)
class EmbedderBuild:
    """The language model to start from, and the embedder's pooling, dimensions and length."""

    backbone: str  # a folder, or any value of model.name
    pooling: PoolingName = "last"
    dims: tuple[
        int, ...
    ] = ()  # Matryoshka, ascending, the last the full size; (): the model's own, else 1/4, 1/2 and all
    max_tokens: int = 512  # of a text with its instruction: the paper's length in training
    lora: int = 0  # rank of the adapters that are trained instead of all weights; 0 trains all
    export_tokens: int = 0  # that the exported model reads of a text; 0: `max_tokens`
    instructions: InstructionName = "sentences"  # "tokens": one learned token each, for a backbone that has them

    @property
    def prefixes(self) -> Prefixes:
        """Return (task, role) → the instruction that is put before a text."""
        return _PREFIXES_BY_NAME[self.instructions]


class TextEncoder(nn.Module):
    """Encodes texts into raw vectors by a causal backbone and a pooling."""

    def __init__(self, build: EmbedderBuild) -> None:
        """Load the backbone of this machine. Raises ModelError if it can't be loaded, or the dimensions don't fit."""
        super().__init__()
        self.build = build
        self.tokenizer, self.backbone = _load_backbone(build.backbone)
        config = self.backbone.config
        self.hidden_size = int(config.hidden_size)
        default_dims = (self.hidden_size // 4, self.hidden_size // 2, self.hidden_size)
        self.dims = build.dims or tuple(getattr(config, "matryoshka_dims", None) or default_dims)
        if list(self.dims) != sorted(set(self.dims)) or self.dims[-1] != self.hidden_size or self.dims[0] < 1:
            raise ModelError(
                f"The dimensions {self.dims} do not fit: name them ascending, the last {self.hidden_size}."
            )
        self.pooling = make_pooling(build.pooling, self.hidden_size)
        if build.lora:
            self.backbone = _add_adapters(self.backbone, build.lora)

    def tokenize(self, texts: Sequence[str], max_tokens: int = 0) -> list[list[int]]:
        """Return the token ids of each text, prefix included, cut to `max_tokens`; at least one id for each.

        0 stands for the build's `max_tokens`.
        """
        encodable_texts = [replace_surrogates(text) for text in texts]
        max_length = max_tokens or self.build.max_tokens
        token_lists = self.tokenizer(encodable_texts, truncation=True, max_length=max_length)["input_ids"]
        return [list(token_ids) or [self.tokenizer.pad_token_id] for token_ids in token_lists]

    def forward(self, token_lists: Sequence[Sequence[int]]) -> Tensor:
        """Return raw vectors (n, d), float32, with gradients, of n ≥ 1 token lists, which are padded together."""
        device = next(self.parameters()).device
        longest = max(map(len, token_lists))
        positions = int(getattr(self.backbone.config, "max_position_embeddings", 0)) or longest
        longest = max(longest, min(_round_up(longest), positions))
        row_count = _round_up(len(token_lists)) if len(token_lists) > SHAPE_MULTIPLE else len(token_lists)
        input_ids = torch.full((row_count, longest), int(self.tokenizer.pad_token_id))
        attention_mask = torch.zeros(row_count, longest, dtype=torch.long)
        attention_mask[:, 0] = 1  # rows of padding have a finite mean, too
        for text_index, token_ids in enumerate(token_lists):
            input_ids[text_index, : len(token_ids)] = torch.tensor(token_ids)
            attention_mask[text_index, : len(token_ids)] = 1
        input_ids, attention_mask = input_ids.to(device), attention_mask.to(device)
        hidden_states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.pooling(hidden_states, attention_mask)[: len(token_lists)].float()

    def save(self, model_folder: Path, provenance: dict[str, Any]) -> None:
        """Write the embedder and `provenance` to `model_folder`, replacing it only once all is written beside it."""
        partial = model_folder.with_name(model_folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        backbone = self.backbone
        if self.build.lora:  # merge a copy: training may continue
            backbone = _merge_adapters(backbone)
        backbone.config.matryoshka_dims = list(self.dims)
        backbone.save_pretrained(partial, safe_serialization=True)
        self.tokenizer.save_pretrained(partial)
        _write_configuration(partial, self)
        (partial / "training.json").write_text(json.dumps(provenance, indent=1, default=str) + "\n", "utf-8")
        shutil.rmtree(model_folder, ignore_errors=True)
        partial.rename(model_folder)


def load_trained_weights(encoder: TextEncoder, model_folder: str) -> str:
    """Load weights that `save`, or `codekin train onnx`, wrote; return the file's SHA-256 in hexadecimal.

    Those of an int8 graph keep their rounding errors. Raises ModelError.
    """
    weights_path = Path(model_folder) / "model.safetensors"
    read_weights = load_file
    if not weights_path.exists():
        from codekin.training.onnx_weights import read_onnx_weights

        weights_path, read_weights = weights_path.with_name(ONNX_FILE), read_onnx_weights
    try:
        encoder.backbone.load_state_dict(read_weights(weights_path))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"The weights in {weights_path} can't be loaded. Name the folder of a model trained from this backbone."
        ) from error
    return sha256(weights_path.read_bytes()).hexdigest()


def _load_backbone(model_name: str) -> tuple[Any, Any]:
    """Return tokenizer and decoder (float32) of a folder or a model on this machine; no download. Raises ModelError."""
    disable_progress_bar()
    model_folder = find_checkpoint(model_name)
    try:
        # By tokenizer.json and nothing else, as embed/ reads it.
        tokenizer = PreTrainedTokenizerFast.from_pretrained(model_folder, local_files_only=True)
        backbone = AutoModel.from_pretrained(
            model_folder,
            local_files_only=True,
            dtype=torch.float32,
            use_safetensors=True,
            # On processors the backward pass of PyTorch's own attention is slower than one of plain products.
            attn_implementation="sdpa" if torch.cuda.is_available() else "eager",
        )
    except (OSError, ValueError) as error:
        remedy = "Name a folder with config.json, tokenizer.json and model.safetensors."
        raise ModelError(f"{model_name} can't be loaded ({error}). {remedy}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    backbone.config.use_cache = False
    if getattr(backbone, "pooler", None) is not None:
        backbone.pooler = None  # BERT's classifier of a text, which no embedder reads
    return tokenizer, backbone


def _round_up(count: int) -> int:
    """Return `count`, rounded up to a multiple of 32."""
    return -(-count // SHAPE_MULTIPLE) * SHAPE_MULTIPLE


def _add_adapters(backbone: Any, rank: int) -> Any:
    """Return the backbone with trainable LoRA adapters of this rank on all linear layers, itself frozen."""
    from peft import LoraConfig, TaskType, get_peft_model

    task_type = TaskType.FEATURE_EXTRACTION
    return get_peft_model(
        backbone, LoraConfig(task_type, r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear")
    )


def _merge_adapters(adapted_backbone: Any) -> Any:
    """Return a copy of the backbone with its adapters merged into the weights; the original can train on."""
    from copy import deepcopy

    return deepcopy(adapted_backbone).merge_and_unload()


def _list_modules() -> list[dict[str, Any]]:
    """Return the content of sentence-transformers' `modules.json`: transformer, pooling, normalization."""
    return [
        {
            "idx": index,
            "name": str(index),
            "path": "" if index == 0 else f"{index}_{module_name}",
            "type": f"sentence_transformers.models.{module_name}",
        }
        for index, module_name in enumerate(("Transformer", "Pooling", "Normalize"))
    ]


def _write_configuration(model_folder: Path, model: TextEncoder) -> None:
    """Write the configuration for sentence-transformers and codekin, and the weights of latent pooling, if used."""
    modules, pooling_name = _list_modules(), model.build.pooling
    pooling_modes = {
        "pooling_mode_mean_tokens": pooling_name == "mean",
        "pooling_mode_lasttoken": pooling_name == "last",
    }
    if isinstance(model.pooling, LatentAttentionPooling):
        modules[1]["type"] = _LATENT_POOLING_TYPE
        torch.save(model.pooling.state_dict(), model_folder / _LATENT_POOLING_FILE)
    prompts = {f"{task}_{_PROMPT_ROLE_NAMES[role]}": prompt for (task, role), prompt in model.build.prefixes.items()}
    configurations: dict[str, Any] = {
        "modules.json": modules,
        "1_Pooling/config.json": {
            "word_embedding_dimension": model.hidden_size,
            **pooling_modes,
            "include_prompt": True,
        },
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {
            "max_seq_length": model.build.export_tokens or model.build.max_tokens,
            "do_lower_case": False,
        },
        "config_sentence_transformers.json": {"prompts": prompts, "similarity_fn_name": "cosine"},
    }
    for file_name, content in configurations.items():
        (model_folder / file_name).parent.mkdir(exist_ok=True)
        (model_folder / file_name).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
