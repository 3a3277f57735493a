"""Embed with the built-in static model: the weighted sum of token vectors. Needs only numpy and tokenizers.

Files in the model's folder: `model.json` (name, fingerprint, Matryoshka dimensions, which table and weights serve which
prefix), `tokenizer.json`, `table.npy` (int8, (tables, tokens, dims[-1])), `factors.npy` (float32, (heads, tokens): the
row's quantisation scale times its learned weight), `places.npy` (float32, (heads, 2, ranks): a token's weight by the
number of tokens before it, and after it).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codekin.embed.tasks import PREFIXES
from codekin.embed.vocabulary import Vocabulary
from codekin.errors import ModelError


class StaticEncoder:
    """The built-in static model; processes share its table through the page cache."""

    device = "cpu"
    prefixes = PREFIXES
    problems: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        """Load the model of the folder, in milliseconds. Raises ModelError if it is incomplete."""
        try:
            description = json.loads((folder / "model.json").read_text("utf-8"))
            self._tables = np.asarray(np.load(folder / "table.npy", mmap_mode="r", allow_pickle=False))
            self._token_factors = np.asarray(np.load(folder / "factors.npy", mmap_mode="r", allow_pickle=False))
            self._vocabulary = Vocabulary(folder / "tokenizer.json", int(description["phrases"]))
            position_weights = np.load(folder / "places.npy", allow_pickle=False)
            # Cover the longest possible text, which has each token once: repeat the last position weight.
            padding = max(len(self._vocabulary) - position_weights.shape[-1], 0)
            self._position_weights = np.pad(position_weights, ((0, 0), (0, 0), (0, padding)), mode="edge")
            self.name = str(description["name"])
            self.fingerprint = str(description["fingerprint"])
            self.dims = tuple(int(dim) for dim in description["dims"])
            self._head_by_prefix = {head["prefix"]: head for head in description["heads"]}
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model in {folder} can't be read ({error}). Reinstall codekin.") from error

    def encode(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        """Return raw vectors, float32 (n, dims[-1]), zero without known tokens.

        Raises ModelError for an unknown prefix.

        A prefix is unknown if the model was not trained with it.
        """
        if prefix not in self._head_by_prefix:
            raise ModelError(f"{self.name} was not trained for the instruction {prefix!r}. Choose another model.")
        head_settings = self._head_by_prefix[prefix]
        token_vectors, token_factors = (
            self._tables[head_settings["table"]],
            self._token_factors[head_settings["factors"]],
        )
        is_prose, has_marks = head_settings["spoken"], head_settings["marked"]
        start_weights, end_weights = self._position_weights[head_settings["factors"]]
        end_weights = end_weights[::-1]
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        for row, text in enumerate(texts):
            token_ids = self._vocabulary.find_token_ids(text, is_prose)
            token_count = len(token_ids)
            mark_ids = self._vocabulary.find_mark_ids(text) if has_marks else []
            row_ids = np.array(token_ids + mark_ids, dtype=np.intp)
            weights = token_factors.take(row_ids)
            # Marks have no position.
            weights[:token_count] *= start_weights[:token_count] * end_weights[len(end_weights) - token_count :]
            # One text at a time and without BLAS: the order of additions, and so the last bit, never depends on the
            # batch, and a text's rows stay in the processor's cache.
            np.einsum("i,ij->j", weights, token_vectors.take(row_ids, axis=0), out=vectors[row])
        return vectors


def fingerprint_files(folder: Path) -> str:
    """Return 16 hex digits, for `model.json`: a hash of the tokenizer and the arrays beside it. Raises OSError."""
    digest = hashlib.sha256()
    for file_name in ("tokenizer.json", "table.npy", "factors.npy", "places.npy"):
        digest.update((folder / file_name).read_bytes())
    return digest.hexdigest()[:16]
