"""Texts → raw vectors: tokenise, sort by length, pack, run, pool."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from codekin.embed.checkpoint import Checkpoint
from codekin.embed.transformer.decoder import NOTHING, Decoder, Known
from codekin.embed.transformer.packing import Packed, batches, pack
from codekin.embed.transformer.weights import Weights
from codekin.settings import ModelSettings

_BUDGET = 512  # tokens computed together; more is slower on a processor


class TransformerEncoder:
    """A checkpoint that encodes. Loading takes seconds, and its weights' memory for as long as it lives."""

    problems: tuple[str, ...] = ()

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings) -> None:  # noqa: ARG002
        """Raises ModelError where the weights are unsound or of a kind that codekin does not know."""
        self.name, self.fingerprint = checkpoint.name, checkpoint.fingerprint
        self.dims, self.prefixes = checkpoint.dims, checkpoint.prefixes
        self._pooling = checkpoint.pooling
        self._device, self._dtype = torch.device("cpu"), torch.float32
        self._tokenizer: Any = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(checkpoint.max_tokens)
        weights = Weights(checkpoint.weights, self._device, self._dtype)
        self._model = Decoder(checkpoint.config, weights, checkpoint.max_tokens)
        self._known: dict[str, Known] = {}

    @property
    def device(self) -> str:
        return f"{self._device}, {str(self._dtype).removeprefix('torch.')}"

    def encode(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        """float32 (n, dims[-1]); zero for a text without any token."""
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        for numbers, rows in self.encode_stepwise(texts, prefix):
            vectors[numbers] = rows
        return vectors

    def encode_stepwise(self, texts: Sequence[str], prefix: str) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """The texts' numbers and vectors, some at a time: who stops asking stops the work.

        Texts without any token are left out. Between two steps other threads' questions may be answered.
        """
        ids = self._ids(texts, prefix)
        known = self._beginning(prefix)
        behind = [
            at
            for at, one in enumerate(ids)
            if known.ids and one[: len(known.ids)] == list(known.ids) and len(one) > len(known.ids)
        ]
        alone = sorted({at for at, one in enumerate(ids) if one} - set(behind))
        for chosen, past in ((behind, known), (alone, NOTHING)):
            rest = [ids[at][len(past.ids) :] for at in chosen]
            for batch in batches([len(one) for one in rest], _BUDGET):
                yield [chosen[at] for at in batch], self._vectors([rest[at] for at in batch], past)

    def _ids(self, texts: Sequence[str], prefix: str) -> list[list[int]]:
        # Surrogates can't cross into the tokenizer, which speaks UTF-8.
        whole = [(prefix + text).encode("utf-8", "replace").decode("utf-8") for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(whole)]

    @torch.inference_mode()
    def _beginning(self, prefix: str) -> Known:
        """The instruction's keys and values: of those tokens with which texts of any kind behind it begin.

        Whether a text does is looked at all the same, for its first characters may join with the instruction's last.
        """
        if not prefix or self._pooling != "last":
            return NOTHING
        if prefix not in self._known:
            first, second = self._ids(["def", "1"], prefix)
            ids = first[: next(at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)]
            self._known[prefix] = self._model.known(pack([ids], 0, self._device), NOTHING) if ids else NOTHING
        return self._known[prefix]

    @torch.inference_mode()
    def _vectors(self, texts: Sequence[Sequence[int]], past: Known) -> NDArray[np.float32]:
        packed = pack(texts, len(past.ids), self._device)
        states = self._model.states(packed, past)
        return self._model.final(self._pooled(states, packed)).float().cpu().numpy()

    def _pooled(self, states: Tensor, packed: Packed) -> Tensor:
        return states[packed.ends]
