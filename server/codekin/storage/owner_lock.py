"""The workspace's lock: whoever holds it is the one process that keeps the store like the disk."""

from pathlib import Path

from filelock import FileLock, Timeout

from codekin.storage.store_errors import errors_named
from codekin.storage.store_files import NO_FILE, file_id, make_folder


class OwnerLock:
    """A lock that is lost when its file is removed or replaced: another process could lock the new file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
        self._file = NO_FILE

    def acquire(self) -> bool:
        """Take the lock; False where another process has it. Raises StoreError where the file can't be made."""
        self.release()
        with errors_named(self.path):
            make_folder(self.path.parent)
            try:
                self._lock.acquire()
            except Timeout:
                return False
        self._file = file_id(self.path)
        return True

    def close(self) -> None:
        """Let go of it, if it is held."""
        self.release()

    def release(self) -> None:
        """Let go of it, if it is held."""
        self._lock.release(force=True)

    @property
    def is_held(self) -> bool:
        """Whether this process has it, and the lock's file is still the one that all others find."""
        return self._lock.is_locked and self._file != NO_FILE and file_id(self.path) == self._file
