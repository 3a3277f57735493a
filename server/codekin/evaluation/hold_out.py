"""Functions cut at a statement, to ask how they go on, with themselves and their near duplicates left out."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from codekin.code.continuations import keys_of, statements
from codekin.code.extract import extract, split_lines
from codekin.code.lines import is_closing
from codekin.code.parsing import parse, source_of, syntax_of
from codekin.code.words import words
from codekin.index.prepare import content_hash
from codekin.index.workspace import Document, SourceFile, Workspace
from codekin.types import Kind, Snippet

_NEAR = 0.9  # the share of two functions' words, counted as often as they occur, above which they are duplicates
_PROSE = re.compile(r"\s*[rbuf]?[\"'`]")  # a docstring is no code
_FUNCTIONS = (Kind.FUNCTION, Kind.METHOD, Kind.CONSTRUCTOR, Kind.TEST)


@dataclass(frozen=True, slots=True)
class CorpusSnippet:
    """A snippet of the corpus, with its lines."""

    path: Path
    snippet: Snippet
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A document whose function ends at the cursor, but for what closes its blocks."""

    path: Path
    language: str
    text: str
    row: int
    column: int
    start: tuple[str, ...]  # the function's lines above the cursor
    truth: tuple[str, ...]  # those from the cursor on
    without: frozenset[int]  # what may not be used: the function and its near duplicates, by number in the corpus


class CutCorpus:
    """All that is cut in a workspace, and may be copied from."""

    def __init__(self, workspace: Workspace) -> None:
        found = (workspace.read(file.path) for file in workspace.walk() if isinstance(file, SourceFile))
        self.documents = {document.path: document for document in found if isinstance(document, Document)}
        self.codes = [
            CorpusSnippet(document.path, snippet, tuple(snippet.text.split("\n")))
            for document in self.documents.values()
            for snippet in extract(document.text, document.language)
        ]
        self.hashes = [content_hash(code.snippet.text) for code in self.codes]
        self._words = [Counter(words(code.snippet.text)) for code in self.codes]
        self._sizes = np.array([bag.total() for bag in self._words])

    def choose_cuts(self, count: int, seed: int) -> Iterator[Cut]:
        """`count` functions, each cut before one of its statements but the first line's; the same for a seed."""
        lot = random.Random(seed)  # noqa: S311
        whole = [n for n, code in enumerate(self.codes) if code.snippet.kind in _FUNCTIONS and not code.snippet.part]
        lot.shuffle(whole)
        cuttable = ((number, rows) for number in whole if (rows := self._rows(self.codes[number])))
        for number, rows in islice(cuttable, count):
            yield self._cut(number, lot.choice(rows))

    def _rows(self, code: CorpusSnippet) -> list[int]:
        document, snippet = self.documents[code.path], code.snippet
        syntax, lines, key = syntax_of(snippet.language), split_lines(document.text), keys_of(snippet.language)
        root = parse(source_of(lines), syntax) if syntax else None
        if root is None:
            return []
        rows = statements(root, snippet.name_line, snippet.span.end)
        code_rows = (row for row in rows if key[lines[row]] and not is_closing(lines[row]))
        return [row for row in code_rows if not _PROSE.match(lines[row])]

    def _cut(self, number: int, row: int) -> Cut:
        code = self.codes[number]
        document, span = self.documents[code.path], code.snippet.span
        lines = split_lines(document.text)
        blank = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
        kept = [*lines[:row], blank, *_closers(lines[row : span.end], len(blank)), *lines[span.end :]]
        start, truth = tuple(lines[span.start : row]), tuple(lines[row : span.end])
        return Cut(code.path, document.language, "\n".join(kept), row, len(blank), start, truth, self._near(number))

    def _near(self, number: int) -> frozenset[int]:
        own, size = self._words[number], self._sizes[number]
        near = {number}
        for other in np.flatnonzero((self._sizes >= _NEAR * size) & (self._sizes <= size / _NEAR)).tolist():
            shared = (own & self._words[other]).total()
            if shared / max(size + self._sizes[other] - shared, 1) > _NEAR:
                near.add(other)
        return frozenset(near)


def strip_blanks(line: str) -> str:
    """The line without blanks, in which it is compared."""
    return "".join(line.split())


def _closers(lines: Sequence[str], column: int) -> list[str]:
    """Of what is cut away, the lines that only close the blocks in which the cursor stands."""
    kept: list[str] = []
    for line in lines:
        width = len(line) - len(line.lstrip())
        if line.strip() and is_closing(line) and width < column:
            kept.append(line)
            column = width
    return kept
