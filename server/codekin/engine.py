"""The one API: what the language server, the command line and every test drive. Knows nothing of LSP.

An engine has one workspace. Its methods may be called from any thread, and none that answers a question waits for the
bulk index: answers come from what is there, and say how much of the workspace that is.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from codekin.code.extract import split_lines, to_canonical_text
from codekin.completion.completer import Completer
from codekin.embed.factory import HeavyModel, connect_heavy_model, has_heavy_model, load_light_model
from codekin.errors import StoreCorruptError
from codekin.index.index import Index
from codekin.indexing.backfill import backfill_vectors
from codekin.indexing.embedding_worker import EmbeddingWorker
from codekin.indexing.indexer import Indexer
from codekin.indexing.ingest import Ingester
from codekin.indexing.lock_wait import wait_for_owner
from codekin.indexing.reconcile import reconcile
from codekin.map.builder import MapBuilder
from codekin.search.hits import CodeQuery, DocumentReader, query_at
from codekin.search.limits import MOST_HITS, check_code, check_filter, read_question
from codekin.search.search import SearchEngine
from codekin.search.suppressions import Suppressions
from codekin.settings import Settings
from codekin.status.report import Report, make_report
from codekin.status.self_check import is_findable, sample_contents
from codekin.storage.owner_lock import OwnerLock
from codekin.storage.paths import IndexPaths, locate_index
from codekin.storage.repair import with_repair
from codekin.storage.vector_store import VectorStore
from codekin.types import (
    Answer,
    Cancel,
    Completion,
    Filter,
    Hit,
    IndexReport,
    IndexState,
    Location,
    ModelState,
    ModelStatus,
    OnProgress,
    OpenNotebook,
    Progress,
    Snippet,
    Span,
    Status,
    Task,
)
from codekin.vectors.continuation_vectors import continuation_space
from codekin.workspace.workspace import Document, Workspace, snippets_of

T = TypeVar("T")

_PATIENCE_S = 2.0  # of an editor's question with the heavy model


class Engine:
    """One workspace, indexed and answering."""

    def __init__(
        self, roots: Sequence[Path], settings: Settings, *, on_change: Callable[[], None] = lambda: None
    ) -> None:
        """Opens what is there; nothing is read or indexed before `start` or `refresh`.

        `on_change` is called, from some thread, whenever `status()` may say something new.
        Raises WorkspaceError, StoreError, ModelError.
        """
        self.settings = settings
        self.home: IndexPaths = locate_index(roots, settings)
        self._started = False
        self._problems: list[str] = []
        self._on_change = on_change
        self.workspace = Workspace(self.home.roots, settings.index)
        embedder = self._embedder = load_light_model(settings.model)
        spaces = embedder.space(Task.CODE2CODE), continuation_space(embedder)
        open_index = partial(Index, self.home, spaces[0], embedder.dim, self._note_problem, spaces[1])
        self._index = with_repair(open_index)
        self._vectors = VectorStore(self.home.vectors)
        self._preparer = Ingester(self.workspace, self._index.store, self._vectors, self._embedder)
        self._indexer = Indexer(self.home, self.workspace, self._index, self._preparer, self._changed)
        open_heavy = self._open_heavy if has_heavy_model(settings.model) else None
        self.heavy = EmbeddingWorker(self.home, self.workspace, self._index, open_heavy, on_change)
        self.completer = Completer(self._index, self.workspace, embedder)
        self._search = SearchEngine(self._index, self.workspace, embedder, self.heavy.embed_query)
        self.suppressions = Suppressions(self.workspace)
        self.map = MapBuilder(self._index, lambda: self.home.roots)

    # Keeping up with the workspace

    def start(self) -> None:
        """Keep the index like the workspace from now on, in the background."""
        self._started = True
        self._index.settle_in_background()
        self._indexer.start()
        self.heavy.start()

    def refresh(self, on_progress: OnProgress, cancel: Cancel, workers: int, *, wait: bool = True) -> IndexReport:
        """Bring the index up to date before returning.

        Where another codekin already does, `wait` for it instead, or be content with what is there.
        """
        started = time.monotonic()
        lock = OwnerLock(self.home.lock)
        if lock.acquire():
            with closing(lock):
                with_repair(
                    self._index.store.release_overlays
                )  # of a server that was killed: who lives says its own again
                report = reconcile(self.home, on_progress, cancel, workers)
        else:
            if wait:
                wait_for_owner(self._index.store, FileLock(self.home.lock, mode=0o600), on_progress, cancel)
            report = with_repair(partial(self._report_of_other, on_progress, cancel, started))
        with_repair(self._index.follow)
        return report

    def _report_of_other(self, on_progress: OnProgress, cancel: Cancel, started: float) -> IndexReport:
        """What there is, as another codekin has indexed it."""
        self._index.follow()
        embedded = backfill_vectors(self._index, self._preparer, on_progress, cancel.is_set)
        counts = self._index.store.count_rows()
        skipped, size = tuple(self._index.store.skipped()), self._index.store.size_bytes()
        return IndexReport(counts.files, counts.snippets, embedded, 0, skipped, time.monotonic() - started, size)

    def follow(self) -> None:
        """Take in what any codekin has indexed. Questions do so themselves."""
        self._soundly(lambda: None)

    def open_document(self, path: Path, text: str | OpenNotebook) -> None:
        """An editor has this text of the document, now or anew; it wins over the disk until `close_document`."""
        self.workspace.open_overlay(path, text)
        self._indexer.queue_changed([path])

    def close_document(self, path: Path) -> None:
        """The editor let go of the document: the disk's text counts again."""
        self.workspace.close_overlay(path)
        self._index.store.release_overlays([path])
        self._indexer.queue_changed([path])

    def update(self, paths: Sequence[Path]) -> None:
        """These may have changed on the disk; returns at once."""
        self._indexer.queue_changed(paths)

    def pause(self) -> None:
        """No bulk indexing until `resume`."""
        self._indexer.pause()
        self.heavy.pause()

    def resume(self) -> None:
        """Go on indexing."""
        self._indexer.resume()
        self.heavy.resume()

    def reindex(self) -> None:
        """Take the whole workspace in anew; nothing that has a vector is embedded again."""
        self._indexer.reindex()

    def interrupt(self) -> None:
        """Have whatever is under way end soon, with StoreClosingError; returns at once. Only `close` may come after."""
        self.heavy.interrupt()
        self._indexer.interrupt()
        self._index.interrupt()
        self._preparer.interrupt()

    def close(self) -> None:
        """Stop; what is indexed stays."""
        self.interrupt()
        self.heavy.stop()
        if self._started:
            self._indexer.stop()
        self._index.close()
        self._vectors.close()

    # Questions

    def find_similar(
        self, path: Path, lines: Span, k: int, *, within: Filter = Filter(), cancel: Cancel | None = None
    ) -> Answer:
        """What is like the code there: like the snippet at a single line, like the selection where there are more.

        Raises QueryError where there is no such code.
        """
        text = query_at(self.workspace, path, lines)
        return self._answer(text, Task.CODE2CODE, k, within, cancel)

    def find_similar_to_code(
        self, code: str, k: int, *, language: str = "", within: Filter = Filter(), cancel: Cancel | None = None
    ) -> Answer:
        """What is like this code, which need not be in the workspace.

        Clones are found where its language is known: `language`, or that to which the hits are limited.
        """
        check_code(code)
        asked = CodeQuery(to_canonical_text(split_lines(code)), language or within.language)
        return self._answer(asked, Task.CODE2CODE, k, within, cancel)

    def search(self, question: str, k: int, *, within: Filter = Filter(), cancel: Cancel | None = None) -> Answer:
        """Where the code is that does what the question says."""
        return self._answer(CodeQuery(read_question(question), is_code=False), Task.NL2CODE, k, within, cancel)

    def complete(
        self,
        path: Path,
        row: int,
        column: int,
        *,
        text: str | None = None,
        key: str = "",
        cancel: Cancel | None = None,
    ) -> list[Completion]:
        """How the code goes on at a cursor (0-based, in characters), in `text` or the document's; often nothing.

        With `key`, `text` is that of a notebook's cell that is open under this name.
        """

        def complete() -> list[Completion]:
            at, settings = self.completer.make_cursor(path, text, row, column, key), self.settings.completion
            return self.completer.complete(at, settings, cancel or threading.Event())

        return self._soundly(complete)

    def list_snippets(self, path: Path) -> list[Snippet]:
        """The snippets of a document as it is now; none where there is nothing to read."""
        document = self.workspace.read_document(path)
        return snippets_of(document) if isinstance(document, Document) else []

    def find_duplicates(self, path: Path, snippet: Snippet) -> list[Hit]:
        """Where else it, or one that differs in few words, stands, unless that is meant to be. Short ones have none."""
        if snippet.span.end - snippet.span.start < self.settings.duplicates.min_lines:
            return []
        found = self._soundly(lambda: self._search.find_duplicates(path, snippet))
        own, named = self.suppressions.find_reference(path, snippet.qualified_name), self.suppressions.find_reference
        return [
            hit
            for hit in found
            if not self.suppressions.is_suppressed(own, named(hit.place.path, hit.place.qualified_name))
        ]

    def status(self) -> Status:
        """How things are."""
        return with_repair(self._status, self._repair)

    def _status(self) -> Status:
        store, counts = self._index.store, self._index.store.count_rows()
        meant = self.suppressions.load_files()
        problems = [*self._problems, *([self._indexer.problem] if self._indexer.problem else [])]
        problems += [*(problem for each in meant for problem in each.problems), *self.heavy.problems]
        problems += json.loads(str(store.get_meta("rule_problems") or "[]"))
        return Status(
            roots=self.home.roots,
            state=self._indexer.state if self._started else IndexState.READY,
            files=counts.files,
            snippets=counts.snippets,
            skipped=counts.skipped,
            coverage=self.coverage(),
            progress=self.progress(),
            model=self._embedder.model,
            device=self._embedder.device,
            dense=self._index.dense.describe_search(),
            store=store.path,
            store_bytes=store.size_bytes(),
            embedded=self._indexer.embedded,
            watching=self._indexer.watch_mode,
            problems=tuple(problems),
            ignored=sum(each.entries for each in meant),
            models=self._models(),
        )

    def make_report(self) -> Report:
        """All that a person asks beside the status; takes some milliseconds."""
        look = partial(
            make_report, self.home, self._index.store, self._index.error_log, is_keeper=self._indexer.is_owner
        )
        return with_repair(look, self._repair)

    def check_findable(self, sample: int) -> tuple[int, list[Location]]:
        """How many snippets (some `sample`) were asked for by their own text, and those that were not found."""

        def ask() -> tuple[int, list[Location]]:
            asked = list(sample_contents(self._index, DocumentReader(self.workspace), sample))
            lost = [place for place, text in asked if not is_findable(self._index, self._embedder, place, text)]
            return len(asked), lost

        return self._soundly(ask)

    def is_to_be_refilled(self) -> bool:
        """Whether the store took the place of an unsound one, and nothing has been indexed since."""
        store = self._index.store
        return store.count_of("files") is None and store.path.with_suffix(".corrupt").exists()

    def progress(self) -> Progress | None:
        """How far the bulk index is, or the heavy model behind it; None when neither is under way in this process."""
        progress = self._indexer.progress or self.heavy.progress
        shares = tuple((model.name, model.share) for model in self._models())
        return replace(progress, models=shares) if progress and len(shares) > 1 else progress

    def coverage(self) -> float:
        """The share of the workspace that is searchable, 0 … 1: of its files, those indexed, and of these, the loaded.

        0 before the first scan has counted the files.
        """
        files, pending = (self._index.store.count_of(key) for key in ("files", "pending"))
        is_emptied = bool(files) and not self._index.store.has_files()  # by an upgrade, and not read again yet
        if files is None or pending is None or is_emptied:
            return 0.0
        indexed = 1.0 - pending / max(files, 1)
        return indexed * self._index.loaded_share

    # How answers are made

    def _models(self) -> tuple[ModelStatus, ...]:
        covered, heavy = self.coverage(), self.heavy.status()
        own = ModelStatus(self._embedder.model, self._embedder.device, covered, ModelState.READY)
        return (own,) if heavy is None else (own, replace(heavy, share=heavy.share * covered))

    def _open_heavy(self) -> HeavyModel:
        return connect_heavy_model(self.settings.model, self.home.models, _PATIENCE_S if self._started else None)

    def _changed(self) -> None:
        self.heavy.notify()
        self._on_change()

    def _answer(self, asked: CodeQuery, task: Task, k: int, within: Filter, cancel: Cancel | None) -> Answer:
        started = time.monotonic()
        check_filter(within)
        search = partial(self._search.answer_query, asked, task, min(k, MOST_HITS), within, cancel or threading.Event())
        hits, stale = self._soundly(search)
        if self._started and stale:
            self._indexer.queue_stale(stale)
        place = (asked.path, asked.span) if asked.path else None
        return Answer(tuple(hits), self.coverage(), time.monotonic() - started, place, asked.cell)

    def _note_problem(self, problem: str) -> None:
        if problem not in self._problems:
            self._problems.append(problem)
            self._index.error_log.record(problem)
            self._on_change()

    def _soundly(self, ask: Callable[[], T]) -> T:
        """What `ask` answers from what is indexed by now; a file that proves unsound is made again first."""

        def follow_and_ask() -> T:
            self._index.follow()
            return ask()

        return with_repair(follow_and_ask, self._repair)

    def _repair(self, error: StoreCorruptError) -> None:
        """Set the unsound file aside. A server fills a new one in the background, a command does before it answers."""
        self._indexer.rebuild_corrupt(error)
        self._index.error_log.record(str(error))
        if not self._started:
            self.refresh(lambda _: None, threading.Event(), self.settings.index.workers or 1, wait=False)
