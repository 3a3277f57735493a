"""HNSW graph of one space and its file.

hnswlib crashes on a corrupt file, and on a graph that changes while it is searched. So a file is loaded only if its
side-car's checksum matches, and a loaded graph never changes: another one replaces it.

The graph holds only the vectors' principal components (half of them keep four fifths of the squared length); callers
re-rank the results on the complete vectors.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from codekin.errors import CodekinError
from codekin.vectors.matrix import BoolArray, FloatArray, LabelArray

_FORMAT = 1
_READ_BYTES = 1 << 20


class UnsoundGraphError(CodekinError):
    """A graph's file doesn't match its side-car or its index. The message continues "The graph is …"."""


@dataclass(frozen=True, slots=True)
class SideCar:
    """Description of a graph's file, kept beside it, against which the file is checked."""

    key: str  # the store and the space
    dim: int  # of the vectors
    count: int
    newest: int  # the highest label; with `count`, it identifies the store's generation that the graph was built from
    ef: int  # the width of search that reaches `recall`
    recall: float  # of the ten nearest, measured with vectors that were not in the graph
    projection: str  # float32 (dim, components), base64
    format: int = _FORMAT
    bytes: int = 0
    checksum: str = ""  # of all fields above and of the file

    def read_projection(self) -> FloatArray:
        """Decode the projection from vectors to the graph's components, (dim, components). Raises ValueError."""
        components = np.frombuffer(base64.b64decode(self.projection, validate=True), np.float32)
        return components.reshape(self.dim, -1)

    def seal(self, graph: BinaryIO) -> "SideCar":
        """Read `graph` to its end; return a copy of this with size and checksum. Raises OSError."""
        size = os.fstat(graph.fileno()).st_size
        unsealed = replace(self, bytes=size, checksum="")
        digest = blake2b(json.dumps(asdict(unsealed), sort_keys=True).encode(), digest_size=16)
        for chunk in _read_chunks(graph):
            digest.update(chunk)
        return replace(unsealed, checksum=digest.hexdigest())


