"""Describe a running engine: its state, how much of the workspace is searchable, and what is wrong."""

import json
from dataclasses import dataclass, replace

from codekin.duplicates.suppressions import Suppressions
from codekin.embed.embedder import Embedder
from codekin.index.index import Index
from codekin.indexing.embedding_worker import EmbeddingWorker
from codekin.indexing.indexer import Indexer
from codekin.types import IndexState, ModelState, ModelStatus, Progress, Status
from codekin.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class HeavyModelState:
    """The heavy model's status, backlog and last failure, for a command that uses it."""

    status: ModelStatus
    pending_count: int  # contents that have no vector yet, as far as is known
    failure: str | None  # why the last question was answered without it


@dataclass(frozen=True, slots=True)
class Overview:
    """Computes the status from the parts of one engine. Changes nothing; safe on any thread."""

    workspace: Workspace
    index: Index
    indexer: Indexer
    embedder: Embedder
    heavy: EmbeddingWorker
    suppressions: Suppressions

    def measure_coverage(self) -> float:
        """Return the share of the workspace that is indexed and whose vectors are loaded, 0 … 1; 0 before a first scan.

        That is the share of indexed files, times the share of loaded vectors.
        """
        return self.measure_indexed_share() * self.index.loaded_share

    def measure_indexed_share(self) -> float:
        """Return the share of the workspace's files that are stored, 0 … 1; 0 until counted, or once emptied."""
        store = self.index.store
        file_count, pending_count = store.get_number("files"), store.get_number("pending")
        is_emptied = bool(file_count) and not store.has_files()  # by an upgrade, and not read again yet
        if file_count is None or pending_count is None or is_emptied:
            return 0.0
        return 1.0 - pending_count / max(file_count, 1)

    def describe_models(self) -> tuple[ModelStatus, ...]:
        """Return each model's ModelStatus (name, device, searchable share, state), the light one, READY, first."""
        coverage, heavy_status = self.measure_coverage(), self.heavy.status()
        light_status = ModelStatus(self.embedder.model, self.embedder.device, coverage, ModelState.READY)
        if heavy_status is None:
            return (light_status,)
        return light_status, replace(heavy_status, share=heavy_status.share * coverage)

    def describe_heavy_model(self) -> HeavyModelState | None:
        """Return the heavy model's status, backlog and why the last query went without it; None if not configured."""
        heavy_status = self.heavy.status()
        return (
            None
            if heavy_status is None
            else HeavyModelState(heavy_status, self.heavy.pending_count, self.heavy.query_problem)
        )

    def measure_progress(self) -> Progress | None:
        """Return the progress of bulk indexing, or else of the heavy model; None while this process does neither."""
        progress = self.indexer.progress or self.heavy.progress
        model_shares = tuple((model_status.name, model_status.share) for model_status in self.describe_models())
        return replace(progress, models=model_shares) if progress and len(model_shares) > 1 else progress

    def make_status(self, engine_problems: list[str], state: IndexState) -> Status:
        """Return a Status with this state, the store's counts, and `engine_problems` first. Raises StoreError."""
        store, row_counts = self.index.store, self.index.store.count_rows()
        return Status(
            roots=self.workspace.roots,
            state=state,
            files=row_counts.files,
            snippets=row_counts.snippets,
            skipped=row_counts.skipped,
            coverage=self.measure_coverage(),
            progress=self.measure_progress(),
            model=self.embedder.model,
            device=self.embedder.device,
            dense=self.index.dense.describe_search(),
            store=store.path,
            store_bytes=store.size_bytes(),
            embedded=self.indexer.embedded,
            watching=self.indexer.watch_mode,
            problems=(*engine_problems, *self._list_problems()),
            ignored=sum(suppression_file.entries for suppression_file in self.suppressions.load_files()),
            models=self.describe_models(),
        )

    def _list_problems(self) -> list[str]:
        """Return the problems of indexer, suppression files, heavy model and ignore rules, as messages."""
        problems = [self.indexer.problem] if self.indexer.problem else []
        for suppression_file in self.suppressions.load_files():
            problems += suppression_file.problems
        problems += self.heavy.problems
        problems += json.loads(str(self.index.store.get_meta("rule_problems") or "[]"))
        return problems
