"""Finds the tests of a function: by what they call, by their names and files, and by meaning."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from codekin.code.words import find_compound_identifiers, split_words
from codekin.index.index import Index
from codekin.search.hits import CodeQuery, DocumentReader, QueryRun, make_hits
from codekin.search.paths import is_test_path
from codekin.search.query_terms import QueryTerms
from codekin.search.search import SearchEngine
from codekin.storage.rows import file_title
from codekin.types import Cancel, Filter, Hit, Location, Query, Snippet, SnippetKind, Task
from codekin.workspace.workspace import Workspace

_MAX_MENTIONS = 400  # contents that have the function's name; more are of a name that says nothing
_CALL_WEIGHT, _NAME_WEIGHT, _FILE_WEIGHT, _MEANING_WEIGHT = 3.0, 2.0, 1.5, 1.0
_MIN_SCORE = 1.0  # of what is called a test of the function at all
_MAX_SCORE = _CALL_WEIGHT + _NAME_WEIGHT + _FILE_WEIGHT + _MEANING_WEIGHT
_MAX_READ = 60  # candidates whose text is read, to see whether they call the function
_TEST_WORDS = frozenset(("test", "tests", "spec", "specs", "should", "it"))


class RelatedTestFinder:
    """Finds the tests of one function among a workspace's test code."""

    def __init__(self, index: Index, workspace: Workspace, search: SearchEngine) -> None:
        self._index = index
        self._workspace = workspace
        self._search = search

    def find_tests(self, path: Path, function: Snippet, k: int, cancel_event: Cancel) -> list[Hit]:
        """Return at most `k` tests of the function, best first, [] if cancelled; each `why` says what shows it."""
        question = f"test {function.name or ' '.join(split_words(file_title(path)))}"
        results = self._search.retrieve(Query(question, Task.NL2CODE), cancel_event)
        cosines = results.cosines()
        candidates = {**self._list_mentions(function), **self._list_retrieved(results.retrieved_contents())}
        words = QueryTerms(function.name or question, self._index.document_frequency, self._index.content_count)
        title_words = set(split_words(file_title(path)))
        scored = [
            (
                location,
                self._score_by_name(location, words, title_words) + _MEANING_WEIGHT * cosines.get(content_number, 0.0),
            )
            for location, content_number in candidates.items()
        ]
        scored.sort(key=lambda item: (-item[1], item[0].path, item[0].span.start))
        query = CodeQuery(function.text, function.language, path, function.span, is_code=False)
        query_run = QueryRun(query, self._index, DocumentReader(self._workspace), cancel_event)
        hits = make_hits(scored[:_MAX_READ], query_run)
        tests = [test for hit in hits if (test := self._judge(hit, function, title_words)) is not None]
        return sorted(tests, key=lambda hit: -hit.score)[:k]

    def _list_mentions(self, function: Snippet) -> dict[Location, int]:
        """Return location → content number of test code with the function's name, out of at most 400 contents."""
        words = find_compound_identifiers(function.name) or split_words(function.name)[:1]
        matches = self._index.store.match_words(words, _MAX_MENTIONS) if words else []
        return self._list_retrieved([candidate.content for candidate in matches])

    def _list_retrieved(self, contents: list[int]) -> dict[Location, int]:
        """Return location → content number for all stored places of these contents that are test code."""
        locations_by_content = self._index.store.locations_of(contents, Filter())
        return {
            location: content_number
            for content_number, locations in locations_by_content.items()
            for location in locations
            if self._is_test(location)
        }

    def _is_test(self, location: Location) -> bool:
        """Return whether the location is a test by its kind, or a function or window of lines in a file of tests."""
        is_function = location.kind.is_function or location.kind is SnippetKind.LINES
        return location.kind is SnippetKind.TEST or (is_function and is_test_path(location.path, self._workspace.roots))

    def _score_by_name(self, location: Location, words: QueryTerms, title_words: set[str]) -> float:
        """Return how well the test's names match the function's, 0 to 3.5; `title_words` are of the function's file."""
        name_words = [word for word in split_words(location.qualified_name) if word not in _TEST_WORDS]
        cover = words.match_name(list(dict.fromkeys(name_words))).cover if name_words else 0.0
        return _NAME_WEIGHT * cover + _FILE_WEIGHT * _is_named_after(location.path, title_words)

    def _judge(self, hit: Hit, function: Snippet, title_words: set[str]) -> Hit | None:
        """Return the hit with its final score and the reasons; None where nothing shows a test of the function."""
        reasons = list(_list_reasons(hit, function, title_words))
        calls = bool(reasons) and reasons[0].startswith("calls")
        score = hit.score + (_CALL_WEIGHT if calls else 0.0)
        if score < _MIN_SCORE or not (reasons or score > 2 * _MIN_SCORE):
            return None
        return replace(hit, score=min(score / _MAX_SCORE, 1.0), why=", ".join(reasons) or "near in meaning")


def _list_reasons(hit: Hit, function: Snippet, title_words: set[str]) -> Iterator[str]:
    """Yield the reasons why the hit may test the function: it has its name ("calls …"), its own name, its file's."""
    if function.name and re.search(rf"(?<!\w){re.escape(function.name)}(?!\w)", hit.text):
        yield f"calls {function.name}"
    own_words = set(split_words(function.name))
    if own_words and own_words <= set(split_words(hit.place.qualified_name)):
        yield f"named after {function.name}"
    if _is_named_after(hit.place.path, title_words):
        yield f"{hit.place.path.name} is named after its file"


def _is_named_after(path: Path, title_words: Iterable[str]) -> bool:
    """Return whether the file's name, without words like "test", has exactly these words, and any at all."""
    words = set(split_words(file_title(path))) - _TEST_WORDS
    return bool(words) and words == set(title_words) - _TEST_WORDS
