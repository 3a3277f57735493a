"""Waiting for another codekin that keeps the same workspace's index."""

import time

from filelock import FileLock, Timeout

from codekin.storage.store import Store
from codekin.types import Cancel, OnProgress, Progress

_POLL_S = 0.2
_PATIENCE_S = 30.0  # with one that does not get on


def wait_for_owner(store: Store, lock: FileLock, on_progress: OnProgress, cancel: Cancel) -> None:
    """Until the codekin that holds the lock has nothing left to do, does nothing (it is paused), or is gone."""
    total, before, heard = 0, -1, time.monotonic()
    while not cancel.is_set() and time.monotonic() - heard < _PATIENCE_S:
        told = store.count_of("pending")  # None: the other has yet to find out what there is to do
        pending = told or 0
        if told is not None and pending == 0 and not store.get_meta("scanning"):
            return
        if pending != before:
            total, before, heard = max(total, pending), pending, time.monotonic()
            on_progress(Progress(total - pending, total, None))
        try:
            lock.acquire(timeout=_POLL_S)
        except Timeout:
            continue
        lock.release()
        return
