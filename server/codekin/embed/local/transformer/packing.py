"""Texts of different lengths end to end in one row of tokens, so that no multiplication is spent on padding.

Only attention, a small part of the work, sees them side by side: as (texts, tokens of the longest).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Rows and columns come in multiples of it: libraries make a kernel, and keep it for ever, for each count there is.
_GRAIN = 16

KeysValues = tuple[Tensor, Tensor]  # of a layer: (1, shared heads, tokens, d) each


@dataclass(frozen=True, slots=True)
class PrefixCache:
    """The keys and values of texts' common beginning, so that they are computed once."""

    ids: tuple[int, ...]
    layers: tuple[KeysValues, ...]

    def truncate(self, count: int) -> "PrefixCache":
        """Of the first tokens alone; nobody's, which come after them, are left out."""
        cut = tuple((keys[:, :, :count], values[:, :, :count]) for keys, values in self.layers)
        return PrefixCache(self.ids[:count], cut) if count else EMPTY


EMPTY = PrefixCache((), ())


@dataclass(frozen=True, slots=True)
class PackedTokens:
    """Token ids of some texts, end to end, each behind `past` tokens whose keys and values are known."""

    ids: Tensor  # (t,): the texts' and, at the end, some of nobody's
    positions: Tensor  # (t,), from `past` on in each text
    starts: Tensor  # (n,): each text's first row
    lengths: Tensor  # (n,)
    past: int
    spread: Tensor  # (n, longest or some more): the row of each text's token; beyond its end any row
    rows: Tensor  # (t,): where each row's token is in the flattened spread
    there: Tensor  # (n, longest): whether the text has that token
    is_even: bool  # whether all are of one length

    @property
    def ends(self) -> Tensor:
        """(n,): each text's last row."""
        return self.starts + self.lengths - 1

    def side_by_side(self, flat: Tensor) -> Tensor:
        """(t, heads, d) → (n, heads, longest, d)."""
        return flat[self.spread].transpose(1, 2)

    def end_to_end(self, spread: Tensor) -> Tensor:
        """(n, heads, longest, d) → (t, heads · d)."""
        return spread.transpose(1, 2).flatten(2).flatten(0, 1)[self.rows]


def pack_tokens(texts: Sequence[Sequence[int]], past: int, device: torch.device) -> PackedTokens:
    """The texts' ids, none empty, as tensors."""
    lengths = torch.tensor([len(ids) for ids in texts])
    starts = lengths.cumsum(0) - lengths
    longest = _rounded(int(lengths.max()))
    column = torch.arange(longest)
    there = column < lengths[:, None]  # (n, longest)
    rows = there.flatten().nonzero().flatten()
    spread = torch.where(there, starts[:, None] + column, 0)
    ids = torch.tensor([one for ids in texts for one in ids])
    rows, ids = (functional.pad(one, (0, _rounded(len(ids)) - len(ids))) for one in (rows, ids))
    positions = past + column.expand(len(texts), -1).flatten()[rows]
    is_even = int(lengths.min()) == longest
    ids, positions, starts, lengths, spread, rows, there = (
        one.to(device) for one in (ids, positions, starts, lengths, spread, rows, there)
    )
    return PackedTokens(ids, positions, starts, lengths, past, spread, rows, there, is_even)


def _rounded(count: int) -> int:
    return -(-count // _GRAIN) * _GRAIN


def split_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """The texts' numbers, longest first, as many together as have `budget` tokens; a longer text stands alone.

    Neighbours are of like length. The longest come first, so that memory runs out at once or never.
    """
    batch: list[int] = []
    room = budget
    for number in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batch and lengths[number] > room:
            yield batch
            batch, room = [], budget
        batch.append(number)
        room -= lengths[number]
    if batch:
        yield batch
