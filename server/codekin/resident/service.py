"""Answer the requests of commands by one engine, after a look at what has changed on the disk."""

import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from codekin.code.extract import find_snippet
from codekin.engine import Engine
from codekin.errors import CodekinError, QueryError
from codekin.resident.messages import answer_to_message, filter_from_message, snippet_to_message
from codekin.types import Span

_MAX_CHANGED_FILES = 64  # that are indexed for a request; more are left to the command, which shows its progress

Message = dict[str, Any]


class ResidentService:
    """Answers requests, from any thread, by an engine that is kept up to date."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self._root = root
        self._refresh_lock = threading.Lock()
        self.last_request_time = time.monotonic()

    def warm_up(self) -> None:
        """Bring the index up to date, and load all that a first answer needs."""
        self._bring_up_to_date()
        self._engine.search("load everything", 1)

    def answer(self, request: Message) -> Message:
        """Return the answer to a request; `{"declined": …}` where the command has to answer by itself."""
        self.last_request_time = time.monotonic()
        try:
            return self._answer(request)
        except QueryError as error:
            return {"query_error": str(error)}
        except (CodekinError, KeyError, TypeError, ValueError) as error:
            return {"declined": str(error)}
        finally:
            self.last_request_time = time.monotonic()

    def _answer(self, request: Message) -> Message:
        """Bring the index up to date and answer, or decline. Raises CodekinError, KeyError, ValueError."""
        if request["command"] == "describe":
            return {"pid": os.getpid()}
        if not self._bring_up_to_date():
            return {"declined": "too many files have changed"}
        within = filter_from_message(request["within"])
        ask = partial(self._engine.search, request["question"]) if request["command"] == "search" else None
        result: Message = {}
        if request["command"] == "similar_code":
            ask = partial(self._engine.find_similar_to_code, request["code"])
        elif request["command"] == "similar":
            path, lines = Path(request["path"]), Span(request["start"], request["end"])
            ask = partial(self._engine.find_similar, path, lines)
            snippet = find_snippet(self._engine.list_snippets(path), lines.start)
            result["snippet"] = snippet and snippet_to_message(snippet)
        if ask is None:
            raise ValueError("no such command")
        answer = ask(request["k"] or self._engine.settings.search.limit, within=within)
        return result | {"answer": answer_to_message(answer), "files": self._engine.status().files}

    def _bring_up_to_date(self) -> bool:
        """Index what has changed on the disk since the last request; False where that would take long."""
        with self._refresh_lock:
            return self._engine.refresh_if_changed(_MAX_CHANGED_FILES)
