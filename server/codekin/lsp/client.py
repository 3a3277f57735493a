"""What features may ask of the editor: capabilities, messages, documents shown, and its views refreshed."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.progress import Progress as ProgressNotifications

from codekin.errors import CodekinError
from codekin.lsp.messages import SourceJson
from codekin.printable import printable_lines

logger = logging.getLogger(__name__)


class Client:
    """The editor at the other end, as features see it. For the loop's thread."""

    def __init__(self, language_server: LanguageServer) -> None:
        self._language_server = language_server
        self._shown_messages: set[str] = set()
        self._running_tasks: set[asyncio.Task[Any]] = set()
        self.shown_source: SourceJson | None = None  # of the completion that is shown
        self.accepted_source: SourceJson | None = None  # of the one accepted last, until another one is shown

    def get_capability(self, capability: str) -> Any:
        """Return the client's capability at this dotted, snake_case path; None where it is absent."""
        return get_capability(self._language_server.client_capabilities, capability, None)

    def has_capability(self, capability: str) -> bool:
        """Return whether the client's capability at this dotted, snake_case path is set and not empty or False."""
        return bool(self.get_capability(capability))

    def register_capability(self, registration: types.Registration) -> None:
        """Ask the client to register a capability dynamically, whether or not it can; awaits no response."""
        self._language_server.client_register_capability(types.RegistrationParams([registration]))

    async def request_settings(self) -> Any:
        """Ask for and return the client's settings of section `codekin`; None for none. Raises JsonRpcException."""
        items = [types.ConfigurationItem(section="codekin")]
        answers = await self._language_server.workspace_configuration_async(types.ConfigurationParams(items))
        return answers[0] if answers else None

    def show_message(self, message_type: types.MessageType, message: str) -> None:
        """Send the user a message, with control characters escaped; it is neither awaited nor logged."""
        self._language_server.window_show_message(types.ShowMessageParams(message_type, printable_lines(message)))

    def show_message_once(self, message_type: types.MessageType, message: str) -> None:
        """Send the user a message unless the same text has been sent to this client before."""
        if message not in self._shown_messages:
            self._shown_messages.add(message)
            self.show_message(message_type, message)

    async def show_document(self, document_uri: str, selection: types.Range) -> bool:
        """Have the client open the document at the selection; False where it can't or fails. Never raises."""
        if not self.has_capability("window.show_document.support"):
            return False
        params = types.ShowDocumentParams(document_uri, take_focus=True, selection=selection)
        try:
            result = await self._language_server.window_show_document_async(params)
        except JsonRpcException:
            return False
        return result.success

    @property
    def progress_notifications(self) -> ProgressNotifications:
        """Return the object that sends progress notifications to the client."""
        return self._language_server.protocol.progress

    def notify(self, method: str, params: Any) -> None:
        """Send a notification to the client, whether or not it declares that it knows the method."""
        self._language_server.protocol.notify(method, params)

    def publish_diagnostics(self, params: types.PublishDiagnosticsParams) -> None:
        """Send the diagnostics of a document, which replace all that the client has of it; [] removes them."""
        self._language_server.text_document_publish_diagnostics(params)

    def refresh_code_lenses(self) -> None:
        """Ask the client to request its code lenses again; do nothing where it can't be asked."""
        if self.has_capability("workspace.code_lens.refresh_support"):
            self._language_server.workspace_code_lens_refresh(None)

    def refresh_diagnostics(self) -> None:
        """Ask the client to request its diagnostics again; whether it can be asked is not checked."""
        self._language_server.workspace_diagnostic_refresh(None)

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run the coroutine as a background task, kept until it ends; an error that it raises is logged."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running_tasks.add(task)
        task.add_done_callback(self._finish_task)

    def _finish_task(self, task: asyncio.Task[Any]) -> None:
        """Forget a finished task, and log its error if any, with a traceback only if it is unexpected."""
        self._running_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s", error, exc_info=None if isinstance(error, CodekinError | JsonRpcException) else error)
