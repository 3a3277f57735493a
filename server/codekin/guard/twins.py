"""The guard: says of each new function of a proposed change where it stands already, before it is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codekin.code.extract import extract_snippets, split_lines
from codekin.duplicates.base_revision import read_committed_text
from codekin.engine import Engine
from codekin.guard.proposals import Proposal
from codekin.types import Hit, Snippet

_MAX_FUNCTIONS = 500  # of one change that are compared: a change that a person could review has fewer


@dataclass(frozen=True, slots=True)
class GuardFinding:
    """A new function that stands elsewhere already."""

    path: Path | None  # where it is to be written
    line: int  # 0-based, in the proposed text
    name: str
    twin: Hit


class Guard:
    """Compares proposed functions with those of one workspace."""

    def __init__(self, engine: Engine, workspace_root: Path, min_lines: int) -> None:
        """Relative paths of proposals are relative to `workspace_root`; shorter functions are let through."""
        self._engine = engine
        self._root = workspace_root
        self._min_lines = min_lines

    def find_twins(self, proposals: Iterable[Proposal], default_language: str = "") -> list[GuardFinding]:
        """Return which of the proposals' first 500 new functions exist elsewhere, each with its nearest twin."""
        proposals = list(proposals)
        removed_lines = frozenset(removed_line for proposal in proposals for removed_line in proposal.removed_lines)
        new_functions = [
            (target_path, function)
            for proposal in proposals
            for target_path in [self._resolve_path(proposal.path)]
            for function in self._list_new_functions(proposal, target_path, default_language)
        ]
        findings = (
            self._find_twin(target_path, function, removed_lines)
            for target_path, function in new_functions[:_MAX_FUNCTIONS]
        )
        return [finding for finding in findings if finding is not None]

    def _resolve_path(self, target_path: Path | None) -> Path | None:
        """Return the absolute path, links resolved, of a path that may be relative to the root; None for None."""
        return self._engine.resolve_path(self._root / target_path) if target_path is not None else None

    def _list_new_functions(
        self, proposal: Proposal, target_path: Path | None, default_language: str
    ) -> Iterator[Snippet]:
        """Yield functions that the proposal adds, by name or by a diff's added lines, if long enough to compare."""
        language = (target_path and self._engine.detect_language(target_path, proposal.text)) or default_language
        if not language:
            return
        former_names = self._list_former_names(proposal, target_path, language)
        for snippet in extract_snippets(proposal.text, language):
            is_function = snippet.kind.is_function and snippet.part < 2
            is_added = proposal.added_rows is None or snippet.name_line in proposal.added_rows
            is_long = snippet.span.end - snippet.span.start >= self._min_lines
            if is_function and is_added and is_long and snippet.qualified_name not in former_names:
                yield snippet

    def _list_former_names(self, proposal: Proposal, target_path: Path | None, language: str) -> frozenset[str]:
        """Return the names of the file's functions before the change (or as committed, if made); none for a diff."""
        if target_path is None or proposal.added_rows is not None:
            return frozenset()
        if not proposal.is_written:
            return self._list_names(target_path)
        former_texts = (proposal.replaced_text, read_committed_text(target_path))
        return frozenset(
            snippet.qualified_name
            for former_text in former_texts
            for snippet in extract_snippets(former_text, language)
        )

    def _list_names(self, source_path: Path) -> frozenset[str]:
        """Return the qualified names in the present document at the path; empty if it can't be read."""
        return frozenset(snippet.qualified_name for snippet in self._engine.list_snippets(source_path))

    def _find_twin(
        self, target_path: Path | None, function: Snippet, removed_lines: frozenset[str]
    ) -> GuardFinding | None:
        """Return the finding with the function's best clone in the index that the change keeps; None without one."""
        twins = self._engine.find_clones(function, target_path)
        remaining = [twin for twin in twins if not _is_removed(twin, removed_lines)]
        if not remaining:
            return None
        return GuardFinding(target_path, function.name_line, function.qualified_name, remaining[0])


def _is_removed(twin: Hit, removed_lines: frozenset[str]) -> bool:
    """Return whether the change removes the line with the twin's name: then the function was moved."""
    twin_lines = split_lines(twin.text)
    name_row = min(max(twin.place.name_line - twin.place.span.start, 0), len(twin_lines) - 1)
    return bool(removed_lines) and twin_lines[name_row].strip() in removed_lines