class HnswGraph:
    """A loaded graph. Immutable, so any number of threads may search it."""

    def __init__(self, hnsw_index: Any, side_car: SideCar) -> None:
        self._index = hnsw_index
        self._components = np.ascontiguousarray(side_car.read_projection().T)
        self.ef = side_car.ef
        self.recall = side_car.recall
        self.labels: LabelArray = np.sort(np.array(hnsw_index.get_ids_list(), np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def contains_labels(self, labels: LabelArray) -> BoolArray:
        """Return which of `labels` (n,) are in the graph: bool (n,)."""
        positions = np.minimum(np.searchsorted(self.labels, labels), len(self) - 1)
        return np.asarray(self.labels[positions] == labels)

    def find_nearest(self, query: FloatArray, width: int) -> LabelArray:
        """Return up to `width` labels near unit `query` (dim,), unordered; none at a dead end. May raise any error.

        Errors are hnswlib's, which have no common class.
        """
        # The projected query's length doesn't matter: hnswlib ranks by the inner product.
        return find_nearest(self._index, np.vecdot(self._components, query), min(width, len(self)))


def find_nearest(hnsw_index: Any, projected_query: FloatArray, width: int) -> LabelArray:
    """Return up to `width` labels near a projected query, unordered; none at a dead end. May raise any error."""
    try:
        labels, _ = hnsw_index.knn_query(projected_query, k=width, num_threads=1)
    except RuntimeError as error:
        if "contiguous 2D array" not in str(error):
            raise
        return np.empty(0, np.int64)
    return np.asarray(labels[0]).astype(np.int64)


def find_unavailable_reason() -> str:
    """Try to import hnswlib; return why it can't be used, with the remedy; "" if it can. Never raises."""
    try:
        import hnswlib  # noqa: F401
    except ModuleNotFoundError:
        return "hnswlib is not installed (pip install hnswlib, needs a C++ compiler)"
    except Exception as error:  # noqa: BLE001 (built for another Python, numpy or processor, it may raise anything)
        return f"hnswlib can't be imported: {error} (pip install --force-reinstall hnswlib, needs a C++ compiler)"
    return ""


def choose_search_width(ef: int, k: int) -> int:
    """Return how many candidates of the graph to re-rank for the `k` nearest: its `ef`, plus twice `k`."""
    return ef + 2 * k


def project_vectors(vectors: FloatArray, projection: FloatArray) -> FloatArray:
    """Return `vectors` (n, dim) projected as the graph holds them: (n, components), unit rows."""
    projected_rows = vectors @ projection
    norms = np.sqrt(np.einsum("ij,ij->i", projected_rows, projected_rows))[:, None]
    projected_vectors: FloatArray = projected_rows / np.maximum(norms, np.finfo(np.float32).tiny)
    return projected_vectors


def side_car_path(graph_path: Path) -> Path:
    """Return the path of the side-car of the graph at `graph_path`."""
    return graph_path.with_name(graph_path.name + ".json")


def load_graph(graph_path: Path, index_key: str, dim: int) -> HnswGraph:
    """Load a graph, checked against its side-car and key. Raises UnsoundGraphError, FileNotFoundError, ImportError.

    It holds the interpreter's lock while hnswlib reads, about 1.4 ms per 1,000 vectors, because hnswlib does not
    release it. UnsoundGraphError means that the file is corrupt or of another index, ImportError that there is no
    hnswlib.
    """
    with graph_path.open("rb") as graph_file:
        side_car = _read_checked_side_car(graph_file, graph_path, index_key, dim)
        import hnswlib

        hnsw_index = hnswlib.Index(space="ip", dim=side_car.read_projection().shape[1])
        try:
            hnsw_index.load_index(os.fsencode(graph_path))
        except RuntimeError as error:
            raise UnsoundGraphError(f"not one that hnswlib can read ({error})") from error
        if not os.path.samestat(os.fstat(graph_file.fileno()), graph_path.stat()):
            raise UnsoundGraphError("another process's by now")
    if hnsw_index.element_count != side_car.count:
        raise UnsoundGraphError("of another size than its side-car says")
    hnsw_index.set_ef(side_car.ef)
    graph = HnswGraph(hnsw_index, side_car)
    if int(graph.labels[-1]) != side_car.newest:
        raise UnsoundGraphError("of another generation than its side-car says")
    return graph


def write_side_car(graph_path: Path, side_car: SideCar) -> None:
    """Sync the graph that hnswlib wrote to the disk, then write its side-car beside it, sealed. Raises OSError."""
    with graph_path.open("r+b") as graph:
        sealed_side_car = side_car.seal(graph)
        os.fsync(graph.fileno())
    with side_car_path(graph_path).open("w", encoding="utf-8") as side_car_file:
        json.dump(asdict(sealed_side_car), side_car_file)
        side_car_file.flush()
        os.fsync(side_car_file.fileno())


def publish_graph(source: Path, graph_path: Path) -> None:
    """Move the graph at `source` and its side-car to `graph_path`, durably, replacing what is there. Raises OSError.

    A crash between the two moves leaves a side-car that doesn't fit its graph, which costs a rebuild.
    """
    source.replace(graph_path)
    side_car_path(source).replace(side_car_path(graph_path))
    if os.name == "posix":
        folder_descriptor = os.open(graph_path.parent, os.O_RDONLY)
        try:
            os.fsync(folder_descriptor)
        finally:
            os.close(folder_descriptor)


def _read_checked_side_car(graph_file: BinaryIO, graph_path: Path, index_key: str, dim: int) -> SideCar:
    """Read side-car and graph file whole; return the checked side-car of this index. Raises UnsoundGraphError."""
    try:
        side_car = SideCar(**json.loads(side_car_path(graph_path).read_bytes()))
        is_sound = side_car == side_car.seal(graph_file) and side_car.read_projection().shape[1] > 0
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UnsoundGraphError(f"without a side-car that can be read ({error})") from error
    if not is_sound:
        raise UnsoundGraphError("not as it was written")
    if (side_car.format, side_car.key, side_car.dim) != (_FORMAT, index_key, dim) or side_car.count < 1:
        raise UnsoundGraphError("another store's, model's or version's")
    return side_car


def _read_chunks(graph_file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of the file in chunks of 1 MB."""
    while chunk := graph_file.read(_READ_BYTES):
        yield chunk
