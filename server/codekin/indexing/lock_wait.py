"""Waits for another codekin process that owns the same workspace's index."""

import time

from filelock import FileLock, Timeout

from codekin.storage.store import Store
from codekin.types import Cancel, OnProgress, Progress

_POLL_INTERVAL_S = 0.2
_STALL_TIMEOUT_S = 30.0  # without progress


def wait_for_owner(store: Store, lock: FileLock, on_progress: OnProgress, cancel_event: Cancel) -> None:
    """Wait until the lock's owner is done, gone, or stalled for 30 s, or cancelled; report its progress meanwhile.

    Raises StoreError.
    """
    total_count, previous_pending, last_progress_time = 0, -1, time.monotonic()
    while not cancel_event.is_set() and time.monotonic() - last_progress_time < _STALL_TIMEOUT_S:
        stored_pending = store.get_number("pending")  # None: the owner has yet to find out what there is to do
        pending = stored_pending or 0
        if stored_pending is not None and pending == 0 and not store.get_meta("scanning"):
            return
        if pending != previous_pending:
            total_count, previous_pending, last_progress_time = max(total_count, pending), pending, time.monotonic()
            on_progress(Progress(total_count - pending, total_count, None))
        try:
            lock.acquire(timeout=_POLL_INTERVAL_S)
        except Timeout:
            continue
        lock.release()
        return
