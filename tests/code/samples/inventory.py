# ruff: noqa
# fmt: off
"""An inventory of parts."""

from __future__ import annotations

import functools

LIMIT = 100


def count(parts: list[str]) -> int:
    """How many parts there are."""
    return len(parts)


double = lambda x: x * 2


# Holds parts.
@functools.total_ordering
class Inventory:
    """Parts, by name.

    In no order.
    """

    size = 0
    key = lambda self: self.name

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts = []

    # Adds a part.
    @property
    @functools.cache
    def first(self):
        return self.parts[0]

    class Error(Exception):
        """Something is missing."""

    async def load(self):
        async def fetch():
            return 1

        return await fetch()

    def __lt__(self, other): return self.name < other.name

    def __eq__(self, other): return self.name == other.name


class Empty(Exception): pass


try:
    import fast
except ImportError:

    def fast(x):
        return x


def test_count():
    assert count(["a"]) == 1


class TestInventory:
    def test_first(self):
        assert Inventory("a").parts == []


if __name__ == "__main__":
    print(count([]))
