"""A listener to real changes on a real disk, for tests of what watches."""

import contextlib
import ctypes
import errno
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from codekin.workspace.watcher import Watcher
from codekin.workspace.workspace import SourceFile, Workspace

TIMEOUT_S = 120  # far more than anything takes, even on a busy machine
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Listener:
    """An indexer's picture of the disk: what the walk of the last rescan and every change since make it."""

    def __init__(self, workspace: Workspace, polling_s: float) -> None:
        self.workspace = workspace
        self.files: set[Path] = set()
        self.told: list[Path] = []
        self.rescans = 0
        self.news = threading.Condition()
        self.watcher = Watcher(workspace, self._change, self._rescan, polling_s)

    def _change(self, paths: set[Path]) -> None:
        with self.news:
            self.told += paths
            for path in paths:
                is_source = isinstance(self.workspace.check_file(path), SourceFile)
                (self.files.add if is_source else self.files.discard)(path)
            self.news.notify_all()

    def _rescan(self) -> None:
        with self.news:
            self.rescans += 1
            self.files = {entry.path for entry in self.workspace.walk() if isinstance(entry, SourceFile)}
            self.news.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(condition, TIMEOUT_S), (self.watcher.mode, self.files, self.told, self.rescans)

    def until_mode(self, text: str) -> None:
        self.until_true(lambda: text in self.watcher.mode)

    def until_true(self, condition: Callable[[], bool]) -> None:
        """As `until`, for what changes without news."""
        with self.news:
            for _ in range(TIMEOUT_S * 50):
                if self.news.wait_for(condition, 0.02):
                    return
        raise AssertionError(self.watcher.mode)


Listen = Callable[..., Listener]


def count_watches() -> int:
    """How many inotify watches this process has, as the kernel counts them."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(link.readlink()) == "anon_inode:inotify":
                count += (Path("/proc/self/fdinfo") / link.name).read_text().count("inotify wd:")
    return count


def limit_watches(monkeypatch: pytest.MonkeyPatch, watches: int) -> None:
    """The system call as it answers when only so many watches are left."""
    from watchdog.observers import inotify_c

    real, used = inotify_c.inotify_add_watch, iter(range(watches))

    def limited(instance: int, path: bytes, mask: int) -> int:
        if next(used, None) is None:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return real(instance, path, mask)

    monkeypatch.setattr(inotify_c, "inotify_add_watch", limited)
