"""Run queries for the command line: bring the index up to date, ask, and show the answer."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codekin.cli import console
from codekin.cli.arguments import NamedLine, QueryOptions, list_used_filters, make_filter
from codekin.cli.documents import answer_to_json
from codekin.errors import ModelError, QueryError, StoreReadOnlyError
from codekin.settings import Settings, load_user_settings
from codekin.types import Answer, Filter, IndexReport, Span

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.resident.client import ResidentProcess

AskEngine = Callable[["Engine", int, Filter], Answer]  # k, and what the hits are limited to

_MAX_UNREADABLE_SHARE = 0.1  # of the characters of a text: Latin-1 has fewer letters that are not ASCII
_MAX_PENDING = 64  # contents without a heavy vector: a question waits for so many, not for more


def load_settings(model: str | None = None) -> Settings:
    """Load the user's settings, with the name or folder `model` if given; problems are only warned of, not raised."""
    settings = _load_user_settings()
    if model is None:
        return settings
    from codekin.embed.local.checkpoint import resolve_folder

    return replace(settings, model=replace(settings.model, name=str(resolve_folder(model) or model)))


@cache
def _load_user_settings() -> Settings:
    """Return the user's settings, read once by a command; warn of problems then."""
    settings, problems = load_user_settings()
    for settings_problem in problems:
        console.print_note(f"Warning: {settings_problem}")
    return settings


def open_engine(workspace_root: Path, model: str | None = None) -> "Engine":
    """Open an engine on a workspace, with the user's settings and, if given, this model; the caller must close it."""
    from codekin.engine import Engine

    return Engine([workspace_root], load_settings(model))


def update_index(engine: "Engine", *, wait: bool) -> IndexReport:
    """Index all changed files, behind a progress bar; return a report. Raises KeyboardInterrupt after Ctrl-C.

    `wait`: where another process owns the index, wait until that has brought it up to date; else return at once. Raises
    StoreError.
    """
    with _cancel_on_ctrl_c() as cancel_event, console.show_progress_bar("Indexing") as on_progress:
        index_report = engine.refresh(
            on_progress, cancel_event, engine.settings.index.workers or _count_processors(), wait=wait
        )
    if cancel_event.is_set():
        raise KeyboardInterrupt("What is indexed is kept; run the command again to continue.")
    return index_report


def bring_up_to_date_if_possible(engine: "Engine", *, wait: bool) -> bool:
    """Run `update_index` and return True; False, with a printed warning, if the index is read-only."""
    try:
        update_index(engine, wait=wait)
    except StoreReadOnlyError as error:
        console.print_note(f"Warning: The index can't be updated, so results may be out of date. {error}")
        return False
    return True


def note_suppression_problems(engine: "Engine") -> None:
    """Print to standard error what is wrong with the files of ignored duplicates."""
    for problem in [
        problem for suppression_file in engine.load_suppressions() for problem in suppression_file.problems
    ]:
        console.print_note(f"! {problem}")


def embed_with_heavy_model(engine: "Engine") -> int:
    """Embed and store all contents without the heavy model's vector, behind a progress bar; return how many.

    Raises ModelError, and KeyboardInterrupt after Ctrl-C.
    """
    with _cancel_on_ctrl_c() as cancel_event, console.show_progress_bar("Embedding") as on_progress:
        embedded_count = engine.embed_with_heavy_model(on_progress, cancel_event)
    if cancel_event.is_set():
        raise KeyboardInterrupt("What is embedded is kept; run the command again to continue.")
    return embedded_count


def open_heavy_model(engine: "Engine", *, by_default: bool = False) -> bool:
    """Open the heavy model and return True; False where none is configured, or it fails, with a printed warning."""
    try:
        return engine.open_heavy_model(by_default=by_default)
    except ModelError as error:
        console.print_note(f"Warning: Only the embedded model is used. {error}")
        return False


def _embed_few_with_heavy_model(engine: "Engine") -> str:
    """Embed new contents with the heavy model if at most 64 wait, else print a note; return a problem, or "".

    More contents than that are left to `codekin index`, which a note says. Raises KeyboardInterrupt after Ctrl-C.
    """
    heavy_model = engine.describe_heavy_model()
    try:
        if heavy_model is None or heavy_model.pending_count <= _MAX_PENDING:
            embed_with_heavy_model(engine)
        else:
            progress_note = f"{heavy_model.status.name} has read {heavy_model.status.share:.0%} of the functions"
            console.print_note(
                f"{progress_note}; run codekin index to let it read the rest. The embedded model has read all of them."
            )
    except ModelError as error:
        console.print_note(f"Warning: {error}")
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class CommandQuestion:
    """What a command asks: of an engine here, or of the workspace's resident process."""

    ask_engine: AskEngine
    request: dict[str, Any] | None  # for the resident process; None where only an engine here can answer
    show_code: Callable[[dict[str, Any]], None] = lambda _: None  # gets the resident process's answer
    check: Callable[["Engine"], None] = lambda _: None  # raises QueryError, before anything is indexed for the answer


