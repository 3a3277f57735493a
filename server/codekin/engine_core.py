"""The parts of an engine: how they are opened, wired to each other, and repaired."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from codekin.completion.completer import Completer
from codekin.duplicates.finder import DuplicateFinder
from codekin.duplicates.suppressions import Suppressions
from codekin.embed.factory import (
    HeavyModel,
    connect_heavy_model,
    has_heavy_model,
    is_small_by_default,
    load_light_model,
)
from codekin.errors import StoreCorruptError, TeamError
from codekin.index.index import Index
from codekin.indexing.embedding_worker import EmbeddingWorker
from codekin.indexing.indexer import Indexer
from codekin.indexing.ingest import Ingester
from codekin.indexing.refresh import IndexRefresher
from codekin.map.builder import MapBuilder
from codekin.search.search import SearchEngine
from codekin.settings import Settings, TeamSettings
from codekin.status.overview import Overview
from codekin.storage.paths import IndexPaths, locate_index
from codekin.storage.repair import with_repair
from codekin.storage.vector_store import VectorStore
from codekin.types import Task
from codekin.vectors.continuation_vectors import continuation_space
from codekin.workspace.tree_snapshot import TreeSnapshot
from codekin.workspace.workspace import Workspace

if TYPE_CHECKING:
    from codekin.team.team_search import TeamSearch

Result = TypeVar("Result")

_HEAVY_QUERY_TIMEOUT_S = 2.0  # in an editor: the light model answers alone after that
_SMALL_QUERY_TIMEOUT_S = 1.0  # of the small model, which nobody has asked for


class EngineCore:
    """Opens, connects and repairs the parts that the methods of `Engine` use. Public: settings, closers."""

    def __init__(
        self, workspace_roots: Sequence[Path], settings: Settings, *, on_change: Callable[[], None] = lambda: None
    ) -> None:
        """Open the index, or make an empty one, and load the light model; read no file of the workspace yet.

        `on_change` is called, from some thread, whenever `status()` may have changed. Raises WorkspaceError,
        StoreError, ModelError.
        """
        self.settings = settings
        self._paths: IndexPaths = locate_index(workspace_roots, settings)
        self._started = False
        self._closers: list[Callable[[], None]] = []
        self._snapshot: TreeSnapshot | None = None  # of the disk, when the index was last brought up to date with it
        self._replacements = 0  # of the index's files, until then
        self._problems: list[str] = []
        self._team_settings_problem = ""  # why the gateway that the settings name is never asked
        self._on_change = on_change
        self._workspace = workspace = Workspace(self._paths.roots, settings.index)
        self._embedder = embedder = load_light_model(settings.model)
        spaces = embedder.space(Task.CODE2CODE), continuation_space(embedder)
        open_index = partial(Index, self._paths, spaces[0], embedder.dim, self._note_problem, spaces[1])
        self._index = index = with_repair(open_index)
        index.defer_completions()  # a command that asks for hits does without
        self._vectors = VectorStore(self._paths.vectors)
        self._ingester = Ingester(workspace, index.store, self._vectors, embedder)
        self._indexer = Indexer(self._paths, workspace, index, self._ingester, self._notify_change)
        self._refresher = IndexRefresher(self._paths, workspace, index, self._ingester)
        open_heavy = self._open_heavy if has_heavy_model(settings.model) else None
        self._heavy = EmbeddingWorker(self._paths, workspace, index, open_heavy, on_change)
        self._completer = Completer(index, workspace, embedder)
        self._search = SearchEngine(index, workspace, embedder, self._heavy.embed_query)
        self._suppressions = Suppressions(workspace)
        self._duplicate_finder = DuplicateFinder(index, workspace, self._suppressions, settings.index.max_file_bytes)
        self._map_builder = MapBuilder(index, lambda: self._paths.roots)
        self._team = self._open_team(settings.team)
        if self._team is not None:
            self._heavy.warm_start.source = self._team.vectors
        self._overview = Overview(workspace, index, self._indexer, embedder, self._heavy, self._suppressions)

    def call_before_closing(self, closer: Callable[[], None]) -> None:
        """Register `closer`, to be called when the engine is closed, before its parts are; it must not raise."""
        self._closers.append(closer)

    def _call_closers(self) -> None:
        """Call what is to be called before the engine is closed."""
        for closer in self._closers:
            closer()

    def _open_heavy(self) -> HeavyModel:
        """Connect to the heavy model; queries time out in a server, the small default one's always."""
        timeout_s = _HEAVY_QUERY_TIMEOUT_S if self._started else None
        if is_small_by_default(self.settings.model):
            timeout_s = _SMALL_QUERY_TIMEOUT_S
        return connect_heavy_model(self.settings.model, self._paths.models, timeout_s)

    def _open_team(self, team_settings: TeamSettings) -> "TeamSearch | None":
        """Return what will ask the team's gateway; None without one, or, noted as a problem, with unsound settings."""
        if not team_settings.url:
            return None
        from codekin.team.team_search import TeamSearch

        try:
            return TeamSearch(team_settings, self._paths.roots, self._embedder)
        except TeamError as error:
            self._team_settings_problem = str(error)
            self._note_problem(str(error))
            return None

    def _notify_change(self) -> None:
        """Wake the heavy model's worker and call `on_change`, on the indexer's thread: the index has changed."""
        self._heavy.notify()
        self._on_change()

    def _note_problem(self, problem: str) -> None:
        """Keep a new problem for the status, write it to the error log, and call `on_change`; ignore a known one."""
        if problem not in self._problems:
            self._problems.append(problem)
            self._index.error_log.record(problem)
            self._on_change()

    def _run_with_repair(self, ask: Callable[[], Result]) -> Result:
        """Load what is indexed by now, call `ask` and return its result; on an unsound file, repair and call it again.

        At most three times in all; then, and for any other error, the error is raised.
        """

        def follow_and_ask() -> Result:
            """Load what is indexed by now, then call `ask`."""
            self._index.follow()
            return ask()

        return with_repair(follow_and_ask, self._repair)

    def _repair(self, error: StoreCorruptError) -> None:
        """Set the unsound file aside, log it, and refill: in the background once started, else before returning."""
        self._indexer.rebuild_corrupt(error)
        self._index.error_log.record(str(error))
        if not self._started:
            self._refresher.refresh(lambda _: None, Event(), self.settings.index.workers or 1, wait=False)
