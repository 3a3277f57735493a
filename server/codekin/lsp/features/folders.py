"""Folders that come and go while the server runs."""

from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.folders import to_paths

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer


def _changed(server: "CodekinServer", params: types.DidChangeWorkspaceFoldersParams) -> None:
    gone = set(to_paths(params.event.removed))
    kept = [root for root in server.roots if root not in gone]
    server.set_roots(kept + [path for path in to_paths(params.event.added) if path not in kept])


def register(server: "CodekinServer") -> None:
    """Follow the client's folders."""
    server.on_notification(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _changed)
