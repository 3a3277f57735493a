"""Pack texts of different lengths into one row of tokens, so that no multiplication is spent on padding.

Only attention, a small part of the work, sees a padded batch: (texts, tokens of the longest).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Token counts are rounded up to its multiples: libraries compile a kernel, and keep it for ever, for each count.
_LENGTH_MULTIPLE = 16

KeysValues = tuple[Tensor, Tensor]  # of a layer: (1, key-value heads, tokens, d) each


@dataclass(frozen=True, slots=True)
class PrefixCache:
    """The keys and values of a beginning that texts share, so that they are computed once."""

    token_ids: tuple[int, ...]
    past_key_values: tuple[KeysValues, ...]  # of each layer

    def truncate(self, count: int) -> "PrefixCache":
        """Return the cache of the first `count` tokens, without padding."""
        key_values = tuple((keys[:, :, :count], values[:, :, :count]) for keys, values in self.past_key_values)
        return PrefixCache(self.token_ids[:count], key_values) if count else EMPTY


EMPTY = PrefixCache((), ())


@dataclass(frozen=True, slots=True)
class PackedTokens:
    """Token ids of several texts, concatenated; each text follows `past_length` tokens with cached keys and values."""

    input_ids: Tensor  # (t,): token ids of all texts, concatenated, then padding
    position_ids: Tensor  # (t,), from `past_length` on in each text
    first_rows: Tensor  # (n,): the row of each text's first token
    lengths: Tensor  # (n,)
    past_length: int
    padded_to_packed: Tensor  # (n, longest or some more): the row of each text's token; any row beyond its end
    packed_to_padded: Tensor  # (t,): the place of each row's token in the flattened batch
    token_mask: Tensor  # (n, longest): whether the text has that token
    has_equal_lengths: bool  # nothing is padded

    @property
    def last_rows(self) -> Tensor:
        """Return the row of each text's last token, (n,)."""
        return self.first_rows + self.lengths - 1

    def to_padded(self, packed_heads: Tensor) -> Tensor:
        """Convert packed heads to a padded batch: (t, heads, d) → (n, heads, longest, d)."""
        return packed_heads[self.padded_to_packed].transpose(1, 2)

    def to_packed(self, padded_heads: Tensor) -> Tensor:
        """Convert a padded batch to packed rows: (n, heads, longest, d) → (t, heads · d); t counts padding, too."""
        return padded_heads.transpose(1, 2).flatten(2).flatten(0, 1)[self.packed_to_padded]


def pack_tokens(texts: Sequence[Sequence[int]], past_length: int, device: torch.device) -> PackedTokens:
    """Pack the token ids of texts, none of them empty, into tensors on the device, padded to multiples of 16."""
    lengths = torch.tensor([len(token_ids) for token_ids in texts])
    first_rows = lengths.cumsum(0) - lengths
    longest = _round_up(int(lengths.max()))
    columns = torch.arange(longest)
    token_mask = columns < lengths[:, None]  # (n, longest)
    packed_to_padded = _pad_to_multiple(token_mask.flatten().nonzero().flatten())
    return PackedTokens(
        input_ids=_pad_to_multiple(torch.tensor([token for token_ids in texts for token in token_ids])).to(device),
        position_ids=(past_length + columns.expand(len(texts), -1).flatten()[packed_to_padded]).to(device),
        first_rows=first_rows.to(device),
        lengths=lengths.to(device),
        past_length=past_length,
        padded_to_packed=torch.where(token_mask, first_rows[:, None] + columns, 0).to(device),
        packed_to_padded=packed_to_padded.to(device),
        token_mask=token_mask.to(device),
        has_equal_lengths=int(lengths.min()) == longest,
    )


def _pad_to_multiple(numbers: Tensor) -> Tensor:
    """Return the numbers (t,) padded with zeros to a multiple of 16."""
    return functional.pad(numbers, (0, _round_up(len(numbers)) - len(numbers)))


def _round_up(count: int) -> int:
    """Return the count rounded up to a multiple of 16."""
    return -(-count // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE


def split_batches(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Yield batches of text indices, longest texts first, each within the token budget or of one text.

    A batch has texts of similar length. The longest come first, so that memory runs out early or never.
    """
    batch: list[int] = []
    tokens_left = token_budget
    for text_index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and lengths[text_index] > tokens_left:
            yield batch
            batch, tokens_left = [], token_budget
        batch.append(text_index)
        tokens_left -= lengths[text_index]
    if batch:
        yield batch
