"""The client's open documents, and the addresses under which it knows files."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from codekin.lsp.convert import UTF16, applied, path_of, uri_of

log = logging.getLogger(__name__)


class OpenDocument(TextDocument):
    """A text that the client edits.

    Lines end where the protocol says, at LF, CR LF or CR: pygls's also end at form feeds and at the separators of
    Unicode, which puts every later edit into the wrong place; and edits beyond a line's end go to its end.
    """

    encoding = UTF16

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Take an edit in."""
        self._source = applied(self.source, [change], self.encoding)


class Documents(Workspace):
    """pygls's workspace, holding documents of the kind above."""

    def __init__(self, position_encoding: types.PositionEncodingKind | str | None) -> None:
        encoding = types.PositionEncodingKind(position_encoding or types.PositionEncodingKind.Utf16)
        super().__init__(None, position_encoding=encoding)
        self.encoding: str = encoding.value
        self._addresses: dict[Path, str] = {}  # of open documents, where they really stand → as the client has it
        self._roots: dict[Path, Path] = {}  # the same of the folders

    def open(self) -> Iterator[tuple[Path, str]]:
        """The open files and their texts."""
        for document in self.text_documents.values():
            path = path_of(document.uri)
            if path is not None:
                yield path, document.source

    def find(self, uri: str) -> TextDocument | None:
        """The open document with this address."""
        document: TextDocument | None = self.text_documents.get(unquote(uri))
        return document

    def set_roots(self, roots: Sequence[Path]) -> None:
        """The workspace's folders, as the client names them."""
        self._roots = {Path(os.path.realpath(root)): root for root in roots}

    def address(self, path: Path) -> str:
        """The URI under which the client knows a file that really stands at `path`: behind links there are others,
        and an editor would open the file a second time.
        """
        if path in self._addresses:
            return self._addresses[path]
        for real, given in self._roots.items():
            if path.is_relative_to(real):
                return uri_of(given / path.relative_to(real))
        return uri_of(path)

    def shown(self, path: Path) -> str:
        """The path as a person would say it: within its folder."""
        for real in self._roots:
            if path.is_relative_to(real):
                inner = str(path.relative_to(real))
                return inner if len(self._roots) == 1 else f"{real.name}{os.sep}{inner}"
        return str(path)

    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """The client opened a document."""
        super().put_text_document(text_document, notebook_uri)
        path = path_of(text_document.uri)
        if path is not None:
            self._addresses[Path(os.path.realpath(path))] = text_document.uri

    def remove_text_document(self, doc_uri: str) -> None:
        """The client closed it."""
        super().remove_text_document(doc_uri)
        self._addresses = {path: uri for path, uri in self._addresses.items() if uri != doc_uri}

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """The client edited it."""
        if self.find(text_doc.uri) is None:
            log.warning("The client changed %s, which it has not opened; the change is ignored.", text_doc.uri)
            return
        super().update_text_document(text_doc, change)

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> TextDocument:
        document = OpenDocument(doc_uri, source, version, language_id, position_codec=self.position_codec)
        document.encoding = self.encoding
        return document
