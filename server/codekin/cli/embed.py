"""Lines of texts → a file of vectors."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from codekin.embed.embedder import load_embedder
from codekin.errors import QueryError
from codekin.settings import ModelSettings
from codekin.types import OnProgress, Progress, Role, Task

_BATCH = 1024


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """Which vectors; None is the settings' choice."""

    settings: ModelSettings
    task: str
    role: str
    model: str | None
    dim: int | None


def embed_file(source: BinaryIO, output: Path, wanted: EmbedOptions, on_progress: OnProgress) -> dict[str, Any]:
    """Writes float32 (n, d) of unit rows for the n lines `{"text": …}` of `source` to `output`, an .npy file.

    `output` is whole or not there: it is written beside itself and then renamed. Returns what was made.
    Raises QueryError, ModelError, DimensionError.
    """
    model = wanted.settings
    if wanted.model is not None and wanted.model != model.name:
        model = ModelSettings(wanted.model)
    embedder = load_embedder(replace(model, dim=wanted.dim) if wanted.dim else model)
    texts = list(_texts(source))
    part = output.with_name(output.name + ".part")
    try:
        # Written through the page cache: a million vectors need not fit into memory.
        rows = np.lib.format.open_memmap(part, "w+", np.float32, (len(texts), embedder.dim)) if texts else None
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            if rows is not None:
                rows[start : start + len(batch)] = embedder.embed(batch, Task(wanted.task), Role(wanted.role))
            on_progress(Progress(start + len(batch), len(texts), None))
        if rows is None:
            with part.open("wb") as stream:
                np.save(stream, np.empty((0, embedder.dim), np.float32))
        else:
            rows.flush()
        del rows
        part.replace(output)
    except OSError as error:
        raise QueryError(f"{output} can't be written ({error.strerror}). Name another file with --output.") from error
    finally:
        part.unlink(missing_ok=True)
    what = {"model": embedder.model, "task": wanted.task, "role": wanted.role}
    return {"count": len(texts), "dim": embedder.dim} | what


def _texts(source: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)["text"]
        except (ValueError, TypeError, KeyError):
            text = None
        if not isinstance(text, str):
            raise QueryError(f'Line {number} of the input is not {{"text": "…"}}. Mend it, or take it out.')
        yield text
