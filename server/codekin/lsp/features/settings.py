"""Settings that change while the server runs."""

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer


def _changed(server: "CodekinServer", params: types.DidChangeConfigurationParams) -> None:
    server.create_task(_take(server, params.settings))


async def _take(server: "CodekinServer", pushed: object) -> None:
    """Clients that can be asked are asked: what they push is often empty, or everybody's settings."""
    if server.has_capability("workspace.configuration"):
        await server.request_settings()
    else:
        server.configuration.update(pushed)
    await server.apply_settings()


def register(server: "CodekinServer") -> None:
    """Follow the client's settings."""
    server.on_notification(types.WORKSPACE_DID_CHANGE_CONFIGURATION, _changed)
