"""What codekin needs of an engine that holds a shared index: rows by key, and contents by vector and by words.

Narrow, so that an engine is one module; what rows mean is the catalogue's business. All methods raise TeamError, with
a remedy, where the engine can't be reached or refuses; writes are idempotent, so that what was cut off is repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from codekin.team.tables import Conditions, Row, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SharedContent:
    """A content as the engine keeps it: no text."""

    id: str  # keyed hash, 32 hexadecimal digits
    set_id: int  # of the repositories that have it
    vector: "NDArray[np.floating]"  # (d,), unit length
    words: tuple[int, ...]  # keyed hashes of its words, each once
    weight: float  # of each word, by the content's length


@dataclass(frozen=True, slots=True)
class SetFilter:
    """Which repository sets may be searched: only `ids`, or all but `ids`."""

    ids: tuple[int, ...] = ()
    is_excluded: bool = True  # the default excludes nothing


@dataclass(frozen=True, slots=True)
class SharedCandidate:
    """A content that was retrieved, with its score: a cosine, or a weighted sum of words."""

    id: str
    score: float
    words: tuple[int, ...] = ()  # all of its hashed words, where it was retrieved by words


class SharedIndex(Protocol):
    """An engine that holds a shared index. Safe on any thread."""

    @property
    def description(self) -> str:
        """Return engine, version and address without credentials, as text for people."""
        ...

    def upsert(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows, replacing those with the same key."""
        ...

    def select(self, table: Table, conditions: Conditions | None = None, limit: int | None = None) -> list[Row]:
        """Return the rows that meet all conditions, in no particular order; a column's empty list is met by none."""
        ...

    def delete(self, table: Table, conditions: Conditions) -> None:
        """Remove the rows that meet all conditions."""
        ...

    def open_space(self, space: str, dim: int) -> None:
        """Make the contents of a space searchable, creating it where it is new. Raises TeamError for another `dim`."""
        ...

    def drop_space(self, space: str) -> None:
        """Remove a space with all its contents; do nothing where there is none."""
        ...

    def put_contents(self, space: str, contents: Sequence[SharedContent]) -> None:
        """Write contents, replacing those with the same id."""
        ...

    def filter_known(self, space: str, ids: Collection[str]) -> set[str]:
        """Return which of these contents the space has."""
        ...

    def get_vectors(self, space: str, ids: Collection[str], allowed: SetFilter) -> "dict[str, NDArray[np.floating]]":
        """Return the vectors of those of these contents that are in allowed sets."""
        ...

    def list_contents(self, space: str, set_ids: Collection[int]) -> set[str]:
        """Return the contents of these repository sets."""
        ...

    def assign_sets(self, space: str, set_ids: Mapping[str, int]) -> None:
        """Set the repository set of contents; those that the space lacks are ignored."""
        ...

    def delete_contents(self, space: str, ids: Collection[str]) -> None:
        """Remove contents."""
        ...

    def count_contents(self, space: str) -> int:
        """Return the number of contents, which may be an estimate."""
        ...

    def sample_words(self, space: str, count: int) -> list[tuple[int, ...]]:
        """Return the words of about `count` contents (fewer if there are fewer), as evenly drawn as is cheap."""
        ...

    def search_vectors(
        self, space: str, vector: "NDArray[np.floating]", k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` contents of allowed sets that are nearest by cosine, best first."""
        ...

    def search_words(
        self, space: str, weights: Mapping[int, float], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` contents of allowed sets with the highest sum of common words' weights, best first."""
        ...

    def optimize(self, space: str) -> None:
        """Build what makes searching fast, after many writes; searching works before, more slowly."""
        ...

    def lock_ingest(self) -> AbstractContextManager[None]:
        """Context in which no other process ingests. Raises TeamError where one does."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


def open_shared_index(uri: str) -> SharedIndex:
    """Connect to the engine at a URI: postgresql://…, http(s)://… of Milvus, or a file FILE.db. Raises TeamError."""
    if uri.startswith(("postgresql://", "postgres://")):
        from codekin.team.postgres_index import PostgresIndex

        return PostgresIndex(uri)
    from codekin.team.milvus_index import MilvusIndex

    return MilvusIndex(uri)
