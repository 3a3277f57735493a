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

from codekin.code.extract import canonical, split_lines
from codekin.completion.completer import Completer
from codekin.embed.chosen import Heavy, has_heavy, heavy, light
from codekin.errors import StoreCorruptError
from codekin.index.catch_up import catch_up
from codekin.index.filler import Filler
from codekin.index.home import Home, home
from codekin.index.index import Index
from codekin.index.indexer import Indexer
from codekin.index.owner_lock import OwnerLock
from codekin.index.passages import space
from codekin.index.prepare import Preparer
from codekin.index.reconcile import reconcile
from codekin.index.repair import with_repair
from codekin.index.report import Report, report
from codekin.index.vector_store import VectorStore
from codekin.index.waiting import await_other
from codekin.index.workspace import Document, Workspace, snippets_of
from codekin.map.builder import MapBuilder
from codekin.search.hits import Asked, Reader, asked_at
from codekin.search.ignored import Ignored
from codekin.search.limits import MOST_HITS, check_code, check_filter, read_question
from codekin.search.search import Search
from codekin.search.soundness import finds, sampled
from codekin.settings import Settings
from codekin.types import (
    Answer,
    Cancel,
    Completion,
    Filter,
    Hit,
    IndexReport,
    ModelStatus,
    OnProgress,
    OpenNotebook,
    Place,
    Progress,
    Snippet,
    Span,
    Status,
    Task,
)

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
        self.home: Home = home(roots, settings)
        self._started = False
        self._problems: list[str] = []
        self._on_change = on_change
        self.workspace = Workspace(self.home.roots, settings.index)
        embedder = self._embedder = light(settings.model)
        spaces = embedder.space(Task.CODE2CODE), space(embedder)
        open_index = partial(Index, self.home, spaces[0], embedder.dim, self._note_problem, spaces[1])
        self._index = with_repair(open_index)
        self._vectors = VectorStore(self.home.vectors)
        self._preparer = Preparer(self.workspace, self._index.store, self._vectors, self._embedder)
        self._indexer = Indexer(self.home, self.workspace, self._index, self._preparer, self._changed)
        open_heavy = self._open_heavy if has_heavy(settings.model) else None
        self.heavy = Filler(self.home, self.workspace, self._index, open_heavy, on_change)
        self.completer = Completer(self._index, self.workspace, embedder)
        self._search = Search(self._index, self.workspace, embedder, self.heavy.ask)
        self.ignored = Ignored(self.workspace)
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
                with_repair(self._index.store.release)  # of a server that was killed: who lives says its own again
                report = reconcile(self.home, on_progress, cancel, workers)
        else:
            if wait:
                await_other(self._index.store, FileLock(self.home.lock, mode=0o600), on_progress, cancel)
            report = with_repair(partial(self._report_of_other, on_progress, cancel, started))
        with_repair(self._index.follow)
        return report

    def _report_of_other(self, on_progress: OnProgress, cancel: Cancel, started: float) -> IndexReport:
        """What there is, as another codekin has indexed it."""
        self._index.follow()
        embedded = catch_up(self._index, self._preparer, on_progress, cancel.is_set)
        counts = self._index.store.counts()
        skipped, size = tuple(self._index.store.skipped()), self._index.store.size_bytes()
        return IndexReport(counts.files, counts.snippets, embedded, 0, skipped, time.monotonic() - started, size)

    def follow(self) -> None:
        """Take in what any codekin has indexed. Questions do so themselves."""
        self._soundly(lambda: None)

    def open_document(self, path: Path, text: str | OpenNotebook) -> None:
        """An editor has this text of the document, now or anew; it wins over the disk until `close_document`."""
        self.workspace.open(path, text)
        self._indexer.update([path])

    def close_document(self, path: Path) -> None:
        """The editor let go of the document: the disk's text counts again."""
        self.workspace.close(path)
        self._index.store.release([path])
        self._indexer.update([path])

    def update(self, paths: Sequence[Path]) -> None:
        """These may have changed on the disk; returns at once."""
        self._indexer.update(paths)

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

    def similar(
        self, path: Path, lines: Span, k: int, *, within: Filter = Filter(), cancel: Cancel | None = None
    ) -> Answer:
        """What is like the code there: like the snippet at a single line, like the selection where there are more.

        Raises QueryError where there is no such code.
        """
        text = asked_at(self.workspace, path, lines)
        return self._answer(text, Task.CODE2CODE, k, within, cancel)

    def similar_to(
        self, code: str, k: int, *, language: str = "", within: Filter = Filter(), cancel: Cancel | None = None
    ) -> Answer:
        """What is like this code, which need not be in the workspace.

        Clones are found where its language is known: `language`, or that to which the hits are limited.
        """
        check_code(code)
        asked = Asked(canonical(split_lines(code)), language or within.language)
        return self._answer(asked, Task.CODE2CODE, k, within, cancel)

    def search(self, question: str, k: int, *, within: Filter = Filter(), cancel: Cancel | None = None) -> Answer:
        """Where the code is that does what the question says."""
        return self._answer(Asked(read_question(question), is_code=False), Task.NL2CODE, k, within, cancel)

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
            at, settings = self.completer.cursor(path, text, row, column, key), self.settings.completion
            return self.completer.complete(at, settings, cancel or threading.Event())

        return self._soundly(complete)

    def snippets(self, path: Path) -> list[Snippet]:
        """The snippets of a document as it is now; none where there is nothing to read."""
        document = self.workspace.read(path)
        return snippets_of(document) if isinstance(document, Document) else []

    def duplicates(self, path: Path, snippet: Snippet) -> list[Hit]:
        """Where else it, or one that differs in few words, stands, unless that is meant to be. Short ones have none."""
        if snippet.span.end - snippet.span.start < self.settings.duplicates.min_lines:
            return []
        found = self._soundly(lambda: self._search.duplicates(path, snippet))
        own, named = self.ignored.named(path, snippet.qualified_name), self.ignored.named
        return [hit for hit in found if not self.ignored.hides(own, named(hit.place.path, hit.place.qualified_name))]

    def status(self) -> Status:
        """How things are."""
        return with_repair(self._status, self._repair)

    def _status(self) -> Status:
        store, counts = self._index.store, self._index.store.counts()
        meant = self.ignored.now()
        problems = [*self._problems, *([self._indexer.problem] if self._indexer.problem else [])]
        problems += [*(problem for each in meant for problem in each.problems), *self.heavy.problems]
        problems += json.loads(str(store.meta("rule_problems") or "[]"))
        return Status(
            roots=self.home.roots,
            state=self._indexer.state if self._started else "ready",
            files=counts.files,
            snippets=counts.snippets,
            skipped=counts.skipped,
            coverage=self.coverage(),
            progress=self.progress(),
            model=self._embedder.model,
            device=self._embedder.device,
            dense=self._index.dense.describe(),
            store=store.path,
            store_bytes=store.size_bytes(),
            embedded=self._indexer.embedded,
            watching=self._indexer.watching,
            problems=tuple(problems),
            ignored=sum(each.entries for each in meant),
            models=self._models(),
        )

    def report(self) -> Report:
        """All that a person asks beside the status; takes some milliseconds."""
        look = partial(report, self.home, self._index.store, self._index.troubles, is_keeper=self._indexer.is_keeper)
        return with_repair(look, self._repair)

    def unfindable(self, sample: int) -> tuple[int, list[Place]]:
        """How many snippets (some `sample`) were asked for by their own text, and those that were not found."""

        def ask() -> tuple[int, list[Place]]:
            asked = list(sampled(self._index, Reader(self.workspace), sample))
            lost = [place for place, text in asked if not finds(self._index, self._embedder, place, text)]
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
        return indexed * self._index.loaded

    # How answers are made

    def _models(self) -> tuple[ModelStatus, ...]:
        covered, heavy = self.coverage(), self.heavy.status()
        own = ModelStatus(self._embedder.model, self._embedder.device, covered, "ready")
        return (own,) if heavy is None else (own, replace(heavy, share=heavy.share * covered))

    def _open_heavy(self) -> Heavy:
        return heavy(self.settings.model, self.home.models, _PATIENCE_S if self._started else None)

    def _changed(self) -> None:
        self.heavy.wake()
        self._on_change()

    def _answer(self, asked: Asked, task: Task, k: int, within: Filter, cancel: Cancel | None) -> Answer:
        started = time.monotonic()
        check_filter(within)
        search = partial(self._search.answer, asked, task, min(k, MOST_HITS), within, cancel or threading.Event())
        hits, stale = self._soundly(search)
        if self._started and stale:
            self._indexer.notice(stale)
        place = (asked.path, asked.span) if asked.path else None
        return Answer(tuple(hits), self.coverage(), time.monotonic() - started, place, asked.cell)

    def _note_problem(self, problem: str) -> None:
        if problem not in self._problems:
            self._problems.append(problem)
            self._index.troubles.tell(problem)
            self._on_change()

    def _soundly(self, ask: Callable[[], T]) -> T:
        """What `ask` answers from what is indexed by now; a file that proves unsound is made again first."""

        def follow_and_ask() -> T:
            self._index.follow()
            return ask()

        return with_repair(follow_and_ask, self._repair)

    def _repair(self, error: StoreCorruptError) -> None:
        """Set the unsound file aside. A server fills a new one in the background, a command does before it answers."""
        self._indexer.repair(error)
        self._index.troubles.tell(str(error))
        if not self._started:
            self.refresh(lambda _: None, threading.Event(), self.settings.index.workers or 1, wait=False)
