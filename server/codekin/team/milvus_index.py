"""A shared index in Milvus: Lite (a file, or a server on this machine), Standalone and Distributed by one API.

Rows are collections, too. Milvus wants a vector in each, so they have an unused one of two numbers. A cluster keeps
vectors as float16 under an HNSW graph over 8-bit numbers, and ranks again by the float16 ones; Lite has float32 only.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pymilvus import MilvusClient, MilvusException

from codekin.errors import TeamError
from codekin.settings import runtime_directory
from codekin.team.milvus_schema import KEY_LENGTH, UNUSED_VECTOR, create_contents, create_table, make_expressions
from codekin.team.shared_index import INGEST_RUNS, SetFilter, SharedCandidate, SharedContent
from codekin.team.tables import MAX_TEXT_BYTES, TABLES, Conditions, Row, Table

_PREFIX = "codekin_"
_BATCH = 1_000  # rows a call: some MB, below gRPC's limit of messages
_MAX_ROWS = 16_384  # that Milvus returns for one query
_EF_SEARCH = 100
_CONNECT_TIMEOUT_S = 10.0
_NO_WORDS = {0: 1e-9}  # Milvus refuses an empty sparse vector
_NOT_LOADED = ("'released'", "not loaded")  # Lite's message, and a cluster's

Result = TypeVar("Result")


class MilvusIndex:
    """The shared index in one Milvus database. Safe on any thread."""

    def __init__(self, uri: str) -> None:
        """Connect, create missing collections of tables, load them, and mute Milvus' loggers. Raises TeamError."""
        for name in ("pymilvus", "grpc._server"):  # their errors are raised, and told once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._uri = uri
        with self._translate_errors():
            self._client = MilvusClient(uri, timeout=_CONNECT_TIMEOUT_S)
            self._version = str(self._client.get_server_version())
            self._is_lite = "lite" in self._version
            existing = set(self._client.list_collections())
            for table in TABLES:
                if _PREFIX + table.name not in existing:
                    create_table(self._client, _PREFIX + table.name, table)
                self._client.load_collection(_PREFIX + table.name)
        self._loaded: set[str] = set()

    @property
    def description(self) -> str:
        """Return engine, version and address, without credentials."""
        return f"Milvus {self._version} at {self._address}"

    def upsert(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows to a table, replacing those with the same key; texts are cut to what Milvus can hold."""
        unique_rows = list({row[table.key]: row for row in rows}.values())
        for start in range(0, len(unique_rows), _BATCH):
            batch = [_cut_texts(row) | {"unused": UNUSED_VECTOR} for row in unique_rows[start : start + _BATCH]]
            with self._translate_errors():
                self._client.upsert(_PREFIX + table.name, batch)

    def select(self, table: Table, conditions: Conditions | None = None, limit: int | None = None) -> list[Row]:
        """Return a table's rows that meet all conditions, at most `limit`, in no particular order."""
        rows: list[Row] = []
        for expression in make_expressions(conditions or {}):
            missing = None if limit is None else limit - len(rows)
            rows += self._query(_PREFIX + table.name, expression, list(table.columns), missing)
            if limit is not None and len(rows) >= limit:
                break
        return rows

    def delete(self, table: Table, conditions: Conditions) -> None:
        """Delete a table's rows that meet all conditions."""
        for expression in make_expressions(conditions):
            with self._translate_errors():
                self._client.delete(_PREFIX + table.name, filter=expression)

    def open_space(self, space: str, dim: int) -> None:
        """Create the space's collection where it is missing, and load it. Raises TeamError for another dimension."""
        name = _collection_of(space)
        with self._translate_errors():
            if not self._client.has_collection(name):
                create_contents(self._client, name, dim, is_lite=self._is_lite)
            fields = {field["name"]: field for field in self._client.describe_collection(name)["fields"]}
            if "vector" not in fields or "words" not in fields:
                remedy = f"Drop the collection {name} and ingest again."
                raise TeamError(f"The collection {name} at {self._address} is only half there. {remedy}")
            self._client.load_collection(name)
        stored_dim = int(fields["vector"]["params"]["dim"])
        if stored_dim != dim:
            raise TeamError(f"The shared index has vectors of {stored_dim} numbers, the model {dim}. Use its model.")

    def drop_space(self, space: str) -> None:
        """Delete the collection of the space's contents, if there is one."""
        with self._translate_errors():
            if self._client.has_collection(_collection_of(space)):
                self._client.drop_collection(_collection_of(space))

    def put_contents(self, space: str, contents: Sequence[SharedContent]) -> None:
        """Write contents into the space, replacing those with the same id."""
        dtype = np.float32 if self._is_lite else np.float16
        for start in range(0, len(contents), _BATCH):
            batch = [
                {
                    "id": content.id,
                    "set_id": content.set_id,
                    "vector": np.asarray(content.vector, dtype),
                    "words": dict.fromkeys(content.words, content.weight) or _NO_WORDS,
                }
                for content in contents[start : start + _BATCH]
            ]
            with self._translate_errors():
                self._client.upsert(_collection_of(space), batch)

    def filter_known(self, space: str, ids: Collection[str]) -> set[str]:
        """Return which of these content ids the space has."""
        return {str(row["id"]) for row in self._query_all(space, {"id": list(ids)}, ["id"])}

    def get_vectors(self, space: str, ids: Collection[str], allowed: SetFilter) -> dict[str, NDArray[np.floating]]:
        """Return content id → stored vector, of those of these contents that are in allowed sets."""
        rows = self._query_all(space, {"id": list(ids)}, ["id", "set_id", "vector"])
        allowed_ids = set(allowed.ids)
        return {
            str(row["id"]): _to_vector(row["vector"])
            for row in rows
            if (row["set_id"] in allowed_ids) is not allowed.is_excluded
        }

    def list_contents(self, space: str, set_ids: Collection[int]) -> set[str]:
        """Return the ids of the space's contents that have one of these repository sets."""
        return {str(row["id"]) for row in self._query_all(space, {"set_id": list(set_ids)}, ["id"])}

    def assign_sets(self, space: str, set_ids: Mapping[str, int]) -> None:
        """Store the repository set of each of these contents; those that the space lacks are ignored."""
        rows = self._query_all(space, {"id": list(set_ids)}, ["id", "set_id"])
        changed = [
            {"id": row["id"], "set_id": set_ids[row["id"]]} for row in rows if set_ids[row["id"]] != row["set_id"]
        ]
        for start in range(0, len(changed), _BATCH):
            with self._translate_errors():
                self._client.upsert(_collection_of(space), changed[start : start + _BATCH], partial_update=True)

    def delete_contents(self, space: str, ids: Collection[str]) -> None:
        """Delete these contents from the space."""
        for expression in make_expressions({"id": list(ids)}):
            with self._translate_errors():
                self._client.delete(_collection_of(space), filter=expression)

    def count_contents(self, space: str) -> int:
        """Return the number of contents in the space, counted by the server."""
        name = _collection_of(space)
        with self._translate_errors():
            rows = self._run_loaded(name, lambda: self._client.query(name, "", output_fields=["count(*)"]))
        return int(rows[0]["count(*)"])

    def sample_words(self, space: str, count: int) -> list[tuple[int, ...]]:
        """Return the hashed words of about `count` contents, those with the lowest ids, which are hashes: by chance."""
        share = min(count / max(self.count_contents(space), 1), 1.0)
        last_id = f"{int(share * 0xFFFFFFFF):08x}".ljust(KEY_LENGTH, "f")
        rows = self._query(_collection_of(space), f'id <= "{last_id}"', ["words"], count)
        return [tuple(row["words"]) for row in rows]

    def search_vectors(
        self, space: str, vector: NDArray[np.floating], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return about the `k` nearest contents of allowed sets by cosine, best first, found in the server's graph."""
        return self._search(space, "vector", vector.astype(np.float32 if self._is_lite else np.float16), k, allowed)

    def search_words(
        self, space: str, weights: Mapping[int, float], k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` contents of allowed sets that are best by BM25: products of both weights of a word, summed."""
        return self._search(space, "words", dict(weights), k, allowed) if weights else []

    def needs_optimizing(self, space: str) -> bool:  # noqa: ARG002
        """Return False: the server extends its graphs by itself, segment by segment."""
        return False

    def optimize(self, space: str) -> None:
        """Have the server store the space's collection and all tables, and build their graphs; load them again."""
        with self._translate_errors():
            for name in (_collection_of(space), *(_PREFIX + table.name for table in TABLES)):
                self._client.flush(name)
                self._client.load_collection(name)

    @contextmanager
    def lock_ingest(self) -> Iterator[None]:
        """Context that holds a file lock of this machine, as Milvus has none. Raises TeamError if it is held."""
        folder = runtime_directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.blake2b(self._uri.encode(), digest_size=8).hexdigest()
        lock = FileLock(folder / f"team-{digest}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise TeamError(INGEST_RUNS) from error
        try:
            yield
        finally:
            lock.release()

    def close(self) -> None:
        """Close the connection."""
        with suppress(MilvusException):
            self._client.close()

    @property
    def _address(self) -> str:
        """Return the server's host and port, without credentials, or the name of the file."""
        parts = urlsplit(self._uri)
        return f"{parts.hostname}:{parts.port or 19530}" if parts.hostname else self._uri

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Context in which Milvus' errors become TeamError with a remedy."""
        try:
            yield
        except MilvusException as error:
            remedy = "Is the server running, and are address and credentials right?"
            if not urlsplit(self._uri).hostname:
                remedy = "One process at a time may open a file: run `milvus-lite server` and name its address instead."
            raise TeamError(f"Milvus at {self._address}: {str(error.message).rstrip('.')}. {remedy}") from error

    def _run_loaded(self, name: str, read: Callable[[], Result]) -> Result:
        """Return what `read` does; load the collection and call it again where a server that was restarted has not."""
        try:
            return read()
        except MilvusException as error:
            if not any(state in str(error.message) for state in _NOT_LOADED):
                raise
            self._client.load_collection(name)
            return read()

    def _query_all(self, space: str, conditions: Conditions, fields: list[str]) -> list[dict[str, Any]]:
        """Read these fields, as dicts, of all contents of the space that meet all conditions."""
        expressions = make_expressions(conditions)
        return [row for expression in expressions for row in self._query(_collection_of(space), expression, fields)]

    def _query(self, name: str, expression: str, fields: list[str], limit: int | None = None) -> list[dict[str, Any]]:
        """Read these fields, as dicts, of a collection's rows that meet the expression: at most `limit`, else all."""
        with self._translate_errors():
            count = min(limit or _MAX_ROWS, _MAX_ROWS)
            query = partial(self._client.query, name, expression, output_fields=fields, limit=count)
            first = self._run_loaded(name, query)
            if len(first) < _MAX_ROWS or limit is not None:
                return [{field: row[field] for field in fields} for row in first]
            rows: list[dict[str, Any]] = []
            iterator = self._client.query_iterator(name, filter=expression, batch_size=_BATCH, output_fields=fields)
            while batch := iterator.next():
                rows += [{field: row[field] for field in fields} for row in batch]
            iterator.close()
            return rows

    def _search(
        self, space: str, field: str, query: "NDArray[np.floating] | dict[int, float]", k: int, allowed: SetFilter
    ) -> list[SharedCandidate]:
        """Return the `k` best contents of allowed sets, best first, by `field`: the vector or the hashed words."""
        operator = "not in" if allowed.is_excluded else "in"
        expression = "" if allowed == SetFilter() else f"set_id {operator} {list(allowed.ids)}"
        if not allowed.is_excluded and not allowed.ids:
            return []
        parameters = {"metric_type": "IP", "params": {"ef": max(_EF_SEARCH, k)} if field == "vector" else {}}
        with self._translate_errors():
            search = partial(
                self._client.search, _collection_of(space), [query], filter=expression, anns_field=field, limit=k,
                search_params=parameters, output_fields=["words"] if field == "words" else [],
            )  # fmt: skip
            (hits,) = self._run_loaded(_collection_of(space), search)
        candidates = [
            SharedCandidate(str(hit["id"]), float(hit["distance"]), tuple(hit["entity"].get("words", ())))
            for hit in hits
        ]
        return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.id))


def _cut_texts(row: Row) -> Row:
    """Return a copy of the row with each text cut to the 60,000 bytes that Milvus can hold."""
    return {
        column: value.encode()[:MAX_TEXT_BYTES].decode(errors="ignore") if isinstance(value, str) else value
        for column, value in row.items()
    }


def _to_vector(value: Any) -> NDArray[np.floating]:
    """Convert a vector as Milvus returns it, a list of numbers or bytes of float16, to an array."""
    if isinstance(value, bytes):
        return np.frombuffer(value, np.float16)
    return np.asarray(value, np.float32)


def _collection_of(space: str) -> str:
    """Return the name of the collection of a space's contents, made of a hash of the space's name."""
    return _PREFIX + "contents_" + hashlib.blake2b(space.encode(), digest_size=6).hexdigest()
