"""What codekin needs of an engine that holds a shared index: rows by key, and contents by vector and by words.

Narrow, so that an engine is one module; what rows mean is the catalogue's business. All methods raise TeamError, with
a remedy, where the engine can't be reached or refuses; writes are idempotent, so that what was cut off is repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from codekin.errors import TeamError
from codekin.team.tables import Conditions, Row, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# What `lock_ingest` raises
INGEST_RUNS = "Another process is changing this index. Wait until it ends, or stop it: with --watch it never ends."


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
        """Return the engine's name, version and address without credentials, for people."""
        ...

    def upsert(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows to a table, replacing those with the same key."""
        ...

    def select(self, table: Table, conditions: Conditions | None = None, limit: int | None = None) -> list[Row]:
        """Return a table's rows that meet all conditions, at most `limit`, in no particular order.

        A column's empty list is met by none.
        """
        ...

    def delete(self, table: Table, conditions: Conditions) -> None:
        """Delete a table's rows that meet all conditions."""
        ...

    def open_space(self, space: str, dim: int) -> None:
        """Open a vector space for search, creating it where it is new. Raises TeamError for another `dim`."""
        ...

    def drop_space(self, space: str) -> None:
        """Delete a vector space with all its contents; do nothing where there is none."""
        ...

    def put_contents(self, space: str, contents: Sequence[SharedContent]) -> None:
        """Write contents into the space, replacing those with the same id."""
        ...

    def filter_known(self, space: str, ids: Collection[str]) -> set[str]:
        """Return which of these content ids the space has."""
        ...

    def get_vectors(self, space: str, ids: Collection[str], allowed: SetFilter) -> "dict[str, NDArray[np.floating]]":
        """Return content id → stored vector, of those of these contents that are in allowed sets."""
        ...

    def list_contents(self, space: str, set_ids: Collection[int]) -> set[str]:
        """Return the ids of the space's contents that have one of these repository sets."""
        ...

    def assign_sets(self, space: str, set_ids: Mapping[str, int]) -> None:
        """Store the repository set of each of these contents; those that the space lacks are ignored."""
        ...

    def delete_contents(self, space: str, ids: Collection[str]) -> None:
        """Delete these contents from the space."""
        ...

    def count_contents(self, space: str) -> int:
        """Return the number of contents in the space, which may be an estimate."""
        ...

    def sample_words(self, space: str, count: int) -> list[tuple[int, ...]]:
        """Return the hashed words of each of about `count` contents of the space, drawn as evenly as is cheap."""
        ...

    def search_vectors(
        self, space: str, vector: "NDArray[np.floating]", k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return about the `k` nearest contents of allowed sets by cosine, best first."""
        ...

    def search_words(
        self, space: str, weights: Mapping[int, float], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` best of allowed sets' contents by BM25: summed `weights` of words it has × its own weight."""
        ...

    def needs_optimizing(self, space: str) -> bool:
        """Return whether `optimize` would make searches of the space much faster, as after an ingest was killed."""
        ...

    def optimize(self, space: str) -> None:
        """Build the indexes that make searches of the space fast, after many writes; searches work without them."""
        ...

    def lock_ingest(self) -> AbstractContextManager[None]:
        """Context in which no other process ingests. Raises TeamError where one does."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


def open_shared_index(uri: str) -> SharedIndex:
    """Connect to the engine at postgresql://…, Milvus' http(s)://…, or a file FILE.db; create missing tables.

    Raises TeamError.
    """
    if "://" not in uri and not uri.endswith(".db"):
        raise TeamError(f"{uri} is no engine. Name postgresql://HOST/DATABASE, http://HOST:19530, or FILE.db.")
    if uri.startswith(("postgresql://", "postgres://")):
        from codekin.team.postgres_index import PostgresIndex

        return PostgresIndex(uri)
    from codekin.team.milvus_index import MilvusIndex

    return MilvusIndex(uri)
