"""The static model in training: token tables and weights as tensors, and their export to the shipped files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codekin.embed.static import fingerprint_files
from codekin.embed.tasks import PREFIXES
from codekin.embed.vocabulary import MARKS
from codekin.types import Role, Task

SENTENCE_PREFIXES = tuple(
    PREFIXES[head] for head in ((Task.NL2CODE, Role.QUERY), (Task.QA, Role.QUERY), (Task.CODE2NL, Role.PASSAGE))
)  # texts in prose
MARKED_PREFIXES = (
    *(PREFIXES[Task.CODE2COMPLETION, role] for role in Role),
    PREFIXES[Task.QA, Role.PASSAGE],
)  # texts whose programming language matters most
RANKS = 256  # positions from either end with a weight of their own; all later ones share one
_BUCKET_COUNT = 12  # groups of positions that share a weight, growing with distance: three for each factor of four


@dataclass(frozen=True, slots=True)
class StaticShape:
    """The number of rows and the dimensions of the model's tables, and which table each prefix uses."""

    tokens: int  # of the vocabulary, phrases and marks with them
    dims: tuple[int, ...]  # Matryoshka, ascending
    table_of: Mapping[str, int]  # prefix → index of the table for its texts

    @property
    def first_mark_id(self) -> int:
        """Return the first id of the marks, which follow all other tokens; phrases end there."""
        return self.tokens - len(MARKS)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return the prefixes of all tasks and roles, each once, in the order of the weights' rows."""
        return tuple(self.table_of)


def make_shape(tokens: int, dimensions: tuple[int, ...], table_count: int) -> StaticShape:
    """Return a model's sizes, and each prefix's table: of two, sentences use the first. `tokens` counts all rows."""
    prefixes = dict.fromkeys(PREFIXES.values())
    return StaticShape(
        tokens, dimensions, {prefix: 0 if table_count == 1 or prefix in SENTENCE_PREFIXES else 1 for prefix in prefixes}
    )


class StaticModel(nn.Module):
    """Tables (tables, tokens, d) of vectors, and logarithmic weights of tokens and of positions, per prefix."""

    def __init__(self, shape: StaticShape, phrases: int = 0, phrase_scale: float = 1.0) -> None:
        """Make equal random tables, by PyTorch's seed, phrases' rows times `phrase_scale`, and zero weights."""
        super().__init__()
        self.shape = shape
        table_count = max(shape.table_of.values()) + 1
        initial_table = torch.randn(shape.tokens, shape.dims[-1]) * 0.1
        initial_table[shape.first_mark_id - phrases : shape.first_mark_id] *= phrase_scale
        # All tables start equal: a token that both roles use unchanged then means the same to both.
        self.tables = nn.ParameterList([nn.Parameter(initial_table.clone()) for _ in range(table_count)])
        self.weights = nn.Parameter(torch.zeros(len(shape.prefixes), shape.tokens))
        self.places = nn.Parameter(torch.zeros(len(shape.prefixes), 2, _BUCKET_COUNT))

    def forward(self, token_ids: Tensor, text_starts: Tensor, prefix: str) -> Tensor:
        """Return raw vectors (n, d), not normalized, of texts with flat `token_ids` that begin at `text_starts` (n,).

        A text's marks come after its other tokens. They have no position, and a weight only under MARKED_PREFIXES.
        """
        table = self.tables[self.shape.table_of[prefix]]
        prefix_index = self.shape.prefixes.index(prefix)
        lengths = torch.diff(text_starts, append=torch.tensor([len(token_ids)]))
        is_word = token_ids < self.shape.first_mark_id
        text_indices = torch.repeat_interleave(torch.arange(len(text_starts)), lengths)
        word_counts = torch.zeros_like(text_starts).index_add_(0, text_indices, is_word.long())
        words_before = torch.arange(len(token_ids)) - text_starts[text_indices]
        words_after = (word_counts[text_indices] - 1 - words_before).clamp(min=0)
        place_logits = (
            self.places[prefix_index, 0][_to_bucket(words_before)]
            + self.places[prefix_index, 1][_to_bucket(words_after)]
        )
        logits = self.weights[prefix_index][token_ids]
        weights = torch.where(is_word, logits + place_logits, logits).exp()
        if prefix not in MARKED_PREFIXES:
            weights = weights * is_word
        return nn.functional.embedding_bag(token_ids, table, text_starts, mode="sum", per_sample_weights=weights)


def _to_bucket(ranks: Tensor) -> Tensor:
    """Return the bucket of positions, 0 to 11, growing with distance, for each rank from 0."""
    return (1.5 * (ranks + 1).log2()).long().clamp(max=_BUCKET_COUNT - 1)


def quantize_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 rows and float32 scales with row ≈ int8 row × scale; the largest is ±127, zero rows have scale 0."""
    scales = np.abs(table).max(axis=-1) / 127
    safe_scales = np.where(scales > 0, scales, 1)
    return np.rint(table / safe_scales[..., None]).astype(np.int8), scales.astype(np.float32)


def _describe_heads(shape: StaticShape) -> list[dict[str, Any]]:
    """Return a dict for each prefix, for `model.json`: its table, its row of factors, and two flags."""
    return [
        {
            "prefix": prefix,
            "table": table,
            "factors": row,
            "spoken": prefix in SENTENCE_PREFIXES,
            "marked": prefix in MARKED_PREFIXES,
        }
        for row, (prefix, table) in enumerate(shape.table_of.items())
    ]


def export_model(
    model: StaticModel, tokenizer: str, phrases: int, model_folder: Path, recipe: Mapping[str, Any]
) -> None:
    """Write the model into `model_folder`, file by file, as `embed.static.StaticEncoder` reads it."""
    model_folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    rows, scales = quantize_rows(np.stack([table.detach().numpy() for table in model.tables]))
    weights = model.weights.detach().exp().numpy().copy()
    sentence_rows = [row for row, prefix in enumerate(shape.prefixes) if prefix in SENTENCE_PREFIXES]
    phrase_columns = slice(shape.first_mark_id - phrases, shape.first_mark_id)
    weights[sentence_rows, phrase_columns] *= float(recipe.get("spoken_phrases", 1.0))
    table_of = list(shape.table_of.values())
    np.save(model_folder / "table.npy", rows)
    np.save(model_folder / "factors.npy", (weights * scales[table_of]).astype(np.float32))
    places = model.places.detach()[:, :, _to_bucket(torch.arange(RANKS))].exp()
    np.save(model_folder / "places.npy", places.numpy().astype(np.float32))
    (model_folder / "tokenizer.json").write_text(tokenizer, "utf-8")
    description = {
        "name": "codekin-static",
        "fingerprint": fingerprint_files(model_folder),
        "dims": list(shape.dims),
        "phrases": phrases,
        "heads": _describe_heads(shape),
        "recipe": dict(recipe),
    }
    (model_folder / "model.json").write_text(json.dumps(description, indent=1) + "\n", "utf-8")
