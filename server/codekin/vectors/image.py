"""A file with what is in memory of an index: loading it takes a tenth of the time that collecting its rows takes.

It is NumPy's `.npz`, not compressed, whose checksums are verified. It names the state of the store that it continues
from; who reads it loads what came later. Losing it costs time only.
"""

import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from codekin.vectors.matrix import FloatArray, LabelArray, normalize_rows
from codekin.vectors.sort_keys import SortKeyArray

HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class MemoryImage:
    """The rows of all contents of one store, in one space."""

    key: str  # the state of the store, and the space
    newest: int  # the highest number of a content; all below are here, or were removed
    removal_position: int  # in the store's list of removed contents; later ones are to be dropped
    labels: LabelArray  # (n,), ascending
    sort_keys: SortKeyArray  # (n,)
    vectors: HalfArray  # (n, dim)
    fingerprint_labels: LabelArray  # (m,), ascending
    fingerprints: npt.NDArray[np.uint8]  # (m, bytes)


def to_half(vectors: FloatArray) -> HalfArray | None:
    """Return unit vectors (n, dim) as float16; None where `from_half` would not return exactly the same vectors."""
    half_vectors: HalfArray = vectors.astype("<f2")
    return half_vectors if np.array_equal(from_half(half_vectors), vectors) else None


def from_half(half_vectors: HalfArray) -> FloatArray:
    """Return stored rows (n, dim) at unit length, as they are when they come from the file of vectors."""
    vectors = half_vectors.astype(np.float32)
    with np.errstate(all="ignore"):
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    unit_vectors, is_sound = normalize_rows(vectors)
    return unit_vectors if is_sound.all() else vectors[:0]


def write_image(path: Path, image: MemoryImage) -> bool:
    """Replace the file, which only this user can read; return whether that was possible. Never raises OSError."""
    temporary_path = path.with_name(f"{path.name}.{os.getpid()}")
    arrays: dict[str, Any] = {item.name: np.asarray(getattr(image, item.name)) for item in fields(image)}
    try:
        with os.fdopen(os.open(temporary_path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as stream:
            np.savez(stream, **arrays)
        temporary_path.replace(path)
    except OSError:
        with suppress(OSError):
            temporary_path.unlink(missing_ok=True)
        return False
    return True


def read_image(path: Path, key: str, dim: int) -> MemoryImage | None:
    """Return the image of this key; None where there is none, or it is damaged. Never raises."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if str(archive["key"]) != key:
                return None
            arrays: dict[str, Any] = {item.name: archive[item.name] for item in fields(MemoryImage)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    numbers = {name: int(arrays[name]) for name in ("newest", "removal_position")}
    image = MemoryImage(**arrays | numbers | {"key": key})
    has_shape = image.vectors.shape == (len(image.labels), dim) and image.sort_keys.shape == image.labels.shape
    return image if has_shape and len(image.fingerprints) == len(image.fingerprint_labels) else None
