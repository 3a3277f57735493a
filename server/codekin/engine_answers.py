"""The questions about the workspace's code: where is it, what is like it, does it exist, what belongs to a task.

`Engine` inherits them; they are apart from it only to keep both readable.
"""

import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from codekin.code.extract import find_snippet, split_lines, to_canonical_text
from codekin.code.languages import has_grammar
from codekin.engine_core import EngineCore
from codekin.errors import NoDocumentError, NoLineError, QueryError
from codekin.search.context import ContextPack, pack_context
from codekin.search.existing import (
    Existence,
    guess_language,
    judge_description,
    judge_function,
    list_functions,
)
from codekin.search.hits import CodeQuery, query_at
from codekin.search.limits import MAX_HITS, check_code, check_filter, read_question
from codekin.search.outline import OutlineEntry, make_outline
from codekin.search.related_tests import RelatedTestFinder
from codekin.search.word_scan import scan_words
from codekin.types import Answer, Cancel, Filter, Hit, Snippet, SnippetKind, Span, Task
from codekin.workspace.workspace import Document, snippets_of

_MAX_GUESSED_LANGUAGES = 6  # of the workspace, its commonest first
_SIMILAR_COUNT = 5
_MIN_INDEXED_SHARE = 0.9  # below it, files are also searched for the question's words: the index has too few of them
_MAX_UNINDEXED_HITS = 40  # of a context by words: each is read from a file that was not cut before
_LOADING_POLL_S = 0.02


