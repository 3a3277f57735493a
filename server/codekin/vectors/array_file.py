"""Files of arrays that processes map into memory, so that all of them share the pages of one file.

A file begins with a line of JSON: its key and, by name, each array's type, shape, position and CRC-32. The arrays
follow, little-endian, each at the start of a page. A file is replaced as a whole and never changed, so a mapped one
stays as it was. Losing it costs time only.
"""

import json
import mmap
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_FORMAT = 1
_PAGE_BYTES = 4096
_HEADER_BYTES = 4 * _PAGE_BYTES  # the line of JSON, with blanks behind it
_TYPES = ("<i8", "<u8", "<f4", "<i4", "<u4", "<u2", "|u1", "|i1")

AnyArray = npt.NDArray[Any]


class ArrayFile:
    """A mapped file's arrays. Each is checked when it is read; it can't be written, and keeps the file mapped."""

    def __init__(self, data: mmap.mmap, entries: Mapping[str, Any]) -> None:
        """Read from the mapped bytes; `entries` are the header's, by name."""
        self._data = data
        self._entries = entries

    def read(self, name: str) -> AnyArray | None:
        """Return the array of that name, not copied; None where there is none, or it is damaged."""
        try:
            type_name, shape, start, checksum = self._entries[name]
            count = int(np.prod(shape, dtype=np.int64))
            if type_name not in _TYPES or count < 0:
                return None
            array: AnyArray = np.frombuffer(self._data, np.dtype(type_name), count, start).reshape(shape)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        is_sound = zlib.crc32(array.data) == checksum
        if hasattr(mmap, "MADV_DONTNEED"):  # what was read to be checked counts as used only once it is needed
            with suppress(OSError, ValueError):
                self._data.madvise(mmap.MADV_DONTNEED, start, array.nbytes)
        return array if is_sound else None


def write_array_file(path: Path, key: str, arrays: Mapping[str, AnyArray]) -> bool:
    """Write arrays and key to the file, for this user only, replacing it; return whether that was possible.

    Never raises OSError.
    """
    little_endian = {name: np.ascontiguousarray(array).astype(_to_little_endian(array), copy=False)
                     for name, array in arrays.items()}  # fmt: skip
    entries: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    end = _HEADER_BYTES
    for name, array in little_endian.items():
        entries[name] = (array.dtype.str, array.shape, end, zlib.crc32(array.data))
        end += -(-array.nbytes // _PAGE_BYTES) * _PAGE_BYTES
    header = json.dumps({"format": _FORMAT, "key": key, "bytes": end, "arrays": entries}).encode()
    temporary_path = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary_path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(header.ljust(_HEADER_BYTES - 1) + b"\n")
            for name, array in little_endian.items():
                stream.seek(entries[name][2])
                stream.write(array.data)
            stream.truncate(end)
        temporary_path.replace(path)
    except OSError:
        with suppress(OSError):
            temporary_path.unlink(missing_ok=True)
        return False
    return True


def open_array_file(path: Path, key: str) -> ArrayFile | None:
    """Map the file; None where there is none, it has another key, or its header is damaged. Never raises."""
    try:
        with path.open("rb") as stream:
            header = json.loads(stream.read(_HEADER_BYTES))
            size = os.fstat(stream.fileno()).st_size
            if (header["format"], header["key"], header["bytes"]) != (_FORMAT, key, size):
                return None
            return ArrayFile(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), dict(header["arrays"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _to_little_endian(array: AnyArray) -> np.dtype[Any]:
    """Return the array's dtype with little-endian byte order; converts nothing."""
    return array.dtype.newbyteorder("<")
