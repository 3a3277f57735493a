"""The questions of whoever writes code, agents above all: does it exist, what belongs to a task, what is in a file.

`Engine` inherits them; they are apart from it only to keep both readable.
"""

import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from codekin.code.extract import find_snippet, split_lines
from codekin.code.languages import has_grammar
from codekin.engine_core import EngineCore
from codekin.errors import NoLineError, QueryError
from codekin.search.context import ContextPack, pack_context
from codekin.search.existing import (
    Existence,
    guess_language,
    judge_description,
    judge_function,
    list_functions,
)
from codekin.search.hits import CodeQuery
from codekin.search.limits import MAX_HITS, check_code, check_filter, read_question
from codekin.search.outline import OutlineEntry, make_outline
from codekin.search.related_tests import RelatedTestFinder
from codekin.search.word_scan import scan_words
from codekin.types import Answer, Cancel, Filter, Hit, Snippet, Task
from codekin.workspace.workspace import Document, snippets_of

_MAX_GUESSED_LANGUAGES = 6  # of the workspace, its commonest first
_SIMILAR_COUNT = 5


class AnsweringEngine(EngineCore):
    """An engine that answers what is asked before code is written."""

    def search_by_words(
        self, question: str, k: int, *, within: Filter = Filter(), cancel: Cancel | None = None
    ) -> Answer:
        """Find code that has the question's words, from the files themselves: for a workspace not indexed yet."""
        started = time.monotonic()
        check_filter(within)
        scan = scan_words(
            self._workspace, read_question(question), min(k, MAX_HITS), within, cancel or threading.Event()
        )
        return Answer(scan.hits, self._overview.measure_coverage(), time.monotonic() - started)

    def find_existing_code(
        self, code: str, *, language: str = "", path: Path | None = None, cancel: Cancel | None = None
    ) -> list[Existence]:
        """Say of each function in `code` whether it stands in the workspace already.

        `path` is where the code is to stand: a function of the same name there is what it replaces, and no match.
        Raises QueryError where its language is not known and can't be guessed.
        """
        check_code(code)
        known_language = language or self._guess_language(code)
        functions = list_functions(code, known_language)
        if not functions:
            raise QueryError("There is no code to compare. Pass a function, whole.")
        return [self._judge_function(function, path, cancel or threading.Event()) for function in functions]

    def find_described_code(
        self, description: str, *, within: Filter = Filter(), cancel: Cancel | None = None
    ) -> Existence:
        """Say whether the workspace has code that does what the description says."""
        query = CodeQuery(read_question(description), is_code=False)
        return judge_description(self._answer_query(query, Task.NL2CODE, _SIMILAR_COUNT, within, cancel))

    def find_clones(self, function: Snippet, path: Path | None) -> list[Hit]:
        """Find near-duplicates of a function that is about to be written to `path`, best first; by structure alone."""
        hits = self._run_with_repair(lambda: self._search.find_clones(CodeQuery(function.text, function.language)))
        return [hit for hit in hits if not _is_replaced(hit, function, path)]

    def pack_context(
        self, task: str, max_tokens: int, *, within: Filter = Filter(), cancel: Cancel | None = None
    ) -> ContextPack:
        """Collect the code that a task is about, in at most `max_tokens`: whole functions, and signatures of others."""
        check_filter(within)
        question, event = read_question(task), cancel or threading.Event()
        return self._run_with_repair(
            lambda: pack_context(self._search.iterate_hits(question, within, event), max_tokens)
        )

    def make_outline(self, path: Path) -> list[OutlineEntry]:
        """List the definitions of a document with their signatures, as they are now. Raises QueryError."""
        return make_outline(snippets_of(self._read_source(path)))

    def find_tests(self, path: Path, line: int, k: int, *, cancel: Cancel | None = None) -> tuple[Snippet, list[Hit]]:
        """Return the function at `line` (0-based), and its tests, best first. Raises QueryError."""
        document = self._read_source(path)
        lines = split_lines(document.text)
        if not 0 <= line < len(lines):
            raise NoLineError(path, lines, line)
        function = find_snippet(snippets_of(document), line)
        if function is None:
            raise QueryError(f"{path} has no code at line {line + 1}.")
        finder = RelatedTestFinder(self._index, self._workspace, self._search)
        find = partial(finder.find_tests, path, function, k, cancel or threading.Event())
        return function, self._run_with_repair(find)

    def _judge_function(self, function: Snippet, path: Path | None, cancel: Cancel) -> Existence:
        def find_similar(function: Snippet) -> Answer:
            query = CodeQuery(function.text, function.language)
            answer = self._answer_query(query, Task.CODE2CODE, _SIMILAR_COUNT, Filter(), cancel)
            return replace(answer, hits=tuple(hit for hit in answer.hits if not _is_replaced(hit, function, path)))

        return judge_function(function, self.find_clones(function, path), find_similar)

    def _guess_language(self, code: str) -> str:
        counts = self._index.store.count_functions_by_language()
        languages = sorted(filter(has_grammar, counts), key=lambda language: (-counts[language], language))
        language = guess_language(code, languages[:_MAX_GUESSED_LANGUAGES])
        if not language:
            raise QueryError("The code's language is not known. Pass it, as in language=python.")
        return language

    def _read_source(self, path: Path) -> Document:
        document = self._workspace.read_document(path)
        if isinstance(document, Document):
            return document
        reason = f": {document.reason}" if document else ""
        raise QueryError(f"{path} can't be read{reason}. Name a source file.")

    def _answer_query(self, query: CodeQuery, task: Task, k: int, within: Filter, cancel: Cancel | None) -> Answer:
        """Run the query on a repaired index; return an Answer, and queue documents whose stored text is stale."""
        started = time.monotonic()
        check_filter(within)
        search = partial(self._search.answer_query, query, task, min(k, MAX_HITS), within, cancel or threading.Event())
        hits, stale_paths = self._run_with_repair(search)
        if self._started and stale_paths:
            self._indexer.queue_stale(stale_paths)
        query_place = (query.path, query.span) if query.path else None
        seconds = time.monotonic() - started
        return Answer(tuple(hits), self._overview.measure_coverage(), seconds, query_place, query.cell, query.name)


def _is_replaced(hit: Hit, function: Snippet, path: Path | None) -> bool:
    """Return whether the hit is what the function replaces: it has the same name in the same file."""
    return hit.place.path == path and hit.place.qualified_name == function.qualified_name
