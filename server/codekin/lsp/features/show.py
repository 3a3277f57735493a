"""Answers shown by standard messages, in clients that do nothing with a command's result."""

from typing import TYPE_CHECKING

from lsprotocol.types import MessageType, Range, ShowDocumentParams
from pygls.exceptions import JsonRpcException

from codekin.lsp.locations import format_hit, to_location, to_name_location
from codekin.printable import printable
from codekin.types import Answer

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

_LISTED = 10


async def show_location(server: "CodekinServer", uri: str, selection: Range) -> bool:
    """Shows the place, and says whether the client could."""
    if not server.has_capability("window.show_document.support"):
        return False
    try:
        result = await server.window_show_document_async(ShowDocumentParams(uri, take_focus=True, selection=selection))
    except JsonRpcException:
        return False
    return result.success


async def show_answer(server: "CodekinServer", answer: Answer, found: str) -> None:
    """Goes to the best hit, or lists the hits where the client can't go there."""
    documents = server.protocol.workspace
    covered = "" if answer.coverage >= 1 else f" ({answer.coverage:.0%} of the workspace is indexed so far)"
    if not answer.hits:
        server.show_message(MessageType.Info, f"codekin: nothing {found}{covered}.")
        return
    best = answer.hits[0]
    if await show_location(server, to_location(best, documents).uri, to_name_location(best, documents)):
        return
    lines = [f"{format_hit(hit, documents)}: {printable(hit.why)}" for hit in answer.hits[:_LISTED]]
    server.show_message(MessageType.Info, "\n".join([f"codekin: {len(answer.hits)} {found}{covered}", *lines]))
