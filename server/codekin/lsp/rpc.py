"""pygls's protocol, put right where it and the specification part ways.

Every request gets an answer (also one with malformed or missing parameters, before `initialize` or after `shutdown`);
`workspace/executeCommand` can be cancelled like any other request; documents have the lines that the protocol means;
`exit` ends the server in order instead of from within.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, LanguageServerProtocol, lsp_method
from pygls.protocol import default_converter as pygls_converter
from pygls.protocol.json_rpc import RPCMessage, RPCRequest

from codekin.lsp.documents import Documents

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

_FIRST = "Send initialize first."


def converter() -> Converter:
    """pygls's, but the parameters of our own requests stay the JSON they came as, and may be absent."""
    made: Converter = pygls_converter()  # type: ignore[no-untyped-call]
    made.register_structure_hook(
        JsonRPCRequestMessage,
        lambda data, _: JsonRPCRequestMessage(data["id"], data["method"], data["jsonrpc"], data.get("params")),
    )
    made.register_structure_hook(
        JsonRPCNotification,
        lambda data, _: JsonRPCNotification(data["method"], data["jsonrpc"], data.get("params")),
    )
    return made


class Rpc(LanguageServerProtocol):
    """One conversation with a client."""

    _server: "CodekinServer"
    documents: Documents | None = None

    @property
    def workspace(self) -> Documents:
        """The client's documents."""
        if self.documents is None:
            raise JsonRpcServerNotInitialized(_FIRST)
        return self.documents

    def structure_message(self, data: dict[str, Any]) -> Any:
        """JSON → a message; a request that is none is answered with the error before it is raised."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                message = f"The parameters of {data['method']} are not as the protocol has them."
                self._send_response(data["id"], error=JsonRpcInvalidParams(message).to_response_error())
            raise error

    def handle_message(self, message: RPCMessage) -> None:
        """Answers what comes out of turn; leaves the rest to pygls."""
        if isinstance(message, RPCRequest):
            error: JsonRpcException | None = None
            if self._shutdown:
                error = JsonRpcInvalidRequest("The server has been shut down; only exit is left.")
            elif (self.documents is None) != (message.method == types.INITIALIZE):
                first = self.documents is None
                error = JsonRpcServerNotInitialized(_FIRST) if first else JsonRpcInvalidRequest("Already initialized.")
            if error is not None:
                self._send_response(message.id, error=error.to_response_error())
                return
        elif self.documents is None and getattr(message, "method", types.EXIT) != types.EXIT:
            return  # as the specification wants: notifications before initialize are dropped
        super().handle_message(message)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """As pygls has it, with documents of our own."""
        result: types.InitializeResult = yield from super().lsp_initialize(params)
        self.documents = Documents(result.capabilities.position_encoding)
        self._server.greet(params, result.capabilities)
        return result

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Runs one of our commands; its one argument, if any, is passed on as it came."""
        command = self.fm.commands.get(params.command)
        if command is None:
            known = ", ".join(self.fm.commands)
            raise JsonRpcInvalidParams(f"There is no command {params.command}. There are: {known}.")
        return await command(params.arguments[0] if params.arguments else None)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """The end, in order: the exit status tells whether `shutdown` came first."""
        self._server.stop(0 if self._shutdown else 1)
