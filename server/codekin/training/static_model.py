"""The static model while it learns: token tables and weights as tensors, and their way into the shipped files."""

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

SPOKEN = tuple(
    PREFIXES[head] for head in ((Task.NL2CODE, Role.QUERY), (Task.QA, Role.QUERY), (Task.CODE2NL, Role.PASSAGE))
)  # the prefixes of sentences
MARKED = (
    *(PREFIXES[Task.CODE2COMPLETION, role] for role in Role),
    PREFIXES[Task.QA, Role.PASSAGE],
)  # the prefixes of texts whose language is half the answer
RANKS = 256  # tokens from either end that are told apart; later ones are all alike
_BUCKETS = 12  # groups of ranks that weigh the same, from the end on ever wider: three for each fourfold distance


@dataclass(frozen=True, slots=True)
class StaticShape:
    """What the model has rows for."""

    tokens: int  # of the vocabulary, phrases and marks with them
    dims: tuple[int, ...]  # Matryoshka, ascending
    table_of: Mapping[str, int]  # prefix → which table its texts use

    @property
    def first_mark(self) -> int:
        """The ids from here on are those of marks."""
        return self.tokens - len(MARKS)

    @property
    def prefixes(self) -> tuple[str, ...]:
        return tuple(self.table_of)


def make_shape(tokens: int, dims: tuple[int, ...], tables: int) -> StaticShape:
    """With two tables, sentences have the first and code the second."""
    prefixes = dict.fromkeys(PREFIXES.values())
    return StaticShape(tokens, dims, {text: 0 if tables == 1 or text in SPOKEN else 1 for text in prefixes})


class StaticModel(nn.Module):
    """Tables (tables, tokens, d) of vectors, and logarithmic weights of tokens and of places, per prefix."""

    def __init__(self, shape: StaticShape, phrases: int = 0, phrase_scale: float = 1.0) -> None:
        super().__init__()
        self.shape = shape
        count = max(shape.table_of.values()) + 1
        first = torch.randn(shape.tokens, shape.dims[-1]) * 0.1
        first[shape.first_mark - phrases : shape.first_mark] *= phrase_scale
        # All tables start equal: a token that both roles use unchanged then means the same to both.
        self.tables = nn.ParameterList([nn.Parameter(first.clone()) for _ in range(count)])
        self.weights = nn.Parameter(torch.zeros(len(shape.prefixes), shape.tokens))
        self.places = nn.Parameter(torch.zeros(len(shape.prefixes), 2, _BUCKETS))

    def forward(self, ids: Tensor, starts: Tensor, prefix: str) -> Tensor:
        """Raw vectors (n, d) of the texts whose token ids are `ids` (all, flat), beginning at `starts` (n,).

        A text's marks come after its other tokens; they have no place, and no weight but under prefixes in MARKED.
        """
        table = self.tables[self.shape.table_of[prefix]]
        head = self.shape.prefixes.index(prefix)
        lengths = torch.diff(starts, append=torch.tensor([len(ids)]))
        is_word = ids < self.shape.first_mark
        owners = torch.repeat_interleave(torch.arange(len(starts)), lengths)
        words = torch.zeros_like(starts).index_add_(0, owners, is_word.long())
        before = torch.arange(len(ids)) - starts[owners]
        after = (words[owners] - 1 - before).clamp(min=0)
        placed = self.places[head, 0][_bucket(before)] + self.places[head, 1][_bucket(after)]
        logits = self.weights[head][ids]
        weights = torch.where(is_word, logits + placed, logits).exp()
        if prefix not in MARKED:
            weights = weights * is_word
        return nn.functional.embedding_bag(ids, table, starts, mode="sum", per_sample_weights=weights)


def _bucket(ranks: Tensor) -> Tensor:
    return (1.5 * (ranks + 1).log2()).long().clamp(max=_BUCKETS - 1)


def quantize_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 rows and their scales: row ≈ int8 row x scale, with the row's largest number at ±127."""
    scales = np.abs(table).max(axis=-1) / 127
    safe = np.where(scales > 0, scales, 1)
    return np.rint(table / safe[..., None]).astype(np.int8), scales.astype(np.float32)


def export_model(model: StaticModel, tokenizer: str, phrases: int, folder: Path, recipe: Mapping[str, Any]) -> None:
    """Write the files that `embed.static.StaticEncoder` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    rows, scales = quantize_rows(np.stack([table.detach().numpy() for table in model.tables]))
    weights = model.weights.detach().exp().numpy().copy()
    spoken = [row for row, prefix in enumerate(shape.prefixes) if prefix in SPOKEN]
    weights[spoken, shape.first_mark - phrases : shape.first_mark] *= float(recipe.get("spoken_phrases", 1.0))
    table_of = list(shape.table_of.values())
    np.save(folder / "table.npy", rows)
    np.save(folder / "factors.npy", (weights * scales[table_of]).astype(np.float32))
    places = model.places.detach()[:, :, _bucket(torch.arange(RANKS))].exp()
    np.save(folder / "places.npy", places.numpy().astype(np.float32))
    (folder / "tokenizer.json").write_text(tokenizer, "utf-8")
    heads = [
        {
            "prefix": prefix,
            "table": table_of[row],
            "factors": row,
            "spoken": prefix in SPOKEN,
            "marked": prefix in MARKED,
        }
        for row, prefix in enumerate(shape.prefixes)
    ]
    described = {
        "name": "codekin-static",
        "fingerprint": fingerprint_files(folder),
        "dims": list(shape.dims),
        "phrases": phrases,
        "heads": heads,
        "recipe": dict(recipe),
    }
    (folder / "model.json").write_text(json.dumps(described, indent=1) + "\n", "utf-8")
