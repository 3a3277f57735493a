"""Encode texts as raw vectors: tokenise, sort by length, pack, run, pool."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codekin.embed.local.checkpoint import Checkpoint
from codekin.embed.local.checkpoint_tokenizer import load_tokenizer
from codekin.embed.local.transformer.bert import Bert
from codekin.embed.local.transformer.decoder import Decoder
from codekin.embed.local.transformer.dense import DenseLayers
from codekin.embed.local.transformer.device import Device, choose_device
from codekin.embed.local.transformer.library_model import LibraryModel
from codekin.embed.local.transformer.packing import EMPTY, PackedTokens, PrefixCache, pack_tokens, split_batches
from codekin.embed.local.transformer.weights import Weights
from codekin.embed.tasks import PROBE
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelError
from codekin.settings import ModelSettings

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]
TokenIds = list[int]  # of one text

_MAX_QUERY_CACHES = 4  # keys and values of the last queries are kept: the next one may continue one of them
# What torch and the tokenizer raise if a configuration, a tokenizer and weights do not fit each other.
_LOAD_ERRORS = (RuntimeError, MemoryError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
_MEMORY_MESSAGES = "not enough memory", "can't allocate memory"
_MEMORY_REMEDY = "Close other programs, lower model.max_tokens, or choose a smaller model."


class TransformerEncoder:
    """Encodes texts with a checkpoint's weights, which stay in memory as long as the object lives. Thread-safe.

    Threads may share it; they take turns from step to step.
    """

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings) -> None:
        """Load tokenizer and weights, for seconds. Raises ModelError if they are damaged or unsupported."""
        self.name, self.fingerprint = checkpoint.name, checkpoint.fingerprint
        self.dims, self.prefixes = checkpoint.dims, checkpoint.prefixes
        self._pooling, self._includes_prompt = checkpoint.pooling, checkpoint.includes_prompt
        self._device = choose_device(settings)
        logger.info("%s: %s. Licence: %s.", self.name, self._device, checkpoint.licence or "not told; look at its card")
        self.device, self.problems = _describe_device(checkpoint, self._device)
        self._token_budget = self._device.token_budget
        self._instruction_caches: dict[str, PrefixCache] = {}
        self._query_caches: deque[PrefixCache] = deque(maxlen=_MAX_QUERY_CACHES)
        self._model_lock = threading.Lock()
        try:
            self._tokenizer = load_tokenizer(checkpoint)
            with torch.inference_mode():
                self._model: Any = _load_model(checkpoint, self._device)
                self._dense_layers = DenseLayers(checkpoint.dense_layers, self._device)
            self._check_model(checkpoint)
        except _LOAD_ERRORS as error:
            if _is_out_of_memory(error):
                problem = f"There is too little memory on {self.device} for {self.name}"
                raise ModelError(f"{problem}. {_MEMORY_REMEDY}") from error
            problem = f"{checkpoint.folder}: config.json, tokenizer.json and weights do not make one model ({error!r})"
            raise ModelError(f"{problem}. Download the model again.") from error

    def _check_model(self, checkpoint: Checkpoint) -> None:
        """Encode a probe. Raises ModelError if the vector is zero or not finite, IndexError for excess tokens."""
        missing_count = self._tokenizer.get_vocab_size() - self._model.vocab_size
        if missing_count > 0:
            raise IndexError(f"{missing_count} of the tokenizer's tokens are none of the model's")
        (vector,) = self.encode([PROBE], "")
        if not np.isfinite(vector).all() or not vector.any():
            vector_state = "zero" if not vector.any() else "NaN"
            problem = f"{checkpoint.folder} has unsound weights: its vectors are {vector_state}"
            raise ModelError(f"{problem}. Download the model again.")

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """Return raw vectors, float32 (n, dims[-1]), zero for a text without tokens.

        Raises ModelError if out of memory.
        """
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        for text_indices, batch_vectors in self.encode_stepwise(texts, prefix):
            vectors[text_indices] = batch_vectors
        return vectors

    def encode_stepwise(self, texts: Sequence[str], prefix: str) -> Iterator[tuple[list[int], Floats]]:
        """Yield indices and vectors of some texts at a time; texts without tokens are left out. Raises ModelError.

        Each step takes a fraction of a second. A caller may stop the iteration, or do more urgent work between two
        steps.
        """
        ids_by_index = {index: ids for index, ids in enumerate(self._tokenize(texts, prefix)) if ids}
        if not (isinstance(self._model, Decoder) and self._pooling == "last"):
            skipped_tokens = 0 if self._includes_prompt else len(self._find_common_opening(prefix))
            yield from self._run_batches(ids_by_index, lambda batch: self._encode_pooled(batch, skipped_tokens))
        elif len(texts) == 1:
            yield from self._run_batches(ids_by_index, self._encode_query)
        else:
            cache = self._get_instruction_cache(prefix)
            count, cached_ids = len(cache.token_ids), list(cache.token_ids)
            remainders = {
                index: ids[count:]
                for index, ids in ids_by_index.items()
                if len(ids) > count and ids[:count] == cached_ids
            }
            uncached = {index: ids for index, ids in ids_by_index.items() if index not in remainders}
            yield from self._run_batches(remainders, lambda batch: self._encode_last(batch, cache))
            yield from self._run_batches(uncached, lambda batch: self._encode_last(batch, EMPTY))

    def _tokenize(self, texts: Sequence[str], prefix: str) -> list[TokenIds]:
        """Return the token ids of each text after the instruction, truncated to the model's limit."""
        prefixed_texts = [replace_surrogates(prefix + text) for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(prefixed_texts)]

    def _run_batches(
        self, ids_by_index: Mapping[int, TokenIds], encode_batch: Callable[[list[TokenIds]], Tensor]
    ) -> Iterator[tuple[list[int], Floats]]:
        """Yield indices and vectors batch by batch, halving one that memory can't hold. Raises ModelError."""
        text_indices = list(ids_by_index)
        lengths = [len(ids_by_index[index]) for index in text_indices]
        batches = deque(
            [text_indices[position] for position in batch] for batch in split_batches(lengths, self._token_budget)
        )
        while batches:
            batch = batches.popleft()
            try:
                with self._model_lock, torch.inference_mode():
                    pooled = encode_batch([ids_by_index[index] for index in batch]).float()
                    vectors = self._dense_layers(pooled).cpu().numpy()
            except (RuntimeError, MemoryError) as error:
                self._free_memory(error, len(batch))
                middle = len(batch) // 2
                batches.extendleft((batch[middle:], batch[:middle]))
                continue
            yield batch, vectors

    def _free_memory(self, error: Exception, text_count: int) -> None:
        """Drop caches and halve the token budget. Raises if the error has another cause, or one text is too large."""
        if not _is_out_of_memory(error):
            raise error
        if text_count == 1:
            problem = f"{self.name} has too little memory for one text on {self.device}"
            raise ModelError(f"{problem}. {_MEMORY_REMEDY}") from error
        self._token_budget = max(1, self._token_budget // 2)
        self._query_caches.clear()
        if self._device.device.type == "cuda":
            torch.cuda.empty_cache()

    def _find_common_opening(self, prefix: str) -> TokenIds:
        """Return the tokens with which texts after this instruction mostly begin: all or most of the instruction's.

        Each text must still be compared: its first characters may join with the instruction's last into one token.
        """
        first_ids, second_ids = self._tokenize(["def", "1"], prefix)
        return first_ids[: _count_common_tokens(first_ids, second_ids)]

    def _get_instruction_cache(self, prefix: str) -> PrefixCache:
        """Return the instruction's keys and values as a PrefixCache, computed on first use and kept."""
        if prefix not in self._instruction_caches:
            ids = self._find_common_opening(prefix)
            with self._model_lock, torch.inference_mode():
                key_values = self._model.compute_last_states(self._pack_batch([ids]), EMPTY)[1] if ids else ()
            self._instruction_caches[prefix] = PrefixCache(tuple(ids), key_values).truncate(len(ids))
        return self._instruction_caches[prefix]

    def _encode_query(self, batch: list[TokenIds]) -> Tensor:
        """Return one text's last state, reusing the recent query with the longest common start; cache its keys, values.

        A query most likely extends the last one by some keys, and a token's states depend only on those before it.
        """
        (ids,) = batch
        usable_caches = [
            cache.truncate(_count_common_tokens(cache.token_ids, ids[:-1])) for cache in (EMPTY, *self._query_caches)
        ]
        prefix = max(usable_caches, key=lambda cache: len(cache.token_ids))
        count = len(prefix.token_ids)
        vector, key_values = self._model.compute_last_states(self._pack_batch([ids[count:]], count), prefix)
        self._query_caches.append(PrefixCache(tuple(ids), key_values).truncate(len(ids)))
        return vector

    def _encode_last(self, batch: list[TokenIds], prefix: PrefixCache) -> Tensor:
        """Return each text's last hidden state, for texts that follow the cached prefix."""
        return self._model.compute_last_states(self._pack_batch(batch, len(prefix.token_ids)), prefix)[0]

    def _encode_pooled(self, batch: list[TokenIds], skipped_tokens: int) -> Tensor:
        """Return pooled states, (n, hidden size); a mean leaves out the first `skipped_tokens` of each text."""
        packed = self._pack_batch(batch)
        hidden_states = self._model.compute_states(packed).float()
        if self._pooling != "mean":
            return hidden_states[packed.first_rows if self._pooling == "cls" else packed.last_rows]
        text_of_row = torch.arange(len(batch), device=hidden_states.device).repeat_interleave(packed.lengths)
        hidden_states = hidden_states[: len(text_of_row)]
        is_counted = (packed.position_ids[: len(text_of_row)] >= skipped_tokens).float()[:, None]
        state_sums = hidden_states.new_zeros(len(batch), hidden_states.shape[1])
        state_sums.index_add_(0, text_of_row, hidden_states * is_counted)
        return state_sums / is_counted.new_zeros(len(batch), 1).index_add_(0, text_of_row, is_counted).clamp_min_(1)

    def _pack_batch(self, batch: Sequence[TokenIds], past_length: int = 0) -> PackedTokens:
        """Pack token ids into tensors on the model's device."""
        return pack_tokens(batch, past_length, self._device.device)


def _load_model(checkpoint: Checkpoint, device: Device) -> Bert | Decoder | LibraryModel:
    """Load the layers written out here, or those of transformers for other architectures. Raises ModelError."""
    if not checkpoint.has_own_layers:
        return LibraryModel(checkpoint.folder, device)
    weights = Weights(checkpoint.weights, device)
    model_class = Decoder if checkpoint.is_decoder else Bert
    return model_class(checkpoint.config, weights, checkpoint.max_tokens)


def _describe_device(checkpoint: Checkpoint, device: Device) -> tuple[str, tuple[str, ...]]:
    """Return the device as text, and messages about what could be better."""
    if checkpoint.has_own_layers:
        return str(device), device.problems
    model_type = checkpoint.config["model_type"]
    problems = device.problems
    if device.int8:
        problems += (f"model.precision: int8 is not for models of type {model_type}. Set it to auto.",)
    return f"{replace(device, int8=False)}, by transformers: slower than codekin's own layers", problems


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether the error means that memory, the device's or the system's, ran out."""
    is_memory_error = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_memory_error or any(message in str(error) for message in _MEMORY_MESSAGES)


def _count_common_tokens(first_ids: Sequence[int], second_ids: Sequence[int]) -> int:
    """Return with how many equal tokens both sequences begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first_ids, second_ids, strict=False)))
