"""Map what was in memory from files, and save it there: a process starts in a tenth of the time, and shares the memory.

Two files: the contents, which every question needs, and what only completions need. Each names the state of the store
that it continues from; whoever reads it loads what came later.
"""

import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codekin.errors import StoreReadOnlyError
from codekin.index.model_vectors import ModelVectors
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore
from codekin.vectors.array_file import AnyArray, ArrayFile, open_array_file, write_array_file
from codekin.vectors.continuation_vectors import BYTE_SCALE, ROW, ContinuationVectors
from codekin.vectors.fingerprints import FingerprintIndex
from codekin.vectors.line_index import ARRAY_NAMES, LineIndex
from codekin.vectors.matrix import LabelArray, split_rows
from codekin.vectors.row_blocks import PackedRows, join_rows, pack_rows
from codekin.vectors.sort_keys import SortKeys

_CONTENTS_PER_LOAD = 4096  # some 20 ms, so that other threads get their turn
_MIN_CONTENTS = 10_000  # fewer are collected in a tenth of a second
_MAX_MISSING_SHARE = 0.1  # of the contents; more are saved again
_STATE_KEY = "image"  # in the store: a random name of the state that the file was saved in, which no older state has
_COMPLETION_STATE_KEY = "completion_image"
_VECTOR_ARRAYS = ("high", "low", "steps", "errors")
_CONTENT_ARRAYS = ("newest", "labels", "sort_keys", *_VECTOR_ARRAYS, "fingerprint_labels", "fingerprints")
_COMPLETION_ARRAYS = ("newest", "continuation_labels", "continuations", *ARRAY_NAMES)


@dataclass(frozen=True, slots=True)
class LoadedContents:
    """What is in memory of the contents, besides their vectors, and which removals it has followed."""

    sort_keys: SortKeys
    fingerprints: FingerprintIndex
    removal_position: int


@dataclass(frozen=True, slots=True)
class CompletionData:
    """What is in memory for completions alone."""

    line_index: LineIndex
    continuation_vectors: ContinuationVectors


def restore_contents(path: Path, store: Store, model_vectors: ModelVectors) -> LoadedContents | None:
    """Map the file's vectors into empty `model_vectors`; return keys and fingerprints; None if not this store's."""
    arrays = _read_arrays(_open(path, store, _STATE_KEY, model_vectors.space), _CONTENT_ARRAYS)
    if arrays is None or arrays["high"].shape != (len(arrays["labels"]), model_vectors.dense.dim):
        return None
    newest, removal_position = arrays["newest"].tolist()
    model_vectors.dense.restore_rows(arrays["labels"], PackedRows(*(arrays[name] for name in _VECTOR_ARRAYS)))
    model_vectors.last_content = newest
    return LoadedContents(
        SortKeys(arrays["labels"], arrays["sort_keys"], newest),
        FingerprintIndex.from_table(arrays["fingerprint_labels"], arrays["fingerprints"]),
        removal_position,
    )


@dataclass(frozen=True, slots=True)
class SavedImage:
    """What a file has, or would have if it could be written; nothing at first."""

    newest: int = 0  # the highest content
    count: int = 0  # contents

    @classmethod
    def of(cls, sort_keys: SortKeys) -> "SavedImage":
        """Return the SavedImage of a file with these contents: their highest number and their count."""
        return cls(sort_keys.newest, len(sort_keys))

    def is_due(self, sort_keys: SortKeys) -> bool:
        """Return whether 10,000 contents or more are in memory, over a tenth of them newer than the file's."""
        missing_count = int(np.count_nonzero(sort_keys.labels > self.newest))
        return len(sort_keys) >= _MIN_CONTENTS and missing_count > _MAX_MISSING_SHARE * len(sort_keys)

    def is_mostly_gone(self, sort_keys: SortKeys) -> bool:
        """Return whether the file has more than twice as many contents as are in memory."""
        return self.count > 2 * len(sort_keys)


