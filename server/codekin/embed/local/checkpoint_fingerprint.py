"""Compute a checkpoint's fingerprint: a hash of everything that determines its raw vectors, except rounding."""

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from codekin.errors import ModelError
from codekin.files import open_file, read_file

MAX_JSON_BYTES = 1 << 28  # of any file but the weights; the largest known tokenizer has 33 MB
_MAX_GRAPH_BYTES = 1 << 31  # of an ONNX graph, which is hashed whole; protobuf allows no larger one
_SAMPLE_BYTES = 4096  # hashed at the start, the middle and the end of each tensor
_LENGTH_BYTES = 8  # of the header's length, at the start of a safetensors file


def fingerprint_checkpoint(folder: Path, weights: tuple[Path, ...], vector_options: str) -> str:
    """Return 16 hex digits: a hash of configuration, tokenizer, samples of weights, `vector_options`.

    ModelError means unsound weights, OSError that another file can't be read.
    """
    digest = hashlib.sha256(vector_options.encode())
    for name in ("config.json", "tokenizer.json"):
        digest.update(read_file(folder / name, MAX_JSON_BYTES).data)
    for path in weights:
        if path.suffix != ".safetensors":
            digest.update(read_file(path, _MAX_GRAPH_BYTES).data)
            continue
        for sample in _sample_weights(path):
            digest.update(sample)
    return digest.hexdigest()[:16]


def _sample_weights(path: Path) -> Iterator[bytes]:
    """Yield the header of a safetensors file, then three samples of each tensor. Raises ModelError.

    Training changes every number of a tensor, so samples distinguish two models in milliseconds; hashing gigabytes
    takes seconds.
    """
    try:
        with open_file(path) as stream:
            (header_size,) = struct.unpack("<Q", stream.read(_LENGTH_BYTES))
            if header_size > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = stream.read(header_size)
            yield header
            data_size = path.stat().st_size - _LENGTH_BYTES - header_size
            for name, tensor in json.loads(header).items():
                if name == "__metadata__":
                    continue
                start, end = tensor["data_offsets"]
                if not 0 <= start <= end <= data_size:
                    raise ValueError(f"{name} is cut off")
                header_end = _LENGTH_BYTES + header_size
                yield from _sample_tensor(stream, header_end + start, header_end + end)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(f"{path} is not a valid safetensors file ({error}). Download the model again.") from error


def _sample_tensor(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Yield the first, middle and last 4 KB of the bytes [start, end)."""
    for sample_start in (start, (start + end) // 2, max(start, end - _SAMPLE_BYTES)):
        stream.seek(sample_start)
        yield stream.read(min(_SAMPLE_BYTES, end - sample_start))
