"""Contents that another codekin took in, whose embedded model, or its `model.dim`, is not ours: they get our vectors.

Two versions meet so whenever one window was opened before an upgrade and one after it.
"""

import time
from collections.abc import Callable

from codekin.index.index import Index
from codekin.indexing.ingest import Ingester
from codekin.types import OnProgress, Progress

_FILES = 64  # between two looks whether to stop


def backfill_vectors(index: Index, preparer: Ingester, on_progress: OnProgress, stop: Callable[[], bool]) -> int:
    """Make the light model's vectors that are wanting, of files that say what they said; how many.

    A codekin like ours makes them before it writes a content, so that there is almost always nothing to do. The index
    has followed the store. Raises StoreError.
    """
    paths = sorted(index.store.files_with(index.light.pending))
    started, made = time.monotonic(), 0
    for done in range(0, len(paths), _FILES):
        if stop():
            break
        on_progress(Progress.estimate(time.monotonic() - started, done, len(paths)))
        some = paths[done : done + _FILES]
        made += preparer.ingest_files(some, anew=some).embedded
        index.follow()
    return made
