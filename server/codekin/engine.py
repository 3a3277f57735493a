"""The one API: what the language server, the command line and every test drive. Knows nothing of LSP.

An engine has one workspace. No answer waits for the bulk index: it says how much of the workspace was searched.
"""

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from codekin.completion.cursor import CellText
from codekin.duplicates.base_revision import BaseRevision, open_base_revision
from codekin.duplicates.finder import DuplicateSearch
from codekin.duplicates.selection import DuplicateSelection
from codekin.duplicates.suppression_file import SuppressionFile
from codekin.duplicates.suppressions import FunctionReference, SuppressionEdit
from codekin.embed.factory import is_small_by_default
from codekin.engine_answers import AnsweringEngine
from codekin.map.builder import CodeMap
from codekin.search.hits import DocumentReader
from codekin.status.overview import HeavyModelState
from codekin.status.report import Report, make_report
from codekin.status.self_check import check_findable
from codekin.storage.repair import with_repair
from codekin.types import (
    Cancel,
    Cell,
    Completion,
    Hit,
    IndexReport,
    IndexState,
    Location,
    OnProgress,
    OpenNotebook,
    Progress,
    Skipped,
    Snippet,
    Status,
)
from codekin.workspace.workspace import Document, SourceFile, snippets_of


class Engine(AnsweringEngine):
    """One workspace: keeps it indexed and answers questions about it. Safe on any thread."""

    # Keeping up with the workspace

    def start(self) -> None:
        """Start the threads that watch, index and embed until `close`; return at once. Call it once."""
        self._started = True
        self._index.settle_in_background()  # completions included
        self._indexer.start()
        self._heavy.start()

    def refresh(self, on_progress: OnProgress, cancel_event: Cancel, workers: int, *, wait: bool = True) -> IndexReport:
        """Bring the index up to date in `workers` processes, or await its owner; return counts, even when cancelled.

        Where another process owns the index, nothing is reconciled: with `wait`, wait until the owner is up to date;
        else return at once. Raises StoreError, IndexingError.
        """
        return self._refresher.refresh(on_progress, cancel_event, workers, wait=wait)

    def refresh_if_changed(self, max_changes: int) -> bool:
        """Bring the index in line with the disk; return False, doing nothing, if over `max_changes` paths changed."""
        changed_paths = self._snapshot.find_changes() if self._snapshot else None
        if changed_paths == []:
            self.follow()
            changed_paths = [] if self._index.replacements == self._replacements else None
        is_small = changed_paths is None or len(changed_paths) <= max_changes
        if changed_paths is None or (changed_paths and is_small):
            self.refresh(lambda _: None, threading.Event(), self.settings.index.workers or 1, wait=False)
            self._snapshot, self._replacements = self._refresher.load_tree(), self._index.replacements
        elif not is_small:
            self._snapshot = None
        return is_small

    def follow(self) -> None:
        """Load into memory what any process has indexed since the last load. Questions do so themselves."""
        self._run_with_repair(lambda: None)

    def open_document(self, path: Path, text: str | OpenNotebook) -> None:
        """Use an editor's text instead of the disk's until `close_document`; queue it for indexing, return at once."""
        self._workspace.open_overlay(path, text)
        self._indexer.queue_changed([path])

    def close_document(self, path: Path) -> None:
        """Use the disk's text again after the editor closed the document, and queue it. Raises StoreError."""
        self._workspace.close_overlay(path)
        self._index.store.release_overlays([path])
        self._indexer.queue_changed([path])

    def update(self, paths: Sequence[Path]) -> None:
        """Queue paths that may have changed on the disk, unknown and removed ones too; return at once."""
        self._indexer.queue_changed(paths)

    def pause(self) -> None:
        """Suspend bulk indexing and the heavy model's embedding until `resume`; edits and questions still work."""
        self._indexer.pause()
        self._heavy.pause()

    def resume(self) -> None:
        """Continue what `pause` has suspended, with a rescan; return at once."""
        self._indexer.resume()
        self._heavy.resume()

    def reindex(self) -> None:
        """Empty the store, keeping vectors, and request a full scan. Raises StoreBusyError if not the owner."""
        self._indexer.reindex()

    def interrupt(self) -> None:
        """Make calls under way, on any thread, raise StoreClosingError soon; return at once. Then only `close`."""
        self._heavy.interrupt()
        self._indexer.interrupt()
        self._index.interrupt()
        self._ingester.interrupt()
        self._completer.close()

    def close(self) -> None:
        """Interrupt all calls, stop the threads, waiting briefly, and close the files; the index on disk is kept."""
        self._call_closers()
        self.interrupt()
        self._heavy.stop()
        if self._started:
            self._indexer.stop()
        self._index.close()
        self._vectors.close()

    # Questions

    def complete(
        self,
        path: Path,
        row: int,
        column: int,
        *,
        text: str | CellText | None = None,
        cancel_event: Cancel | None = None,
    ) -> list[Completion]:
        """Suggest how the code continues at a cursor (0-based row, characters), likeliest first; often [].

        `text` replaces the document's text, or that of one cell of a notebook. Raises QueryError where there is no
        source code.
        """

        def complete() -> list[Completion]:
            """Load what completions need, and complete at the cursor."""
            self._index.follow_for_completions()
            cursor = self._completer.make_cursor(path, text, row, column)
            if not self._started:
                self._completer.load_tokens(cursor.path)
            return self._completer.complete(cursor, self.settings.completion, cancel_event or threading.Event())

        return self._run_with_repair(complete)

    def find_duplicates(self, path: Path, snippet: Snippet) -> list[Hit]:
        """Find unsuppressed near-duplicates of a whole function, best first; [] for short functions and other snippets.

        Short is below `duplicates.min_lines`.
        """
        if snippet.span.end - snippet.span.start < self.settings.duplicates.min_lines:
            return []
        hits = self._run_with_repair(lambda: self._search.find_duplicates(path, snippet))
        return self._suppressions.drop_suppressed(path, snippet, hits)

    def open_base_revision(self, reference: str) -> BaseRevision:
        """Ask Git for the commit at which HEAD left `reference`, with its files' ids. Raises QueryError."""
        return open_base_revision(self._workspace.roots[0], reference)

    def find_duplicate_groups(
        self,
        selection: DuplicateSelection,
        base_revision: BaseRevision | None,
        on_progress: OnProgress,
        cancel_event: Cancel,
    ) -> DuplicateSearch:
        """Compare the workspace's functions; return a search whose groups are made when iterated. Raises QueryError.

        Only groups with a function that is new or changed since the base revision, if there is one.
        """
        find_groups = partial(self._duplicate_finder.find_groups, selection, base_revision, on_progress, cancel_event)
        return self._run_with_repair(find_groups)

    def build_map(self, limit: int, on_progress: OnProgress, cancel_event: Cancel) -> CodeMap | None:
        """Lay out an even sample of at most `limit` functions on a plane, cached per generation; None if cancelled."""
        return self._map_builder.build(limit, on_progress, cancel_event)

    # Documents

    def resolve_path(self, path: Path) -> Path:
        """Return the absolute path of a file with links resolved; the file need not exist."""
        return self._workspace.resolve_path(path)

    def read_document(self, path: Path) -> Document | Skipped | None:
        """Read a document, unsaved text included; Skipped has the reason if refused; None if gone or no source."""
        return self._workspace.read_document(path)

    def check_text_size(self, path: Path, text: str) -> Skipped | None:
        """Return the reason (Skipped) to refuse this unsaved text as too large; None where it is accepted."""
        return self._workspace.check_text_size(path, text)

    def list_snippets(self, path: Path) -> list[Snippet]:
        """Parse a document as it is now, unsaved text included; return its snippets, [] where it can't be read."""
        document = self._workspace.read_document(path)
        return snippets_of(document) if isinstance(document, Document) else []

    def list_cells(self, path: Path) -> tuple[Cell, ...]:
        """Return the code cells of a notebook as it is now, in order; () for any other file or an unreadable one."""
        return self._workspace.cells(path)

    def walk_files(self) -> Iterator[SourceFile]:
        """Yield every file that is to be indexed, in order, while walking the disk; skipped files are left out."""
        return (file for file in self._workspace.walk() if isinstance(file, SourceFile))

    def count_folders(self) -> int:
        """Count the folders that are watched for changes, by walking the disk, which may take seconds."""
        return sum(1 for root in self._workspace.roots for _ in self._workspace.walk_folders(root))

    # Ignored duplicates

    def load_suppressions(self) -> tuple[SuppressionFile, ...]:
        """Return each root's file of ignored duplicates, cached while unchanged; errors become its `problems`."""
        return self._suppressions.load_files()

    def find_reference(self, path: Path, qualified_name: str) -> FunctionReference | None:
        """Return how a suppression file names a function; None where it has no name or is in no root. Reads nothing."""
        return self._suppressions.find_reference(path, qualified_name)

    def make_suppression(self, functions: Sequence[FunctionReference]) -> SuppressionEdit | None:
        """Return, unapplied, the edit that suppresses these functions as duplicates; None where it is impossible."""
        return self._suppressions.make_edit(functions)

    # The heavy model

    def open_heavy_model(self, *, by_default: bool = False) -> bool:
        """Load or connect to the heavy model, waiting for it; False where none is configured. Raises ModelError.

        `by_default` opens the small model, too, that fills in though nobody has chosen it.
        """
        if by_default:
            self._heavy.enable()
        return self._heavy.open() is not None

    def start_embedding(self) -> None:
        """Start a thread that makes the small model's missing vectors, if it is on by default; so does `start`."""
        if is_small_by_default(self.settings.model):
            self._heavy.start()

    def embed_with_heavy_model(self, on_progress: OnProgress, cancel_event: Cancel) -> int:
        """Embed all that lacks the heavy model's vectors, until cancelled, and store these; return how many.

        Raises ModelError.
        """
        return self._heavy.run_until_done(on_progress, cancel_event)

    def describe_heavy_model(self) -> HeavyModelState | None:
        """Return the heavy model's status, backlog and last failure; None where none is configured. Loads nothing."""
        return self._overview.describe_heavy_model()

    # How things are

    def status(self) -> Status:
        """Return a snapshot: what is indexed, what is going on, and what is wrong. Raises StoreError."""
        problems = [*self._problems, *([self._team.problem] if self._team and self._team.problem else [])]
        make_status = partial(self._overview.make_status, problems, self.state())
        return with_repair(make_status, self._repair)

    def state(self) -> IndexState:
        """Return FAILED, STANDING_BY, PAUSED, INDEXING or READY, the first that applies; READY before `start`."""
        return self._indexer.state if self._started else IndexState.READY

    def coverage(self) -> float:
        """Return the searchable share of the workspace, 0 … 1; 0 before the first scan has counted the files."""
        return self._overview.measure_coverage()

    def progress(self) -> Progress | None:
        """Return the progress of bulk indexing, or else of the heavy model; None while this process does neither."""
        return self._overview.measure_progress()

    def make_report(self) -> Report:
        """Return the details that `status` leaves out: owner, languages, skipped files, sizes, recent errors."""
        make_index_report = partial(
            make_report, self._paths, self._index, self._workspace, is_owner=self._indexer.is_owner
        )
        return with_repair(make_index_report, self._repair)

    def check_findable(self, sample_size: int) -> tuple[int, list[Location]]:
        """Search up to `sample_size` contents by their own text; return how many were searched, and those not found."""
        check_sample = partial(
            check_findable, self._index, self._embedder, DocumentReader(self._workspace), sample_size
        )
        return self._run_with_repair(check_sample)

    def is_to_be_refilled(self) -> bool:
        """Return whether the store has replaced an unsound file (kept as .corrupt) and no scan has filled it since."""
        store = self._index.store
        return store.get_number("files") is None and store.path.with_suffix(".corrupt").exists()
