"""Take vectors from a source that has them, such as a team's shared index, where the model would take hours.

The source is asked by the hashes of texts, and not trusted: of each batch the model embeds two texts itself, drawn by
chance, and where the source gave other vectors it is not asked again. A source that does not answer a sample, or knows
hardly anything of it, is not told the other hashes. Whatever fails, the model embeds everything, at once.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import Embedder
from codekin.embed.factory import HeavyModel
from codekin.errors import CodekinError, ModelDiedError
from codekin.index.index import Index
from codekin.indexing.backlog import EmbeddingBacklog
from codekin.storage.vector_store import VectorStore
from codekin.types import Cancel, Role, Task

logger = logging.getLogger(__name__)

_FEW = 64  # contents, as edits bring them, of which the source is not told the hashes: they are soon embedded
_SAMPLE = 256  # contents of the first request
_MIN_KNOWN_SHARE = 0.05  # of the sample
_CHECKED = 2  # contents of each batch
_MIN_SAME_COSINE = 0.98  # of a text's vectors by one model on two machines, after rounding
_PAUSE_S = 60.0  # after a failure

Vectors = Mapping[bytes, "NDArray[np.floating[Any]]"]  # by content hash


class VectorSource(Protocol):
    """Has vectors of texts whose hash it is told. Safe on any thread."""

    def count_per_request(self, dim: int) -> int:
        """Return how many contents may be asked for at once."""
        ...

    def find_vectors(self, space: str, dim: int, hashes: Sequence[bytes]) -> Vectors:
        """Return the space's unit vectors (dim,) of those of these contents that it has. Raises CodekinError."""
        ...


class WarmStart:
    """Fills the heavy model's vectors from a source. For one thread at a time."""

    def __init__(self, index: Index, backlog: EmbeddingBacklog) -> None:
        self.source: VectorSource | None = None
        self.count = 0  # vectors that the source gave
        self._index = index
        self._backlog = backlog
        self._problem = ""
        self._sample: list[bytes] = []  # the first contents to ask for
        self._answered: set[bytes] = set()
        self._paused_until = float("-inf")
        self._is_ended = False

    @property
    def problem(self) -> str:
        """Return why the source is not asked at present, for people; "" where it is, or would be."""
        return self._problem if self._is_ended or time.monotonic() < self._paused_until else ""

    def fill(
        self, heavy: HeavyModel, vector_store: VectorStore, on_change: Callable[[], None], cancel_event: Cancel
    ) -> None:
        """Store and load the vectors that the source, if any, has of pending contents; return if it fails or cancelled.

        `on_change` is called after each request that gave some. It does nothing for an endpoint, whose space another
        one's may resemble by name. Raises StoreError, ModelError.
        """
        source, embedder = self.source, heavy.bulk
        if source is None or heavy.probe is not None:
            return
        while not cancel_event.is_set() and (hashes := self._choose_contents(source.count_per_request(embedder.dim))):
            vectors = self._request(source, embedder, hashes)
            if vectors is None:
                return
            if not vectors or not self._is_sound(vectors, embedder):
                continue
            space = embedder.space(Task.CODE2CODE)
            vector_store.put_vectors(space, list(vectors), np.stack(list(vectors.values())))
            self.count += len(vectors)
            self._index.follow()
            on_change()

    def _choose_contents(self, count: int) -> list[bytes]:
        """Return at most `count` hashes to ask for next, a sample first; [] if there are few, or it is not to be asked.

        None is returned twice, except after a failure. Until the sample is answered there is no other, even if the
        model has embedded it meanwhile.
        """
        if self._is_ended or self._index.heavy is None or time.monotonic() < self._paused_until:
            return []
        hashes = [content_hash for content_hash in self._index.heavy.pending if content_hash not in self._answered]
        if len(hashes) <= _FEW:
            return []
        if not self._sample:
            self._sample = random.sample(hashes, min(_SAMPLE, len(hashes), count))
        return hashes[:count] if self._answered else self._sample

    def _request(self, source: VectorSource, embedder: Embedder, hashes: Sequence[bytes]) -> Vectors | None:
        """Ask the source for these contents' vectors; return those that are still pending, None where it fails.

        A failure pauses it. Where it knows little of the sample it is not asked again.
        """
        try:
            vectors = source.find_vectors(embedder.space(Task.CODE2CODE), embedder.dim, hashes)
        except CodekinError as error:
            self._problem, self._paused_until = str(error), time.monotonic() + _PAUSE_S
            return None
        is_sample = not self._answered
        self._answered.update(hashes)
        self._problem = ""
        if is_sample and len(vectors) < _MIN_KNOWN_SHARE * len(hashes):
            self._is_ended = True
        pending = self._index.heavy.pending if self._index.heavy else {}
        return {content_hash: vector for content_hash, vector in vectors.items() if content_hash in pending}

    def _is_sound(self, vectors: Vectors, embedder: Embedder) -> bool:
        """Embed two of the contents, and return whether the vectors are the same; the source is left if they are not.

        Return False, too, where no text of theirs can be read. Raises ModelError.
        """
        hashes = random.SystemRandom().sample(sorted(vectors), min(_CHECKED, len(vectors)))
        texts = self._backlog.read_texts(hashes)
        if not texts:
            return False
        try:
            embedded = embedder.embed(list(texts.values()), Task.CODE2CODE, Role.PASSAGE)
        except ModelDiedError:
            return False
        given = np.stack([vectors[content_hash] for content_hash in texts])
        if not np.min(np.sum(given * embedded, axis=1)) >= _MIN_SAME_COSINE:  # nor where one is not a number
            self._is_ended = True
            self._problem = (
                "The team's index has vectors that this model does not make; it is asked for none any more. "
                "Tell whoever runs it."
            )
            logger.warning("%s", self._problem)
            return False
        return True
