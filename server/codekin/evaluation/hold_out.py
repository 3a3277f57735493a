"""Cut functions at a statement to complete them, with themselves and their near-duplicates held out."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from codekin.code.extract import extract_snippets, split_lines
from codekin.code.line_hashes import find_all_statement_rows, make_line_hasher
from codekin.code.lines import hash_content, is_closing
from codekin.code.parsing import encode_source, load_syntax, parse_source
from codekin.code.words import split_words
from codekin.types import Snippet
from codekin.workspace.workspace import Document, SourceFile, Workspace

_NEAR_DUPLICATE_SHARE = 0.9  # duplicates share more of their words than this, repetitions counted
_PROSE = re.compile(r"\s*[rbuf]?[\"'`]")  # a docstring is no code


@dataclass(frozen=True, slots=True)
class CorpusSnippet:
    """A snippet of the corpus, with its lines."""

    path: Path
    snippet: Snippet
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A document whose function ends at the cursor, except for the lines that close its blocks, and what followed."""

    path: Path
    language: str
    text: str
    row: int
    column: int
    start: tuple[str, ...]  # the function's lines above the cursor
    truth: tuple[str, ...]  # those from the cursor on
    excluded: frozenset[int]  # what may not be used: the function and its near duplicates, by number in the corpus


class CutCorpus:
    """All snippets of a workspace: functions to cut, and code to copy suggestions from."""

    def __init__(self, workspace: Workspace) -> None:
        """Read and parse all files of the workspace into memory; unreadable ones are left out."""
        documents = (workspace.read_document(file.path) for file in workspace.walk() if isinstance(file, SourceFile))
        self.documents = {document.path: document for document in documents if isinstance(document, Document)}
        self.snippets = [
            CorpusSnippet(document.path, snippet, tuple(snippet.text.split("\n")))
            for document in self.documents.values()
            for snippet in extract_snippets(document.text, document.language)
        ]
        self.hashes = [hash_content(snippet.snippet.text) for snippet in self.snippets]
        self._words = [Counter(split_words(snippet.snippet.text)) for snippet in self.snippets]
        self._word_counts = np.array([word_counts.total() for word_counts in self._words])

    def choose_cuts(self, count: int, seed: int) -> Iterator[Cut]:
        """Yield cuts of up to `count` random functions, each before a statement but the first; the same by seed."""
        chance = random.Random(seed)  # noqa: S311
        functions = [
            snippet_number
            for snippet_number, snippet in enumerate(self.snippets)
            if snippet.snippet.kind.is_function and not snippet.snippet.part
        ]
        chance.shuffle(functions)
        cuttable = (
            (snippet_number, rows)
            for snippet_number in functions
            if (rows := self._find_cut_rows(self.snippets[snippet_number]))
        )
        for snippet_number, rows in islice(cuttable, count):
            yield self._make_cut(snippet_number, chance.choice(rows))

    def _find_cut_rows(self, corpus_snippet: CorpusSnippet) -> list[int]:
        """Return the document's rows of statements before which the function may be cut; [] for none, or no parse."""
        document, snippet = self.documents[corpus_snippet.path], corpus_snippet.snippet
        syntax, lines, hash_line = (
            load_syntax(snippet.language),
            split_lines(document.text),
            make_line_hasher(snippet.language),
        )
        root = parse_source(encode_source(lines), syntax) if syntax else None
        if root is None:
            return []
        rows = find_all_statement_rows(root, snippet.name_line, snippet.span.end)
        code_rows = (row for row in rows if hash_line[lines[row]] and not is_closing(lines[row]))
        return [row for row in code_rows if not _PROSE.match(lines[row])]

    def _make_cut(self, snippet_number: int, row: int) -> Cut:
        """Return the cut of the function before this row of the document; only lines that close blocks stay below."""
        corpus_snippet = self.snippets[snippet_number]
        document, span = self.documents[corpus_snippet.path], corpus_snippet.snippet.span
        lines = split_lines(document.text)
        indentation = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
        kept_lines = [
            *lines[:row],
            indentation,
            *_keep_closing_lines(lines[row : span.end], len(indentation)),
            *lines[span.end :],
        ]
        start_lines, true_lines = tuple(lines[span.start : row]), tuple(lines[row : span.end])
        return Cut(
            corpus_snippet.path,
            document.language,
            "\n".join(kept_lines),
            row,
            len(indentation),
            start_lines,
            true_lines,
            self._find_near_duplicates(snippet_number),
        )

    def _find_near_duplicates(self, snippet_number: int) -> frozenset[int]:
        """Return the indices of snippets with over 90% (Jaccard) of the same words, itself included."""
        word_counts, word_count = self._words[snippet_number], self._word_counts[snippet_number]
        duplicates = {snippet_number}
        for candidate in np.flatnonzero(
            (self._word_counts >= _NEAR_DUPLICATE_SHARE * word_count)
            & (self._word_counts <= word_count / _NEAR_DUPLICATE_SHARE)
        ).tolist():
            shared_count = (word_counts & self._words[candidate]).total()
            if shared_count / max(word_count + self._word_counts[candidate] - shared_count, 1) > _NEAR_DUPLICATE_SHARE:
                duplicates.add(candidate)
        return frozenset(duplicates)


def _keep_closing_lines(lines: Sequence[str], column: int) -> list[str]:
    """Return those of the lines that only close the blocks around the column, from the inside out."""
    closing_lines: list[str] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() and is_closing(line) and indent < column:
            closing_lines.append(line)
            column = indent
    return closing_lines
