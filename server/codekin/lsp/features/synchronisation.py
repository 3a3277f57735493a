"""Documents and files: what the client edits, saves and sees change on the disk."""

from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.convert import path_of
from codekin.lsp.features.completion import expect

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer


def _edited(server: "CodekinServer", uri: str) -> None:
    path, document = path_of(uri), server.protocol.workspace.find(uri)
    if path is not None and document is not None:  # else untitled, a notebook's cell, a past version
        text = document.source

        def change(engine: "Engine", path: Path = path) -> None:
            engine.open_document(path, text)

        server.session.edit(change)


def _did_open(server: "CodekinServer", params: types.DidOpenTextDocumentParams) -> None:
    path = path_of(params.text_document.uri)
    if path is not None:
        server.find_root(path)
    _edited(server, params.text_document.uri)
    server.spawn(expect(server, params.text_document.uri))


def _did_change(server: "CodekinServer", params: types.DidChangeTextDocumentParams) -> None:
    _edited(server, params.text_document.uri)


def _did_close(server: "CodekinServer", params: types.DidCloseTextDocumentParams) -> None:
    path = path_of(params.text_document.uri)
    if path is not None:
        server.session.edit(lambda engine: engine.close_document(path))


def _did_save(server: "CodekinServer", params: types.DidSaveTextDocumentParams) -> None:
    _changed(server, [params.text_document.uri])


def _watched(server: "CodekinServer", params: types.DidChangeWatchedFilesParams) -> None:
    _changed(server, [change.uri for change in params.changes])


def _changed(server: "CodekinServer", uris: list[str]) -> None:
    paths = [path for uri in uris if (path := path_of(uri))]
    if paths:
        server.session.edit(lambda engine: engine.update(paths))


def _initialized(server: "CodekinServer", _: types.InitializedParams) -> None:
    server.spawn(server.begin())
    if server.can("workspace.did_change_configuration.dynamic_registration"):
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
    server.on_notification(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _watched)