class AnsweringEngine(EngineCore):
    """An engine that answers questions about the workspace's code."""

    def wait_until_loaded(self, stall_timeout_s: float, cancel_event: Cancel) -> None:
        """Wait while a complete index is loaded into memory, until no progress for `stall_timeout_s` seconds."""
        self._run_with_repair(lambda: None)
        loaded_share, changed = self._index.loaded_share, time.monotonic()
        while loaded_share < 1 and self._overview.measure_indexed_share() == 1 and not cancel_event.is_set():
            if time.monotonic() - changed > stall_timeout_s:
                return
            time.sleep(_LOADING_POLL_S)
            self._run_with_repair(lambda: None)
            if self._index.loaded_share != loaded_share:
                loaded_share, changed = self._index.loaded_share, time.monotonic()

    def indexed_share(self) -> float:
        """Return the share of the workspace's files that are indexed, 0 … 1, whether loaded yet or not."""
        return self._overview.measure_indexed_share()

    @property
    def is_mostly_indexed(self) -> bool:
        """Return whether nine tenths of the files are indexed, so that questions need not search files themselves."""
        return self.indexed_share() >= _MIN_INDEXED_SHARE

    def detect_language(self, path: Path, text: str = "") -> str | None:
        """Return the language of the file at `path`, which need not exist; None if it is no source code."""
        return self._workspace.language_rules.detect_language(path, text=text)

    def read_line(self, path: Path, line: int) -> str:
        """Return a line (0-based) of a document. Raises QueryError where there is none; needs no index."""
        return self._read_lines(path, line)[1][line]

    def find_similar(
        self, path: Path, lines: Span, k: int, *, hit_filter: Filter = Filter(), cancel_event: Cancel | None = None
    ) -> Answer:
        """Find up to `k` probable places like the snippet at one line, or several lines. Raises QueryError if no code.

        Best first; improbable ones are left out, so there may be none. The code itself and its function are no hits.
        `cancel_event` ends the search with the hits made so far.
        """
        query = query_at(self._workspace, path, lines)
        return self._answer_query(query, Task.CODE2CODE, k, hit_filter, cancel_event)

    def find_similar_to_code(
        self,
        code: str,
        k: int,
        *,
        language: str = "",
        hit_filter: Filter = Filter(),
        cancel_event: Cancel | None = None,
    ) -> Answer:
        """Find up to `k` probable places like `code`, from anywhere. Raises QueryError beyond 1,000,000 characters.

        Best first; improbable ones are left out, so there may be none, as for blank code. Clones are recognised where
        its language is known: `language`, or that to which the hits are limited.
        """
        check_code(code)
        only_language = hit_filter.languages[0] if len(hit_filter.languages) == 1 else None
        query = CodeQuery(to_canonical_text(split_lines(code)), language or only_language)
        return self._answer_query(query, Task.CODE2CODE, k, hit_filter, cancel_event)

    def search(
        self, question: str, k: int, *, hit_filter: Filter = Filter(), cancel_event: Cancel | None = None
    ) -> Answer:
        """Find up to `k` probable places for a question in words, best first. Raises QueryError if it is too long."""
        query = CodeQuery(read_question(question), is_code=False)
        return self._answer_query(query, Task.NL2CODE, k, hit_filter, cancel_event)

    def search_by_words(
        self, question: str, k: int, *, hit_filter: Filter = Filter(), cancel_event: Cancel | None = None
    ) -> Answer:
        """Find at most `k` hits by the question's words, reading files itself for some 1.2 s; needs no index.

        Best first. Raises StoreClosingError when cancelled, QueryError for too long a question.
        """
        started = time.monotonic()
        check_filter(hit_filter)
        scan = scan_words(
            self._workspace, read_question(question), min(k, MAX_HITS), hit_filter, cancel_event or threading.Event()
        )
        return Answer(scan.hits, self._overview.measure_coverage(), time.monotonic() - started)

    def search_everything(
        self, question: str, k: int, *, hit_filter: Filter = Filter(), cancel_event: Cancel | None = None
    ) -> tuple[Answer, bool]:
        """Return the index's hits and, below nine tenths of files indexed, files' by words, too; and whether so.

        Raises QueryError, and StoreClosingError when cancelled.
        """
        answer = self.search(question, k, hit_filter=hit_filter, cancel_event=cancel_event)
        if self.is_mostly_indexed:
            return answer, False
        word_answer = self.search_by_words(question, k, hit_filter=hit_filter, cancel_event=cancel_event)
        hit_places = {(hit.place.path, hit.place.span) for hit in answer.hits}
        other_hits = [hit for hit in word_answer.hits if (hit.place.path, hit.place.span) not in hit_places]
        merged_hits = sorted([*answer.hits, *other_hits], key=lambda hit: -hit.score)[:k]
        return replace(answer, hits=tuple(merged_hits), seconds=answer.seconds + word_answer.seconds), True

    def find_existing_code(
        self,
        code: str,
        *,
        language: str = "",
        path: Path | None = None,
        hit_filter: Filter = Filter(),
        cancel_event: Cancel | None = None,
    ) -> list[Existence]:
        """Return an Existence (verdict, matches) per function in `code`. Raises QueryError: no code, unknown language.

        `path` is where the code is to stand: a function of the same name there is what it replaces, and no match. Code
        without functions is judged as one piece. The language is guessed where `language` is "". `hit_filter` limits
        what is similar in meaning, and says whether the team's repositories count.
        """
        check_code(code)
        known_language = language or self._guess_language(code)
        functions = list_functions(code, known_language)
        if not functions:
            raise QueryError("There is no code to compare. Pass a function, whole.")
        judge = partial(self._judge_function, path, hit_filter, cancel_event or threading.Event())
        return [judge(function) for function in functions]

    def find_described_code(
        self, description: str, *, hit_filter: Filter = Filter(), cancel_event: Cancel | None = None
    ) -> Existence:
        """Return an Existence (LIKELY, POSSIBLE or NO; matches): has the workspace code that does what is described?"""
        query = CodeQuery(read_question(description), is_code=False)
        answer = self._answer_query(query, Task.NL2CODE, 2 * _SIMILAR_COUNT, hit_filter, cancel_event)
        code_hits = [hit for hit in answer.hits if hit.place.kind is not SnippetKind.SECTION]
        return judge_description(replace(answer, hits=tuple(code_hits[:_SIMILAR_COUNT])))

    def find_clones(self, function: Snippet, path: Path | None) -> list[Hit]:
        """Find near-duplicates, by structure, of a function to be written to `path`, without what it replaces there."""
        hits = self._run_with_repair(lambda: self._search.find_clones(CodeQuery(function.text, function.language)))
        return [hit for hit in hits if not _is_replaced(hit, function, path)]

    def pack_context(
        self, task: str, max_tokens: int, *, hit_filter: Filter = Filter(), cancel_event: Cancel | None = None
    ) -> ContextPack:
        """Collect code that a task is about, best first, in about `max_tokens`: whole functions, signatures of others.

        Copies are only counted. The number of tokens is an estimate, on the high side. While less than nine tenths are
        indexed, files themselves are searched by words, too. Raises QueryError, and StoreClosingError when cancelled.
        """
        check_filter(hit_filter)
        if not self.is_mostly_indexed:
            answer, _ = self.search_everything(
                task, _MAX_UNINDEXED_HITS, hit_filter=hit_filter, cancel_event=cancel_event
            )
            return pack_context(answer.hits, max_tokens)
        question, event = read_question(task), cancel_event or threading.Event()
        return self._run_with_repair(
            lambda: pack_context(self._search.iterate_hits(question, hit_filter, event), max_tokens)
        )

    def make_outline(self, path: Path) -> list[OutlineEntry]:
        """List a document's definitions with signatures, unsaved text too. Raises QueryError where it can't be read."""
        return make_outline(snippets_of(self._read_source(path)))

    def find_tests(
        self, path: Path, line: int, k: int, *, cancel_event: Cancel | None = None
    ) -> tuple[Snippet, list[Hit]]:
        """Return the function at `line` (0-based) and its best `k` tests, best first. Raises QueryError if no code."""
        document, _ = self._read_lines(path, line)
        function = find_snippet(snippets_of(document), line)
        if function is None:
            raise QueryError(f"{path} has no code at line {line + 1}.")
        test_finder = RelatedTestFinder(self._index, self._workspace, self._search)
        find_tests = partial(test_finder.find_tests, path, function, k, cancel_event or threading.Event())
        return function, self._run_with_repair(find_tests)

    def _judge_function(
        self, target_path: Path | None, hit_filter: Filter, cancel_event: Cancel, function: Snippet
    ) -> Existence:
        """Return a function's Existence by clones, else by meaning, without what it replaces in `target_path`."""

        def find_similar(function: Snippet) -> Answer:
            """Search for code of similar meaning, without what the function replaces."""
            code_query = CodeQuery(function.text, function.language)
            similar_answer = self._answer_query(code_query, Task.CODE2CODE, _SIMILAR_COUNT, hit_filter, cancel_event)
            return replace(
                similar_answer,
                hits=tuple(hit for hit in similar_answer.hits if not _is_replaced(hit, function, target_path)),
            )

        return judge_function(function, self.find_clones(function, target_path), find_similar)

    def _guess_language(self, code: str) -> str:
        """Return which of the six commonest languages here suits the code. Raises QueryError where none is indexed."""
        function_counts = self._index.store.count_functions_by_language()
        languages = sorted(
            filter(has_grammar, function_counts), key=lambda language: (-function_counts[language], language)
        )
        language = guess_language(code, languages[:_MAX_GUESSED_LANGUAGES])
        if not language:
            raise QueryError("The code's language is not known. Pass it, as in language=python.")
        return language

    def _read_source(self, source_path: Path) -> Document:
        """Return a document, unsaved text included. Raises QueryError, with the reason, where it can't be read."""
        document = self._workspace.read_document(source_path)
        if isinstance(document, Document):
            return document
        raise NoDocumentError(source_path, document.reason if document else "")

    def _read_lines(self, source_path: Path, line: int) -> tuple[Document, list[str]]:
        """Return a document and its lines. Raises QueryError where it can't be read, or `line` (0-based) isn't one."""
        document = self._read_source(source_path)
        document_lines = split_lines(document.text)
        if not 0 <= line < len(document_lines):
            raise NoLineError(source_path, document_lines, line)
        return document, document_lines

    def _answer_query(
        self, code_query: CodeQuery, task: Task, k: int, hit_filter: Filter, cancel_event: Cancel | None
    ) -> Answer:
        """Return at most `k` hits of a repaired index, and of the team's if the filter says so; queue stale documents.

        They are queued once the engine has started. Raises QueryError for a filter that is too long or malformed.
        """
        started = time.monotonic()
        check_filter(hit_filter)
        answer_query = partial(
            self._search.answer_query, code_query, task, min(k, MAX_HITS), hit_filter, cancel_event or threading.Event()
        )
        team_answer = self._team.start(code_query, task, hit_filter, k) if self._team and hit_filter.team else None
        ranked_hits, stale_paths = self._run_with_repair(answer_query)
        if team_answer is not None:
            ranked_hits = team_answer.merge_into(ranked_hits, min(k, MAX_HITS))
        if self._started and stale_paths:
            self._indexer.queue_stale(stale_paths)
        query_place = (code_query.path, code_query.span) if code_query.path else None
        seconds = time.monotonic() - started
        team_problem = self._team_settings_problem if hit_filter.team else ""
        if self._team is not None:
            team_problem = self._team.problem if team_answer is not None else ""
        coverage = self._overview.measure_coverage()
        return Answer(
            tuple(ranked_hits), coverage, seconds, query_place, code_query.cell, code_query.name, team_problem,
        )  # fmt: skip


def _is_replaced(hit: Hit, function: Snippet, target_path: Path | None) -> bool:
    """Return whether the hit is what the function replaces: it has the same name in the same file."""
    return hit.place.path == target_path and hit.place.qualified_name == function.qualified_name
