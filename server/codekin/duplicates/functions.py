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
        """Return its number of lines, doc comment included."""
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

    def add_text(self, function_text: str, language: str) -> int:
        """Add a text unless present, and return its number; -1 if it is too short to be compared."""
        text_number = self._numbers.get((language, function_text))
        if text_number is None:
            profile = TokenProfile(function_text, language)
            is_comparable = len(profile.tokens.texts) >= MIN_TOKENS
            text_number = self._numbers[language, function_text] = self._append(profile) if is_comparable else -1
        return text_number

    def _append(self, profile: TokenProfile) -> int:
        """Append a new text's columns to the table, and return its number."""
        self.texts.append(profile.text)
        self.exact_digests.append(digest_codes(profile.tokens.codes))
        self.structure_digests.append(profile.structure_digest)
        self.runs.append(profile.distinct_runs)
        self.words.append(profile.word_codes.astype(np.uint64))
        return len(self.texts) - 1

    def functions_by_text(self) -> list[list[FunctionCopy]]:
        """Return a list for each text, by its number: the functions that have it."""
        copies_by_text: list[list[FunctionCopy]] = [[] for _ in self.texts]
        for function in self.functions:
            copies_by_text[function.text_number].append(function)
        return copies_by_text


def list_whole_functions(store: Store) -> list[list[Location]]:
    """Return every function of the store as a list of its parts: one, or several of a long one. Raises StoreError."""
    locations_by_file = groupby(store.list_function_parts(), key=lambda location: location.path)
    return [function_parts for _, locations in locations_by_file for function_parts in group_parts(locations)]


def join_parts(function_parts: Sequence[Location]) -> Location:
    """Return the location of a whole function, from its parts in order."""
    return replace(function_parts[0], span=Span(function_parts[0].span.start, function_parts[-1].span.end), part=0)


def read_functions(
    workspace: Workspace,
    function_locations: Sequence[Location],
    language: str | None,
    on_progress: OnProgress,
    cancel_event: Cancel,
) -> FunctionTable:
    """Read what stands at these locations now; return a table of functions, without short ones, other languages.

    The locations are in order of files; those past the end of their file are left out. It ends early when cancelled.
    """
    function_table, start_time, read_count = FunctionTable(), time.monotonic(), 0
    for file_path, locations in groupby(function_locations, key=lambda location: location.path):
        if cancel_event.is_set():
            break
        document = workspace.read_document(file_path)
        file_locations = list(locations)
        if isinstance(document, Document):
            function_table.functions += _read_document_functions(function_table, document, file_locations, language)
        read_count += len(file_locations)
        on_progress(estimate_progress(time.monotonic() - start_time, read_count, len(function_locations)))
    return function_table


def _read_document_functions(
    function_table: FunctionTable, document: Document, locations: Iterable[Location], wanted_language: str | None
) -> Iterator[FunctionCopy]:
    """Add the texts at these places of a document to the table, and yield their functions."""
    document_lines = split_lines(document.text)
    for location in locations:
        notebook_cell = find_cell(document.cells, location.span.start)
        language = notebook_cell.language if notebook_cell else location.language
        if (wanted_language and language != wanted_language) or location.span.end > len(document_lines):
            continue
        text_number = function_table.add_text(
            to_canonical_text(document_lines[location.span.start : location.span.end]), language
        )
        if text_number >= 0:
            file_span, name_row = (
                to_file_lines(notebook_cell, location.span),
                to_file_row(notebook_cell, location.name_line),
            )
            yield FunctionCopy(
                document.path, file_span, name_row, location.qualified_name, location.name, language, text_number
            )
