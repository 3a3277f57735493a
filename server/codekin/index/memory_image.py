"""Load contents into memory from one file, and save them there, so that a process starts in a tenth of the time."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codekin.errors import StoreReadOnlyError
from codekin.index.model_vectors import ModelVectors
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.vectors.continuation_vectors import ROW, ContinuationVectors
from codekin.vectors.fingerprints import FingerprintIndex
from codekin.vectors.image import HalfArray, MemoryImage, from_half, read_image, to_half, write_image
from codekin.vectors.matrix import LabelArray
from codekin.vectors.sort_keys import SortKeys

_CONTENTS_PER_LOAD = 4096  # some 20 ms, so that other threads get their turn
_MIN_CONTENTS = 10_000  # fewer are collected in a tenth of a second
_MAX_MISSING_SHARE = 0.1  # of the contents; more are saved again
_STATE_KEY = "image"  # in the store: a random name of the state that the file was saved in, which no older state has


@dataclass(frozen=True, slots=True)
class LoadedContents:
    """What is in memory of the contents, besides their vectors, and which removals it has followed."""

    sort_keys: SortKeys
    fingerprints: FingerprintIndex
    removal_position: int


def restore_contents(path: Path, store: Store, model_vectors: ModelVectors) -> LoadedContents | None:
    """Load the file into empty `model_vectors`, return the rest; None if it is of another state. Raises StoreError."""
    state = store.get_meta(_STATE_KEY)
    if not isinstance(state, str):
        return None
    image = read_image(path, f"{state} {model_vectors.space}", model_vectors.dense.dim)
    if image is None:
        return None
    for start in range(0, len(image.labels), _CONTENTS_PER_LOAD):
        vectors = from_half(image.vectors[start : start + _CONTENTS_PER_LOAD])
        model_vectors.dense.add_vectors(image.labels[start : start + _CONTENTS_PER_LOAD], vectors)
    model_vectors.last_content = image.newest
    return LoadedContents(
        SortKeys(image.labels, image.sort_keys, image.newest),
        FingerprintIndex.from_table(image.fingerprint_labels, image.fingerprints),
        image.removal_position,
    )


def is_worth_saving(sort_keys: SortKeys, saved_newest: int) -> bool:
    """Return whether the contents are many, and a tenth of them or more is numbered above `saved_newest`."""
    missing_count = int(np.count_nonzero(sort_keys.labels > saved_newest))
    return len(sort_keys) >= _MIN_CONTENTS and missing_count > _MAX_MISSING_SHARE * len(sort_keys)


def save_contents(path: Path, store: Store, model_vectors: ModelVectors, loaded: LoadedContents) -> None:
    """Save all contents; nothing where a vector is missing, or the disk is full. Raises StoreError."""
    labels = loaded.sort_keys.labels
    is_complete = not model_vectors.pending and model_vectors.dense.has_labels(labels).all()
    vectors = _collect_vectors(model_vectors, labels) if is_complete else None
    if vectors is None:
        return
    state = uuid.uuid4().hex
    fingerprint_labels, fingerprints = loaded.fingerprints.to_table()
    image = MemoryImage(
        f"{state} {model_vectors.space}", loaded.sort_keys.newest, loaded.removal_position,
        labels, loaded.sort_keys.keys, vectors, fingerprint_labels, fingerprints,
    )  # fmt: skip
    if write_image(path, image):
        with suppress(StoreReadOnlyError):
            store.set_meta({_STATE_KEY: state})


def _collect_vectors(model_vectors: ModelVectors, labels: LabelArray) -> HalfArray | None:
    """Return the vectors of these contents (n, dim) as float16; None where that would change them."""
    vectors = np.empty((len(labels), model_vectors.dense.dim), np.float16)
    for start in range(0, len(labels), _CONTENTS_PER_LOAD):
        _, chunk = model_vectors.dense.find_vectors(labels[start : start + _CONTENTS_PER_LOAD])
        half_vectors = to_half(chunk)
        if half_vectors is None:
            return None
        vectors[start : start + len(chunk)] = half_vectors
    return vectors


def load_continuations(
    store: Store, vectors: VectorStore, space: str, numbers: Sequence[int], loaded: ContinuationVectors
) -> ContinuationVectors:
    """Return the continuation vectors with those of these contents, as far as there are any. Raises StoreError."""
    hashes = store.content_hashes(numbers)
    for start in range(0, len(numbers), _CONTENTS_PER_LOAD):
        chunk = [number for number in numbers[start : start + _CONTENTS_PER_LOAD] if number in hashes]
        positions, rows = vectors.get_vectors(space, [hashes[number] for number in chunk], ROW)
        loaded = loaded.add_rows([chunk[position] for position in positions], rows)
    return loaded
