"""Embed the texts of a file of JSON lines into a file of vectors."""

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

_BATCH_SIZE = 1024


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """How to embed: task, role, and the model and dimension that replace those of the settings unless None."""

    settings: ModelSettings
    task: str
    role: str
    model: str | None
    dim: int | None


def embed_file(source: BinaryIO, output: Path, options: EmbedOptions, on_progress: OnProgress) -> dict[str, Any]:
    """Embed the n lines `{"text": …}` of `source` into `output`, an .npy file of float32 (n, d); return a summary.

    `output` is replaced, complete, or left as it is: it is written under another name and renamed. The summary is for
    JSON. Raises QueryError, ModelError, DimensionError.
    """
    model_settings = options.settings
    if options.model is not None and options.model != model_settings.name:
        model_settings = ModelSettings(options.model)
    embedder = load_embedder(replace(model_settings, dim=options.dim) if options.dim else model_settings)
    input_texts = list(_read_texts(source))
    partial_output = output.with_name(output.name + ".part")
    try:
        # Written through the page cache: a million vectors need not fit into memory.
        vector_shape = (len(input_texts), embedder.dim)
        vector_rows = np.lib.format.open_memmap(partial_output, "w+", np.float32, vector_shape) if input_texts else None
        for batch_start in range(0, len(input_texts), _BATCH_SIZE):
            text_batch = input_texts[batch_start : batch_start + _BATCH_SIZE]
            if vector_rows is not None:
                vector_rows[batch_start : batch_start + len(text_batch)] = embedder.embed(
                    text_batch, Task(options.task), Role(options.role)
                )
            on_progress(Progress(batch_start + len(text_batch), len(input_texts), None))
        if vector_rows is None:
            with partial_output.open("wb") as output_stream:
                np.save(output_stream, np.empty((0, embedder.dim), np.float32))
        else:
            vector_rows.flush()
        del vector_rows
        partial_output.replace(output)
    except OSError as error:
        raise QueryError(f"{output} can't be written ({error.strerror}). Choose another file with --output.") from error
    finally:
        partial_output.unlink(missing_ok=True)
    description = {"model": embedder.model, "task": options.task, "role": options.role}
    return {"count": len(input_texts), "dim": embedder.dim} | description


def _read_texts(source: BinaryIO) -> Iterator[str]:
    """Yield the text of each JSON line, skipping blank lines. Raises QueryError, naming a line without a text."""
    for line_number, json_line in enumerate(source, 1):
        if not json_line.strip():
            continue
        try:
            input_text = json.loads(json_line)["text"]
        except (ValueError, TypeError, KeyError):
            input_text = None
        if not isinstance(input_text, str):
            raise QueryError(f'Line {line_number} of the input is not {{"text": "…"}}. Fix or remove it.')
        yield input_text
