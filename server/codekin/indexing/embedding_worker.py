"""Has a heavy model make the vectors of all contents, behind the light one's: what a person works on first.

Its only ground is the file of vectors, which is written after each batch: killed at any moment it goes on where it was,
and nothing is embedded twice. Of several processes on one workspace one does it, whoever has the space's lock.
"""

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

log = logging.getLogger(__name__)

_FIRST, _LEAST, _MOST = 8, 4, 1024  # contents embedded at a time
_SHORT_S, _LONG_S = 1.0, 4.0  # what a batch is to take: what a kill loses at most, and an edit waits for
_LOOK_S = 2.0  # between two looks whether there is anything to do
_RETRIES_S = (5.0, 30.0, 300.0)
_END_S = 0.5  # what is waited at most for the end of a batch that can't be interrupted


class EmbeddingWorker:
    """The heavy model of one index: opened, asked for all vectors, and ready for questions."""

    def __init__(
        self,
        home: IndexPaths,
        workspace: Workspace,
        index: Index,
        open_heavy: Callable[[], HeavyModel] | None,
        on_change: Callable[[], None],
    ) -> None:
        """`open_heavy` may take its time, and raises ModelError; None: there is no heavy model, and nothing to do."""
        self._home = home
        self._index = index
        self._backlog = EmbeddingBacklog(workspace, index)
        self._open_heavy = open_heavy
        self._on_change = on_change
        self._heavy: HeavyModel | None = None
        self._opening = threading.Lock()
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._interrupt = threading.Event()  # of the round under way: set to stop and to pause
        self._is_paused = False
        self._thread: threading.Thread | None = None
        self._size = _FIRST
        self._doing = ModelState.OPENING
        self.progress: Progress | None = None
        self.problem: str | None = None
        self.missed: str | None = None  # why the last question was answered without it
        self._is_doubted = False  # since a question failed: what is there now may be something else

    # The door

    def embed_query(self, question: str, task: Task) -> Vectors | None:
        """Its vector (d,); None before it is open, and where it does not answer in time or fails, as `missed` says."""
        heavy = self._heavy
        if heavy is None:
            return None
        try:
            (vector,) = heavy.asked.embed([question], task, Role.QUERY)
        except ModelBusyError:
            return None
        except ModelError as error:
            self._is_doubted = True
            if self.missed != str(error):
                self.missed = str(error)
                log.warning("%s", error)
                self._on_change()
            return None
        self.missed = None
        return np.asarray(vector)

    @property
    def pending_count(self) -> int:
        """How many contents have no vector yet, as far as is known."""
        return len(self._tier().pending) if self._heavy else 0

    def open(self) -> HeavyModel | None:
        """The model, with its tier in the index. Raises ModelError."""
        with self._opening:
            if self._heavy is None and self._open_heavy is not None:
                try:
                    heavy = self._open_heavy()
                except ModelError:
                    self._doing = ModelState.FAILED
                    raise
                self._index.add_heavy(self._space(heavy), heavy.bulk.dim)
                self._heavy, self._doing = heavy, ModelState.READY
            return self._heavy

    def run_until_done(self, on_progress: OnProgress, cancel: Cancel) -> int:
        """Until no content waits for its vector; how many this process has made. Raises ModelError.

        Where another process is at it, this one waits for it.
        """
        heavy, made = self.open(), 0
        if heavy is None:
            return 0
        lock = FileLock(self._home.embedding_lock(self._tier().space), timeout=0, mode=0o600)
        while not cancel.is_set():
            try:
                with lock:
                    return made + self._fill(heavy.bulk, on_progress, cancel)
            except Timeout:
                self._index.follow()
                on_progress(self._far(None))
                if not self._tier().pending:
                    return made
                self._stop.wait(_LOOK_S)
        return made

    def start(self) -> None:
        """Fill in the background from now on."""
        if self._open_heavy is None:
            return
        self._thread = threading.Thread(target=self._run, name="codekin-filler", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """There may be something new."""
        with self._wake:
            self._wake.notify_all()

    def pause(self) -> None:
        """Embed nothing until `resume`; questions are answered from what is there."""
        self._is_paused = True
        self._interrupt.set()

    def resume(self) -> None:
        """Go on."""
        self._is_paused = False
        self.notify()

    def interrupt(self) -> None:
        """Have all work end soon; returns at once. Only `stop` may come after."""
        self._stop.set()
        self._interrupt.set()
        self.notify()

    def stop(self) -> None:
        """End; what was made is kept."""
        self.interrupt()
        if self._heavy:
            self._heavy.close()
        if self._thread:
            self._thread.join(_END_S)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the model, each with its remedy."""
        own = dict.fromkeys(told for told in (self.problem, self.missed) if told)
        return (*own, *(self._heavy.bulk.problems if self._heavy else ()))

    def status(self) -> ModelStatus | None:
        """How far it is; None where there is no heavy model."""
        tier, heavy = self._index.heavy, self._heavy
        if self._open_heavy is None:
            return None
        doing = ModelState.FAILED if self.problem else ModelState.PAUSED if self._is_paused else self._doing
        if tier is None or heavy is None:
            return ModelStatus(self._home.settings.model.name, "", 0.0, doing)
        return ModelStatus(heavy.bulk.model, heavy.bulk.device, tier.share, doing)

    # In the background

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._interrupt.clear()
            try:
                if not self._is_paused:
                    self._round()
                    failures, self.problem = 0, None
            except Exception as error:  # noqa: BLE001 (whatever it is: the light model answers, and this is tried again)
                if not self._stop.is_set():
                    self._note(error)
                    self._let_go()
                    self._on_change()
                    self._stop.wait(_RETRIES_S[min(failures, len(_RETRIES_S) - 1)])
                    failures += 1
            with self._wake:
                self._wake.wait(_LOOK_S)

    def _note(self, error: Exception) -> None:
        is_ours = isinstance(error, CodekinError)
        told, self.problem = self.problem, str(error) if is_ours else repr(error)
        if told != self.problem:
            log.warning("%s", error, exc_info=not is_ours)

    def _let_go(self) -> None:
        """It is opened anew: another model may answer by then."""
        with self._opening:
            if self._heavy:
                self._heavy.close()
            self._heavy = None

    def _round(self) -> None:
        if self._is_doubted:
            self._is_doubted = False
            self._let_go()
        heavy = self.open()
        if heavy is None:
            return
        self._index.follow()
        if not self._tier().pending:
            self._say(ModelState.READY, None)
            return
        try:
            with FileLock(self._home.embedding_lock(self._tier().space), timeout=0, mode=0o600):
                self._fill(heavy.bulk, lambda progress: self._say(ModelState.FILLING, progress), self._interrupt)
            self._say(ModelState.READY if not self._interrupt.is_set() else ModelState.FILLING, None)
        except Timeout:
            self._say(ModelState.STANDING_BY, None)
        finally:
            self.progress = None

    def _say(self, doing: ModelState, progress: Progress | None) -> None:
        news = doing != self._doing or progress is not None or self.progress is not None
        self._doing, self.progress = doing, progress
        if news:
            self._on_change()

    # One round: until nothing waits

    def _fill(self, embedder: Embedder, on_progress: OnProgress, cancel: Cancel) -> int:
        vectors = VectorStore(self._home.vectors)
        started, made = time.monotonic(), 0
        self._index.follow()
        on_progress(self._far(None))
        try:
            for batch in self._backlog.iterate_batches(lambda: self._size, cancel):
                having = vectors.hashes_with_vector(self._tier().space, list(batch))
                missing = {key: text for key, text in batch.items() if key not in having}
                made += self._embed(missing, embedder, vectors)
                self._index.follow()
                if made:
                    each = (time.monotonic() - started) / made
                    on_progress(self._far(each * len(self._tier().pending)))
        finally:
            vectors.close()
        self._index.follow_and_compact()
        return made

    def _embed(self, texts: Mapping[bytes, str], embedder: Embedder, vectors: VectorStore) -> int:
        if not texts:
            return 0
        started = time.monotonic()
        try:
            rows = embedder.embed(list(texts.values()), Task.CODE2CODE, Role.PASSAGE)
        except ModelDiedError as error:
            if len(texts) == 1:  # the culprit; nothing else is to suffer for it
                log.warning("%s It is left out.", error)
                return 0
            return sum(self._embed({key: text}, embedder, vectors) for key, text in texts.items())
        vectors.put_vectors(self._tier().space, list(texts), rows)
        self.problem = self.missed = None
        took = time.monotonic() - started
        if took < _SHORT_S and len(texts) >= self._size:
            self._size = min(2 * self._size, _MOST)
        elif took > _LONG_S:
            self._size = max(self._size // 2, _LEAST)
        return len(texts)

    def _space(self, heavy: HeavyModel) -> str:
        space = heavy.bulk.space(Task.CODE2CODE)
        if heavy.probe is None:
            return space
        vectors = VectorStore(self._home.vectors)
        try:
            return vectors.find_or_create_space(space, hash_content(PROBE), heavy.probe)
        finally:
            vectors.close()

    def _tier(self) -> ModelVectors:
        tier = self._index.heavy
        assert tier is not None  # noqa: S101 (it is there once the model is open)
        return tier

    def _far(self, seconds_left: float | None) -> Progress:
        have, wait = len(self._tier().dense), len(self._tier().pending)
        return Progress(have, have + wait, seconds_left)