def run_query(workspace_root: Path, query_options: QueryOptions, question: CommandQuestion) -> bool:
    """Ask the question, print the answer or a hint; return whether there are any hits.

    The workspace's resident process answers, else an engine here, after bringing the index up to date; it then leaves
    such a process. Raises QueryError for a language or folder that doesn't exist, and what the question raises.
    """
    from codekin.resident.client import ResidentProcess

    hit_filter = make_filter(query_options, workspace_root)
    resident = None
    if query_options.resident and query_options.model is None and question.request is not None:
        resident = ResidentProcess(workspace_root, load_settings())
    answered = _ask_resident(resident, question, query_options.k, hit_filter) if resident else None
    if answered is None:
        answer, file_count = _ask_here(workspace_root, query_options, question, hit_filter)
    else:
        answer, file_count = answered
    _show_answer(answer, workspace_root, as_json=query_options.as_json)
    if not answer.hits:
        remedy = "Try other words, or see with codekin status what is indexed."
        if answer.coverage < 1:
            remedy = "Ask again when it is done: codekin index waits for that."
        elif replace(hit_filter, team=False) != Filter():
            remedy = f"Try without {' or '.join(list_used_filters(query_options))}."
        console.print_note(f"Nothing found in {console.format_count(file_count, 'file')} of {workspace_root}. {remedy}")
    if resident and answered is None:
        resident.start()
    return bool(answer.hits)


def ask_about_lines(named_line: NamedLine) -> CommandQuestion:
    """Return the question for code similar to a line's function, or to lines; it names a single line's snippet."""
    file_path = named_line.path

    def ask_engine(engine: "Engine", hit_limit: int, hit_filter: Filter) -> Answer:
        """Return similar code that the engine finds; name a single line's snippet as `show_query_code` does."""
        from codekin.code.extract import find_snippet

        query_lines = named_line.resolve_lines(engine)
        answer = engine.find_similar(file_path, query_lines, hit_limit, hit_filter=hit_filter)
        snippet = find_snippet(engine.list_snippets(file_path), query_lines.start)
        if query_lines.end - query_lines.start == 1:
            console.show_query_code(snippet, file_path, query_lines.start, answer.asked_cell)
        return answer

    def check(engine: "Engine") -> None:
        engine.read_line(file_path, named_line.resolve_line(engine))

    def show_code(message: dict[str, Any]) -> None:
        from codekin.resident.messages import snippet_from_message

        if message["snippet"] and named_line.is_single:
            console.show_query_code(snippet_from_message(message["snippet"]), file_path, named_line.line)

    if file_path.suffix.lower() == ".ipynb":  # its lines are those of an engine's document
        return CommandQuestion(ask_engine, None, check=check)
    query_lines = Span(named_line.line, named_line.line + 1 if named_line.is_single else named_line.end)
    request = {"command": "similar", "path": str(file_path), "start": query_lines.start, "end": query_lines.end}
    return CommandQuestion(ask_engine, request, show_code, check)


def _ask_resident(
    resident: "ResidentProcess", question: CommandQuestion, hit_limit: int | None, hit_filter: Filter
) -> tuple[Answer, int] | None:
    """Ask the resident process, name a single line's snippet; return (answer, number of files), None without one.

    Return None if it doesn't answer. Raises QueryError.
    """
    from codekin.resident.messages import answer_from_message, filter_to_message

    query_limits = {"k": hit_limit or resident.settings.search.limit, "within": filter_to_message(hit_filter)}
    message = resident.ask((question.request or {}) | query_limits)
    if message is None or "declined" in message:
        return None
    if "query_error" in message:
        raise QueryError(message["query_error"])
    answer = answer_from_message(message["answer"])
    question.show_code(message)
    return answer, int(message["files"])


def _ask_here(
    workspace_root: Path, query_options: QueryOptions, question: CommandQuestion, hit_filter: Filter
) -> tuple[Answer, int]:
    """Bring the index up to date if nobody else does, and answer in this process; return answer and number of files."""
    with closing(open_engine(workspace_root, query_options.model)) as engine:
        question.check(engine)
        can_write = bring_up_to_date_if_possible(engine, wait=False)
        reported_problem = _embed_few_with_heavy_model(engine) if open_heavy_model(engine) and can_write else ""
        answer = question.ask_engine(engine, query_options.k or engine.settings.search.limit, hit_filter)
        heavy_model = engine.describe_heavy_model()
        if heavy_model and heavy_model.failure and heavy_model.failure != reported_problem:
            console.print_note(f"Warning: Only the embedded model was used. {heavy_model.failure}")
        return answer, engine.status().files


def _show_answer(answer: Answer, workspace_root: Path, *, as_json: bool) -> None:
    """Print the answer as JSON or text; add a note if only a part of the workspace was searched."""
    if as_json:
        console.write_json(answer_to_json(answer, workspace_root))
    else:
        console.show_answer(answer)
    if answer.team_problem:
        console.print_note(f"Warning: Only this workspace was searched. {answer.team_problem}")
    if answer.coverage < 1:
        console.print_note(
            f"{answer.coverage:.0%} of the workspace was searched: the index is being built by another codekin."
        )


def read_standard_input(noun: str = "code") -> str:
    """Return standard input to its end, decoded as UTF-8 with replacements. Raises QueryError if blank or no text."""
    if sys.stdin.isatty():
        console.write(f"Paste the {noun}, then press Ctrl-D (on Windows Ctrl-Z and Enter).", err=True)
    input_text = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    remedy = "Pipe some in, or pass FILE:LINE." if noun == "code" else "Pipe one in, or pass it as an argument."
    if not input_text.strip():
        raise QueryError(f"There is no {noun} on standard input. {remedy}")
    if "\0" in input_text or input_text.count("\ufffd") > _MAX_UNREADABLE_SHARE * len(input_text):
        raise QueryError(f"Standard input is no text in UTF-8. {remedy}")
    return input_text


@contextmanager
def _cancel_on_ctrl_c() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; a second raises KeyboardInterrupt. Main thread only."""
    cancel_event = threading.Event()

    def stop(_number: int, _frame: Any) -> None:
        if cancel_event.is_set():
            raise KeyboardInterrupt
        cancel_event.set()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel_event
    finally:
        signal.signal(signal.SIGINT, previous)


def _count_processors() -> int:
    """Return how many processors this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
