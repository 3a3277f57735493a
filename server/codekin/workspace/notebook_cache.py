"""Cache the notebooks read last: queries read the same few repeatedly, and each is megabytes of JSON."""

import threading
from collections import OrderedDict
from pathlib import Path

from codekin.types import OpenNotebook, Skipped
from codekin.workspace.documents import (
    Document,
    check_code_size,
    is_unchanged,
    make_document,
    open_notebook,
    read_document_file,
)
from codekin.workspace.language_rules import DEFAULT_RULES, LanguageRules

_MAX_NOTEBOOKS = 64  # only their code is kept, at most index.max_file_bytes each


class NotebookCache:
    """Caches up to 64 notebooks, each while its file keeps size and time. Thread-safe."""

    def __init__(self, max_bytes: int, rules: LanguageRules = DEFAULT_RULES) -> None:
        self._max_bytes = max_bytes
        self._rules = rules
        self._documents: OrderedDict[Path, Document] = OrderedDict()
        self._lock = threading.Lock()

    def read_document(self, path: Path) -> Document | Skipped | None:
        """Return a file's Document, cached while it is unchanged on the disk; Skipped or None, as when read anew."""
        with self._lock:
            cached_document = self._documents.get(path)
            if cached_document is not None:
                self._documents.move_to_end(path)
        if cached_document is not None and is_unchanged(cached_document):
            return cached_document
        document = read_document_file(path, self._max_bytes, self._rules)
        with self._lock:
            self._documents.pop(path, None)
            if isinstance(document, Document) and document.mtime_ns:  # 0 if a later write could get the same time
                self._documents[path] = document
            while len(self._documents) > _MAX_NOTEBOOKS:
                self._documents.popitem(last=False)
        return document

    def open_document(self, path: Path, text: str | OpenNotebook) -> Document | Skipped | None:
        """Return the Document of an editor's text; Skipped, with the reason; None if its language is unknown.

        If the text has only some cells of a notebook, the others are the saved ones.
        """
        document: Document | Skipped | None
        if isinstance(text, str):
            document = make_document(path, text, None, self._rules)
        else:
            saved_document = None if text.is_whole else self.read_document(path)
            document = open_notebook(path, text, saved_document if isinstance(saved_document, Document) else None)
        return check_code_size(document, self._max_bytes) or document
