"""Workers that are Ray's: blobs are cut by tasks of Ray Data, and texts embedded by its actors, one model each.

Ray keeps the stages in step, starts what died again, and spreads them over a cluster, whose machines must see the
clones at the same paths. Without an address, Ray is started on this machine for as long as the ingest takes.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Self

import numpy as np
import ray
import ray.data

from codekin.settings import IndexSettings
from codekin.team.cutting import BlobFile, CutBlob, EmbeddedTexts, TextEmbedder, cut_blobs
from codekin.team.git_repository import RepositoryClone
from codekin.team.workers import WorkerSettings

_BATCHES_PER_ROUND = 64  # that are handed to Ray Data at once: thousands of blobs


class RayWorkers:
    """Ray Data's tasks and actors."""

    def __init__(self, settings: WorkerSettings, address: str | None, count: int = 0) -> None:
        """Store the options: entry connects to a Ray cluster, or starts one here. `count` 0: half its processors."""
        self._settings = settings
        self._address = address
        self._count = count

    def __enter__(self) -> Self:
        logging.getLogger("ray").setLevel(logging.ERROR)
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        ray.init(
            address=self._address, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR,
            configure_logging=False,
        )  # fmt: skip
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        self._count = self._count or max(int(ray.cluster_resources().get("CPU", 1)) // 2, 1)
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def cut(self, repository: RepositoryClone, batches: Iterable[Sequence[BlobFile]]) -> Iterator[list[CutBlob]]:
        """Read and cut blobs in Ray Data's tasks; yield a list per batch, in any order; Ray retries dead workers'."""
        arguments = {"repository": repository, "settings": self._settings.index}
        for batch_round in _make_rounds(batches):
            dataset = ray.data.from_items([{"files": list(batch)} for batch in batch_round])
            cut = dataset.map(_cut_row, fn_kwargs=arguments, num_cpus=1)
            for row in cut.iter_rows():
                yield row["blobs"]

    def embed(self, batches: Iterable[Sequence[str]]) -> Iterator[tuple[int, EmbeddedTexts]]:
        """Embed batches of texts in Ray's actors; yield each one's number, from 0, with vectors and hashed words."""
        number = 0
        for batch_round in _make_rounds(batches):
            rows = [{"number": number + offset, "texts": list(texts)} for offset, texts in enumerate(batch_round)]
            number += len(rows)
            embedded = ray.data.from_items(rows).map(
                _EmbedActor,
                fn_constructor_args=(self._settings,),
                compute=ray.data.ActorPoolStrategy(size=self._count),
                num_cpus=1,
                num_gpus=1 if ray.cluster_resources().get("GPU") else 0,
            )
            for row in embedded.iter_rows():
                yield int(row["number"]), EmbeddedTexts(np.asarray(row["vectors"], np.float16), row["words"])


class _EmbedActor:
    """Ray's actor with one model."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._embedder = TextEmbedder(settings.model, settings.key)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Embed a row's texts; return a row with its number, their vectors and their hashed words."""
        embedded = self._embedder.embed_texts(row["texts"])
        return {"number": row["number"], "vectors": embedded.vectors, "words": embedded.words}


def _cut_row(row: dict[str, Any], repository: RepositoryClone, settings: IndexSettings) -> dict[str, Any]:
    """Read a row's blobs from the clone, cut them; return their snippets as a row, for Ray Data. Raises QueryError."""
    return {"blobs": cut_blobs(repository, row["files"], settings)}


def _make_rounds(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the batches in lists of at most 64."""
    remaining = iter(batches)
    while batch_round := list(islice(remaining, _BATCHES_PER_ROUND)):
        yield batch_round
