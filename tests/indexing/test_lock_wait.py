"""Waiting for another codekin that keeps the same workspace's index."""

import threading
from pathlib import Path

from filelock import FileLock

from codekin.indexing.lock_wait import wait_for_owner
from codekin.storage.store import Store


def test_one_that_has_only_just_begun_is_waited_for(tmp_path: Path) -> None:
    store, other_store = Store(tmp_path / "w.sqlite"), FileLock(tmp_path / "w.lock")
    begun = threading.Event()
    own_lock = FileLock(tmp_path / "w.lock")
    with other_store:
        waiting = threading.Thread(
            target=wait_for_owner, args=(store, own_lock, lambda _: begun.set(), threading.Event())
        )
        waiting.start()
        assert begun.wait(60)  # it looked, and did not take an index that is not begun for one that is done
        store.set_meta({"pending": 0, "scanning": 0})
        waiting.join(60)
    assert not waiting.is_alive()
    store.close()
