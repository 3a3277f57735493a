"""Embeds contents that another codekin process indexed with another embedded model, or another `model.dim`.

Two versions meet whenever one window was opened before an upgrade and another after it.
"""

import time
from collections.abc import Callable

from codekin.index.index import Index
from codekin.indexing.ingest import Ingester
from codekin.indexing.time_left import estimate_progress
from codekin.types import OnProgress

_FILES_PER_BATCH = 64  # between two checks whether to stop


def backfill_vectors(index: Index, ingester: Ingester, on_progress: OnProgress, should_stop: Callable[[], bool]) -> int:
    """Read files again to embed contents that lack a light-model vector; store and load the vectors; return how many.

    A codekin process with the same model embeds a content before it writes it, so that there is almost always nothing
    to do. The index must have followed the store. It ends early when `should_stop` returns True.
    Raises StoreError.
    """
    paths = sorted(index.store.find_files_with(index.light.pending))
    started, embedded_count = time.monotonic(), 0
    for done_count in range(0, len(paths), _FILES_PER_BATCH):
        if should_stop():
            break
        on_progress(estimate_progress(time.monotonic() - started, done_count, len(paths)))
        batch = paths[done_count : done_count + _FILES_PER_BATCH]
        embedded_count += ingester.ingest_files(batch, forced_paths=batch).embedded
        index.follow()
    return embedded_count
