"""Run the JSON-RPC and LSP conversation: check each message's form and order, and answer every request.

pygls runs the handlers; its own reader is replaced, for it gives up on messages of newer or careless clients. Here
every request is answered, whatever its form, a client's mistake is logged, documents have the lines that the protocol
defines, and `exit` stops the server in order.
"""

import logging
from collections.abc import Generator
from concurrent.futures import Future
from enum import Enum
from typing import Any, Protocol, cast

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

from codekin.lsp.decoding import decode_frame
from codekin.lsp.documents import Documents
from codekin.lsp.framing import Frame
from codekin.lsp.logs import to_log_line
from codekin.lsp.structuring import structure_value
from codekin.lsp.value_readers import UnreadableError

logger = logging.getLogger(__name__)

_NOT_INITIALIZED_MESSAGE = "Send initialize first."
_MAX_QUOTED_CHARACTERS = 200  # of a client's text, in a log line or an error


def make_converter() -> Converter:
    """Return pygls's converter, adapted: params of messages stay as they are, unknown enum values as they came."""
    converter: Converter = pygls_converter()  # type: ignore[no-untyped-call]
    converter.register_structure_hook(
        JsonRPCRequestMessage,
        lambda data, _: JsonRPCRequestMessage(data["id"], data["method"], data["jsonrpc"], data.get("params")),
    )
    converter.register_structure_hook(
        JsonRPCNotification,
        lambda data, _: JsonRPCNotification(data["method"], data["jsonrpc"], data.get("params")),
    )
    converter.register_unstructure_hook_func(  # an enum value that lsprotocol does not know is sent back unchanged
        lambda kind: isinstance(kind, type) and issubclass(kind, Enum), lambda value: getattr(value, "value", value)
    )
    return converter


class Lifecycle(Protocol):
    """What the server does at `initialize` and `exit`; `CodekinServer` implements it."""

    def on_initialize(self, params: types.InitializeParams, capabilities: types.ServerCapabilities) -> None:
        """Prepare for the client, without any work yet, and remove from `capabilities` what it must not use."""

    def stop_serving(self, exit_status: int) -> None:
        """End the serving in order, and return at once; the process then exits with `exit_status`."""


class CodekinProtocol(LanguageServerProtocol):
    """The conversation with one client: receives messages, calls handlers and sends responses."""

    documents: Documents | None = None

    @property
    def workspace(self) -> Documents:
        """Return the client's documents. Raises JsonRpcServerNotInitialized before `initialize`."""
        if self.documents is None:
            raise JsonRpcServerNotInitialized(_NOT_INITIALIZED_MESSAGE)
        return self.documents

    @property
    def _lifecycle(self) -> Lifecycle:
        """Return the server, cast to the interface that receives `initialize` and `exit`."""
        return cast("Lifecycle", self._server)

    # Messages from the client

    def receive_frame(self, frame: Frame) -> None:
        """Process a frame's message or batch; one that can't be decoded is answered by an error, not raised."""
        try:
            content = decode_frame(frame)
        except JsonRpcException as error:
            self.refuse_message(None, error)
            return
        for message in content if isinstance(content, list) and content else [content]:  # or a batch
            self.receive_message(message)

    def receive_message(self, message: Any) -> None:
        """Process a decoded request, notification or response; an invalid one is answered with an error."""
        if isinstance(message, dict) and "method" not in message and self._is_response(message):
            self._receive_response(message)
            return
        problem = _find_problem(message)
        if problem is not None:
            message_id = message.get("id") if isinstance(message, dict) else None
            self.refuse_message(message_id if _is_valid_id(message_id) else None, JsonRpcInvalidRequest(problem))
        elif "id" in message:
            self._receive_request(message["id"], message["method"], message.get("params"))
        else:
            self._receive_notification(message["method"], message.get("params"))

    def refuse_message(self, request_id: int | str | None, error: JsonRpcException) -> None:
        """Log a message and send the error as its response; `request_id` is None where it is unknown."""
        logger.warning("A message is refused: %s", _quote_text(error.message))
        error_object = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": request_id, "error": error_object})

    def _receive_request(self, request_id: int | str, method: str, params: Any) -> None:
        """Call the request's handler; answer an error if it is out of order, unknown or malformed. Raises nothing."""
        try:
            self._check_lifecycle(method)
            if not self._has_handler(method):
                raise JsonRpcMethodNotFound.of(_quote_text(method))
            request_params = _structure_params(method, params)
        except JsonRpcException as error:
            self.refuse_message(request_id, error)
        else:
            self.handle_message(JsonRPCRequestMessage(request_id, method, self.VERSION, request_params))

    def _check_lifecycle(self, method: str) -> None:
        """Raise JsonRpcException for a request before `initialize`, after `shutdown`, or a second `initialize`."""
        if self._shutdown:
            raise JsonRpcInvalidRequest("The server has been shut down; only exit is left.")
        if self.documents is None and method != types.INITIALIZE:
            raise JsonRpcServerNotInitialized(_NOT_INITIALIZED_MESSAGE)
        if self.documents is not None and method == types.INITIALIZE:
            raise JsonRpcInvalidRequest("Already initialized.")

    def _receive_notification(self, method: str, params: Any) -> None:
        """Call the notification's handler; ignore what is out of order, unknown or malformed, and log most."""
        if (self.documents is None or self._shutdown) and method != types.EXIT:
            return  # as the specification requires
        if method == types.CANCEL_REQUEST:
            self._cancel_request(params)
        elif not self._has_handler(method):
            if not method.startswith("$/"):
                logger.warning("The notification %s is unknown to codekin, and ignored.", _quote_text(method))
        elif types.METHOD_TO_TYPES.get(method, (None, None))[1] is not None:
            logger.warning("%s came without an id, so it can't be answered; it is ignored.", method)
        else:
            try:
                notification_params = _structure_params(method, params)
            except JsonRpcInvalidParams as error:
                logger.warning("A notification is ignored: %s", _quote_text(error.message))
            else:
                self.handle_message(JsonRPCNotification(method, self.VERSION, notification_params))

    def _cancel_request(self, params: Any) -> None:
        """Cancel the client's request with the params' id; ignore ids of the server's own requests."""
        request_id = params.get("id") if isinstance(params, dict) else None
        if (
            _is_valid_id(request_id) and request_id not in self._result_types
        ):  # else the id is of a request from the server
            self._handle_cancel_notification(request_id)  # type: ignore[arg-type]

    def _has_handler(self, method: str) -> bool:
        """Return whether a handler is registered for the method."""
        return method in self.fm.builtin_features or method in self.fm.features

    def _is_response(self, message: dict[str, Any]) -> bool:
        """Return whether a message without a method is a response: it has a result, an error or an awaited id."""
        return "result" in message or "error" in message or self._is_awaited_id(message.get("id"))

    def _is_awaited_id(self, message_id: Any) -> bool:
        """Return whether the id is that of a request from the server that awaits its response."""
        return isinstance(message_id, str) and message_id in self._result_types

    def _receive_response(self, message: dict[str, Any]) -> None:
        """Give a response to the server's request that awaits it; one to no request is logged and ignored."""
        message_id = message.get("id")
        if message_id is None or not self._is_awaited_id(message_id):
            problem = f": {_quote_text(str(message['error']))}" if message.get("error") else "."
            logger.warning("A response came to an unknown request%s", problem)
            return
        response_type, response_future = self._result_types.pop(message_id), self._request_futures.pop(message_id, None)
        if isinstance(response_future, Future) and not response_future.done():
            _resolve_response(response_future, message, response_type)

    # Methods that the protocol answers itself

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Answer as pygls does, but make `Documents`, and leave the folders to `on_initialize`."""
        stripped_params = attrs.evolve(params, root_uri=None, root_path=None, workspace_folders=None)
        result: types.InitializeResult = yield from super().lsp_initialize(stripped_params)
        self.documents = Documents(result.capabilities.position_encoding)
        self._lifecycle.on_initialize(params, result.capabilities)
        return result

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Run a codekin command with its first argument or None. Raises JsonRpcInvalidParams if unknown."""
        command = self.fm.commands.get(params.command)
        if command is None:
            command_names = ", ".join(self.fm.commands)
            raise JsonRpcInvalidParams(
                f"There is no command {_quote_text(params.command)}. There are: {command_names}."
            )
        return await command(params.arguments[0] if params.arguments else None)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """Stop serving, with exit status 0 after `shutdown`, else 1."""
        self._lifecycle.stop_serving(0 if self._shutdown else 1)


