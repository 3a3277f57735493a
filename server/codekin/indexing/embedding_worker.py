"""Embeds all contents with a heavy model in the background, starting with the files that a person works on.

Its only state is the file of vectors, which is written after each batch: killed at any moment it continues where it
was, and nothing is embedded twice. Of several processes on one workspace, the owner of the space's lock does it.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable

import numpy as np
from filelock import FileLock, Timeout

from codekin.embed.factory import HeavyModel, HeavyQuery, is_small_by_default, name_heavy_model
from codekin.errors import CodekinError, ModelBusyError, ModelError
from codekin.index.index import Index
from codekin.index.model_vectors import ModelVectors
from codekin.indexing.backlog import EmbeddingBacklog
from codekin.indexing.embedding_batches import EmbeddingBatches, find_space
from codekin.indexing.power import is_on_battery
from codekin.indexing.warm_start import WarmStart
from codekin.storage.owner_lock import is_lock_held
from codekin.storage.paths import IndexPaths
from codekin.storage.vector_store import VectorStore
from codekin.types import Cancel, ModelState, ModelStatus, OnProgress, Progress, Role, Task
from codekin.workspace.workspace import Workspace

logger = logging.getLogger(__name__)

_POLL_INTERVAL_S, _RETRY_DELAYS_S = 2.0, (5.0, 30.0, 300.0)  # of checks for pending contents; after failures
_STOP_TIMEOUT_S = 0.5  # for the end of a batch that can't be interrupted


class EmbeddingWorker:
    """Opens the heavy model of one index, embeds all contents on a thread, and embeds queries."""

    def __init__(
        self,
        index_paths: IndexPaths,
        workspace: Workspace,
        index: Index,
        open_heavy: Callable[[], HeavyModel] | None,
        on_change: Callable[[], None],
    ) -> None:
        """Prepare; `open_heavy` may take long and raises ModelError. None: there is no heavy model, nothing to do.

        A model that fills in by default is there once it is enabled, or the thread started.
        """
        self._starter = open_heavy
        self._index_paths = index_paths
        self._index = index
        self._backlog = EmbeddingBacklog(workspace, index)
        self._open_heavy = None if is_small_by_default(index_paths.settings.model) else open_heavy
        self._on_change = on_change
        self._heavy: HeavyModel | None = None
        self._opening_lock = threading.Lock()
        self._wake = threading.Condition()
        self._stop, self._round_interrupt = threading.Event(), threading.Event()  # the latter is set to pause, too
        self._is_paused = False
        self._thread: threading.Thread | None = None
        self._batches = EmbeddingBatches()
        self.warm_start = WarmStart(index, self._backlog)
        self._activity = ModelState.OPENING
        self.progress: Progress | None = None
        self.problem: str | None = None
        self.query_problem: str | None = None  # why the last query was answered without the model
        self._must_reopen = False  # a query failed: another model may answer by now

    def embed_query(self, question: str, task: Task) -> HeavyQuery | None:
        """Embed the question by the heavy model; return vector, weight; None if closed, busy, failing or weight 0.

        Sets `query_problem`. If it fails, `query_problem` says why, and the model is opened again for the next round.
        """
        heavy = self._heavy
        if heavy is None or heavy.blend_weights.get(task) == 0:
            return None
        try:
            (vector,) = heavy.interactive.embed([question], task, Role.QUERY)
        except ModelBusyError:
            return None
        except ModelError as error:
            self._must_reopen = True
            if self.query_problem != str(error):
                self.query_problem = str(error)
                logger.warning("%s", error)
                self._on_change()
            return None
        self.query_problem = None
        return HeavyQuery(np.asarray(vector), heavy.blend_weights.get(task))

    @property
    def pending_count(self) -> int:
        """Return how many contents are known to lack a vector of the heavy model; 0 before that is open."""
        return len(self._get_vectors().pending) if self._heavy else 0

    def open(self) -> HeavyModel | None:
        """Return the heavy model, opened and added to the index on first use; None without one. Raises ModelError."""
        with self._opening_lock:
            if self._heavy is None and self._open_heavy is not None:
                try:
                    heavy = self._open_heavy()
                except ModelError:
                    self._activity = ModelState.FAILED
                    raise
                self._index.add_heavy(find_space(heavy, self._index_paths.vectors), heavy.bulk.dim)
                self._heavy, self._activity = heavy, ModelState.READY
            return self._heavy

    def run_until_done(self, on_progress: OnProgress, cancel_event: Cancel) -> int:
        """Embed contents without a heavy vector, or wait while another process does, unless cancelled; return how many.

        It counts contents that this process embedded; 0 without a heavy model. Raises ModelError.
        """
        heavy, embedded_count = self.open(), 0
        if heavy is None:
            return 0
        lock = FileLock(self._index_paths.embedding_lock(self._get_vectors().space), timeout=0, mode=0o600)
        while not cancel_event.is_set():
            try:
                with lock:
                    return embedded_count + self._embed_backlog(heavy, on_progress, cancel_event)
            except Timeout:
                self._index.follow()
                on_progress(self._make_progress(None))
                if not self._get_vectors().pending:
                    return embedded_count
                self._stop.wait(_POLL_INTERVAL_S)
        return embedded_count

    def enable(self) -> None:
        """Allow `open` to open the small model even where it is used by default, not chosen in the settings."""
        self._open_heavy = self._starter

    def start(self) -> None:
        """Start the thread that embeds in the background; does nothing without a heavy model."""
        self.enable()
        if self._open_heavy is not None:
            self._thread = threading.Thread(target=self._run_rounds, name="codekin-embedding-worker", daemon=True)
            self._thread.start()

    def notify(self) -> None:
        """Make the thread check for pending contents now rather than at the next interval."""
        with self._wake:
            self._wake.notify_all()

    def pause(self) -> None:
        """Embed nothing until `resume`, after the batch under way; queries are still answered."""
        self._is_paused = True
        self._round_interrupt.set()

    def resume(self) -> None:
        """Let the thread embed again after `pause`, at once."""
        self._is_paused = False
        self.notify()

    def interrupt(self) -> None:
        """Make all work end soon; returns at once. Afterwards only `stop` may be called."""
        self._stop.set()
        self._round_interrupt.set()
        self.notify()

    def stop(self) -> None:
        """End the thread and close the model, waiting up to 0.5 s; the vectors made so far are kept."""
        self.interrupt()
        if self._heavy:
            self._heavy.close()
        if self._thread:
            self._thread.join(_STOP_TIMEOUT_S)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the model, as messages with their remedies."""
        all_problems = (self.problem, self.query_problem, self.warm_start.problem)
        worker_problems = dict.fromkeys(problem for problem in all_problems if problem)
        return (*worker_problems, *(self._heavy.bulk.problems if self._heavy else ()))

    def status(self) -> ModelStatus | None:
        """Return the heavy model's name, device, share of contents with a vector, and state; None without a model."""
        vectors, heavy = self._index.heavy, self._heavy
        if self._open_heavy is None:
            return None
        activity = ModelState.FAILED if self.problem else ModelState.PAUSED if self._must_pause() else self._activity
        if vectors is None or heavy is None:
            return ModelStatus(name_heavy_model(self._index_paths.settings.model), "", 0.0, activity)
        is_idle = self._thread is None and activity is ModelState.READY and bool(vectors.pending)
        is_behind = is_idle and is_lock_held(self._index_paths.embedding_lock(vectors.space))
        state = ModelState.STANDING_BY if is_behind else activity
        return ModelStatus(heavy.bulk.model, heavy.bulk.device, vectors.share, state, self.warm_start.count)

    def _run_rounds(self) -> None:
        """Embed round by round until stopped; after a failure, close the model and retry later. Never raises."""
        failures = 0
        while not self._stop.is_set():
            self._round_interrupt.clear()
            try:
                if not self._must_pause():
                    self._run_round()
                    failures, self.problem = 0, None
            except Exception as error:  # noqa: BLE001 (whatever it is: the light model answers, and this is tried again)
                if not self._stop.is_set():
                    self._record_problem(error)
                    self._close_model()
                    self._on_change()
                    self._stop.wait(_RETRY_DELAYS_S[min(failures, len(_RETRY_DELAYS_S) - 1)])
                    failures += 1
            with self._wake:
                self._wake.wait(_POLL_INTERVAL_S)

    def _must_pause(self) -> bool:
        """Return whether to embed nothing: told so, or on battery where the settings spare it."""
        return self._is_paused or (is_on_battery() and not self._index_paths.settings.model.on_battery)

    def _record_problem(self, error: Exception) -> None:
        """Set the problem to the error's message, and log it if it is new."""
        is_expected = isinstance(error, CodekinError)
        previous_problem, self.problem = self.problem, str(error) if is_expected else repr(error)
        if previous_problem != self.problem:
            logger.warning("%s", error, exc_info=not is_expected)

    def _close_model(self) -> None:
        """Close the model, so that the next use opens it again: another model may answer by then."""
        with self._opening_lock:
            if self._heavy:
                self._heavy.close()
            self._heavy = None

    def _run_round(self) -> None:
        """Open the model if needed; embed the backlog unless another process does. Raises ModelError, StoreError."""
        if self._must_reopen:
            self._must_reopen = False
            self._close_model()
        heavy = self.open()
        if heavy is None:
            return
        self._index.follow()
        if not self._get_vectors().pending:
            self._set_activity(ModelState.READY, None)
            return
        try:
            with FileLock(self._index_paths.embedding_lock(self._get_vectors().space), timeout=0, mode=0o600):
                self._embed_backlog(heavy, self._report_round, self._round_interrupt)
            self._set_activity(ModelState.READY if not self._round_interrupt.is_set() else ModelState.FILLING, None)
        except Timeout:
            self._set_activity(ModelState.STANDING_BY, None)
        finally:
            self.progress = None

    def _report_round(self, progress: Progress) -> None:
        """Set the round's progress, notifying `on_change`; make the round end soon where embedding must pause."""
        self._set_activity(ModelState.FILLING, progress)
        if self._must_pause():
            self._round_interrupt.set()

    def _set_activity(self, activity: ModelState, progress: Progress | None) -> None:
        """Set state and progress, and call `on_change` if they have changed."""
        has_changed = activity != self._activity or progress is not None or self.progress is not None
        self._activity, self.progress = activity, progress
        if has_changed:
            self._on_change()

    def _embed_backlog(self, heavy: HeavyModel, on_progress: OnProgress, cancel_event: Cancel) -> int:
        """Embed and store missing heavy vectors, unless cancelled; return how many. Raises ModelError, StoreError."""
        embedded_count = 0
        self._index.follow()
        space = self._get_vectors().space
        with contextlib.closing(VectorStore(self._index_paths.vectors)) as vector_store:

            def take_from_team() -> None:
                """Take what the team's index has, reporting progress without an estimate: it may lack much."""
                self.warm_start.fill(heavy, vector_store, lambda: on_progress(self._make_progress(None)), cancel_event)

            on_progress(self._make_progress(None))
            take_from_team()
            started = time.monotonic()
            for batch in self._backlog.iterate_batches(lambda: self._batches.size, cancel_event):
                embedded_hashes = vector_store.hashes_with_vector(space, list(batch))
                missing_texts = {key: text for key, text in batch.items() if key not in embedded_hashes}
                embedded_count += self._batches.embed_texts(missing_texts, heavy.bulk, vector_store, space)
                if missing_texts:
                    self.problem = self.query_problem = None
                self._index.follow()
                take_from_team()
                if embedded_count:
                    seconds_per_content = (time.monotonic() - started) / embedded_count
                    on_progress(self._make_progress(seconds_per_content * len(self._get_vectors().pending)))
        self._index.follow_and_compact()
        return embedded_count

    def _get_vectors(self) -> ModelVectors:
        """Return the heavy model's vectors in the index, which exist once the model is open."""
        model_vectors = self._index.heavy
        assert model_vectors is not None  # noqa: S101 (it is there once the model is open)
        return model_vectors

    def _make_progress(self, seconds_left: float | None) -> Progress:
        """Return the progress of the heavy model: contents that have its vector, of all."""
        vectors = self._get_vectors()
        return Progress(len(vectors.dense), len(vectors.dense) + len(vectors.pending), seconds_left)
