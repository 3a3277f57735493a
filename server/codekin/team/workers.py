"""Workers that cut and embed for an ingest: plain processes here, or Ray's (see ray_workers).

Results come in any order. Batches are taken when a worker is soon free for them, so that nothing piles up.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Protocol, Self

from codekin.errors import TeamError
from codekin.indexing.pool import Pool
from codekin.indexing.worker import Call, Cause, WorkerDiedError, limit_memory
from codekin.settings import IndexSettings, ModelSettings
from codekin.team.cutting import BlobFile, CutBlob, EmbeddedTexts, TextEmbedder, cut_blobs
from codekin.team.git_repository import RepositoryClone

_PROCESSOR_S = 20.0  # of one batch; a blob that takes longer costs itself
_SILENCE_TIMEOUT_S = 120.0
_MAX_ATTEMPTS = 2  # of a blob alone: its worker may have died of something else
_REASONS = {
    Cause.TIME: f"it takes longer than {_PROCESSOR_S:.0f} s of processor time",
    Cause.MEMORY: "it takes too much memory",
}
_FAULT_REASON = "the worker process died on it"

_text_embedder: TextEmbedder  # one per worker process


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What workers need to know."""

    index: IndexSettings
    model: ModelSettings
    key: bytes  # the team's


class IngestWorkers(Protocol):
    """Workers, between `__enter__` and `__exit__`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def cut(self, repository: RepositoryClone, batches: Iterable[Sequence[BlobFile]]) -> Iterator[list[CutBlob]]:
        """Cut blobs in workers; yield lists of CutBlobs; one that kills its worker has a reason and no snippets.

        Raises QueryError.
        """
        ...

    def embed(self, batches: Iterable[Sequence[str]]) -> Iterator[tuple[int, EmbeddedTexts]]:
        """Embed batches of texts in workers; yield each one's number, from 0, with vectors and hashed words.

        Raises ModelError, TeamError.
        """
        ...


class ProcessWorkers:
    """Worker processes of this machine."""

    def __init__(self, settings: WorkerSettings, count: int = 0) -> None:
        """Start nothing yet: entry starts `count` processes that cut, and as many that embed; 0 is one a processor."""
        self._settings = settings
        self._count = count or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count or 2
        self._cutters = Pool(self._count, Call(limit_memory))
        self._embedders = Pool(self._count, Call(_start_embedder, (settings.model, settings.key)))

    def __enter__(self) -> Self:
        self._cutters.__enter__()
        self._embedders.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._cutters.__exit__()
        self._embedders.__exit__()

    def cut(self, repository: RepositoryClone, batches: Iterable[Sequence[BlobFile]]) -> Iterator[list[CutBlob]]:
        """Cut blobs in processes; yield lists of CutBlobs, per batch, or per blob if a batch killed its worker."""
        running: dict[int, Sequence[BlobFile]] = {}
        suspects: list[BlobFile] = []

        def make_calls() -> Iterator[Call]:
            """Yield the calls, remembering which blobs each has."""
            for number, batch in enumerate(batches):
                running[number] = batch
                yield self._make_call(repository, batch)

        for number, outcome in self._cutters.run(make_calls(), Event(), _SILENCE_TIMEOUT_S):
            batch = running.pop(number)
            if isinstance(outcome, WorkerDiedError):
                suspects += batch
            else:
                yield outcome
        yield from map(partial(self._cut_suspect, repository), suspects)

    def embed(self, batches: Iterable[Sequence[str]]) -> Iterator[tuple[int, EmbeddedTexts]]:
        """Embed batches of texts in processes; yield each one's number, from 0, with vectors and hashed words.

        Raises ModelError, and TeamError where a process dies.
        """
        calls = (Call(_embed_texts, (list(texts),)) for texts in batches)
        for number, outcome in self._embedders.run(calls, Event(), 10 * _SILENCE_TIMEOUT_S):
            if isinstance(outcome, WorkerDiedError):
                remedy = "Is there memory for the model? Run the command again: what is embedded is kept."
                raise TeamError(f"A process that embeds died ({outcome.cause.name.lower()}). {remedy}")
            yield number, outcome

    def _make_call(self, repository: RepositoryClone, batch: Sequence[BlobFile]) -> Call:
        """Return the call, not made yet, that cuts these blobs within 20 s of processor time."""
        return Call(cut_blobs, (repository, list(batch), self._settings.index), _PROCESSOR_S)

    def _cut_suspect(self, repository: RepositoryClone, file: BlobFile) -> list[CutBlob]:
        """Cut a blob alone, up to twice if it kills its worker; then return it without snippets, with the reason."""
        reason = _FAULT_REASON
        for _ in range(_MAX_ATTEMPTS):
            calls = [self._make_call(repository, [file])]
            ((_, outcome),) = self._cutters.run(calls, Event(), _SILENCE_TIMEOUT_S)
            if not isinstance(outcome, WorkerDiedError):
                return list(outcome)
            reason = _REASONS.get(outcome.cause, _FAULT_REASON)
        return [CutBlob(file.key, (), reason)]


def _start_embedder(settings: ModelSettings, key: bytes) -> None:
    """Load the model into this worker process's global variable. Raises ModelError."""
    global _text_embedder
    _text_embedder = TextEmbedder(settings, key)


def _embed_texts(texts: Sequence[str]) -> EmbeddedTexts:
    """Return the texts' vectors and hashed words, by the worker process's loaded model. Raises ModelError."""
    return _text_embedder.embed_texts(texts)
