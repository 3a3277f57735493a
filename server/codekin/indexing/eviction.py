"""Keeps the cache within its bound: stores of workspaces that are no more, vectors that nothing refers to."""

import json
import time
from pathlib import Path

from filelock import FileLock, Timeout

from codekin.code.lines import hash_content
from codekin.embed.tasks import PROBE
from codekin.errors import StoreError
from codekin.storage.paths import IndexPaths
from codekin.storage.store import Store
from codekin.storage.vector_store import VectorStore

_FORGOTTEN_S = 14 * 86_400  # a removed worktree often comes back; a disk may be unplugged for a while


def evict_to_quota(home: IndexPaths, vectors: VectorStore) -> None:
    """Drop what nobody needs. Costs a few microseconds while the vectors are within `cache.quota_mb`.

    What a workspace still refers to always stays, even above the quota: dropping it would have it embedded again.
    """
    quota_bytes = home.settings.cache.quota_mb * 1_048_576
    if vectors.size_bytes() <= quota_bytes:
        return
    referenced = {hash_content(PROBE)}
    for path in home.store.parent.glob("*.sqlite"):
        if path == home.store or not _dropped(path):
            referenced |= _referenced(path)
    vectors.evict_unreferenced(referenced, quota_bytes)


def _referenced(path: Path) -> set[bytes]:
    try:
        store = Store(path)
        try:
            return {key for _, key in store.contents_after(0)}
        finally:
            store.close()
    except StoreError:  # its own codekin will make it again; what it needs then is embedded again
        return set()


def _dropped(path: Path) -> bool:
    """Remove the store of a workspace that is gone from the disk and has long not been used; whether it was."""
    try:
        if time.time() - path.stat().st_mtime < _FORGOTTEN_S:
            return False
        with FileLock(path.with_suffix(".lock"), timeout=0):
            store = Store(path)
            try:
                roots = json.loads(str(store.get_meta("roots") or "[]"))
            finally:
                store.close()
            if any(Path(root).exists() for root in roots):
                return False
            for file in path.parent.glob(path.stem + ".*"):
                if file.suffix != ".lock":  # we hold it, and another may wait for it
                    file.unlink(missing_ok=True)
            return True
    except (Timeout, StoreError, OSError, ValueError):  # somebody uses it, or is about to make it again
        return False
