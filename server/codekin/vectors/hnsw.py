"""The HNSW graph of one space and its file.

hnswlib crashes on a corrupt file, and on a graph that changes while it is searched. So a file is loaded only after its
side-car has vouched for every byte, and a loaded graph never changes: another one takes its place.

The graph holds only the vectors' principal components (half the numbers keep four fifths of the squared length);
whoever asks ranks the answers anew on the whole vectors.
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
_PIECE_BYTES = 1 << 20


class UnsoundGraphError(CodekinError):
    """A graph's file is not what its side-car says, or not what was asked for. The message ends "…: it is …"."""


@dataclass(frozen=True, slots=True)
class SideCar:
    """What must be true of a graph's file, said beside it."""

    key: str  # the store and the space
    dim: int  # of the vectors
    count: int
    newest: int  # the highest label; with `count`, the generation of the store that the graph was made from
    ef: int  # the width of search that reaches `recall`
    recall: float  # of the ten nearest, measured with vectors that were not in the graph
    projection: str  # float32 (dim, components), base64
    format: int = _FORMAT
    bytes: int = 0
    checksum: str = ""  # of all the above and of the file

    def read_projection(self) -> FloatArray:
        """(dim, components): what turns vectors into the graph's own. Raises ValueError where it is none."""
        numbers = np.frombuffer(base64.b64decode(self.projection, validate=True), np.float32)
        return numbers.reshape(self.dim, -1)

    def seal(self, graph: BinaryIO) -> "SideCar":
        """With the size and the checksum of the graph's bytes, read from where `graph` stands."""
        size = os.fstat(graph.fileno()).st_size
        bare = replace(self, bytes=size, checksum="")
        digest = blake2b(json.dumps(asdict(bare), sort_keys=True).encode(), digest_size=16)
        for piece in _pieces(graph):
            digest.update(piece)
        return replace(bare, checksum=digest.hexdigest())


class HnswGraph:
    """A loaded graph. It never changes, so any number of threads may ask it."""

    def __init__(self, index: Any, side_car: SideCar) -> None:
        self._index = index
        self._components = np.ascontiguousarray(side_car.read_projection().T)
        self.ef = side_car.ef
        self.recall = side_car.recall
        self.labels: LabelArray = np.sort(np.array(index.get_ids_list(), np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def contains_labels(self, labels: LabelArray) -> BoolArray:
        """Which of `labels` (n,) are in the graph."""
        at = np.minimum(np.searchsorted(self.labels, labels), len(self) - 1)
        return np.asarray(self.labels[at] == labels)

    def find_nearest(self, query: FloatArray, width: int) -> LabelArray:
        """The `width` labels that seem nearest to the unit `query` (dim,), in no order; none where it meets a dead
        end before it has so many. Raises as hnswlib does.
        """
        # Its length doesn't matter: hnswlib ranks by the inner product.
        return find_nearest(self._index, np.vecdot(self._components, query), min(width, len(self)))


def find_nearest(index: Any, shadow: FloatArray, width: int) -> LabelArray:
    """`Graph.nearest` of an hnswlib index, for a query that is projected already."""
    try:
        found, _ = index.knn_query(shadow, k=width, num_threads=1)
    except RuntimeError as error:
        if "contiguous 2D array" not in str(error):
            raise
        return np.empty(0, np.int64)
    return np.asarray(found[0]).astype(np.int64)


def find_unavailable_reason() -> str:
    """Why hnswlib can't be used here, and what to do; empty where it can."""
    try:
        import hnswlib  # noqa: F401
    except ModuleNotFoundError:
        return "hnswlib is not installed (pip install hnswlib, needs a C++ compiler)"
    except Exception as error:  # noqa: BLE001 (built for another Python, numpy or processor: whatever that raises)
        return f"hnswlib can't be imported: {error} (pip install --force-reinstall hnswlib, needs a C++ compiler)"
    return ""


def choose_search_width(ef: int, k: int) -> int:
    """How many candidates are ranked anew for the `k` nearest: recall at 100 is then that at 10."""
    return ef + 2 * k


def project_vectors(vectors: FloatArray, projection: FloatArray) -> FloatArray:
    """`vectors` (n, dim) as the graph holds them: (n, components), unit rows."""
    rows = vectors @ projection
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    shadows: FloatArray = rows / np.maximum(norms, np.finfo(np.float32).tiny)
    return shadows


def side_car_path(path: Path) -> Path:
    """Where the side-car of the graph at `path` stands."""
    return path.with_name(path.name + ".json")


def load_graph(path: Path, key: str, dim: int) -> HnswGraph:
    """The graph at `path`, checked byte for byte before hnswlib sees it.

    Holds the interpreter's lock while hnswlib reads, about 1.4 ms per 1,000 vectors: it can't be had otherwise.
    Raises UnsoundGraphError where the file is corrupt or foreign, FileNotFoundError where there is none, ImportError
    where there is no hnswlib.
    """
    with path.open("rb") as stream:
        side_car = _checked(stream, path, key, dim)
        import hnswlib

        index = hnswlib.Index(space="ip", dim=side_car.read_projection().shape[1])
        try:
            index.load_index(os.fsencode(path))
        except RuntimeError as error:
            raise UnsoundGraphError(f"not one that hnswlib can read ({error})") from error
        if not os.path.samestat(os.fstat(stream.fileno()), path.stat()):
            raise UnsoundGraphError("another process's by now")
    if index.element_count != side_car.count:
        raise UnsoundGraphError("of another size than its side-car says")
    index.set_ef(side_car.ef)
    graph = HnswGraph(index, side_car)
    if int(graph.labels[-1]) != side_car.newest:
        raise UnsoundGraphError("of another generation than its side-car says")
    return graph


def write_side_car(path: Path, side_car: SideCar) -> None:
    """Bring the graph that hnswlib wrote to `path` safely to the disk, and its side-car after it."""
    with path.open("r+b") as graph:
        sealed = side_car.seal(graph)
        os.fsync(graph.fileno())
    with side_car_path(path).open("w", encoding="utf-8") as stream:
        json.dump(asdict(sealed), stream)
        stream.flush()
        os.fsync(stream.fileno())


def publish_graph(source: Path, path: Path) -> None:
    """Move the graph at `source` and its side-car to `path`.

    A crash between the two moves leaves a side-car that doesn't fit its graph, which costs a rebuild.
    """
    source.replace(path)
    side_car_path(source).replace(side_car_path(path))
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _checked(stream: BinaryIO, path: Path, key: str, dim: int) -> SideCar:
    """The side-car of `path`, if it is about this key and dimension and vouches for every byte of `stream`."""
    try:
        side_car = SideCar(**json.loads(side_car_path(path).read_bytes()))
        sound = side_car == side_car.seal(stream) and side_car.read_projection().shape[1] > 0
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UnsoundGraphError(f"without a side-car that can be read ({error})") from error
    if not sound:
        raise UnsoundGraphError("not as it was written")
    if (side_car.format, side_car.key, side_car.dim) != (_FORMAT, key, dim) or side_car.count < 1:
        raise UnsoundGraphError("another store's, model's or version's")
    return side_car


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE_BYTES):
        yield piece
