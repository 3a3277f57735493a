"""Define what a source of file events reports, and how the watcher controls it."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Protocol


class WatchEvent(Enum):
    """What a source reports besides paths."""

    RESCAN = "anything may have changed"
    OVERFLOW = "events were lost: anything may have changed, and folders may be new"
    STOP = "stop gathering"


WatchListener = Callable[[Path | WatchEvent | OSError], None]  # an error ends watching; its text names the remedy


class WatchSource(Protocol):
    """Protocol of sources of the system's file events; they report from a thread of their own."""

    def update_watches(self) -> None:
        """Watch exactly what the workspace has now. Raises OSError if the system refuses."""

    def find_blind_spot(self) -> str | None:
        """Return why some changes go unreported; None if all are reported."""

    def is_alive(self) -> bool:
        """Return whether events are still being read."""

    def stop(self) -> None:
        """Stop reporting; waits briefly for the thread."""
