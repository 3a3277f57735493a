"""The embedded model: a text's vector is the weighted sum of its tokens' vectors. numpy and tokenizers only.

Files in the model's folder: `model.json` (name, fingerprint, Matryoshka dimensions, which table and weights serve which
prefix), `tokenizer.json`, `table.npy` (int8, (tables, tokens, dims[-1])), `factors.npy` (float32, (heads, tokens): the
row's quantisation scale times its learned weight), `places.npy` (float32, (heads, 2, ranks): what a token weighs by how
many others stand before it, and after it).
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
    """Mean-pooled token vectors, by a table that every process on the machine shares through the page cache."""

    device = "cpu"
    prefixes = PREFIXES
    problems: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        """Raises ModelError when the folder has no whole model."""
        try:
            recipe = json.loads((folder / "model.json").read_text("utf-8"))
            self._tables = np.asarray(np.load(folder / "table.npy", mmap_mode="r", allow_pickle=False))
            self._factors = np.asarray(np.load(folder / "factors.npy", mmap_mode="r", allow_pickle=False))
            self._vocabulary = Vocabulary(folder / "tokenizer.json", int(recipe["phrases"]))
            places = np.load(folder / "places.npy", allow_pickle=False)
            # As many as a text can have tokens, each once: what stands further off weighs what the last one told does.
            beyond = max(len(self._vocabulary) - places.shape[-1], 0)
            self._places = np.pad(places, ((0, 0), (0, 0), (0, beyond)), mode="edge")
            self.name = str(recipe["name"])
            self.fingerprint = str(recipe["fingerprint"])
            self.dims = tuple(int(dim) for dim in recipe["dims"])
            self._heads = {head["prefix"]: head for head in recipe["heads"]}
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model in {folder} can't be read ({error}). Install codekin again.") from error

    def encode(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        """float32 (n, dims[-1]); zero for a text without any known token. Raises ModelError for a foreign prefix."""
        if prefix not in self._heads:
            raise ModelError(f"{self.name} was not trained for the instruction {prefix!r}. Choose another model.")
        head = self._heads[prefix]
        table, factors, spoken = self._tables[head["table"]], self._factors[head["factors"]], head["spoken"]
        marked = head["marked"]
        before, after = self._places[head["factors"], 0], self._places[head["factors"], 1, ::-1]
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        for row, text in enumerate(texts):
            found = self._vocabulary.token_ids(text, spoken)
            count = len(found)
            ids = np.array(found + self._vocabulary.language_marks(text) if marked else found, dtype=np.intp)
            weights = factors.take(ids)
            weights[:count] *= before[:count] * after[len(after) - count :]  # marks have no place
            # Text by text and without BLAS: the order of the additions, and so the last bit, never depends on the
            # batch; one text's rows stay in the processor's cache.
            np.einsum("i,ij->j", weights, table.take(ids, axis=0), out=vectors[row])
        return vectors


def fingerprint_files(folder: Path) -> str:
    """The hash of the files that determine the raw vectors; `model.json` carries it."""
    digest = hashlib.sha256()
    for name in ("tokenizer.json", "table.npy", "factors.npy", "places.npy"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
