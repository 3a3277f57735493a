"""The workspace's lock: its owner is the one process that keeps the store in sync with the disk."""

from pathlib import Path

from filelock import FileLock, Timeout

from codekin.storage.store_errors import translate_errors
from codekin.storage.store_files import NO_FILE, file_id, make_folder


def is_lock_held(path: Path) -> bool:
    """Return whether any process, even this one, holds the lock; if none, takes it for a moment, creating its file."""
    try:
        with FileLock(path, timeout=0, mode=0o600):
            return False
    except Timeout:
        return True
    except OSError:  # the cache can't be written: nobody can hold the lock
        return False


class OwnerLock:
    """A lock that counts as lost when its file is removed or replaced: another process could lock the new file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
        self._file_id = NO_FILE

    def acquire(self) -> bool:
        """Release, then try to take the lock without waiting; False if another process has it. Raises StoreError."""
        self.release()
        with translate_errors(self.path):
            make_folder(self.path.parent)
            try:
                self._lock.acquire()
            except Timeout:
                return False
        self._file_id = file_id(self.path)
        return True

    def close(self) -> None:
        """Release the lock; does nothing if this process doesn't hold it."""
        self.release()

    def release(self) -> None:
        """Release the lock; does nothing if this process doesn't hold it. The file stays."""
        self._lock.release(force=True)

    @property
    def is_held(self) -> bool:
        """Return whether this process has the lock, and the lock's file is still the one at the path."""
        return self._lock.is_locked and self._file_id != NO_FILE and file_id(self.path) == self._file_id
