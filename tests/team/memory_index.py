"""A shared index in memory, searched exactly: the real engines are held against it, and properties are quick."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from codekin.errors import TeamError
from codekin.team.shared_index import INGEST_RUNS, SetFilter, SharedCandidate, SharedContent
from codekin.team.tables import Conditions, Row, Table


class MemoryIndex:
    """SharedIndex in dictionaries."""

    description = "memory"

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, Row]] = {}
        self.spaces: dict[str, tuple[int, dict[str, SharedContent]]] = {}
        self._lock = threading.Lock()

    def upsert(self, table: Table, rows: Sequence[Row]) -> None:
        self.tables.setdefault(table.name, {}).update({row[table.key]: dict(row) for row in rows})

    def select(self, table: Table, conditions: Conditions | None = None, limit: int | None = None) -> list[Row]:
        sets = {column: set(values) for column, values in (conditions or {}).items()}
        rows = self.tables.get(table.name, {}).values()
        return [dict(row) for row in rows if all(row[column] in values for column, values in sets.items())][:limit]

    def delete(self, table: Table, conditions: Conditions) -> None:
        for row in self.select(table, conditions):
            del self.tables[table.name][row[table.key]]

    def open_space(self, space: str, dim: int) -> None:
        if self.spaces.setdefault(space, (dim, {}))[0] != dim:
            raise TeamError("another dimension")

    def drop_space(self, space: str) -> None:
        self.spaces.pop(space, None)

    def put_contents(self, space: str, contents: Sequence[SharedContent]) -> None:
        self.spaces[space][1].update({content.id: content for content in contents})

    def filter_known(self, space: str, ids: Collection[str]) -> set[str]:
        return set(ids) & self.spaces[space][1].keys()

    def get_vectors(self, space: str, ids: Collection[str], allowed: SetFilter) -> dict[str, Any]:
        return {content.id: content.vector for content in self._allowed(space, allowed) if content.id in set(ids)}

    def list_contents(self, space: str, set_ids: Collection[int]) -> set[str]:
        return {content.id for content in self._allowed(space, SetFilter(tuple(set_ids), is_excluded=False))}

    def assign_sets(self, space: str, set_ids: Mapping[str, int]) -> None:
        contents = self.spaces[space][1]
        for content_id, set_id in set_ids.items():
            if content_id in contents:
                old = contents[content_id]
                contents[content_id] = SharedContent(old.id, set_id, old.vector, old.words, old.weight)

    def delete_contents(self, space: str, ids: Collection[str]) -> None:
        for content_id in ids:
            self.spaces[space][1].pop(content_id, None)

    def count_contents(self, space: str) -> int:
        return len(self.spaces[space][1])

    def sample_words(self, space: str, count: int) -> list[tuple[int, ...]]:
        return [content.words for content in list(self.spaces[space][1].values())[:count]]

    def search_vectors(self, space: str, vector: Any, k: int, allowed: SetFilter) -> list[SharedCandidate]:
        found = [
            SharedCandidate(content.id, float(np.asarray(content.vector, np.float32) @ vector))
            for content in self._allowed(space, allowed)
        ]
        return sorted(found, key=lambda item: (-item.score, item.id))[:k]

    def search_words(
        self, space: str, weights: Mapping[int, float], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        found = [
            SharedCandidate(
                content.id, content.weight * sum(weights.get(word, 0.0) for word in content.words), content.words
            )
            for content in self._allowed(space, allowed)
            if weights.keys() & set(content.words)
        ]
        return sorted(found, key=lambda item: (-item.score, item.id))[:k]

    def needs_optimizing(self, space: str) -> bool:
        return False

    def optimize(self, space: str) -> None:
        pass

    @contextmanager
    def lock_ingest(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise TeamError(INGEST_RUNS)
        try:
            yield
        finally:
            self._lock.release()

    def close(self) -> None:
        pass

    def _allowed(self, space: str, allowed: SetFilter) -> list[SharedContent]:
        if space not in self.spaces:
            raise TeamError("no such space")  # as an engine has no such table
        ids = set(allowed.ids)
        contents = self.spaces[space][1].values()
        return [content for content in contents if (content.set_id in ids) is not allowed.is_excluded]


class CutOffError(Exception):
    """Stands for a kill."""


class FailingIndex(MemoryIndex):
    """An index whose process is killed at the n-th write."""

    writes_left = -1

    def _count(self) -> None:
        if self.writes_left == 0:
            raise CutOffError
        self.writes_left -= 1

    def upsert(self, *arguments: object) -> None:
        self._count()
        super().upsert(*arguments)  # type: ignore[arg-type]

    def delete(self, *arguments: object) -> None:
        self._count()
        super().delete(*arguments)  # type: ignore[arg-type]

    def put_contents(self, *arguments: object) -> None:
        self._count()
        super().put_contents(*arguments)  # type: ignore[arg-type]

    def assign_sets(self, *arguments: object) -> None:
        self._count()
        super().assign_sets(*arguments)  # type: ignore[arg-type]

    def delete_contents(self, *arguments: object) -> None:
        self._count()
        super().delete_contents(*arguments)  # type: ignore[arg-type]
