"""The client's open documents, and the addresses under which it knows files."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from codekin.lsp.convert import UTF16, apply_changes, notebook_of, to_path, to_uri
from codekin.printable import printable
from codekin.types import OpenCell, OpenNotebook

log = logging.getLogger(__name__)


class OpenDocument(TextDocument):
    """A text that the client edits.

    Lines end where the protocol says, at LF, CR LF or CR: pygls's also end at form feeds and at the separators of
    Unicode, which puts every later edit into the wrong place; and edits beyond a line's end go to its end.
    """

    encoding = UTF16

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Take an edit in."""
        self._source = apply_changes(self.source, [change], self.encoding)


class Documents(Workspace):
    """pygls's workspace, holding documents of the kind above."""

    def __init__(self, position_encoding: types.PositionEncodingKind | str | None) -> None:
        encoding = types.PositionEncodingKind(position_encoding or types.PositionEncodingKind.Utf16)
        super().__init__(None, position_encoding=encoding)
        self.encoding: str = encoding.value
        self._addresses: dict[Path, str] = {}  # of open documents, where they really stand → as the client has it
        self._before: dict[str, str] = {}  # what cells said when they were opened, where notebooks are not told of
        self._roots: dict[Path, Path] = {}  # the same of the folders

    def list_open(self) -> Iterator[tuple[Path, str | OpenNotebook]]:
        """The open files and their texts."""
        notebooks = set[Path]()
        for document in self.text_documents.values():
            path = to_path(document.uri)
            if path is not None:
                yield path, document.source
            elif (notebook := self.file_of(document.uri)) is not None:
                notebooks.add(notebook)
        for notebook in notebooks:
            if (opened := self.notebook(notebook)) is not None:
                yield notebook, opened

    def file_of(self, uri: str) -> Path | None:
        """The file that the document is: for a notebook's cell, the notebook."""
        notebook = self.get_notebook_document(cell_uri=uri)
        if notebook is not None:
            return to_path(notebook.uri)
        of_cell = notebook_of(uri)
        return of_cell[0] if of_cell else to_path(uri)

    def notebook(self, path: Path) -> OpenNotebook | None:
        """The notebook as the client has it open; None where it has not."""
        for notebook in self.notebook_documents.values():
            if to_path(notebook.uri) == path:
                return OpenNotebook(tuple(map(self._cell, notebook.cells, range(len(notebook.cells)))), is_whole=True)
        cells = [
            OpenCell(document.uri, document.source, document.language_id or "", of[1], self._before.get(uri, ""))
            for uri, document in self.text_documents.items()
            if (of := notebook_of(document.uri)) and of[0] == path
        ]
        return OpenNotebook(tuple(cells), is_whole=False) if cells else None

    def _cell(self, cell: types.NotebookCell, index: int) -> OpenCell:
        document = self.find_open(cell.document)
        if document is None or cell.kind != types.NotebookCellKind.Code:
            return OpenCell(cell.document, "", "markdown", index)
        return OpenCell(document.uri, document.source, document.language_id or "", index)

    def find_open(self, uri: str) -> TextDocument | None:
        """The open document with this address."""
        document: TextDocument | None = self.text_documents.get(unquote(uri))
        return document

    def set_roots(self, roots: Sequence[Path]) -> None:
        """The workspace's folders, as the client names them."""
        self._roots = {Path(os.path.realpath(root)): root for root in roots}

    def to_client_uri(self, path: Path) -> str:
        """The URI under which the client knows a file that really stands at `path`: behind links there are others,
        and an editor would open the file a second time.
        """
        if path in self._addresses:
            return self._addresses[path]
        for real, given in self._roots.items():
            if path.is_relative_to(real):
                return to_uri(given / path.relative_to(real))
        return to_uri(path)

    def display_path(self, path: Path) -> str:
        """The path as a person would say it, and as it may be shown: within its folder."""
        for real in self._roots:
            if path.is_relative_to(real):
                inner = str(path.relative_to(real))
                return printable(inner if len(self._roots) == 1 else f"{real.name}{os.sep}{inner}")
        return printable(str(path))

    def put_notebook_document(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """The client opened a notebook."""
        super().put_notebook_document(params)
        path = to_path(params.notebook_document.uri)
        if path is not None:
            self._addresses[Path(os.path.realpath(path))] = params.notebook_document.uri

    def update_notebook_document(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """The client edited a notebook: its cells, or their texts."""
        if self.get_notebook_document(notebook_uri=params.notebook_document.uri) is None:
            log.warning("The client changed %s, which it has not opened.", params.notebook_document.uri)
            return
        super().update_notebook_document(params)

    def remove_notebook_document(self, params: types.DidCloseNotebookDocumentParams) -> None:
        """The client closed a notebook."""
        super().remove_notebook_document(params)
        uri = params.notebook_document.uri
        for cell in [cell for cell, notebook in self._cell_in_notebook.items() if notebook == unquote(uri)]:
            self.remove_text_document(cell)  # which the client did not name
        self._addresses = {path: given for path, given in self._addresses.items() if given != uri}

    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """The client opened a document."""
        super().put_text_document(text_document, notebook_uri)
        path = to_path(text_document.uri)
        if path is not None:
            self._addresses[Path(os.path.realpath(path))] = text_document.uri
        elif notebook_uri is None:
            self._before[unquote(text_document.uri)] = text_document.text

    def remove_text_document(self, doc_uri: str) -> None:
        """The client closed it."""
        super().remove_text_document(doc_uri)
        self._before.pop(unquote(doc_uri), None)
        self._addresses = {path: uri for path, uri in self._addresses.items() if uri != doc_uri}

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """The client edited it."""
        if self.find_open(text_doc.uri) is None:
            log.warning("The client changed %s, which it has not opened; the change is ignored.", text_doc.uri)
            return
        super().update_text_document(text_doc, change)

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> TextDocument:
        document = OpenDocument("", source, version, language_id, position_codec=self.position_codec)
        document.uri = doc_uri  # not before: pygls takes it apart, and fails with some
        document.encoding = self.encoding
        return document
