"""Keep what the client shows of the index up to date: progress bar, status, code lenses and diagnostics."""

from lsprotocol.types import MessageType

from codekin.lsp.client import Client
from codekin.lsp.features.diagnostics import DiagnosticPublisher
from codekin.lsp.progress import ProgressBar
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.lsp.status import StatusPublisher
from codekin.types import Progress


class ViewPublisher:
    """Updates the client's views when the engine changes (implements `SessionListener`). For the loop's thread."""

    def __init__(self, client: Client, session: Session) -> None:
        """Prepare; how diagnostics get to the client is decided here, by its capabilities. Sends nothing."""
        self._client = client
        self._session = session
        self._progress: Progress | None = None
        self._status_publisher = StatusPublisher(client, session, self.refresh_views)
        self._diagnostic_publisher = (
            None
            if client.has_capability("workspace.diagnostics.refresh_support")
            else DiagnosticPublisher(client, session)
        )
        self.progress_bar = ProgressBar(client.progress_notifications, self._pause_indexing)

    @property
    def pushes_diagnostics(self) -> bool:
        """Return whether diagnostics are published, as the client can't be asked to request them again."""
        return self._diagnostic_publisher is not None

    def update_status(self) -> None:
        """Schedule sending the status, if changed, to the client; return at once."""
        self._status_publisher.schedule_update()

    def refresh_views(self, *, includes_disabled: bool = False) -> None:
        """Refresh the lenses and diagnostics that are on, or all with `includes_disabled`; no-op without settings."""
        settings = self._session.settings
        if settings is None:
            return
        if settings.lens.enabled or includes_disabled:
            self._client.refresh_code_lenses()
        if settings.duplicates.enabled or includes_disabled:
            if self._diagnostic_publisher is None:
                self._client.refresh_diagnostics()
            elif settings.duplicates.enabled:
                self._diagnostic_publisher.schedule_update()
            else:
                self._diagnostic_publisher.clear_diagnostics()

    def engine_requested(self) -> None:
        """Schedule sending the status, because folders or settings have changed; return at once."""
        self.update_status()

    def engine_exchanged(self) -> None:
        """Update all views, and end the progress bar: another engine, or none, answers from now on."""
        self.engine_changed(None)
        self.refresh_views()

    def engine_failed(self, problem: str) -> None:
        """Show the user the problem that prevents opening the engine, each time; schedule the status."""
        self._client.show_message(MessageType.Error, f"codekin: {problem}")
        self.update_status()

    def engine_changed(self, progress: Progress | None) -> None:
        """Show the progress of the bulk index (None ends it) if the client can; update views at its end."""
        has_ended = self._progress is not None and progress is None
        self._progress = progress
        if self._client.has_capability("window.work_done_progress"):
            self.progress_bar.update_progress(progress)
        self.update_status()
        if has_ended:
            self.refresh_views()
        elif self._diagnostic_publisher is not None:  # which waits until nothing changes any more
            self._diagnostic_publisher.schedule_update()

    def _pause_indexing(self) -> None:
        """Pause the bulk index, in a task, and tell the user how to resume it."""
        progress = self._progress
        progress_text = f" at {progress.done:,} of {progress.total:,} files" if progress else ""
        self._client.create_task(self._session.run_query(Priority.COMMAND, lambda engine, _: engine.pause()))
        self._client.show_message(
            MessageType.Info,
            f"codekin: indexing is paused{progress_text}; what is indexed can be searched. "
            "The command codekin.resume goes on.",
        )
