"""Documents and files: what the client edits, saves and sees change on the disk.

A notebook is told of as a whole (`notebookDocument/…`), or cell by cell, as if each were a document of its own.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.convert import to_path
from codekin.lsp.features.completion import prepare_document

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

# Without a filter on cells all of them are told, prose too: a cell's index is then the notebook's own.
NOTEBOOKS = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithNotebook(types.NotebookDocumentFilterNotebookType("jupyter-notebook"))], save=True
)


def _edited(server: "CodekinServer", uri: str) -> None:
    documents = server.protocol.workspace
    path, document = to_path(uri), documents.find_open(uri)
    if path is None:
        _cells_edited(server, documents.file_of(uri))
    elif document is not None:  # else a past version
        text = document.source
        server.session.run_edit(lambda engine: engine.open_document(path, text))


def _cells_edited(server: "CodekinServer", path: Path | None) -> None:
    """What is open of a notebook is told as a whole; None is no notebook, or no file (untitled)."""
    notebook = server.protocol.workspace.notebook(path) if path else None
    if path is not None and notebook is not None:
        server.session.run_edit(lambda engine: engine.open_document(path, notebook))


def _did_open(server: "CodekinServer", params: types.DidOpenTextDocumentParams) -> None:
    path = server.protocol.workspace.file_of(params.text_document.uri)
    if path is not None:
        server.find_root(path)
    _edited(server, params.text_document.uri)
    server.create_task(prepare_document(server, params.text_document.uri))


def _did_change(server: "CodekinServer", params: types.DidChangeTextDocumentParams) -> None:
    _edited(server, params.text_document.uri)


def _did_close(server: "CodekinServer", params: types.DidCloseTextDocumentParams) -> None:
    documents, uri = server.protocol.workspace, params.text_document.uri
    path = documents.file_of(uri)
    if path is None:
        return
    if to_path(uri) is None and documents.notebook(path) is not None:  # other cells of it are open
        _cells_edited(server, path)
    else:
        server.session.run_edit(lambda engine: engine.close_document(path))


def _did_save(server: "CodekinServer", params: types.DidSaveTextDocumentParams) -> None:
    _changed(server, [params.text_document.uri])


def _notebook_opened(server: "CodekinServer", params: types.DidOpenNotebookDocumentParams) -> None:
    path = to_path(params.notebook_document.uri)
    if path is not None:
        server.find_root(path)
        _cells_edited(server, path)


def _notebook_changed(server: "CodekinServer", params: types.DidChangeNotebookDocumentParams) -> None:
    _cells_edited(server, to_path(params.notebook_document.uri))


def _notebook_saved(server: "CodekinServer", params: types.DidSaveNotebookDocumentParams) -> None:
    _changed(server, [params.notebook_document.uri])


def _notebook_closed(server: "CodekinServer", params: types.DidCloseNotebookDocumentParams) -> None:
    path = to_path(params.notebook_document.uri)
    if path is not None:
        server.session.run_edit(lambda engine: engine.close_document(path))


def _watched(server: "CodekinServer", params: types.DidChangeWatchedFilesParams) -> None:
    _changed(server, [change.uri for change in params.changes])


def _changed(server: "CodekinServer", uris: list[str]) -> None:
    paths = [path for uri in uris if (path := server.protocol.workspace.file_of(uri))]
    if paths:
        server.session.run_edit(lambda engine: engine.update(paths))


def _initialized(server: "CodekinServer", _: types.InitializedParams) -> None:
    server.create_task(server.on_initialized())
    if server.has_capability("workspace.did_change_configuration.dynamic_registration"):
        ours = types.DidChangeConfigurationRegistrationOptions(section="codekin")
        settings = types.Registration("codekin-settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, ours)
        server.client_register_capability(types.RegistrationParams([settings]))


def register(server: "CodekinServer") -> None:
    """Take part in the synchronisation of documents.

    Files are watched by ourselves: asked to, Emacs watches each folder a second time, and asks its user first where
    there are many. What a client tells unasked is merged.
    """
    server.on_notification(types.INITIALIZED, _initialized)
    server.on_notification(types.TEXT_DOCUMENT_DID_OPEN, _did_open)
    server.on_notification(types.TEXT_DOCUMENT_DID_CHANGE, _did_change)
    server.on_notification(types.TEXT_DOCUMENT_DID_CLOSE, _did_close)
    server.on_notification(types.TEXT_DOCUMENT_DID_SAVE, _did_save)
    server.on_notification(types.NOTEBOOK_DOCUMENT_DID_OPEN, _notebook_opened)
    server.on_notification(types.NOTEBOOK_DOCUMENT_DID_CHANGE, _notebook_changed)
    server.on_notification(types.NOTEBOOK_DOCUMENT_DID_SAVE, _notebook_saved)
    server.on_notification(types.NOTEBOOK_DOCUMENT_DID_CLOSE, _notebook_closed)
    server.on_notification(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _watched)
