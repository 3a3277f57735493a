"""Keep the text documents and notebooks that the client has open, and the URIs under which it knows files."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from codekin.lsp.convert import UTF16, apply_changes, parse_cell_uri, to_path, to_uri
from codekin.printable import printable
from codekin.types import OpenCell, OpenNotebook

logger = logging.getLogger(__name__)

# Without a filter on cells the client sends all of them, prose too: a cell's index is then the notebook's own.
NOTEBOOK_SYNC = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithNotebook(types.NotebookDocumentFilterNotebookType("jupyter-notebook"))], save=True
)


class OpenDocument(TextDocument):
    """A text document that the client has open, with lines split as the protocol has it.

    Lines end at LF, CR LF or CR. pygls's also end at form feeds and at the separators of Unicode, which misplaces every
    later edit. Edits beyond a line's end go to its end.
    """

    encoding = UTF16

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Replace the text by that after the client's edit; positions beyond an end are clamped. Never raises."""
        self._source = apply_changes(self.source, [change], self.encoding)


class Documents(Workspace):
    """The client's open text documents and notebooks (pygls's workspace, holding `OpenDocument`)."""

    def __init__(self, position_encoding: types.PositionEncodingKind | str | None) -> None:
        """Start without documents; the position encoding is UTF-16 for None. Raises ValueError for an unknown one."""
        encoding = types.PositionEncodingKind(position_encoding or types.PositionEncodingKind.Utf16)
        super().__init__(None, position_encoding=encoding)
        self.encoding: str = encoding.value
        self._client_uris: dict[Path, str] = {}  # path of an open document, as given and real → client's URI
        self._initial_cell_texts: dict[str, str] = {}  # cell's URI → text when opened, for clients that send cells only
        self._roots: list[Path] = []  # as the client names them
        self._client_roots: dict[Path, Path] = {}  # folder's real path → client's path
        self._resolver = ThreadPoolExecutor(1, "codekin-resolver")  # asks the disk, for which the loop must not wait
        self._resolver_lock = Lock()  # held to change what both threads change

    def list_open_documents(self) -> Iterator[tuple[Path, str | OpenNotebook]]:
        """Yield path and text of each open file, and each notebook once with its cells; what is no file is skipped."""
        notebook_paths = set[Path]()
        for document in self.text_documents.values():
            document_path = to_path(document.uri)
            if document_path is not None:
                yield document_path, document.source
            elif (notebook_path := self.find_file(document.uri)) is not None:
                notebook_paths.add(notebook_path)
        for notebook_path in notebook_paths:
            if (open_notebook := self.find_open_notebook(notebook_path)) is not None:
                yield notebook_path, open_notebook

    def find_file(self, uri: str) -> Path | None:
        """Return the path of the file with this URI, or of the notebook of this cell; None where it is no file."""
        notebook = self.get_notebook_document(cell_uri=uri)
        if notebook is not None:
            return to_path(notebook.uri)
        cell_address = parse_cell_uri(uri)
        return cell_address[0] if cell_address else to_path(uri)

    def find_open_notebook(self, notebook_path: Path) -> OpenNotebook | None:
        """Return the notebook, or just its open cells (`is_whole` False), as the client has it; None if not open."""
        for notebook in self.notebook_documents.values():
            if to_path(notebook.uri) == notebook_path:
                return OpenNotebook(
                    tuple(map(self._to_open_cell, notebook.cells, range(len(notebook.cells)))), is_whole=True
                )
        open_cells = [
            OpenCell(
                document.uri,
                document.source,
                document.language_id or "",
                cell_address[1],
                self._initial_cell_texts.get(uri, ""),
            )
            for uri, document in self.text_documents.items()
            if (cell_address := parse_cell_uri(document.uri)) and cell_address[0] == notebook_path
        ]
        return OpenNotebook(tuple(open_cells), is_whole=False) if open_cells else None

    def _to_open_cell(self, notebook_cell: types.NotebookCell, cell_index: int) -> OpenCell:
        """Return a cell of an open notebook; one without code, or not open, has empty text and counts as markdown."""
        document = self.find_open_document(notebook_cell.document)
        if document is None or notebook_cell.kind != types.NotebookCellKind.Code:
            return OpenCell(notebook_cell.document, "", "markdown", cell_index)
        return OpenCell(document.uri, document.source, document.language_id or "", cell_index)

    def find_open_document(self, uri: str) -> TextDocument | None:
        """Return the open text document or cell with this URI, percent-encoded or not; None where it is not open."""
        document: TextDocument | None = self.text_documents.get(unquote(uri))
        return document

    def set_roots(self, roots: Sequence[Path]) -> None:
        """Replace the workspace's folders by these, as the client names them; their links are resolved on a thread."""
        if self._roots == [*roots]:
            return
        self._roots, self._client_roots = [*roots], {client_root: client_root for client_root in roots}

        def resolve_links() -> None:
            client_roots = {Path(os.path.realpath(client_root)): client_root for client_root in roots}
            with self._resolver_lock:
                if self._roots == [*roots]:
                    self._client_roots = client_roots

        self._resolver.submit(resolve_links)

    def wait_for_links(self, timeout_s: float) -> None:
        """Wait until all links of roots and documents are resolved. Raises TimeoutError after `timeout_s`."""
        self._resolver.submit(lambda: None).result(timeout_s)

    def _remember_uri(self, path: Path, uri: str, is_open: Callable[[], bool]) -> None:
        """Note the client's URI of a file by its path and, if still open once a thread resolved it, its real path."""
        self._client_uris[path] = uri

        def resolve_links() -> None:
            real_path = Path(os.path.realpath(path))
            with self._resolver_lock:
                if is_open():
                    self._client_uris[real_path] = uri

        self._resolver.submit(resolve_links)

    def _forget_uri(self, uri: str) -> None:
        """Forget the paths of a URI whose document was closed."""
        with self._resolver_lock:
            self._client_uris = {
                path: client_uri for path, client_uri in self._client_uris.items() if client_uri != uri
            }

    def to_client_uri(self, real_path: Path) -> str:
        """Return the client's file: URI of the file at `real_path`, its links unresolved; of an unknown one, its own.

        Behind links the client's URI is another one; given the real path, an editor would open the file a second time.
        """
        client_uri = self._client_uris.get(real_path)
        if client_uri is not None:
            return client_uri
        for real_root, client_root in self._client_roots.items():
            if real_path.is_relative_to(real_root):
                return to_uri(client_root / real_path.relative_to(real_root))
        return to_uri(real_path)

    def display_path(self, real_path: Path) -> str:
        """Return the path as shown to the user: printable, below its root, with the root's name if there are more."""
        for real_root in self._client_roots:
            if real_path.is_relative_to(real_root):
                relative_path = str(real_path.relative_to(real_root))
                return printable(
                    relative_path if len(self._client_roots) == 1 else f"{real_root.name}{os.sep}{relative_path}"
                )
        return printable(str(real_path))

    def put_notebook_document(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """Add a notebook that the client opened, with its cells, and remember its URI; the engine is not told."""
        super().put_notebook_document(params)
        notebook_path = to_path(params.notebook_document.uri)
        if notebook_path is not None:
            uri = params.notebook_document.uri
            self._remember_uri(notebook_path, uri, lambda: self.get_notebook_document(notebook_uri=uri) is not None)

    def update_notebook_document(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """Apply an edit to an open notebook's cells or their texts; one of a notebook not open is only logged."""
        if self.get_notebook_document(notebook_uri=params.notebook_document.uri) is None:
            logger.warning("The client changed %s, which it has not opened.", params.notebook_document.uri)
            return
        super().update_notebook_document(params)

    def remove_notebook_document(self, params: types.DidCloseNotebookDocumentParams) -> None:
        """Remove a notebook that the client closed, with all its cells and its URI; does nothing if it is not open."""
        super().remove_notebook_document(params)
        notebook_uri = params.notebook_document.uri
        for cell in [cell for cell, notebook in self._cell_in_notebook.items() if notebook == unquote(notebook_uri)]:
            self.remove_text_document(cell)  # the client does not close cells one by one
        self._forget_uri(notebook_uri)

    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """Add a document that the client opened; remember a file's URI or, of a cell without notebook, its text."""
        super().put_text_document(text_document, notebook_uri)
        document_path = to_path(text_document.uri)
        if document_path is not None:
            uri = text_document.uri
            self._remember_uri(document_path, uri, lambda: self.find_open_document(uri) is not None)
        elif notebook_uri is None:
            self._initial_cell_texts[unquote(text_document.uri)] = text_document.text

    def remove_text_document(self, doc_uri: str) -> None:
        """Remove a document that the client closed, and the URI remembered; does nothing if it is not open."""
        super().remove_text_document(doc_uri)
        self._initial_cell_texts.pop(unquote(doc_uri), None)
        self._forget_uri(doc_uri)

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Apply an edit to an open document; one of a document not open is only logged."""
        if self.find_open_document(text_doc.uri) is None:
            logger.warning("The client changed %s, which it has not opened; the change is ignored.", text_doc.uri)
            return
        super().update_text_document(text_doc, change)

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> TextDocument:
        """Return an `OpenDocument` in place of pygls's document, for any URI; it reads no file."""
        document = OpenDocument("", source, version, language_id, position_codec=self.position_codec)
        document.uri = doc_uri  # not in the constructor: pygls parses it, and fails with some
        document.encoding = self.encoding
        return document
