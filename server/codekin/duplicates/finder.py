"""Find the groups of duplicated functions of a workspace: the door of this package."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from codekin.code.languages import has_grammar
from codekin.code.notebooks import is_notebook
from codekin.code.prose import PROSE_LANGUAGES
from codekin.duplicates.base_revision import BaseRevision
from codekin.duplicates.changes import Changes, find_changes
from codekin.duplicates.functions import FunctionCopy, join_parts, list_whole_functions, read_functions
from codekin.duplicates.groups import DuplicateGroup, DuplicateGrouper
from codekin.duplicates.selection import DuplicateSelection, FunctionFilter
from codekin.duplicates.suppressions import Suppressions
from codekin.index.index import Index
from codekin.types import Cancel, OnProgress
from codekin.workspace.workspace import SourceFile, Workspace


@dataclass(frozen=True, slots=True)
class DuplicateSearch:
    """The groups of duplicates of a workspace, made as they are taken."""

    groups: Iterator[DuplicateGroup]  # those first whose removal saves most
    function_count: int  # that are compared
    uncompared_files: dict[str, int] = field(default_factory=dict)  # by language without a grammar; most files first
    changes: Changes | None = None  # since the base revision, if one was given
    texts: Sequence[str] = ()  # of the functions, by number

    def is_new(self, group: DuplicateGroup) -> bool:
        """Return whether the group has a function that was no duplicate at the base revision."""
        return self.changes is not None and self.changes.is_new_clone(group, self.texts)


class DuplicateFinder:
    """Finds groups of duplicates by the index and the current texts."""

    def __init__(self, index: Index, workspace: Workspace, suppressions: Suppressions, max_file_bytes: int) -> None:
        """Larger files than `max_file_bytes` count as changed since any revision."""
        self._max_file_bytes = max_file_bytes
        self._index = index
        self._workspace = workspace
        self._suppressions = suppressions

    def find_groups(
        self,
        selection: DuplicateSelection,
        base_revision: BaseRevision | None,
        on_progress: OnProgress,
        cancel_event: Cancel,
    ) -> DuplicateSearch:
        """Read all functions now; return a search that makes groups lazily, only changed ones with `base_revision`."""
        source_files = [source_file for source_file in self._workspace.walk() if isinstance(source_file, SourceFile)]
        function_filter = FunctionFilter(selection, self._workspace.roots)
        whole_functions = map(join_parts, list_whole_functions(self._index.store))
        function_locations = [location for location in whole_functions if function_filter.accepts(location)]
        function_table = read_functions(
            self._workspace, function_locations, selection.language, on_progress, cancel_event
        )
        changes = None
        if base_revision is not None:
            file_paths, language_rules = (
                (source_file.path for source_file in source_files),
                self._workspace.language_rules,
            )
            changes = find_changes(base_revision, function_table, file_paths, self._max_file_bytes, language_rules)

        def is_wanted(function: FunctionCopy) -> bool:
            """Return whether the selection and the base revision let the function make its group wanted."""
            return function_filter.is_wanted(function.path) and (changes is None or function in changes.states)

        groups = DuplicateGrouper(function_table, selection.kinship).find_groups(is_wanted)
        uncompared_files = _count_uncompared(source_files)
        return DuplicateSearch(
            self._drop_suppressed(groups),
            len(function_table.functions),
            uncompared_files,
            changes,
            function_table.texts,
        )

    def _drop_suppressed(self, groups: Iterator[DuplicateGroup]) -> Iterator[DuplicateGroup]:
        """Yield each group minus the functions that are suppressed against all others in it; drop groups of one."""
        for group in groups:
            references = [
                self._suppressions.find_reference(member.function.path, member.function.qualified_name)
                for member in group.members
            ]
            kept_members = tuple(
                member
                for member_number, member in enumerate(group.members)
                if not all(
                    self._suppressions.is_suppressed(references[member_number], reference)
                    for other_number, reference in enumerate(references)
                    if other_number != member_number
                )
            )
            if len(kept_members) > 1:
                yield DuplicateGroup(kept_members)


def _count_uncompared(source_files: Sequence[SourceFile]) -> dict[str, int]:
    """Return language → number of files that can't be compared, as the language has no grammar; most first."""
    languages = (
        source_file.language
        for source_file in source_files
        if not is_notebook(source_file.path) and source_file.language not in PROSE_LANGUAGES
    )
    return dict(Counter(language for language in languages if not has_grammar(language)).most_common())