def remove_images(*paths: Path) -> bool:
    """Remove the files, and return whether all are gone; on Windows one that a process has mapped stays."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return not any(map(os.path.lexists, paths))


def save_contents(path: Path, store: Store, model_vectors: ModelVectors, loaded: LoadedContents) -> None:
    """Save keys, vectors and fingerprints to the file, its state to the store; nothing if a vector is missing.

    Raises StoreError; a full disk is no error.
    """
    labels = loaded.sort_keys.labels
    if model_vectors.pending or not model_vectors.dense.has_labels(labels).all():
        return
    fingerprint_labels, fingerprints = loaded.fingerprints.to_table()
    chunks = split_rows(labels, _CONTENTS_PER_LOAD)
    packed_rows = join_rows([pack_rows(model_vectors.dense.find_vectors(chunk)[1]) for chunk in chunks])
    arrays = {
        "newest": np.array([loaded.sort_keys.newest, loaded.removal_position]),
        "labels": labels,
        "sort_keys": loaded.sort_keys.keys,
        **{name: getattr(packed_rows, name) for name in _VECTOR_ARRAYS},
        "fingerprint_labels": fingerprint_labels,
        "fingerprints": fingerprints,
    }
    _save(path, store, _STATE_KEY, model_vectors.space, arrays)


def restore_completion_data(path: Path, store: Store, space: str, contents: LabelArray) -> CompletionData | None:
    """Map the file's data for completions and drop all but `contents`; None if of another state. Raises StoreError."""
    arrays = _read_arrays(_open(path, store, _COMPLETION_STATE_KEY, space), _COMPLETION_ARRAYS)
    if arrays is None or arrays["continuations"].shape != (len(arrays["continuation_labels"]), ROW):
        return None
    line_index = LineIndex.from_arrays({name: arrays[name] for name in ARRAY_NAMES}, int(arrays["newest"][0]))
    continuation_vectors = ContinuationVectors(arrays["continuation_labels"], arrays["continuations"])
    removed = np.setdiff1d(np.union1d(arrays["contents"], continuation_vectors.labels), contents)
    return CompletionData(line_index.remove_contents(removed), continuation_vectors.remove_contents(removed))


def save_completion_data(path: Path, store: Store, space: str, loaded: CompletionData) -> None:
    """Save line hashes and continuations to the file, its state to the store; no error if the disk is full.

    Raises StoreError.
    """
    arrays = {
        "newest": np.array([loaded.line_index.newest]),
        "continuation_labels": loaded.continuation_vectors.labels,
        "continuations": loaded.continuation_vectors.rows,
        **loaded.line_index.to_arrays(),
    }
    _save(path, store, _COMPLETION_STATE_KEY, space, arrays)


def load_continuations(
    store: Store, vectors: VectorStore, space: str, numbers: Sequence[int], loaded: ContinuationVectors
) -> ContinuationVectors:
    """Return a copy of `loaded` with these contents' continuation vectors, if `vectors` has any. Raises StoreError."""
    hashes = store.content_hashes(numbers)
    for start in range(0, len(numbers), _CONTENTS_PER_LOAD):
        chunk = [number for number in numbers[start : start + _CONTENTS_PER_LOAD] if number in hashes]
        positions, rows = vectors.get_vectors(space, [hashes[number] for number in chunk], ROW, BYTE_SCALE)
        loaded = loaded.add_rows([chunk[position] for position in positions], rows)
    return loaded


def _open(path: Path, store: Store, state_key: str, space: str) -> ArrayFile | None:
    """Map the file and return it; None if of another space, or of a state unknown to the store. Raises StoreError."""
    state = store.get_meta(state_key)
    return open_array_file(path, f"{state} {space}") if isinstance(state, str) else None


def _read_arrays(array_file: ArrayFile | None, names: Sequence[str]) -> dict[str, AnyArray] | None:
    """Return the file's arrays by name; None if there is no file, or one of them is damaged."""
    arrays = {name: array_file.read(name) for name in names} if array_file is not None else {"": None}
    sound_arrays = {name: array for name, array in arrays.items() if array is not None}
    return sound_arrays if len(sound_arrays) == len(arrays) else None


def _save(path: Path, store: Store, state_key: str, space: str, arrays: Mapping[str, AnyArray]) -> None:
    """Write the file under a new name of the store's state, then that name into the store. Raises StoreError."""
    state = uuid.uuid4().hex
    if write_array_file(path, f"{state} {space}", arrays):
        with suppress(StoreReadOnlyError):
            store.set_meta({state_key: state})
