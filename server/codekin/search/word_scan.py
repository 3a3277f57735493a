"""Answers a question by words alone, from the files themselves: for a workspace that is not indexed yet.

No vectors and no full-text index are needed, so that the first answer comes at once. It is rougher: files are ranked by
which of the question's words they have, then the snippets of the best ones.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codekin.code.words import split_words
from codekin.errors import StoreClosingError
from codekin.files import read_start
from codekin.search.path_filter import PathMatcher
from codekin.search.paths import is_test_path
from codekin.search.query_terms import QueryTerms
from codekin.storage.rows import file_title
from codekin.types import Cancel, Filter, Hit, Location, Snippet, Span
from codekin.workspace.workspace import Document, SourceFile, Workspace, snippets_of

_MAX_SECONDS = 1.2  # of reading: an agent waits
_MAX_BYTES = 200_000  # of a file
_MAX_FILES = 24  # whose snippets are ranked
_TITLE_WEIGHT, _NAME_WEIGHT, _TEST_FACTOR = 2.0, 2.0, 0.5
_MAX_PROBABILITY = 0.5  # of a hit that has all words of the question: words alone prove nothing
_MAX_LISTED_WORDS = 4


@dataclass(frozen=True, slots=True)
class WordScan:
    """What a scan found, and how much it looked at."""

    hits: tuple[Hit, ...]
    read_count: int  # files
    is_complete: bool  # else time was up


def scan_words(workspace: Workspace, question: str, k: int, hit_filter: Filter, cancel_event: Cancel) -> WordScan:
    """Scan files for 1.2 s at most; return a WordScan of up to `k` hits. Raises StoreClosingError if cancelled."""
    words = QueryTerms(question, lambda _: 1, 1).words
    scanner = _WordScanner(workspace, words, hit_filter)
    is_complete = scanner.read_files(cancel_event)
    hits = sorted(scanner.rank_snippets(question), key=lambda hit: (-hit.score, hit.place.path, hit.place.span.start))
    return WordScan(tuple(hits[:k]), scanner.read_count, is_complete)


class _WordScanner:
    """Reads the files of a workspace once, and remembers which words each of them has."""

    def __init__(self, workspace: Workspace, words: list[str], hit_filter: Filter) -> None:
        self._workspace = workspace
        self._words = {word: word.encode() for word in words}
        self._hit_filter = hit_filter
        self._matcher = PathMatcher(hit_filter, workspace.roots)
        self._frequencies: Counter[str] = Counter()
        self._words_by_file: dict[Path, frozenset[str]] = {}
        self.read_count = 0

    def read_files(self, cancel_event: Cancel) -> bool:
        """Note which words of the question the workspace's files have; return False if 1.2 s are too short for all.

        Only files that pass the question's filter are read. Raises StoreClosingError when cancelled.
        """
        end = time.monotonic() + _MAX_SECONDS
        for file in self._workspace.walk(cancel_event):
            if not isinstance(file, SourceFile) or not self._is_wanted(file):
                continue
            if cancel_event.is_set():
                raise StoreClosingError("The question was cancelled.")
            if time.monotonic() > end:
                return False
            self._read_file(file.path)
        return True

    def rank_snippets(self, question: str) -> Iterator[Hit]:
        """Parse the 24 files that match best; yield, unordered, a Hit per snippet that has words of the question."""
        terms = QueryTerms(question, lambda word: self._frequencies[word], max(self.read_count, 1))
        weights = {word: 1 / (1 + self._frequencies[word]) ** 0.5 for word in self._words}
        total_weight = sum(weights.values())
        titles = terms.match_names([split_words(path.stem) for path in self._words_by_file])
        file_scores = {
            path: sum(weights[word] for word in found) + _TITLE_WEIGHT * product
            for (path, found), product in zip(self._words_by_file.items(), titles.product.tolist(), strict=True)
        }
        for path in sorted(file_scores, key=lambda path: (-file_scores[path], path))[:_MAX_FILES]:
            document = self._workspace.read_document(path)
            if not isinstance(document, Document):
                continue
            is_test = is_test_path(path, self._workspace.roots)
            for snippet in snippets_of(document):
                found = [word for word in self._words if word in set(split_words(snippet.text))]
                share = sum(weights[word] for word in found) / total_weight
                score = share + _NAME_WEIGHT * terms.match_name(split_words(snippet.name)).product
                score *= _TEST_FACTOR if is_test else 1.0
                if found and (not self._hit_filter.kinds or snippet.kind in self._hit_filter.kinds):
                    yield _make_hit(document, snippet, score / (1 + _NAME_WEIGHT), found)

    def _is_wanted(self, file: SourceFile) -> bool:
        """Return whether the file passes the filter: folder, path patterns, languages, tests."""
        languages, tests = self._hit_filter.languages, self._hit_filter.tests
        is_kept = tests is None or tests == is_test_path(file.path, self._workspace.roots)
        return is_kept and self._matcher.match(file.path) and (not languages or file.language in languages)

    def _read_file(self, path: Path) -> None:
        """Note which words are in the file's name or first 200,000 bytes; skip an unreadable file."""
        try:
            data = read_start(path, _MAX_BYTES).lower()
        except OSError:
            return
        self.read_count += 1
        name = file_title(path).lower()
        found = frozenset(word for word, pattern in self._words.items() if pattern in data or word in name)
        if found:
            self._words_by_file[path] = found
            self._frequencies.update(found)


def _make_hit(document: Document, snippet: Snippet, score: float, words: list[str]) -> Hit:
    """Return the snippet as a Hit with probability min(`score`, 1) / 2 and the words as its reason."""
    span = Span(snippet.span.start, snippet.span.end)
    location = Location(
        document.path,
        span,
        snippet.name,
        snippet.qualified_name,
        snippet.kind,
        snippet.language,
        snippet.name_line,
        snippet.part,
        0,
    )
    lines = document.text.split("\n")[span.start : span.end]
    why = f"has {', '.join(words[:_MAX_LISTED_WORDS])}; by words only, the file is not indexed yet"
    return Hit(location, _MAX_PROBABILITY * min(score, 1.0), why, None, "\n".join(lines))
