"""Find what has changed since a revision: functions that are new or edited, and copies that were edited alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from codekin.code.extract import group_parts, split_lines, to_canonical_text
from codekin.code.fingerprints import digest_codes
from codekin.duplicates.base_revision import BaseRevision
from codekin.duplicates.functions import FunctionCopy, FunctionTable
from codekin.duplicates.groups import DuplicateGroup
from codekin.files import read_file
from codekin.search.clone_classification import TokenProfile, classify
from codekin.workspace.documents import Document, decode_text, make_document, snippets_of
from codekin.workspace.language_rules import LanguageRules


class FunctionState(StrEnum):
    """What has become of a function since the revision."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"  # or only moved


@dataclass(frozen=True, slots=True)
class Drift:
    """Functions that were identical at the revision, and of which only some were edited, or in other ways."""

    changed: tuple[FunctionCopy, ...]
    unchanged: tuple[FunctionCopy, ...]


@dataclass(frozen=True, slots=True)
class _FormerFunction:
    """A function at the revision, in a file that is different now."""

    path: Path
    qualified_name: str
    text: str


@dataclass(slots=True)
class Changes:
    """The functions that are not what they were at the revision."""

    commit: str
    states: dict[FunctionCopy, FunctionState] = field(default_factory=dict)  # NEW and CHANGED ones
    former_texts: dict[FunctionCopy, str] = field(default_factory=dict)  # of CHANGED ones
    drifts: tuple[Drift, ...] = ()

    def state_of(self, function: FunctionCopy) -> FunctionState:
        """Return whether the function is new, changed or unchanged since the base revision."""
        return self.states.get(function, FunctionState.UNCHANGED)

    def is_new_clone(self, group: DuplicateGroup, function_texts: Sequence[str]) -> bool:
        """Return whether the group has a function that was no duplicate at the revision; the texts are the table's."""
        return any(self._has_become_clone(member.function, group, function_texts) for member in group.members)

    def _has_become_clone(self, function: FunctionCopy, group: DuplicateGroup, function_texts: Sequence[str]) -> bool:
        """Return whether the function is new, or changed and at the revision was a clone of no other in the group."""
        function_state = self.state_of(function)
        if function_state is not FunctionState.CHANGED:
            return function_state is FunctionState.NEW
        former_profile = TokenProfile(self.former_texts[function], function.language)
        for member in group.members:
            other_function = member.function
            if other_function != function and self.state_of(other_function) is not FunctionState.NEW:
                other_text = self.former_texts.get(other_function, function_texts[other_function.text_number])
                evidence = classify(former_profile, TokenProfile(other_text, other_function.language))
                if evidence is not None and evidence.is_near_duplicate:
                    return False
        return True


def find_changes(
    base_revision: BaseRevision,
    function_table: FunctionTable,
    workspace_files: Iterable[Path],
    max_bytes: int,
    language_rules: LanguageRules,
) -> Changes:
    """Compare files with the revision's, read by Git; return new and changed functions, and copies that drifted apart.

    Raises QueryError. `workspace_files` are all files of the workspace.
    """
    present_files = set(workspace_files)
    changed_files = {
        source_path for source_path in present_files if not _is_unchanged(base_revision, source_path, max_bytes)
    }
    removed_files = {
        source_path
        for source_path in base_revision.blobs.keys() - present_files
        if language_rules.detect_language(source_path)
    }
    read_files = sorted(
        source_path
        for source_path in changed_files | removed_files
        if source_path in base_revision.blobs and base_revision.blobs[source_path].size <= max_bytes
    )
    former_functions = [
        function
        for source_path, file_bytes in base_revision.read_files(read_files).items()
        for function in _extract_functions(source_path, file_bytes, language_rules)
    ]
    changes = Changes(base_revision.commit)
    _classify_functions(changes, function_table, changed_files, former_functions)
    changes.drifts = tuple(_find_drifts(changes, function_table))
    return changes


def _is_unchanged(base_revision: BaseRevision, source_path: Path, max_bytes: int) -> bool:
    """Return whether the file has the revision's bytes; False if it is new or can't be read."""
    try:
        return source_path in base_revision.blobs and base_revision.is_unchanged(
            source_path, read_file(source_path, max_bytes).data
        )
    except OSError:
        return False


def _extract_functions(source_path: Path, file_bytes: bytes, language_rules: LanguageRules) -> list[_FormerFunction]:
    """Return the functions in a former version of a file; [] if it can't be decoded or cut."""
    source_text = decode_text(file_bytes)
    document = make_document(source_path, source_text, None, language_rules) if source_text is not None else None
    if not isinstance(document, Document):
        return []
    source_lines = split_lines(document.text)
    functions = [
        function_parts for function_parts in group_parts(snippets_of(document)) if function_parts[0].kind.is_function
    ]
    return [
        _FormerFunction(
            source_path,
            function_parts[0].qualified_name,
            to_canonical_text(source_lines[function_parts[0].span.start : function_parts[-1].span.end]),
        )
        for function_parts in functions
    ]


def _classify_functions(
    changes: Changes,
    function_table: FunctionTable,
    changed_files: set[Path],
    former_functions: Sequence[_FormerFunction],
) -> None:
    """Note in `changes` which functions of changed files are NEW or CHANGED: neither where they were, nor moved."""
    former_counts = Counter((function.path, function.text) for function in former_functions)
    unplaced: list[FunctionCopy] = []
    for function in function_table.functions:
        if function.path in changed_files:
            path_and_text = function.path, function_table.texts[function.text_number]
            if former_counts[path_and_text] > 0:
                former_counts[path_and_text] -= 1
            else:
                unplaced.append(function)
    moved_counts: Counter[str] = Counter()
    for (_, function_text), former_count in former_counts.items():
        moved_counts[function_text] += former_count
    former_by_name = {(function.path, function.qualified_name): function.text for function in former_functions}
    for function in unplaced:
        function_text = function_table.texts[function.text_number]
        former_text = former_by_name.get((function.path, function.qualified_name))
        if moved_counts[function_text] > 0:
            moved_counts[function_text] -= 1
        elif former_text is not None:
            changes.states[function] = FunctionState.CHANGED
            changes.former_texts[function] = former_text
        else:
            changes.states[function] = FunctionState.NEW


def _find_drifts(changes: Changes, function_table: FunctionTable) -> Iterable[Drift]:
    """Return the sets of functions that were identical at the revision and no longer are, largest first."""
    changed_by_digest: dict[bytes, list[FunctionCopy]] = defaultdict(list)
    for function, former_text in changes.former_texts.items():
        former_digest = digest_codes(TokenProfile(former_text, function.language).tokens.codes)
        if former_digest != function_table.exact_digests[function.text_number]:
            changed_by_digest[former_digest].append(function)
    unchanged_by_digest: dict[bytes, list[FunctionCopy]] = defaultdict(list)
    for function in function_table.functions:
        if function_table.exact_digests[function.text_number] in changed_by_digest and function not in changes.states:
            unchanged_by_digest[function_table.exact_digests[function.text_number]].append(function)
    drifts = []
    for shared_digest, changed_functions in changed_by_digest.items():
        unchanged_functions = unchanged_by_digest[shared_digest]
        is_changed_alike = (
            len({function_table.exact_digests[function.text_number] for function in changed_functions}) == 1
        )
        if unchanged_functions or not is_changed_alike:
            drifts.append(Drift(tuple(changed_functions), tuple(unchanged_functions)))
    return sorted(drifts, key=lambda drift: -len(drift.changed) - len(drift.unchanged))
