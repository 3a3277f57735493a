"""The language server: one client, one workspace.

Nothing heavy is imported here or by what is imported here: `initialize` is answered first (see session.py).
Handlers of notifications run on the loop and return at once; handlers of requests are coroutines that wait for the
engine's threads (see questions.py). What they raise is answered: a CodekinError with its message, which names the
remedy, anything else as an internal error whose trace goes to standard error.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from codekin import __version__
from codekin.errors import CodekinError
from codekin.lsp import features, logs, streams, transport
from codekin.lsp.authentication import without_token
from codekin.lsp.configuration import Configuration
from codekin.lsp.connections import Listening
from codekin.lsp.features.diagnostics import DiagnosticPublisher
from codekin.lsp.features.synchronisation import NOTEBOOKS
from codekin.lsp.folders import NO_FOLDER_MESSAGE, find_repository, list_roots
from codekin.lsp.handlers import Handler, Listener, wrap_notification, wrap_request
from codekin.lsp.messages import SourceJson
from codekin.lsp.progress import ProgressBar
from codekin.lsp.protocol import CodekinProtocol, make_converter
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.status import StatusPublisher
from codekin.printable import printable_lines
from codekin.types import Progress

log = logging.getLogger(__name__)

_CLOSING_S = 1.5  # all ends sooner by itself, but on a machine that is very busy, or where a library hangs
_ANSWERING_S = 3.0


class CodekinServer(LanguageServer):
    """What the features share: the client's capabilities, settings and folders, and the engine behind `session`."""

    protocol: CodekinProtocol
    session: Session
    configuration: Configuration
    bar: ProgressBar
    board: StatusPublisher
    publisher: DiagnosticPublisher | None

    def __init__(self, *, is_remote: bool = False) -> None:
        super().__init__(
            "codekin",
            __version__,
            protocol_cls=CodekinProtocol,
            converter_factory=make_converter,
            notebook_document_sync=NOTEBOOKS,
        )
        self.is_remote = is_remote  # the client may be on another machine, and its process's number mean nothing here
        self.completion_source: SourceJson | None = None  # of the completion shown last
        self.exit_status = 1  # the client is gone, and has not said goodbye
        self.stopped = asyncio.Event()
        self.roots: list[Path] = []
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._progress: Progress | None = None
        features.register(self)

    # The conversation's course

    def on_initialize(self, params: types.InitializeParams, offered: types.ServerCapabilities) -> None:
        """`initialize` is being answered: remember, do nothing yet. `offered` loses what this client is not to use."""
        self.configuration = Configuration(without_token(params.initialization_options))
        self.session = Session(self.protocol.workspace, self)
        self.bar = ProgressBar(self.protocol.progress, self.pause)
        self.board = StatusPublisher(self)
        self.publisher = (
            None if self.has_capability("workspace.diagnostics.refresh_support") else DiagnosticPublisher(self)
        )
        if self.publisher is not None:
            offered.diagnostic_provider = None
        self.roots = list_roots(params)
        if params.process_id is not None and not self.is_remote:
            self.create_task(self._follow(params.process_id))

    async def on_initialized(self) -> None:
        """The client is ready: import, learn the settings, open the index."""
        self.session.warm_up()
        self.board.schedule()
        asking = asyncio.ensure_future(self.request_settings())
        await asyncio.wait((asking,), timeout=_ANSWERING_S)
        await self.apply_settings()
        if not asking.done():
            await asking
            await self.apply_settings()

    def stop(self, status: int) -> None:
        """The conversation is over."""
        self.exit_status = status
        self.stopped.set()

    def stop_from_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        """The client does not listen any more."""
        with contextlib.suppress(RuntimeError):  # nor do we
            loop.call_soon_threadsafe(self.stop, 1)

    async def _follow(self, process: int) -> None:
        await transport.wait_for_exit(process)
        log.warning("the client (process %d) is gone", process)
        self.stop(1)

    # Settings and folders

    async def request_settings(self) -> None:
        """Ask the client, if it answers such questions."""
        if not self.has_capability("workspace.configuration"):
            return
        items = [types.ConfigurationItem(section="codekin")]
        try:
            answers = await self.workspace_configuration_async(types.ConfigurationParams(items))
        except JsonRpcException as error:
            log.warning("the client does not tell its settings: %s", error)
        else:
            self.configuration.update(answers[0] if answers else None)

    async def apply_settings(self) -> None:
        """Whatever has changed takes effect; what is wrong is told."""
        before = self.session.settings
        settings, problems = await self.session.run_in_opener(self.configuration.settings)
        self.session.request_engine(self.roots, settings)
        self.board.schedule()
        for problem in problems:
            self.show_message_once(types.MessageType.Warning, f"codekin: {problem}")
        if before is not None and (before.lens, before.duplicates) != (settings.lens, settings.duplicates):
            self.refresh_views(anyway=True)

    def set_roots(self, roots: list[Path]) -> None:
        """The workspace's folders are these from now on."""
        self.roots = roots
        if self.session.settings is not None:  # else they count when the settings are known
            self.session.request_engine(roots, self.session.settings)
            self.board.schedule()

    def find_root(self, file: Path) -> None:
        """Where no folder is open, take the repository that this file is in."""
        if not self.roots:
            self.session.await_roots()
            self.create_task(self._find_root(file))

    async def _find_root(self, file: Path) -> None:
        project = await self.session.run_in_opener(lambda: find_repository(file))
        if self.roots:
            return
        if project is None:
            self.show_message_once(types.MessageType.Info, f"codekin: {NO_FOLDER_MESSAGE}")
        else:
            log.info("no folder is open; %s is taken, for %s is in it", project, file.name)
        self.set_roots([project] if project else [])

    # What becomes of the engine (session.Audience)

    def engine_exchanged(self) -> None:
        self.engine_changed(None)
        self.refresh_views()

    def engine_failed(self, problem: str) -> None:
        self.show_message(types.MessageType.Error, f"codekin: {problem}")
        self.board.schedule()

    def engine_changed(self, progress: Progress | None) -> None:
        ended = self._progress is not None and progress is None
        self._progress = progress
        if self.has_capability("window.work_done_progress"):
            self.bar.update(progress)
        self.board.schedule()
        if ended:
            self.refresh_views()
        elif self.publisher is not None:  # which waits until all is quiet
            self.publisher.schedule()

    def pause(self) -> None:
        """The user cancelled the progress bar."""
        far = f" at {self._progress.done:,} of {self._progress.total:,} files" if self._progress else ""
        self.create_task(self.session.run_query(Priority.COMMAND, lambda engine, _: engine.pause()))
        self.show_message(
            types.MessageType.Info,
            f"codekin: indexing is paused{far}; what is indexed can be searched. The command codekin.resume goes on.",
        )

    # What features need

    def has_capability(self, capability: str) -> bool:
        """Whether the client says so."""
        return bool(get_capability(self.client_capabilities, capability, None))

    def show_message(self, kind: types.MessageType, message: str) -> None:
        """Show the user a message."""
        self.window_show_message(types.ShowMessageParams(kind, printable_lines(message)))

    def show_message_once(self, kind: types.MessageType, message: str) -> None:
        """The same, but each message only once."""
        if message not in self._told:
            self._told.add(message)
            self.show_message(kind, message)

    def refresh_views(self, *, anyway: bool = False) -> None:
        """Have the client ask anew for what it shows of the index; `anyway`: also for what has just been turned off."""
        settings = self.session.settings
        if settings is None:
            return
        if (settings.lens.enabled or anyway) and self.has_capability("workspace.code_lens.refresh_support"):
            self.workspace_code_lens_refresh(None)
        if settings.duplicates.enabled or anyway:
            if self.publisher is None:
                self.workspace_diagnostic_refresh(None)
            elif settings.duplicates.enabled:
                self.publisher.schedule()
            else:
                self.publisher.clear()

    def create_task(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run beside; what goes wrong is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s", error, exc_info=None if isinstance(error, CodekinError | JsonRpcException) else error)

    def on_request(self, method: str, handler: Handler, options: Any = None) -> None:
        """Have `handler` answer the requests of this method."""
        self.feature(method, options)(wrap_request(self, method, handler))

    def on_command(self, name: str, handler: Handler) -> None:
        """Have `handler` carry out the command, with the one argument it has."""
        self.command(name)(wrap_request(self, name, handler))

    def on_notification(self, method: str, listener: Listener) -> None:
        """Have `listener` called, on the loop."""
        self.feature(method)(wrap_notification(self, method, listener))

    def report_server_error(self, error: Exception, source: Any) -> None:  # noqa: ARG002
        """What pygls can't answer goes to the log, not into the user's face."""
        if not isinstance(error, JsonRpcException):  # those have been answered
            log.error("%s", error, exc_info=error)


async def _serve(where: Listening | None) -> int:
    loop = asyncio.get_running_loop()
    server = CodekinServer(is_remote=where is not None)
    logging.getLogger("codekin").addHandler(logs.ClientLogHandler(server))
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows, or not the main thread
            loop.add_signal_handler(number, server.stop, 0)
    stop = loop.create_task(server.stopped.wait())
    stream = await streams.open_stream(server, where, stop)
    if stream is None:
        return server.exit_status
    server.protocol.set_writer(stream.outbox)
    talk = loop.create_task(streams.converse(server, stream))
    await asyncio.wait((talk, stop), return_when=asyncio.FIRST_COMPLETED)
    await _close(server)
    await transport.flush_and_close(stream.outbox)
    return server.exit_status


async def _close(server: CodekinServer) -> None:
    """Close the index, in time."""
    if server.protocol.documents is None:
        return
    closed = threading.Event()
    threading.Thread(target=_end_at_last, args=(server, closed), daemon=True).start()
    await server.session.close()
    closed.set()


def _end_at_last(server: CodekinServer, closed: threading.Event) -> None:
    """End the process where the index does not close. Nothing is lost: every change is one transaction."""
    if not closed.wait(_CLOSING_S):
        os._exit(server.exit_status)  # from a thread: the loop, too, may wait for what hangs


def serve(where: Listening | None = None) -> None:
    """Talk to one client until it says `exit` or is gone: over standard input and output, or as `where` says.

    Raises SystemExit(1) where the client has not said `shutdown` first; QueryError or OSError where it can't listen.
    """
    logs.configure_logging()
    status = asyncio.run(_serve(where))
    if status:
        raise SystemExit(status)
