"""Tell the engine which documents the client opens, edits, saves and closes, and which files change on the disk.

A notebook is synchronised as a whole (`notebookDocument/…`), or cell by cell, as if each were a document of its own.
"""

from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.convert import to_path
from codekin.lsp.features.completion import prepare_document
from codekin.lsp.features.folders import ensure_root
from codekin.lsp.handlers import Registry
from codekin.lsp.session import Session


def _update_document(session: Session, document_uri: str) -> None:
    """Queue, for the engine, the present text of an open document or of its notebook; does nothing if not open."""
    file_path, document = to_path(document_uri), session.documents.find_open_document(document_uri)
    if file_path is None:
        _update_notebook(session, session.documents.find_file(document_uri))
    elif document is not None:  # else an edit of a document that is not open
        document_text = document.source
        session.run_edit(lambda engine: engine.open_document(file_path, document_text))


def _update_notebook(session: Session, notebook_path: Path | None) -> None:
    """Queue, for the engine, all open cells of the notebook; does nothing where none is open or the path is None."""
    notebook = session.documents.find_open_notebook(notebook_path) if notebook_path else None
    if notebook_path is not None and notebook is not None:
        session.run_edit(lambda engine: engine.open_document(notebook_path, notebook))


def _update_files(session: Session, document_uris: Iterable[str]) -> None:
    """Queue, for the engine, that these URIs, where they are files, may have changed on the disk."""
    file_paths = [path for uri in document_uris if (path := session.documents.find_file(uri))]
    if file_paths:
        session.run_edit(lambda engine: engine.update(file_paths))


def _did_open(client: Client, session: Session, params: types.DidOpenTextDocumentParams) -> None:
    """Look for a root if there is none; queue the text for the engine; prepare its completion in the background."""
    document_uri = params.text_document.uri
    file_path = session.documents.find_file(document_uri)
    if file_path is not None:
        ensure_root(client, session, file_path)
    _update_document(session, document_uri)
    client.create_task(prepare_document(session, document_uri))


def _did_change(_: Client, session: Session, params: types.DidChangeTextDocumentParams) -> None:
    """Queue the edited text, whole (a cell's: all its notebook's open cells), for the engine; it is applied already."""
    _update_document(session, params.text_document.uri)


def _did_close(_: Client, session: Session, params: types.DidCloseTextDocumentParams) -> None:
    """Queue, for the engine, to read the file from the disk again; for a cell, once its last sibling is closed."""
    document_uri = params.text_document.uri
    file_path = session.documents.find_file(document_uri)
    if file_path is None:
        return
    if to_path(document_uri) is None and session.documents.find_open_notebook(file_path) is not None:
        _update_notebook(session, file_path)  # other cells of it are still open
    else:
        session.run_edit(lambda engine: engine.close_document(file_path))


def _did_save(_: Client, session: Session, params: types.DidSaveTextDocumentParams) -> None:
    """Queue, for the engine, to check the saved file on the disk; nothing if it is no file."""
    _update_files(session, [params.text_document.uri])


def _did_open_notebook(client: Client, session: Session, params: types.DidOpenNotebookDocumentParams) -> None:
    """Look for a root if there is none, and queue the notebook's cells for the engine; not if it is no file."""
    notebook_path = to_path(params.notebook_document.uri)
    if notebook_path is not None:
        ensure_root(client, session, notebook_path)
        _update_notebook(session, notebook_path)


def _did_change_notebook(_: Client, session: Session, params: types.DidChangeNotebookDocumentParams) -> None:
    """Queue the notebook's cells, all of them, for the engine; the edit has been applied before."""
    _update_notebook(session, to_path(params.notebook_document.uri))


def _did_save_notebook(_: Client, session: Session, params: types.DidSaveNotebookDocumentParams) -> None:
    """Queue, for the engine, to check the saved notebook on the disk; nothing if it is no file."""
    _update_files(session, [params.notebook_document.uri])


def _did_close_notebook(_: Client, session: Session, params: types.DidCloseNotebookDocumentParams) -> None:
    """Queue, for the engine, to read the notebook from the disk again; nothing if it is no file."""
    notebook_path = to_path(params.notebook_document.uri)
    if notebook_path is not None:
        session.run_edit(lambda engine: engine.close_document(notebook_path))


def _did_change_watched_files(_: Client, session: Session, params: types.DidChangeWatchedFilesParams) -> None:
    """Queue, for the engine, to check the files, created and deleted ones too, that the client saw change."""
    _update_files(session, (change.uri for change in params.changes))


def register_feature(registry: Registry) -> None:
    """Register the handlers of document, notebook and file notifications.

    codekin watches files itself and registers no watchers: Emacs would watch each folder a second time, and would ask
    its user first where there are many. Changes that a client reports without being asked are merged.
    """
    registry.on_notification(types.TEXT_DOCUMENT_DID_OPEN, _did_open)
    registry.on_notification(types.TEXT_DOCUMENT_DID_CHANGE, _did_change)
    registry.on_notification(types.TEXT_DOCUMENT_DID_CLOSE, _did_close)
    registry.on_notification(types.TEXT_DOCUMENT_DID_SAVE, _did_save)
    registry.on_notification(types.NOTEBOOK_DOCUMENT_DID_OPEN, _did_open_notebook)
    registry.on_notification(types.NOTEBOOK_DOCUMENT_DID_CHANGE, _did_change_notebook)
    registry.on_notification(types.NOTEBOOK_DOCUMENT_DID_SAVE, _did_save_notebook)
    registry.on_notification(types.NOTEBOOK_DOCUMENT_DID_CLOSE, _did_close_notebook)
    registry.on_notification(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _did_change_watched_files)
