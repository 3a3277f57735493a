"""Answer the requests of commands by one engine, after a look at what has changed on the disk."""

import contextlib
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from codekin.code.extract import find_snippet
from codekin.engine import Engine
from codekin.errors import CodekinError, QueryError
from codekin.guard.proposals import read_proposals
from codekin.guard.twins import Guard
from codekin.resident.documents import context_to_document, findings_to_document
from codekin.resident.messages import answer_to_message, filter_from_message, snippet_to_message
from codekin.types import Span

_MAX_CHANGED_FILES = 64  # that are indexed for a request; more are left to the command, which shows its progress

Message = dict[str, Any]


class ResidentService:
    """Answers requests, from any thread, by an engine that is kept up to date."""

    def __init__(self, engine: Engine, workspace_root: Path, *, is_watched: bool = False) -> None:
        """`is_watched` engines, those of servers, follow the disk by themselves."""
        self._engine = engine
        self._root = workspace_root
        self._is_watched = is_watched
        self._refresh_lock = threading.Lock()
        self.last_request_time = time.monotonic()
        self.is_retired = False  # a resident process for other settings has taken its place

    def warm_up(self) -> None:
        """Bring the index up to date, and load all that a first answer needs."""
        self._bring_up_to_date()
        self._engine.search("load everything", 1)

    def answer(self, request: Message) -> Message:
        """Return a dict: the answer to a request, `query_error`, or `declined` (the command must answer by itself)."""
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
        """Bring the index up to date if need be; answer, decline or retire. Raises CodekinError, KeyError, …"""
        if request["command"] in ("describe", "retire"):
            self.is_retired |= request["command"] == "retire"
            return {"pid": os.getpid(), "is_server": self._is_watched}
        if self._is_watched and not self._is_complete():
            return {"declined": "the server is still loading or indexing"}
        if request["command"] == "guard":
            return self._find_twins(request)
        if not self._bring_up_to_date():
            return {"declined": "too many files have changed"}
        if request["command"] == "context":
            context_pack = self._engine.pack_context(request["task"], request["max_tokens"])
            return context_to_document(context_pack, self._engine.coverage(), self._root)
        return self._find_hits(request)

    def _find_hits(self, request: Message) -> Message:
        """Return a dict for JSON: hits for a question or code. Raises CodekinError, KeyError, TypeError, ValueError."""
        hit_filter = filter_from_message(request["within"])
        hits_message: Message = {}
        if request["command"] == "search":
            find_hits = partial(self._engine.search, request["question"])
        elif request["command"] == "similar_code":
            find_hits = partial(self._engine.find_similar_to_code, request["code"])
        elif request["command"] == "similar":
            source_path, line_span = Path(request["path"]), Span(request["start"], request["end"])
            find_hits = partial(self._engine.find_similar, source_path, line_span)
            snippet = find_snippet(self._engine.list_snippets(source_path), line_span.start)
            hits_message["snippet"] = snippet and snippet_to_message(snippet)
        else:
            raise ValueError("no such command")
        answer = find_hits(request["k"], hit_filter=hit_filter)
        return hits_message | {"answer": answer_to_message(answer), "files": self._engine.status().files}

    def _find_twins(self, request: Message) -> Message:
        """Return the guard's findings in the index as it is, as a dict; bring that up to date on a thread then."""
        self._engine.follow()
        target_path = Path(request["path"]) if request["path"] else None
        proposals = read_proposals(request["source"], target_path)
        guard = Guard(self._engine, self._root, request["min_lines"])
        findings = guard.find_twins(proposals, request["language"])
        threading.Thread(target=self._bring_up_to_date_quietly, daemon=True).start()
        return findings_to_document(findings, self._root)

    def _is_complete(self) -> bool:
        """Load what was indexed meanwhile, and return whether the whole workspace can be searched."""
        self._engine.follow()
        return self._engine.coverage() >= 1

    def _bring_up_to_date_quietly(self) -> None:
        """Bring the index up to date; an error is dropped, as the next request meets it again."""
        with contextlib.suppress(CodekinError):  # the next request says what is wrong
            self._bring_up_to_date()

    def _bring_up_to_date(self) -> bool:
        """Index what has changed on the disk since the last request; False, undone, if that is more than 64 files."""
        if self._is_watched:
            return True
        with self._refresh_lock:
            return self._engine.refresh_if_changed(_MAX_CHANGED_FILES)
