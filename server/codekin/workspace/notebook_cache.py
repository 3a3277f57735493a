"""The notebooks that were read last: questions look at the same few again and again, and each is megabytes of JSON."""

import threading
from collections import OrderedDict
from pathlib import Path

from codekin.types import OpenNotebook, Skipped
from codekin.workspace.documents import Document, has_too_much_code, make_document, open_notebook, read_document_file

_KEPT = 64  # notebooks; their code alone is kept, at most index.max_file_bytes of each


class NotebookCache:
    """Each holds for as long as its file has the size and time that it had. May be asked from any thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._documents: OrderedDict[Path, Document] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path) -> Document | Skipped | None:
        """The same as `on_disk`."""
        with self._lock:
            known = self._documents.get(path)
            if known is not None:
                self._documents.move_to_end(path)
        if known is not None and _is_unchanged(known):
            return known
        found = read_document_file(path, self._max_bytes)
        with self._lock:
            self._documents.pop(path, None)
            if isinstance(found, Document) and found.mtime_ns:  # 0: a later write could have the same time
                self._documents[path] = found
            while len(self._documents) > _KEPT:
                self._documents.popitem(last=False)
        return found

    def open_document(self, path: Path, text: str | OpenNotebook) -> Document | Skipped | None:
        """The document that an editor has open, whatever the disk says."""
        found: Document | Skipped | None
        if isinstance(text, str):
            found = make_document(path, text, None)
        else:
            saved = None if text.is_whole else self.read(path)
            found = open_notebook(path, text, saved if isinstance(saved, Document) else None)
        return has_too_much_code(found, self._max_bytes) or found


def _is_unchanged(known: Document) -> bool:
    try:
        status = known.path.stat()
    except (OSError, ValueError):
        return False
    return (status.st_size, status.st_mtime_ns) == (known.size, known.mtime_ns)
