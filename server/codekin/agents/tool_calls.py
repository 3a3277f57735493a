"""What each tool does: arguments → questions to the engine → an answer. Runs on a thread; knows nothing of the SDK."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from codekin.agents.rendering import (
    Item,
    ItemList,
    JsonObject,
    Page,
    ToolAnswer,
    describe_index,
    hit_to_json,
    make_existence_item,
    make_hit_item,
    make_list_answer,
    make_outline_item,
)
from codekin.agents.tools import DEFAULT_CONTEXT_TOKENS, DEFAULT_LIMIT, DEFAULT_MAX_TOKENS
from codekin.agents.workspace_paths import WorkspacePaths
from codekin.code.cell_lines import find_line_of_row, to_file_lines
from codekin.code.languages import find_language
from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.printable import printable, printable_lines
from codekin.search.context import ContextEntry
from codekin.search.existing import Existence
from codekin.types import Answer, Cancel, Filter, Hit, IndexState, Progress, SnippetKind, Span
from codekin.workspace.gitignore import escape_pattern

OnProgress = Callable[[Progress], None]

_MAX_HITS = 200  # of one question, over all pages
_LOADING_STALL_S = 5.0  # 100,000 snippets are loaded in two or three, a few thousand at a time
_POLLING_S = 0.1  # while a client waits for the index
_BY_WORDS_NOTE = "not indexed whole yet: other files were searched for the words of the {}"


class ToolCaller:
    """Makes the calls of one request to a tool."""

    def __init__(
        self, engine: Engine, workspace_paths: WorkspacePaths, cancel_event: Cancel, on_progress: OnProgress
    ) -> None:
        self._engine = engine
        self._paths = workspace_paths
        self._cancel_event = cancel_event
        self._on_progress = on_progress

    def call_tool(self, tool_name: str, arguments: JsonObject) -> ToolAnswer:
        """Wait up to 5 s until the index is loaded, run the tool with valid arguments, and return its answer.

        Raises CodekinError.
        """
        tool_methods: dict[str, Callable[[JsonObject], ToolAnswer]] = {
            "search": self._search,
            "find_similar": self._find_similar,
            "already_exists": self._already_exists,
            "context": self._collect_context,
            "outline": self._outline,
            "tests_for": self._find_tests,
            "continue_code": self._continue_code,
            "status": self._report_status,
        }
        self._engine.wait_until_loaded(_LOADING_STALL_S, self._cancel_event)
        return tool_methods[tool_name](arguments)

    def _search(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `search` with a page of hits, the team's too; scans files for words while the index is incomplete.

        Raises CodekinError.
        """
        query, hit_filter = arguments["query"], replace(self._read_filter(arguments), team=True)
        if not query.strip():
            raise QueryError("The query is empty. Describe what the code does, as in: parse a date.")
        page = _read_page(arguments)
        hit_limit = min(page.start + page.limit + 1, _MAX_HITS)
        answer, is_by_words = self._engine.search_everything(
            query, hit_limit, hit_filter=hit_filter, cancel_event=self._cancel_event
        )
        notes = [_BY_WORDS_NOTE.format("query")] * is_by_words + _list_problems(answer)
        empty_message = "Nothing here is likely to be what the query says."
        return self._make_hits_answer(list(answer.hits), page, empty_message, notes)

    def _find_similar(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `find_similar` with a page of code, also the team's, like given code or a line's function.

        Raises CodekinError.
        """
        page = _read_page(arguments)
        hit_limit = min(page.start + page.limit + 1, _MAX_HITS)
        if "code" in arguments:
            language = find_language(arguments["language"]) if arguments.get("language") else ""
            answer = self._engine.find_similar_to_code(
                arguments["code"],
                hit_limit,
                language=language,
                hit_filter=Filter(team=True),
                cancel_event=self._cancel_event,
            )
        elif "path" in arguments and "line" in arguments:
            file_path, query_line = self._read_place(arguments)
            answer = self._engine.find_similar(
                file_path,
                Span(query_line, query_line + 1),
                hit_limit,
                hit_filter=Filter(team=True),
                cancel_event=self._cancel_event,
            )
        else:
            raise QueryError("Pass path and line, or code.")
        empty_message = "Nothing here is like this code."
        return self._make_hits_answer(list(answer.hits), page, empty_message, _list_problems(answer))

    def _already_exists(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `already_exists` with verdicts on functions or a description; asks the team. Raises CodekinError."""
        if "code" in arguments:
            target_path = self._paths.resolve(arguments["path"]) if arguments.get("path") else None
            language = find_language(arguments["language"]) if arguments.get("language") else ""
            language = language or (self._engine.detect_language(target_path) or "" if target_path else "")
            existences = self._engine.find_existing_code(
                arguments["code"],
                language=language,
                path=target_path,
                hit_filter=Filter(team=True),
                cancel_event=self._cancel_event,
            )
        elif arguments.get("description", "").strip():
            existence = self._engine.find_described_code(
                arguments["description"], hit_filter=Filter(team=True), cancel_event=self._cancel_event
            )
            existences = [existence]
        else:
            raise QueryError("Pass code, or a description of what it would do.")
        existence_items = [make_existence_item(existence, self._paths) for existence in existences]
        page = Page(0, len(existence_items), arguments.get("max_tokens", DEFAULT_MAX_TOKENS))
        notes = ["a no holds for the indexed part only"] if self._engine.coverage() < 1 else []
        notes += _list_problems(*existences)
        return make_list_answer(self._engine, ItemList("functions", existence_items, notes=notes), page)

    def _collect_context(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `context` with the code that a task is about, within a token budget. Raises CodekinError."""
        task, hit_filter = arguments["task"], self._read_filter(arguments)
        if not task.strip():
            raise QueryError("The task is empty. Say what is to be done.")
        max_tokens = arguments.get("max_tokens", DEFAULT_CONTEXT_TOKENS)
        index_line, document = describe_index(self._engine)
        notes = [] if self._engine.is_mostly_indexed else [_BY_WORDS_NOTE.format("task")]
        pack = self._engine.pack_context(task, max_tokens - 60, hit_filter=hit_filter, cancel_event=self._cancel_event)
        context_items = [self._make_context_item(entry) for entry in pack.entries]
        best_probability = max((entry.hit.score for entry in pack.entries), default=0.0)
        item_texts = [item.text for item in context_items] or ["Nothing here is about this task."]
        left_out = f"; {pack.left_out_count} more did not fit" if pack.left_out_count else ""
        footer = [f"{pack.token_count} tokens{left_out}; best match {best_probability:.0%}", *notes]
        item_texts.append("\n".join([*(f"[{line}]" for line in footer), index_line]))
        document |= {
            "entries": [item.document for item in context_items],
            "tokens": pack.token_count,
            "left_out": pack.left_out_count,
            "best_probability": round(best_probability, 4),
            "notes": notes,
        }
        return ToolAnswer("\n\n".join(item_texts), document)

    def _outline(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `outline` with a page of a file's definitions. Raises CodekinError."""
        file_path = self._paths.resolve(arguments["path"])
        outline_items = [make_outline_item(entry) for entry in self._engine.make_outline(file_path)]
        page = _read_page(arguments, default_limit=1_000)
        empty_message = f"{printable(arguments['path'])} has no definitions."
        return make_list_answer(self._engine, ItemList("definitions", outline_items, empty_message), page)

    def _find_tests(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `tests_for` with up to a page of tests of the function at a line. Raises CodekinError."""
        file_path, query_line = self._read_place(arguments)
        page = _read_page(arguments)
        function, tests = self._engine.find_tests(file_path, query_line, page.limit, cancel_event=self._cancel_event)
        function_name = printable(function.qualified_name) or f"line {query_line + 1}"
        return self._make_hits_answer(tests, page, f"No test of {function_name} was found.", [])

    def _continue_code(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `continue_code` with completions at a position in a file. Raises CodekinError."""
        file_path, cursor_line = self._read_place(arguments)
        line_length = len(self._engine.read_line(file_path, cursor_line))
        cursor_column = min(arguments.get("column", line_length + 1) - 1, line_length)
        completions = self._engine.complete(file_path, cursor_line, cursor_column, cancel_event=self._cancel_event)
        completion_items = [
            Item(
                f"{printable_lines(completion.text)}\n    ({completion.confidence:.0%}, as in "
                f"{printable(self._paths.to_text(completion.path))}:{completion.span.start + 1})",
                {
                    "text": completion.text,
                    "line": completion.row + 1,
                    "column": completion.column + 1,
                    "probability": round(completion.confidence, 4),
                    "source": {
                        "path": self._paths.to_text(completion.path),
                        "start_line": to_file_lines(completion.cell, completion.span).start + 1,
                        "name": completion.name,
                    },
                },
            )
            for completion in completions
        ]
        page = Page(0, DEFAULT_LIMIT, DEFAULT_MAX_TOKENS)
        empty_message = "Nothing is likely enough to come next."
        return make_list_answer(self._engine, ItemList("continuations", completion_items, empty_message), page)

    def _report_status(self, arguments: JsonObject) -> ToolAnswer:
        """Answer `status` with the index's counts and problems, after waiting for it if asked to. Raises StoreError."""
        self._wait_for_index(arguments.get("wait_seconds", 0))
        index_line, document = describe_index(self._engine)
        status = self._engine.status()
        document |= {
            "roots": [str(root) for root in status.roots],
            "files": status.files,
            "snippets": status.snippets,
            "skipped": status.skipped,
            "models": [{"name": model.name, "share": round(model.share, 4)} for model in status.models],
            "problems": list(status.problems),
        }
        status_lines = [
            f"{status.files:,} files, {status.snippets:,} snippets, {status.skipped:,} files skipped",
            *(printable(f"problem: {problem}") for problem in status.problems),
            index_line,
        ]
        return ToolAnswer("\n".join(status_lines), document)

    def _wait_for_index(self, wait_seconds: float) -> None:
        """Wait up to `wait_seconds`, reporting progress, until the index is complete or can't be, or a cancel."""
        deadline = time.monotonic() + wait_seconds
        waiting_states = (IndexState.INDEXING, IndexState.OPENING, IndexState.STANDING_BY)
        while time.monotonic() < deadline and not self._cancel_event.is_set():
            status = self._engine.status()
            if status.coverage >= 1 and status.state is not IndexState.INDEXING:
                return
            if status.state not in waiting_states and status.progress is None and status.state is not IndexState.READY:
                return
            if status.progress is not None:
                self._on_progress(status.progress)
            self._engine.follow()
            time.sleep(_POLLING_S)

    def _read_filter(self, arguments: JsonObject) -> Filter:
        """Return the filter for hits that the arguments state: language, kind, folder or file. Raises QueryError."""
        languages = (find_language(arguments["language"]),) if arguments.get("language") else ()
        hit_filter = Filter(languages, kinds=_list_kinds(arguments.get("kind")))
        if not arguments.get("path"):
            return hit_filter
        path = self._paths.resolve(arguments["path"])
        if path.is_dir():
            return replace(hit_filter, folder=path)
        if not path.exists():
            raise QueryError(f"There is no {printable(arguments['path'])} in the workspace. Check the path.")
        return replace(hit_filter, folder=path.parent, paths=(f"/{escape_pattern(self._paths.to_root_text(path))}",))

    def _read_place(self, arguments: JsonObject) -> tuple[Path, int]:
        """Return the file and the 0-based line of its text (of a notebook, of its code). Raises QueryError."""
        file_path, file_row = self._paths.resolve(arguments["path"]), arguments["line"] - 1
        code_cells = self._engine.list_cells(file_path)
        return file_path, find_line_of_row(code_cells, file_row) if code_cells else file_row

    def _make_hits_answer(self, hits: list[Hit], page: Page, empty_message: str, notes: list[str]) -> ToolAnswer:
        """Return a ToolAnswer: a page of the hits, or `empty_message` if there are none. Raises StoreError."""
        hit_items = [make_hit_item(hit, self._paths) for hit in hits]
        return make_list_answer(self._engine, ItemList("hits", hit_items, empty_message, notes), page)

    def _make_context_item(self, entry: ContextEntry) -> Item:
        """Return one entry of a context pack, with its code, as text and as a dict for JSON."""
        document = hit_to_json(entry.hit, self._paths)
        location = f"{printable(document['path'])}:{document['start_line']}-{document['end_line']}"
        copies_note = f" (and {entry.copy_count} more like it)" if entry.copy_count else ""
        signature_note = "" if entry.is_whole else " (signature)"
        document |= {"whole": entry.is_whole, "copies": entry.copy_count, "code": entry.text}
        return Item(f"--- {location}{signature_note}{copies_note}\n{printable_lines(entry.text)}", document)


def _list_problems(*answers: Answer | Existence) -> list[str]:
    """Return why the team's index gave no hits, each reason once; [] where it did, or there is none."""
    return list(dict.fromkeys(answer.team_problem for answer in answers if answer.team_problem))


def _read_page(arguments: JsonObject, default_limit: int = DEFAULT_LIMIT) -> Page:
    """Read cursor, limit and token budget from the arguments. Raises QueryError for a cursor that is no number."""
    cursor = arguments.get("cursor") or "0"
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 9):
        raise QueryError("The cursor is not one of ours. Pass next_cursor of the former answer, or none.")
    limit = arguments.get("limit", default_limit)
    return Page(int(cursor), limit, arguments.get("max_tokens", DEFAULT_MAX_TOKENS))


def _list_kinds(tool_kind: str | None) -> tuple[SnippetKind, ...]:
    """Return the snippet kinds of a tool's kind: "function" is every function but tests; () for None, which is all."""
    if tool_kind == "function":
        return tuple(kind for kind in SnippetKind if kind.is_function and kind is not SnippetKind.TEST)
    return (SnippetKind(tool_kind),) if tool_kind else ()
