"""Wrap the features' handlers so that every error becomes an error response or a line in the log."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from lsprotocol.types import LSPErrorCodes
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams

from codekin.errors import CodekinError
from codekin.lsp.client import Client
from codekin.lsp.request_params import ArgumentsError
from codekin.lsp.scheduler import SupersededError
from codekin.lsp.session import Session

RequestHandler = Callable[[Client, Session, Any], Awaitable[Any]]
NotificationHandler = Callable[[Client, Session, Any], None]

logger = logging.getLogger(__name__)


class Conversation(Protocol):
    """The client and the session that handlers get; the session exists from `initialize` on."""

    client: Client
    session: Session


class Registry(Protocol):
    """The interface by which features register their handlers; `CodekinServer` implements it."""

    def on_request(self, method: str, handler: RequestHandler, options: Any = None) -> None:
        """Register `handler` to answer requests of this method; `options` are the capability to announce."""

    def on_command(self, command: str, handler: RequestHandler) -> None:
        """Register `handler` for `command`: it gets client, session and the command's first argument, or None."""

    def on_notification(self, method: str, handler: NotificationHandler) -> None:
        """Register `handler` for notifications of this method; it runs on the loop, so it must return at once."""


def wrap_request(
    conversation: Conversation, handler_name: str, handler: RequestHandler
) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """Return a coroutine function that runs `handler`; errors become JsonRpcExceptions, unexpected ones are logged."""

    async def answer_request(params: Any = None) -> Any:
        """Run the handler; log an unexpected error. Raises JsonRpcException in place of every error."""
        try:
            return await handler(conversation.client, conversation.session, params)
        except ArgumentsError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        except SupersededError as error:
            raise JsonRpcException("Newer requests replaced it.", LSPErrorCodes.ServerCancelled.value) from error
        except CodekinError as error:
            raise JsonRpcException(str(error), LSPErrorCodes.RequestFailed.value) from error
        except JsonRpcException:
            raise
        except Exception as error:
            logger.exception("%s failed", handler_name)
            raise JsonRpcInternalError(f"{handler_name} failed: {type(error).__name__}. The log says more.") from error

    return answer_request


def wrap_notification(
    conversation: Conversation, handler_name: str, handler: NotificationHandler
) -> Callable[[Any], None]:
    """Return a function that runs `handler` on the current client and session; errors are logged, none raised."""

    def handle_notification(params: Any = None) -> None:
        """Run the handler; log any error."""
        try:
            handler(conversation.client, conversation.session, params)
        except Exception:
            logger.exception("%s could not be processed", handler_name)

    return handle_notification
