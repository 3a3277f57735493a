"""The conversation: which message may come when, and that each gets the answer that JSON-RPC and LSP have for it.

pygls runs the handlers. What comes before them is here, for its own reader gives up on what next year's clients, or
careless ones, send: every request is answered, whatever it looks like; what a client does wrong costs a line of the
log; documents have the lines that the protocol means; `exit` ends the server in order instead of from within.
"""

import logging
from collections.abc import Generator
from concurrent.futures import Future
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs
from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, LanguageServerProtocol, lsp_method
from pygls.protocol import default_converter as pygls_converter

from codekin.lsp.decoding import decode
from codekin.lsp.documents import Documents
from codekin.lsp.framing import Frame
from codekin.lsp.logs import to_line
from codekin.lsp.structuring import UnreadableError, structure

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

log = logging.getLogger(__name__)

_FIRST = "Send initialize first."
_SHOWN = 200  # characters of what a client sent, in a line of the log


def make_converter() -> Converter:
    """pygls's, for what we send; the parameters of our own requests stay the JSON they came as, and may be absent."""
    made: Converter = pygls_converter()  # type: ignore[no-untyped-call]
    made.register_structure_hook(
        JsonRPCRequestMessage,
        lambda data, _: JsonRPCRequestMessage(data["id"], data["method"], data["jsonrpc"], data.get("params")),
    )
    made.register_structure_hook(
        JsonRPCNotification,
        lambda data, _: JsonRPCNotification(data["method"], data["jsonrpc"], data.get("params")),
    )
    made.register_unstructure_hook_func(  # a value that lsprotocol does not know is said back as it came
        lambda kind: isinstance(kind, type) and issubclass(kind, Enum), lambda value: getattr(value, "value", value)
    )
    return made


