"""Embed contents in batches that take one to four seconds, however fast the model is."""

import contextlib
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from codekin.code.lines import hash_content
from codekin.embed.embedder import Embedder
from codekin.embed.factory import HeavyModel
from codekin.embed.tasks import PROBE
from codekin.errors import ModelDiedError
from codekin.storage.vector_store import VectorStore
from codekin.types import Role, Task

logger = logging.getLogger(__name__)

_FIRST_BATCH, _MIN_BATCH, _MAX_BATCH = 8, 4, 1024  # contents embedded at a time
_MIN_BATCH_S, _MAX_BATCH_S = 1.0, 4.0  # target time of a batch: a kill loses one, and an edit waits for one


def find_space(heavy: HeavyModel, vectors_path: Path) -> str:
    """Return the space of the heavy vectors; of an endpoint, the one with its probe vector, else a new one."""
    space = heavy.bulk.space(Task.CODE2CODE)
    if heavy.probe is None:
        return space
    with contextlib.closing(VectorStore(vectors_path)) as vector_store:
        return vector_store.find_or_create_space(space, hash_content(PROBE), heavy.probe)


class EmbeddingBatches:
    """Embeds batches and adapts their size."""

    def __init__(self) -> None:
        self.size = _FIRST_BATCH  # contents of the next batch

    def embed_texts(self, texts: Mapping[bytes, str], embedder: Embedder, vector_store: VectorStore, space: str) -> int:
        """Embed `texts` (hash → text), store vectors, adapt `size`; return how many; leave out what kills the model."""
        if not texts:
            return 0
        started = time.monotonic()
        try:
            vectors = embedder.embed(list(texts.values()), Task.CODE2CODE, Role.PASSAGE)
        except ModelDiedError as error:
            if len(texts) == 1:  # this text kills the model: it alone is left out
                logger.warning("%s It is left out.", error)
                return 0
            return sum(self.embed_texts({key: text}, embedder, vector_store, space) for key, text in texts.items())
        vector_store.put_vectors(space, list(texts), vectors)
        duration_s = time.monotonic() - started
        if duration_s < _MIN_BATCH_S and len(texts) >= self.size:
            self.size = min(2 * self.size, _MAX_BATCH)
        elif duration_s > _MAX_BATCH_S:
            self.size = max(self.size // 2, _MIN_BATCH)
        return len(texts)
