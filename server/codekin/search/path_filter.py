"""Find the files that a filter's patterns and its choice of tests leave, before anything is ranked."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from codekin.index.index import Index
from codekin.search.paths import is_test_path
from codekin.storage.queries import NumberedFilter
from codekin.types import Filter
from codekin.workspace.gitignore import IgnoreFile


class PathFilter:
    """Resolves filters to numbers of the store's files, the last one from memory while the store is unchanged."""

    def __init__(self, index: Index, roots: Sequence[Path]) -> None:
        """Take the roots that patterns are relative to; reads nothing yet."""
        self._index = index
        self._roots = roots
        self._last_resolved: tuple[int, Filter, Filter] | None = None  # generation, filter, resolved filter

    def resolve(self, hit_filter: Filter) -> Filter:
        """Return the filter with its stored files' numbers, cached; as it is if it limits neither paths nor tests."""
        if not hit_filter.paths and not hit_filter.excluded_paths and hit_filter.tests is None:
            return hit_filter
        generation = self._index.store.generation()
        if self._last_resolved is None or self._last_resolved[:2] != (generation, hit_filter):
            self._last_resolved = generation, hit_filter, self._find_files(hit_filter)
        return self._last_resolved[2]

    def _find_files(self, hit_filter: Filter) -> Filter:
        """Return the filter with the numbers of the stored files that match, and of test files. Raises StoreError."""
        matcher = PathMatcher(hit_filter, self._roots)
        matching_files, test_files = [], []
        for number, path_text in self._index.store.list_numbered_files():
            path = Path(path_text)
            if matcher.match_patterns(path):
                matching_files.append(number)
            if hit_filter.tests is not None and is_test_path(path, self._roots):
                test_files.append(number)
        has_patterns = bool(hit_filter.paths or hit_filter.excluded_paths)
        return NumberedFilter(
            **{field.name: getattr(hit_filter, field.name) for field in fields(Filter)},
            matching_files=tuple(sorted(matching_files)) if has_patterns else None,
            test_files=tuple(sorted(test_files)),
        )


class PathMatcher:
    """Says which files a filter's folder and patterns leave."""

    def __init__(self, hit_filter: Filter, roots: Sequence[Path]) -> None:
        """Take the roots that patterns are relative to; reads nothing."""
        self._filter = hit_filter
        self._roots = roots
        self._wanted = _parse_patterns(hit_filter.paths)
        self._excluded = _parse_patterns(hit_filter.excluded_paths)

    def match(self, path: Path) -> bool:
        """Return whether the absolute path is in the filter's folder and its patterns admit it."""
        folder = self._filter.folder
        return (folder is None or path.is_relative_to(folder)) and self.match_patterns(path)

    def match_patterns(self, path: Path) -> bool:
        """Return whether a wanted pattern (if there is any) matches the path and no excluded one does."""
        parts = self._split_path(path)
        return (not self._filter.paths or self._wanted.match_path(parts)) and not self._excluded.match_path(parts)

    def _split_path(self, path: Path) -> tuple[str, ...]:
        """Return the tuple of folder and file names of the path below its root."""
        root = next((root for root in self._roots if path.is_relative_to(root)), None)
        return path.relative_to(root).parts if root else path.parts[1:]


def _parse_patterns(patterns: Sequence[str]) -> IgnoreFile:
    """Return the patterns of a query's filter as rules, as if they were the lines of a .gitignore."""
    return IgnoreFile("\n".join(patterns).encode("utf-8", "surrogatepass"))
