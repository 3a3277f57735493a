"""Handlers, and what becomes of what they raise."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from lsprotocol.types import LSPErrorCodes
from pygls.exceptions import JsonRpcException, JsonRpcInternalError, JsonRpcInvalidParams

from codekin.errors import CodekinError
from codekin.lsp.request_params import ArgumentsError
from codekin.lsp.scheduler import SupersededError

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

Handler = Callable[["CodekinServer", Any], Awaitable[Any]]
Listener = Callable[["CodekinServer", Any], None]

log = logging.getLogger(__name__)


def wrap_request(server: "CodekinServer", name: str, handler: Handler) -> Callable[[Any], Coroutine[Any, Any, Any]]:
    """The handler of a request or command, such that whatever it raises is an answer."""

    async def answer(params: Any = None) -> Any:
        try:
            return await handler(server, params)
        except ArgumentsError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        except SupersededError as error:
            raise JsonRpcException("Newer questions took its place.", LSPErrorCodes.ServerCancelled.value) from error
        except CodekinError as error:
            raise JsonRpcException(str(error), LSPErrorCodes.RequestFailed.value) from error
        except JsonRpcException:
            raise
        except Exception as error:
            log.exception("%s failed", name)
            raise JsonRpcInternalError(f"{name} failed: {type(error).__name__}. The log says more.") from error

    return answer


def wrap_notification(server: "CodekinServer", name: str, listener: Listener) -> Callable[[Any], None]:
    """The handler of a notification, such that whatever it raises is logged."""

    def noted(params: Any = None) -> None:
        try:
            listener(server, params)
        except Exception:
            log.exception("%s could not be taken in", name)

    return noted
