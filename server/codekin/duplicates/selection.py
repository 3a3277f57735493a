"""Say which functions are compared, and which groups of duplicates are wanted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codekin.types import Kinship, Location, SnippetKind
from codekin.workspace.gitignore import IgnoreFile

CLONE_KINSHIPS = (Kinship.IDENTICAL, Kinship.RENAMED, Kinship.EDITED)  # closest first
_TEST_PATH = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|testFixtures)/"
    r"|(^|/)(test_[^/]*|conftest\.py|[^/]*(_test|_spec|\.test|\.spec|Tests?|Spec)\.\w+)$"
)


@dataclass(frozen=True, slots=True)
class DuplicateSelection:
    """What a list of duplicates is limited to."""

    min_lines: int
    paths: tuple[Path, ...] = ()  # absolute: each group has a function in or below one of them; (): anywhere
    excluded: tuple[str, ...] = ()  # patterns in .gitignore syntax, relative to the root: these are not compared
    language: str | None = None
    tests: bool | None = None  # only tests, no tests, or both
    kinship: Kinship = Kinship.EDITED  # the loosest that counts


@dataclass(slots=True)
class FunctionFilter:
    """Decides whether a function is compared. Remembers its verdicts on files, for they come one after the other."""

    selection: DuplicateSelection
    roots: Sequence[Path]
    _rules: IgnoreFile = field(init=False)
    _file_verdicts: dict[Path, tuple[bool, bool]] = field(default_factory=dict)  # is excluded, is a test

    def __post_init__(self) -> None:
        self._rules = IgnoreFile("\n".join(self.selection.excluded).encode("utf-8", "surrogatepass"))

    def accepts(self, location: Location) -> bool:
        """Return whether the whole function at the location is to be compared; the file's part is cached."""
        selection = self.selection
        if location.span.end - location.span.start < selection.min_lines:
            return False
        if location.path not in self._file_verdicts:
            self._file_verdicts[location.path] = self._judge_file(location.path)
        is_excluded, is_test_file = self._file_verdicts[location.path]
        is_test = is_test_file or location.kind is SnippetKind.TEST
        return not is_excluded and selection.tests in (None, is_test)

    def is_wanted(self, file_path: Path) -> bool:
        """Return whether the file is in or below a selected path (True without one), which makes its groups wanted."""
        wanted_paths = self.selection.paths
        return not wanted_paths or any(file_path.is_relative_to(wanted_path) for wanted_path in wanted_paths)

    def _judge_file(self, file_path: Path) -> tuple[bool, bool]:
        """Return whether the file is excluded by a pattern, and whether it is a test by its path."""
        workspace_root = next(
            (workspace_root for workspace_root in self.roots if file_path.is_relative_to(workspace_root)), None
        )
        path_parts = file_path.relative_to(workspace_root).parts if workspace_root else file_path.parts[1:]
        return self._rules.match_path(path_parts), bool(_TEST_PATH.search("/".join(path_parts)))