class CodekinProtocol(LanguageServerProtocol):
    """One conversation with a client."""

    _server: "CodekinServer"
    documents: Documents | None = None

    @property
    def workspace(self) -> Documents:
        """The client's documents."""
        if self.documents is None:
            raise JsonRpcServerNotInitialized(_FIRST)
        return self.documents

    # What the client says

    def receive(self, frame: Frame) -> None:
        """Take a frame in. What is wrong with it is answered, not raised."""
        try:
            content = decode(frame)
        except JsonRpcException as error:
            self.refuse(None, error)
            return
        for message in content if isinstance(content, list) and content else [content]:  # a batch: each by itself
            self.receive_message(message)

    def receive_message(self, message: Any) -> None:
        """The same for a message that has been decoded."""
        if isinstance(message, dict) and "method" not in message and self._is_response(message):
            self._receive_response(message)
            return
        problem = _find_problem(message)
        if problem is not None:
            identity = message.get("id") if isinstance(message, dict) else None
            self.refuse(identity if _is_id(identity) else None, JsonRpcInvalidRequest(problem))
        elif "id" in message:
            self._receive_request(message["id"], message["method"], message.get("params"))
        else:
            self._receive_notification(message["method"], message.get("params"))

    def refuse(self, identity: int | str | None, error: JsonRpcException) -> None:
        """Answer with an error; `identity` is the request's, None where it has none that is known."""
        log.warning("A message is refused: %s", _shorten(error.message))
        answer = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": identity, "error": answer})

    def _receive_request(self, identity: int | str, method: str, params: Any) -> None:
        try:
            self._check_turn(method)
            if not self._is_known(method):
                raise JsonRpcMethodNotFound.of(_shorten(method))
            arguments = _structure_params(method, params)
        except JsonRpcException as error:
            self.refuse(identity, error)
        else:
            self.handle_message(JsonRPCRequestMessage(identity, method, self.VERSION, arguments))

    def _check_turn(self, method: str) -> None:
        if self._shutdown:
            raise JsonRpcInvalidRequest("The server has been shut down; only exit is left.")
        if self.documents is None and method != types.INITIALIZE:
            raise JsonRpcServerNotInitialized(_FIRST)
        if self.documents is not None and method == types.INITIALIZE:
            raise JsonRpcInvalidRequest("Already initialized.")

    def _receive_notification(self, method: str, params: Any) -> None:
        if (self.documents is None or self._shutdown) and method != types.EXIT:
            return  # as the specification wants
        if method == types.CANCEL_REQUEST:
            self._cancel(params)
        elif not self._is_known(method):
            if not method.startswith("$/"):
                log.warning("The notification %s is unknown to codekin, and ignored.", _shorten(method))
        elif types.METHOD_TO_TYPES.get(method, (None, None))[1] is not None:
            log.warning("%s came without an id, so it can't be answered; it is ignored.", method)
        else:
            try:
                arguments = _structure_params(method, params)
            except JsonRpcInvalidParams as error:
                log.warning("A notification is ignored: %s", _shorten(error.message))
            else:
                self.handle_message(JsonRPCNotification(method, self.VERSION, arguments))

    def _cancel(self, params: Any) -> None:
        identity = params.get("id") if isinstance(params, dict) else None
        if _is_id(identity) and identity not in self._result_types:  # else it is a question of ours
            self._handle_cancel_notification(identity)  # type: ignore[arg-type]

    def _is_known(self, method: str) -> bool:
        return method in self.fm.builtin_features or method in self.fm.features

    def _is_response(self, message: dict[str, Any]) -> bool:
        return "result" in message or "error" in message or self._is_asked(message.get("id"))

    def _is_asked(self, identity: Any) -> bool:
        """Whether it is the id of a question of ours that waits for its answer."""
        return isinstance(identity, str) and identity in self._result_types

    def _receive_response(self, message: dict[str, Any]) -> None:
        identity = message.get("id")
        if identity is None or not self._is_asked(identity):
            problem = f": {_shorten(str(message['error']))}" if message.get("error") else "."
            log.warning("An answer came to a question that was not asked%s", problem)
            return
        kind, future = self._result_types.pop(identity), self._request_futures.pop(identity, None)
        if isinstance(future, Future) and not future.done():
            _settle(future, message, kind)

    # What the server does itself

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """As pygls has it, with documents and folders of our own."""
        bare = attrs.evolve(params, root_uri=None, root_path=None, workspace_folders=None)
        result: types.InitializeResult = yield from super().lsp_initialize(bare)
        self.documents = Documents(result.capabilities.position_encoding)
        self._server.on_initialize(params, result.capabilities)
        return result

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Runs one of our commands; its one argument, if any, is passed on as it came."""
        command = self.fm.commands.get(params.command)
        if command is None:
            known = ", ".join(self.fm.commands)
            raise JsonRpcInvalidParams(f"There is no command {_shorten(params.command)}. There are: {known}.")
        return await command(params.arguments[0] if params.arguments else None)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """The end, in order: the exit status tells whether `shutdown` came first."""
        self._server.stop(0 if self._shutdown else 1)


def _find_problem(message: Any) -> str | None:
    """Say why it is neither a request nor a notification."""
    if not isinstance(message, dict):
        return "A message must be a JSON object."
    if message.get("jsonrpc") != CodekinProtocol.VERSION:
        return 'A message must say "jsonrpc": "2.0".'
    if not isinstance(message.get("method"), str):
        return "A message must have a method, which is a string, or be an answer."
    if "id" in message and not _is_id(message["id"]):
        return "The id of a request must be a string or a number."
    return None


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _structure_params(method: str, params: Any) -> Any:
    """Return the parameters as lsprotocol has them; those of our own methods as they came."""
    if params is not None and not isinstance(params, dict | list):
        raise JsonRpcInvalidParams(f"The parameters of {method} must be an object.")
    kind = types.METHOD_TO_TYPES[method][2] if method in types.METHOD_TO_TYPES else None
    if kind is None:
        return params
    try:
        return structure(params, kind)
    except UnreadableError as error:
        raise JsonRpcInvalidParams(f"The parameters of {method} are not as the protocol has them: {error}.") from error


def _settle(future: "Future[Any]", message: dict[str, Any], kind: type[Any] | None) -> None:
    """Give what the client answered to whoever asked."""
    try:
        if message.get("error") is not None:
            error = structure(message["error"], types.ResponseError)
            future.set_exception(JsonRpcException.from_error(error))
        elif kind is None:
            future.set_result(message.get("result"))
        else:
            future.set_result(structure(message.get("result"), attrs.fields_dict(kind)["result"].type))
    except UnreadableError as error:
        future.set_exception(JsonRpcException(f"The answer is not as the protocol has it: {error}."))


def _shorten(text: str) -> str:
    """Return as much as an error's message, or a line of the log, says of what a client sent."""
    return to_line(text, _SHOWN)
