"""Hold the conversation with one client about one workspace: its start, its settings and its end.

Nothing heavy is imported here or by what is imported here: `initialize` is answered first (see session.py).
Handlers of notifications run on the loop and return at once; handlers of requests are coroutines that wait for the
engine's threads (see scheduler.py). Their errors are answered: a CodekinError with its message, which names the
remedy, anything else as an internal error whose trace goes to standard error.
"""

import asyncio
import contextlib
import logging
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from codekin import __version__
from codekin.lsp import transport
from codekin.lsp.authentication import remove_token
from codekin.lsp.client import Client
from codekin.lsp.configuration import Configuration
from codekin.lsp.documents import NOTEBOOK_SYNC
from codekin.lsp.folders import list_client_roots
from codekin.lsp.handlers import NotificationHandler, RequestHandler, wrap_notification, wrap_request
from codekin.lsp.protocol import CodekinProtocol, make_converter
from codekin.lsp.publishing import ViewPublisher
from codekin.lsp.session import Session

logger = logging.getLogger(__name__)

_SETTINGS_TIMEOUT_S = 3.0  # the engine is opened without the client's settings if it has not answered by then


class CodekinServer(LanguageServer):
    """Connects the client with the session, follows the settings, and registers handlers (a `Registry`)."""

    protocol: CodekinProtocol
    session: Session
    configuration: Configuration
    view_publisher: ViewPublisher

    def __init__(self, *, is_remote: bool = False) -> None:
        """Register the lifecycle's handlers; session and configuration are made by `on_initialize`."""
        super().__init__(
            "codekin",
            __version__,
            protocol_cls=CodekinProtocol,
            converter_factory=make_converter,
            notebook_document_sync=NOTEBOOK_SYNC,
        )
        self.is_remote = is_remote  # the client may run on another machine, where its process id means nothing here
        self.client = Client(self)
        self.exit_status = 1  # until the client has sent `shutdown` and `exit`
        self.stopped = asyncio.Event()
        self._register_lifecycle()

    def on_initialize(self, params: types.InitializeParams, capabilities: types.ServerCapabilities) -> None:
        """Create the session, without any work yet, and remove `capabilities` that this client must not use."""
        self.configuration = Configuration(remove_token(params.initialization_options))
        self.session = Session(self.protocol.workspace, list_client_roots(params))
        self.view_publisher = ViewPublisher(self.client, self.session)
        self.session.set_listener(self.view_publisher)
        if self.view_publisher.pushes_diagnostics:
            capabilities.diagnostic_provider = None
        if params.process_id is not None and not self.is_remote:
            self.client.create_task(self._stop_with_client(params.process_id))

    async def on_initialized(self) -> None:
        """Import the engine on a thread, request settings for up to 3 s, open the index; apply late settings."""
        self.session.warm_up()
        self.view_publisher.update_status()
        settings_request = asyncio.ensure_future(self._request_settings())
        await asyncio.wait((settings_request,), timeout=_SETTINGS_TIMEOUT_S)
        await self._apply_settings()
        if not settings_request.done():
            await settings_request
            await self._apply_settings()

    def stop_serving(self, exit_status: int) -> None:
        """Set the exit status and the `stopped` event, so that the server ends in order; return at once."""
        self.exit_status = exit_status
        self.stopped.set()

    def stop_from_thread(self, event_loop: asyncio.AbstractEventLoop) -> None:
        """Stop with exit status 1: the client no longer reads. From any thread; no-op once the loop closed."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            event_loop.call_soon_threadsafe(self.stop_serving, 1)

    async def _stop_with_client(self, process_id: int) -> None:
        """Wait until the client's process is gone, then end the server in order, with exit status 1."""
        await transport.wait_for_exit(process_id)
        logger.warning("the client (process %d) is gone", process_id)
        self.stop_serving(1)

    async def _request_settings(self) -> None:
        """Request the client's settings and keep them; no-op where it can't be asked; an error is only logged."""
        if not self.client.has_capability("workspace.configuration"):
            return
        try:
            client_settings = await self.client.request_settings()
        except JsonRpcException as error:
            logger.warning("the client does not send its settings: %s", error)
        else:
            self.configuration.update_client_settings(client_settings)

    async def _apply_settings(self) -> None:
        """Resolve the settings on a thread, give them to the session, show new problems, refresh views they change."""
        old_settings = self.session.settings
        settings, problems = await self.session.run_in_opener(self.configuration.resolve_settings)
        self.session.request_engine(settings)
        for problem in problems:
            self.client.show_message_once(types.MessageType.Warning, f"codekin: {problem}")
        if old_settings is None:
            return
        if (old_settings.lens, old_settings.duplicates) != (settings.lens, settings.duplicates):
            self.view_publisher.refresh_views(includes_disabled=True)

    async def _update_settings(self, pushed_settings: object) -> None:
        """Request the settings, or use those pushed where the client can't be asked; then apply them."""
        if self.client.has_capability("workspace.configuration"):
            await self._request_settings()
        else:
            self.configuration.update_client_settings(pushed_settings)
        await self._apply_settings()

    def on_request(self, method: str, handler: RequestHandler, options: Any = None) -> None:
        """Register `handler` to answer requests of this method; its errors become error responses."""
        self.feature(method, options)(wrap_request(self, method, handler))

    def on_command(self, command: str, handler: RequestHandler) -> None:
        """Register `handler` for the command: it gets client, session, first argument or None; errors are answered."""
        self.command(command)(wrap_request(self, command, handler))

    def on_notification(self, method: str, handler: NotificationHandler) -> None:
        """Register `handler` for notifications of this method; it runs on the loop, its errors are logged."""
        self.feature(method)(wrap_notification(self, method, handler))

    def send_log_message(self, params: types.LogMessageParams) -> None:
        """Send a line to the client's log; does nothing before `initialize` is answered."""
        if self.protocol.documents is not None:
            self.window_log_message(params)

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002
        """Log an error that pygls can't answer, with traceback; unlike pygls, never show it to the user."""
        if not isinstance(error, JsonRpcException):  # those have been answered
            logger.error("%s", error, exc_info=error)

    def _register_lifecycle(self) -> None:
        """Register the handlers of `initialized`, changed settings and cancelled progress."""

        def handle_initialized(client: Client, _: Session, __: types.InitializedParams) -> None:
            """Start opening the index in a task; register for changes of settings."""
            client.create_task(self.on_initialized())
            if client.has_capability("workspace.did_change_configuration.dynamic_registration"):
                options = types.DidChangeConfigurationRegistrationOptions(section="codekin")
                method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
                client.register_capability(types.Registration("codekin-settings", method, options))

        def handle_configuration(client: Client, _: Session, params: types.DidChangeConfigurationParams) -> None:
            """Update the settings in a task."""
            client.create_task(self._update_settings(params.settings))

        def handle_cancel(_: Client, __: Session, params: types.WorkDoneProgressCancelParams) -> None:
            """Pause indexing if the progress bar that was cancelled is its own."""
            self.view_publisher.progress_bar.cancel_by_token(params.token)

        self.on_notification(types.INITIALIZED, handle_initialized)
        self.on_notification(types.WORKSPACE_DID_CHANGE_CONFIGURATION, handle_configuration)
        self.on_notification(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, handle_cancel)
