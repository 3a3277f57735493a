"""Keeps the cache within its quota: evicts stores of deleted workspaces, and vectors that no store refers to."""

import time
from pathlib import Path

from filelock import FileLock, Timeout

from codekin.code.lines import hash_content
from codekin.embed.tasks import PROBE
from codekin.storage.foreign_stores import read_content_hashes, read_roots
from codekin.storage.paths import IndexPaths
from codekin.storage.vector_store import VectorStore

_MIN_UNUSED_S = 14 * 86_400  # a removed worktree often comes back; a disk may be unplugged for a while


def evict_to_quota(index_paths: IndexPaths, vectors: VectorStore) -> None:
    """Above `cache.quota_mb`, delete abandoned stores and unreferenced vectors; within it, cut off large free space.

    Raises StoreError. It takes microseconds while the file is within the quota and mostly in use. Vectors that a
    workspace refers to always stay, even above the quota: they would have to be embedded again.
    """
    quota_bytes = index_paths.settings.cache.quota_mb * 1_048_576
    if vectors.size_bytes() <= quota_bytes:
        vectors.free_large_space()
        return
    referenced_hashes = {hash_content(PROBE)}
    for store_path in index_paths.store.parent.glob("*.sqlite"):
        if store_path == index_paths.store or not _drop_abandoned_store(store_path):
            referenced_hashes |= read_content_hashes(store_path)
    vectors.evict_unreferenced(referenced_hashes, quota_bytes)


def _drop_abandoned_store(store_path: Path) -> bool:
    """Delete a store, and the files beside it, if two weeks unused with all roots gone; return whether it did."""
    try:
        if time.time() - store_path.stat().st_mtime < _MIN_UNUSED_S:
            return False
        with FileLock(store_path.with_suffix(".lock"), timeout=0):
            roots = read_roots(store_path)
            if roots is None or any(root.exists() for root in roots):
                return False
            for sibling_path in store_path.parent.glob(store_path.stem + ".*"):
                if sibling_path.suffix != ".lock":  # we hold it, and another process may wait for it
                    sibling_path.unlink(missing_ok=True)
            return True
    except (Timeout, OSError):  # another process uses it, or is about to build it again
        return False
