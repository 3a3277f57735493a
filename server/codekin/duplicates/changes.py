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

    def is_new_clone(self, group: DuplicateGroup, texts: Sequence[str]) -> bool:
        """Return whether the group has a function that was no duplicate at the revision; `texts` are the table's."""
        return any(self._has_become_clone(member.function, group, texts) for member in group.members)

    def _has_become_clone(self, function: FunctionCopy, group: DuplicateGroup, texts: Sequence[str]) -> bool:
        """Return whether the function is new, or changed and at the revision was a clone of no other in the group."""
        state = self.state_of(function)
        if state is not FunctionState.CHANGED:
            return state is FunctionState.NEW
        former_profile = TokenProfile(self.former_texts[function], function.language)
        for member in group.members:
            other = member.function
            if other != function and self.state_of(other) is not FunctionState.NEW:
                other_text = self.former_texts.get(other, texts[other.text_number])
                evidence = classify(former_profile, TokenProfile(other_text, other.language))
                if evidence is not None and evidence.is_near_duplicate:
                    return False
        return True


def find_changes(
    base: BaseRevision, table: FunctionTable, files: Iterable[Path], max_bytes: int, rules: LanguageRules
) -> Changes:
    """Compare the functions of the table with the revision. `files` are all files of the workspace."""
    present_files = set(files)
    changed_files = {path for path in present_files if not _is_unchanged(base, path, max_bytes)}
    removed_files = {path for path in base.blobs.keys() - present_files if rules.detect_language(path)}
    read_files = sorted(
        path for path in changed_files | removed_files if path in base.blobs and base.blobs[path].size <= max_bytes
    )
    former_functions = [
        function
        for path, data in base.read_files(read_files).items()
        for function in _extract_functions(path, data, rules)
    ]
    changes = Changes(base.commit)
    _classify_functions(changes, table, changed_files, former_functions)
    changes.drifts = tuple(_find_drifts(changes, table))
    return changes


def _is_unchanged(base: BaseRevision, path: Path, max_bytes: int) -> bool:
    """Return whether the file has the revision's bytes; False if it is new or can't be read."""
    try:
        return path in base.blobs and base.is_unchanged(path, read_file(path, max_bytes).data)
    except OSError:
        return False


def _extract_functions(path: Path, data: bytes, rules: LanguageRules) -> list[_FormerFunction]:
    """Return the functions in a former version of a file; [] if it can't be decoded or cut."""
    text = decode_text(data)
    document = make_document(path, text, None, rules) if text is not None else None
    if not isinstance(document, Document):
        return []
    lines = split_lines(document.text)
    functions = [parts for parts in group_parts(snippets_of(document)) if parts[0].kind.is_function]
    return [
        _FormerFunction(
            path, parts[0].qualified_name, to_canonical_text(lines[parts[0].span.start : parts[-1].span.end])
        )
        for parts in functions
    ]


def _classify_functions(
    changes: Changes, table: FunctionTable, changed_files: set[Path], former_functions: Sequence[_FormerFunction]
) -> None:
    """Note which functions of the changed files are new or edited: neither where they were nor moved."""
    former_counts = Counter((function.path, function.text) for function in former_functions)
    unplaced: list[FunctionCopy] = []
    for function in table.functions:
        if function.path in changed_files:
            key = function.path, table.texts[function.text_number]
            if former_counts[key] > 0:
                former_counts[key] -= 1
            else:
                unplaced.append(function)
    moved_counts: Counter[str] = Counter()
    for (_, text), count in former_counts.items():
        moved_counts[text] += count
    former_by_name = {(function.path, function.qualified_name): function.text for function in former_functions}
    for function in unplaced:
        text = table.texts[function.text_number]
        former_text = former_by_name.get((function.path, function.qualified_name))
        if moved_counts[text] > 0:
            moved_counts[text] -= 1
        elif former_text is not None:
            changes.states[function] = FunctionState.CHANGED
            changes.former_texts[function] = former_text
        else:
            changes.states[function] = FunctionState.NEW


def _find_drifts(changes: Changes, table: FunctionTable) -> Iterable[Drift]:
    """Yield the functions that were identical and are so no longer, largest sets first."""
    changed_by_digest: dict[bytes, list[FunctionCopy]] = defaultdict(list)
    for function, former_text in changes.former_texts.items():
        former_digest = digest_codes(TokenProfile(former_text, function.language).tokens.codes)
        if former_digest != table.exact_digests[function.text_number]:
            changed_by_digest[former_digest].append(function)
    unchanged_by_digest: dict[bytes, list[FunctionCopy]] = defaultdict(list)
    for function in table.functions:
        if table.exact_digests[function.text_number] in changed_by_digest and function not in changes.states:
            unchanged_by_digest[table.exact_digests[function.text_number]].append(function)
    drifts = []
    for digest, changed in changed_by_digest.items():
        unchanged = unchanged_by_digest[digest]
        is_changed_alike = len({table.exact_digests[function.text_number] for function in changed}) == 1
        if unchanged or not is_changed_alike:
            drifts.append(Drift(tuple(changed), tuple(unchanged)))
    return sorted(drifts, key=lambda drift: -len(drift.changed) - len(drift.unchanged))
