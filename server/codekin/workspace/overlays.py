"""Hold the texts of open documents, which replace what is on the disk."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from codekin.types import OpenNotebook


class Overlays:
    """The unsaved text of each open document, by path, links resolved. Thread-safe."""

    def __init__(self) -> None:
        self._text_by_path: dict[Path, str | OpenNotebook] = {}
        self._lock = threading.Lock()

    def open_document(self, path: Path, text: str | OpenNotebook) -> None:
        """Keep, in memory, the text that replaces what is on the disk at `path`."""
        path = resolve_path(path)
        with self._lock:
            self._text_by_path[path] = text

    def close_document(self, path: Path) -> None:
        """Drop the text for `path`, if there is one, so that what is on the disk counts again."""
        path = resolve_path(path)
        with self._lock:
            self._text_by_path.pop(path, None)

    def get_text(self, path: Path) -> str | OpenNotebook | None:
        """Return the text of an open document; None if no editor has it open."""
        if not self._text_by_path:  # as in bulk work, where resolving links would cost as much as reading
            return None
        path = resolve_path(path)
        with self._lock:
            return self._text_by_path.get(path)

    def copy_texts(self) -> Mapping[Path, str | OpenNotebook]:
        """Return a dict, a copy: path → unsaved text, or OpenNotebook, of each open document."""
        with self._lock:
            return dict(self._text_by_path)


def resolve_path(path: Path) -> Path:
    """Return the path with links resolved, so that each file has one path; unchanged if that fails."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path
