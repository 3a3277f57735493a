"""Read the functions of a workspace as they are now, each distinct text once, with what they are compared by."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from codekin.code.cell_lines import find_cell, to_file_lines, to_file_row
from codekin.code.extract import group_parts, split_lines, to_canonical_text
from codekin.code.fingerprints import digest_codes
from codekin.code.tokens import Codes
from codekin.indexing.time_left import estimate_progress
from codekin.search.clone_classification import TokenProfile
from codekin.storage.store import Store
from codekin.types import Cancel, Location, OnProgress, Span
from codekin.workspace.workspace import Document, Workspace

MIN_TOKENS = 8  # shorter code says nothing, as in code/fingerprints


@dataclass(frozen=True, slots=True)
class FunctionCopy:
    """A function as it stands in a file now."""

    path: Path
    span: Span  # lines of the file
    row: int  # line of the file that has its name, from 0
    qualified_name: str
    name: str
    language: str
    text_number: int  # in its FunctionTable

    @property
    def line_count(self) -> int:
        """Return its length, doc comment included."""
        return self.span.end - self.span.start

    @property
    def sort_key(self) -> tuple[Path, int]:
        """Return what orders functions: file, then line."""
        return self.path, self.span.start


@dataclass(slots=True)
class FunctionTable:
    """Functions, and the distinct texts that they have. All lists of texts run in parallel."""

    functions: list[FunctionCopy] = field(default_factory=list)  # by file and line
    texts: list[str] = field(default_factory=list)  # canonical
    exact_digests: list[bytes] = field(default_factory=list)  # equal where only comments and formatting differ
    structure_digests: list[bytes] = field(default_factory=list)  # equal where names or literals differ, too
    runs: list[Codes] = field(default_factory=list)  # distinct runs of tokens, ascending
    words: list[Codes] = field(default_factory=list)  # distinct names and literals, ascending
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)  # by language and text; -1: too short

    def add_text(self, text: str, language: str) -> int:
        """Add a text unless present, and return its number; -1 if it is too short to be compared."""
        number = self._numbers.get((language, text))
        if number is None:
            profile = TokenProfile(text, language)
            is_comparable = len(profile.tokens.texts) >= MIN_TOKENS
            number = self._numbers[language, text] = self._append(profile) if is_comparable else -1
        return number

    def _append(self, profile: TokenProfile) -> int:
        """Append a new text's columns to the table, and return its number."""
        self.texts.append(profile.text)
        self.exact_digests.append(digest_codes(profile.tokens.codes))
        self.structure_digests.append(profile.structure_digest)
        self.runs.append(profile.distinct_runs)
        self.words.append(profile.word_codes.astype(np.uint64))
        return len(self.texts) - 1

    def functions_by_text(self) -> list[list[FunctionCopy]]:
        """Return the functions of each text."""
        copies: list[list[FunctionCopy]] = [[] for _ in self.texts]
        for function in self.functions:
            copies[function.text_number].append(function)
        return copies


def list_whole_functions(store: Store) -> list[list[Location]]:
    """Return each function's parts: one, or several of a long function."""
    files = groupby(store.list_function_parts(), key=lambda location: location.path)
    return [parts for _, locations in files for parts in group_parts(locations)]


def join_parts(parts: Sequence[Location]) -> Location:
    """Return the place of a whole function."""
    return replace(parts[0], span=Span(parts[0].span.start, parts[-1].span.end), part=0)


def read_functions(
    workspace: Workspace,
    places: Sequence[Location],
    language: str | None,
    on_progress: OnProgress,
    cancel_event: Cancel,
) -> FunctionTable:
    """Read the functions at these places, which are in order; those that have moved since are left out."""
    table, started, done = FunctionTable(), time.monotonic(), 0
    for path, locations in groupby(places, key=lambda location: location.path):
        if cancel_event.is_set():
            break
        document = workspace.read_document(path)
        file_places = list(locations)
        if isinstance(document, Document):
            table.functions += _read_document_functions(table, document, file_places, language)
        done += len(file_places)
        on_progress(estimate_progress(time.monotonic() - started, done, len(places)))
    return table


def _read_document_functions(
    table: FunctionTable, document: Document, places: Iterable[Location], wanted_language: str | None
) -> Iterator[FunctionCopy]:
    """Add the texts at these places of a document to the table, and yield their functions."""
    lines = split_lines(document.text)
    for place in places:
        cell = find_cell(document.cells, place.span.start)
        language = cell.language if cell else place.language
        if (wanted_language and language != wanted_language) or place.span.end > len(lines):
            continue
        text_number = table.add_text(to_canonical_text(lines[place.span.start : place.span.end]), language)
        if text_number >= 0:
            span, row = to_file_lines(cell, place.span), to_file_row(cell, place.name_line)
            yield FunctionCopy(document.path, span, row, place.qualified_name, place.name, language, text_number)