def _find_problem(message: Any) -> str | None:
    """Return why the message is neither a request nor a notification; None where it is one; `params` is not checked."""
    if not isinstance(message, dict):
        return "A message must be a JSON object."
    if message.get("jsonrpc") != CodekinProtocol.VERSION:
        return 'A message must say "jsonrpc": "2.0".'
    if not isinstance(message.get("method"), str):
        return "A message must have a method, which is a string, or be an answer."
    if "id" in message and not _is_valid_id(message["id"]):
        return "The id of a request must be a string or a number."
    return None


def _is_valid_id(value: Any) -> bool:
    """Return whether the value may be a request's id: a string or a number, fractions too; no bool or null."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _structure_params(method: str, params: Any) -> Any:
    """Return the params as lsprotocol's type, or unchanged if it has none. Raises JsonRpcInvalidParams."""
    if params is not None and not isinstance(params, dict | list):
        raise JsonRpcInvalidParams(f"The parameters of {method} must be an object.")
    params_type = types.METHOD_TO_TYPES[method][2] if method in types.METHOD_TO_TYPES else None
    if params_type is None:
        return params
    try:
        return structure_value(params, params_type)
    except UnreadableError as error:
        raise JsonRpcInvalidParams(f"The parameters of {method} are not as the protocol has them: {error}.") from error


def _resolve_response(response_future: "Future[Any]", message: dict[str, Any], response_type: type[Any] | None) -> None:
    """Set the response's result or error on the future; a malformed one sets a JsonRpcException. Raises nothing."""
    try:
        if message.get("error") is not None:
            response_error = structure_value(message["error"], types.ResponseError)
            response_future.set_exception(JsonRpcException.from_error(response_error))
        elif response_type is None:
            response_future.set_result(message.get("result"))
        else:
            response_future.set_result(
                structure_value(message.get("result"), attrs.fields_dict(response_type)["result"].type)
            )
    except UnreadableError as response_error:
        response_future.set_exception(JsonRpcException(f"The answer is not as the protocol has it: {response_error}."))


def _quote_text(text: str) -> str:
    """Return the text, cut to 200 characters and printable, for an error message or a log line."""
    return to_log_line(text, _MAX_QUOTED_CHARACTERS)
