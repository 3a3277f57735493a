"""Find the groups of duplicated functions of a workspace: the door of this package."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from codekin.code.languages import has_grammar
from codekin.code.notebooks import is_notebook
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


class DuplicateFinder:
    """Finds groups of duplicates by the index and the current texts."""

    def __init__(self, index: Index, workspace: Workspace, suppressions: Suppressions) -> None:
        self._index = index
        self._workspace = workspace
        self._suppressions = suppressions

    def find_groups(
        self,
        selection: DuplicateSelection,
        on_progress: OnProgress,
        cancel: Cancel,
        is_wanted: Callable[[FunctionCopy], bool] = lambda _: True,
    ) -> DuplicateSearch:
        """Compare the selected functions; groups without a function that `is_wanted` are left out."""
        function_filter = FunctionFilter(selection, self._workspace.roots)
        places = [
            place
            for place in map(join_parts, list_whole_functions(self._index.store))
            if function_filter.accepts(place)
        ]
        table = read_functions(self._workspace, places, selection.language, on_progress, cancel)
        groups = DuplicateGrouper(table, selection.kinship).find_groups(
            lambda function: function_filter.is_wanted(function.path) and is_wanted(function)
        )
        return DuplicateSearch(self._drop_suppressed(groups), len(table.functions), self._count_uncompared())

    def _count_uncompared(self) -> dict[str, int]:
        files = (file for file in self._workspace.walk() if isinstance(file, SourceFile))
        counts = Counter(
            file.language for file in files if not has_grammar(file.language) and not is_notebook(file.path)
        )
        return dict(counts.most_common())

    def _drop_suppressed(self, groups: Iterator[DuplicateGroup]) -> Iterator[DuplicateGroup]:
        """Yield the groups without functions that the workspace's files allow to be like all others of the group."""
        for group in groups:
            references = [
                self._suppressions.find_reference(member.function.path, member.function.qualified_name)
                for member in group.members
            ]
            kept_members = tuple(
                member
                for number, member in enumerate(group.members)
                if not all(
                    self._suppressions.is_suppressed(references[number], reference)
                    for other_number, reference in enumerate(references)
                    if other_number != number
                )
            )
            if len(kept_members) > 1:
                yield DuplicateGroup(kept_members)
