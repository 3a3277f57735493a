"""Texts → raw vectors: tokenise, sort by length, pack, run, pool."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from codekin.embed.local.checkpoint import Checkpoint
from codekin.embed.local.transformer.bert import Bert
from codekin.embed.local.transformer.decoder import Decoder
from codekin.embed.local.transformer.device import choose_device
from codekin.embed.local.transformer.packing import EMPTY, PackedTokens, PrefixCache, pack_tokens, split_batches
from codekin.embed.local.transformer.weights import Weights
from codekin.embed.tasks import PROBE
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import ModelError
from codekin.settings import ModelSettings

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Ids = list[int]  # of a text's tokens

_QUESTIONS = 4  # whose keys and values are kept: the next one may go on where one of them ended
_NO_ROOM = "not enough memory", "can't allocate memory"
_SMALLER = "Close other programs, lower model.max_tokens, or choose a smaller model."


class TransformerEncoder:
    """A checkpoint that encodes. Loading takes seconds, and its weights' memory for as long as it lives.

    Threads may share it; they take turns from step to step.
    """

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings) -> None:
        """Raises ModelError where the weights are unsound, of an unknown kind, or the device can't be used."""
        self.name, self.fingerprint = checkpoint.name, checkpoint.fingerprint
        self.dims, self.prefixes = checkpoint.dims, checkpoint.prefixes
        self._pooling, self._includes_prompt = checkpoint.pooling, checkpoint.includes_prompt
        self._place = choose_device(settings)
        log.info("%s: %s. Licence: %s.", self.name, self._place, checkpoint.licence or "not told; look at its card")
        self.device, self.problems = str(self._place), self._place.problems
        self._budget = self._place.token_budget
        self._instructions: dict[str, PrefixCache] = {}
        self._asked: deque[PrefixCache] = deque(maxlen=_QUESTIONS)
        self._turn = threading.Lock()
        try:
            self._tokenizer = _tokenizer(checkpoint)
            with torch.inference_mode():
                weights = Weights(checkpoint.weights, self._place)
                kind = Decoder if checkpoint.is_decoder else Bert
                self._model: Any = kind(checkpoint.config, weights, checkpoint.max_tokens)
            self._prove(checkpoint)
        except (
            RuntimeError,
            MemoryError,
            LookupError,
            ValueError,
            TypeError,
            AttributeError,
            ArithmeticError,
        ) as error:
            if _is_for_memory(error):
                raise ModelError(f"There is too little memory on {self.device} for {self.name}. {_SMALLER}") from error
            told = f"{checkpoint.folder}: config.json, tokenizer.json and weights do not make one model ({error!r})"
            raise ModelError(f"{told}. Download the model again.") from error

    def _prove(self, checkpoint: Checkpoint) -> None:
        """Raises what the model raises, or ModelError where its vectors tell nothing: each would be like each."""
        missing = self._tokenizer.get_vocab_size() - self._model.words
        if missing > 0:
            raise IndexError(f"{missing} of the tokenizer's tokens are none of the model's")
        (vector,) = self.encode([PROBE], "")
        if not np.isfinite(vector).all() or not vector.any():
            told = f"{checkpoint.folder} has unsound weights: its vectors are {'zero' if not vector.any() else 'NaN'}"
            raise ModelError(f"{told}. Download the model again.")

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """float32 (n, dims[-1]); zero for a text without any token. Raises ModelError where memory is too small."""
        vectors = np.zeros((len(texts), self.dims[-1]), dtype=np.float32)
        for numbers, rows in self.encode_stepwise(texts, prefix):
            vectors[numbers] = rows
        return vectors

    def encode_stepwise(self, texts: Sequence[str], prefix: str) -> Iterator[tuple[list[int], Floats]]:
        """The texts' numbers and vectors, some at a time, each step a fraction of a second.

        Who stops asking stops the work, and who has something more urgent does it between two steps. Texts without
        any token are left out.
        """
        ids = {at: one for at, one in enumerate(self._ids(texts, prefix)) if one}
        if not (isinstance(self._model, Decoder) and self._pooling == "last"):
            skipped = 0 if self._includes_prompt else len(self._opening(prefix))
            yield from self._steps(ids, lambda batch: self._pooled(batch, skipped))
        elif len(texts) == 1:
            yield from self._steps(ids, self._question)
        else:
            known = self._instruction(prefix)
            count, begins = len(known.ids), list(known.ids)
            behind = {at: one[count:] for at, one in ids.items() if len(one) > count and one[:count] == begins}
            others = {at: one for at, one in ids.items() if at not in behind}
            yield from self._steps(behind, lambda batch: self._last(batch, known))
            yield from self._steps(others, lambda batch: self._last(batch, EMPTY))

    def _ids(self, texts: Sequence[str], prefix: str) -> list[list[int]]:
        whole = [replace_surrogates(prefix + text) for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(whole)]

    def _steps(self, ids: Mapping[int, Ids], run: Callable[[list[Ids]], Tensor]) -> Iterator[tuple[list[int], Floats]]:
        """Batch by batch, in halves where one does not fit into memory, and in smaller ones from then on."""
        numbers = list(ids)
        waiting = deque(
            [numbers[at] for at in batch] for batch in split_batches([len(ids[n]) for n in numbers], self._budget)
        )
        while waiting:
            batch = waiting.popleft()
            try:
                with self._turn, torch.inference_mode():
                    rows = run([ids[number] for number in batch]).float().cpu().numpy()
            except (RuntimeError, MemoryError) as error:
                self._need_less(error, len(batch))
                middle = len(batch) // 2
                waiting.extendleft((batch[middle:], batch[:middle]))
                continue
            yield batch, rows

    def _need_less(self, error: Exception, texts: int) -> None:
        """Make room; raises the error where memory is not what is wrong."""
        if not _is_for_memory(error):
            raise error
        if texts == 1:
            raise ModelError(f"{self.name} has too little memory for one text on {self.device}. {_SMALLER}") from error
        self._budget = max(1, self._budget // 2)
        self._asked.clear()
        if self._place.device.type == "cuda":
            torch.cuda.empty_cache()

    def _opening(self, prefix: str) -> Ids:
        """The tokens with which texts of any kind begin behind the instruction.

        Whether a text does must be looked at all the same: its first characters may join with the instruction's last.
        """
        first, second = self._ids(["def", "1"], prefix)
        return [a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))]

    def _instruction(self, prefix: str) -> PrefixCache:
        """The opening's keys and values, computed once."""
        if prefix not in self._instructions:
            ids = self._opening(prefix)
            with self._turn, torch.inference_mode():
                layers = self._model.compute_last_states(self._pack([ids]), EMPTY)[1] if ids else ()
            self._instructions[prefix] = PrefixCache(tuple(ids), layers).truncate(len(ids))
        return self._instructions[prefix]

    def _question(self, batch: list[Ids]) -> Tensor:
        """One text, most likely the last one and some more keys: what tokens saw before them is still so."""
        (ids,) = batch
        known = max(
            (one.truncate(_common(one.ids, ids[:-1])) for one in (EMPTY, *self._asked)), key=lambda one: len(one.ids)
        )
        count = len(known.ids)
        states, layers = self._model.compute_last_states(self._pack([ids[count:]], count), known)
        self._asked.append(PrefixCache(tuple(ids), layers).truncate(len(ids)))
        return states

    def _last(self, batch: list[Ids], known: PrefixCache) -> Tensor:
        return self._model.compute_last_states(self._pack(batch, len(known.ids)), known)[0]

    def _pooled(self, batch: list[Ids], skipped: int) -> Tensor:
        packed = self._pack(batch)
        states = self._model.compute_states(packed).float()
        if self._pooling != "mean":
            return states[packed.starts if self._pooling == "cls" else packed.ends]
        text = torch.arange(len(batch), device=states.device).repeat_interleave(packed.lengths)
        states = states[: len(text)]
        counted = (packed.positions[: len(text)] >= skipped).float()[:, None]
        sums = states.new_zeros(len(batch), states.shape[1]).index_add_(0, text, states * counted)
        return sums / counted.new_zeros(len(batch), 1).index_add_(0, text, counted).clamp_min_(1)

    def _pack(self, batch: Sequence[Ids], past: int = 0) -> PackedTokens:
        return pack_tokens(batch, past, self._place.device)


def _is_for_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(no in str(error) for no in _NO_ROOM)


def _common(known: Sequence[int], ids: Sequence[int]) -> int:
    """How many tokens both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(known, ids, strict=False)))


def _tokenizer(checkpoint: Checkpoint) -> Any:
    """As its file says, also about an end token; but no padding, and cut to the longest text."""
    try:
        tokenizer = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
    except Exception as error:  # the library raises nothing more exact
        raise ModelError(f"{checkpoint.folder}/tokenizer.json can't be read ({error}). Download it again.") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    longest = max(len(tokenizer.encode(prefix).ids) for prefix in checkpoint.prefixes.values())
    if longest >= checkpoint.max_tokens:  # nothing of a text would be read
        told = f"The instructions of {checkpoint.name} alone take up to {longest} tokens, of {checkpoint.max_tokens}"
        raise ModelError(f"{told}. Raise model.max_tokens.")
    tokenizer.enable_truncation(checkpoint.max_tokens)
    return tokenizer
