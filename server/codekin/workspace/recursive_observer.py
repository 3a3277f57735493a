"""Watch with one recursive watch per root, where the system offers it (macOS, Windows)."""

import os
import threading
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from codekin.workspace.watch_source import WatchEvent, WatchListener
from codekin.workspace.workspace import Workspace

_CHANGE_EVENTS = ("created", "modified", "attrib", "moved", "deleted", "closed")


class RecursiveObserver(FileSystemEventHandler):
    """Reports changes through watchdog's observer for this system."""

    def __init__(self, workspace: Workspace, listener: WatchListener) -> None:
        """Start the observer's thread; nothing is watched before update_watches."""
        self._workspace = workspace
        self._listener = listener
        self._lock = threading.Lock()
        self._observer: BaseObserver = Observer()
        self._observer.start()

    def update_watches(self) -> None:
        """Watch the roots that exist now, and nothing else. Raises OSError if the system refuses."""
        with self._lock:
            self._observer.unschedule_all()
            for root in self._workspace.roots:
                if root.is_dir():
                    self._observer.schedule(self, str(root), recursive=True)

    def find_blind_spot(self) -> str | None:
        """Return None: these systems have no known blind spots."""
        return None

    def is_alive(self) -> bool:
        """Return whether events are still being read."""
        return self._observer.is_alive()

    def stop(self) -> None:
        """Stop watching; waits up to 1 s for the thread."""
        self._observer.stop()
        self._observer.join(timeout=1)

    def dispatch(self, event: FileSystemEvent) -> None:
        """Report the paths of an event below a root; watchdog calls it."""
        if event.event_type not in _CHANGE_EVENTS or (
            event.is_directory and event.event_type in ("modified", "attrib")
        ):
            return
        for event_path in (event.src_path, event.dest_path):
            if event_path:
                self._handle_path(Path(os.fsdecode(event_path)), event)

    def _handle_path(self, path: Path, event: FileSystemEvent) -> None:
        """Report a file's path, RESCAN for a folder in the workspace, OVERFLOW for a root."""
        # Windows doesn't report whether a deleted entry was a folder.
        is_unknown = self._workspace.language_rules.detect_language(path) is None
        is_folder = event.is_directory or (event.event_type == "deleted" and is_unknown)
        if path in self._workspace.roots:
            self._listener(WatchEvent.OVERFLOW)
        elif not is_folder:
            self._listener(path)
        elif self._workspace.enters_folder(path):
            self._listener(WatchEvent.RESCAN)
