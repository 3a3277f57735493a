"""Embeds all contents with a heavy model in the background, starting with the files that a person works on.

Its only state is the file of vectors, which is written after each batch: killed at any moment it continues where it
was, and nothing is embedded twice. Of several processes on one workspace, the owner of the space's lock does it.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
from filelock import FileLock, Timeout

from codekin.code.lines import hash_content
from codekin.embed.embedder import Embedder
from codekin.embed.factory import HeavyModel
from codekin.embed.tasks import PROBE
from codekin.errors import CodekinError, ModelBusyError, ModelDiedError, ModelError
from codekin.index.index import Index
from codekin.index.model_vectors import ModelVectors
from codekin.indexing.backlog import EmbeddingBacklog
from codekin.storage.paths import IndexPaths
from codekin.storage.vector_store import Vectors, VectorStore
from codekin.types import Cancel, ModelState, ModelStatus, OnProgress, Progress, Role, Task
from codekin.workspace.workspace import Workspace

logger = logging.getLogger(__name__)

_FIRST_BATCH, _MIN_BATCH, _MAX_BATCH = 8, 4, 1024  # contents embedded at a time
_MIN_BATCH_S, _MAX_BATCH_S = 1.0, 4.0  # target time of a batch: a kill loses one, and an edit waits for one
_POLL_INTERVAL_S = 2.0  # between two checks for pending contents
_RETRY_DELAYS_S = (5.0, 30.0, 300.0)
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
        """Prepare; `open_heavy` may take long and raises ModelError. None: there is no heavy model, nothing to do."""
        self._index_paths = index_paths
        self._index = index
        self._backlog = EmbeddingBacklog(workspace, index)
        self._open_heavy = open_heavy
        self._on_change = on_change
        self._heavy: HeavyModel | None = None
        self._opening_lock = threading.Lock()
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._round_interrupt = threading.Event()  # ends the round under way: set to stop and to pause
        self._is_paused = False
        self._thread: threading.Thread | None = None
        self._batch_size = _FIRST_BATCH
        self._activity = ModelState.OPENING
        self.progress: Progress | None = None
        self.problem: str | None = None
        self.query_problem: str | None = None  # why the last query was answered without the model
        self._must_reopen = False  # a query failed: another model may answer by now

    def embed_query(self, question: str, task: Task) -> Vectors | None:
        """Return the question's vector (d,); None if the model is not open, busy or fails; sets `query_problem`.

        If it fails, `query_problem` says why, and the model is opened again for the next round.
        """
        heavy = self._heavy
        if heavy is None:
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
        return np.asarray(vector)

    @property
    def pending_count(self) -> int:
        """Return how many contents are known to lack a vector; 0 before the model is open."""
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
                self._index.add_heavy(self._find_space(heavy), heavy.bulk.dim)
                self._heavy, self._activity = heavy, ModelState.READY
            return self._heavy

    def run_until_done(self, on_progress: OnProgress, cancel_event: Cancel) -> int:
        """Embed all, or wait while another process does, unless cancelled; return how many. Raises ModelError.

        It counts contents that this process embedded; 0 without a heavy model.
        """
        heavy, embedded_count = self.open(), 0
        if heavy is None:
            return 0
        lock = FileLock(self._index_paths.embedding_lock(self._get_vectors().space), timeout=0, mode=0o600)
        while not cancel_event.is_set():
            try:
                with lock:
                    return embedded_count + self._embed_backlog(heavy.bulk, on_progress, cancel_event)
            except Timeout:
                self._index.follow()
                on_progress(self._make_progress(None))
                if not self._get_vectors().pending:
                    return embedded_count
                self._stop.wait(_POLL_INTERVAL_S)
        return embedded_count

    def start(self) -> None:
        """Start the thread that embeds in the background; does nothing without a heavy model."""
        if self._open_heavy is None:
            return
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
        """Continue after `pause`."""
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
        worker_problems = dict.fromkeys(problem for problem in (self.problem, self.query_problem) if problem)
        return (*worker_problems, *(self._heavy.bulk.problems if self._heavy else ()))

    def status(self) -> ModelStatus | None:
        """Return the model's state and share of contents; None if there is no heavy model."""
        vectors, heavy = self._index.heavy, self._heavy
        if self._open_heavy is None:
            return None
        activity = ModelState.FAILED if self.problem else ModelState.PAUSED if self._is_paused else self._activity
        if vectors is None or heavy is None:
            return ModelStatus(self._index_paths.settings.model.name, "", 0.0, activity)
        return ModelStatus(heavy.bulk.model, heavy.bulk.device, vectors.share, activity)

    def _run_rounds(self) -> None:
        """Embed round by round until stopped; after a failure, close the model and retry later. Never raises."""
        failures = 0
        while not self._stop.is_set():
            self._round_interrupt.clear()
            try:
                if not self._is_paused:
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
        """Embed the backlog once, unless another process is doing it. Raises ModelError, StoreError."""
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
                self._embed_backlog(
                    heavy.bulk, lambda progress: self._set_activity(ModelState.FILLING, progress), self._round_interrupt
                )
            self._set_activity(ModelState.READY if not self._round_interrupt.is_set() else ModelState.FILLING, None)
        except Timeout:
            self._set_activity(ModelState.STANDING_BY, None)
        finally:
            self.progress = None

    def _set_activity(self, activity: ModelState, progress: Progress | None) -> None:
        """Set state and progress, and call `on_change` if they have changed."""
        has_changed = activity != self._activity or progress is not None or self.progress is not None
        self._activity, self.progress = activity, progress
        if has_changed:
            self._on_change()

    def _embed_backlog(self, embedder: Embedder, on_progress: OnProgress, cancel_event: Cancel) -> int:
        """Embed until no vector is lacking, or cancelled; return the number. Raises ModelError, StoreError."""
        started, embedded_count = time.monotonic(), 0
        self._index.follow()
        on_progress(self._make_progress(None))
        with contextlib.closing(VectorStore(self._index_paths.vectors)) as vector_store:
            for batch in self._backlog.iterate_batches(lambda: self._batch_size, cancel_event):
                embedded_hashes = vector_store.hashes_with_vector(self._get_vectors().space, list(batch))
                missing_texts = {key: text for key, text in batch.items() if key not in embedded_hashes}
                embedded_count += self._embed_texts(missing_texts, embedder, vector_store)
                self._index.follow()
                if embedded_count:
                    seconds_per_content = (time.monotonic() - started) / embedded_count
                    on_progress(self._make_progress(seconds_per_content * len(self._get_vectors().pending)))
        self._index.follow_and_compact()
        return embedded_count

    def _embed_texts(self, texts: Mapping[bytes, str], embedder: Embedder, vector_store: VectorStore) -> int:
        """Embed texts by content hash and write the vectors; return how many, without texts that kill the model."""
        if not texts:
            return 0
        started = time.monotonic()
        try:
            vectors = embedder.embed(list(texts.values()), Task.CODE2CODE, Role.PASSAGE)
        except ModelDiedError as error:
            if len(texts) == 1:  # this text kills the model: it alone is left out
                logger.warning("%s It is left out.", error)
                return 0
            return sum(self._embed_texts({key: text}, embedder, vector_store) for key, text in texts.items())
        vector_store.put_vectors(self._get_vectors().space, list(texts), vectors)
        self.problem = self.query_problem = None
        duration_s = time.monotonic() - started
        if duration_s < _MIN_BATCH_S and len(texts) >= self._batch_size:
            self._batch_size = min(2 * self._batch_size, _MAX_BATCH)
        elif duration_s > _MAX_BATCH_S:
            self._batch_size = max(self._batch_size // 2, _MIN_BATCH)
        return len(texts)

    def _find_space(self, heavy: HeavyModel) -> str:
        """Return the space of the model's vectors; for an endpoint, the one whose stored probe vector matches."""
        space = heavy.bulk.space(Task.CODE2CODE)
        if heavy.probe is None:
            return space
        with contextlib.closing(VectorStore(self._index_paths.vectors)) as vector_store:
            return vector_store.find_or_create_space(space, hash_content(PROBE), heavy.probe)

    def _get_vectors(self) -> ModelVectors:
        """Return the heavy model's part of the index; the model must be open."""
        model_vectors = self._index.heavy
        assert model_vectors is not None  # noqa: S101 (it is there once the model is open)
        return model_vectors

    def _make_progress(self, seconds_left: float | None) -> Progress:
        """Return the progress: contents with a vector, of all."""
        embedded_count, pending_count = len(self._get_vectors().dense), len(self._get_vectors().pending)
        return Progress(embedded_count, embedded_count + pending_count, seconds_left)
