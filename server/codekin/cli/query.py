"""Questions from the command line: the index brought up to date, the question asked, the answer shown."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from codekin.cli import console
from codekin.cli.arguments import QueryOptions, resolve_filter_folder
from codekin.code.cell_lines import to_cell_lines, to_file_lines
from codekin.code.languages import find_language
from codekin.embed.local.checkpoint import resolve_folder
from codekin.engine import Engine
from codekin.errors import ModelError, QueryError, StoreReadOnlyError
from codekin.settings import Settings, user_settings
from codekin.types import Answer, Cell, Filter, IndexReport, Span

Question = Callable[[Engine, int, Filter], Answer]  # k, and what the hits are limited to

_MAX_PENDING = 64  # contents without a heavy vector: a question waits for so many, not for more


def load_settings(model: str | None = None) -> Settings:
    """The user's settings, or with another `model`; what is wrong with them is said."""
    settings, problems = user_settings()
    for problem in problems:
        console.print_note(f"Warning: {problem}")
    if model is None:
        return settings
    return replace(settings, model=replace(settings.model, name=str(resolve_folder(model) or model)))


def open_engine(root: Path, model: str | None = None) -> Engine:
    """An engine of the one workspace, to be closed."""
    return Engine([root], load_settings(model))


def update_index(engine: Engine, *, wait: bool) -> IndexReport:
    """The index as the disk is now, by all processors. Raises KeyboardInterrupt after Ctrl-C."""
    with _cancelled_by_ctrl_c() as cancel, console.show_progress_bar("Indexing") as on_progress:
        report = engine.refresh(on_progress, cancel, engine.settings.index.workers or _processors(), wait=wait)
    if cancel.is_set():
        raise KeyboardInterrupt("All that is indexed is kept; the next run goes on from there.")
    return report


def bring_up_to_date_if_possible(engine: Engine, *, wait: bool) -> bool:
    """Whether the index is as the disk is now; where it can only be read, it is said that it answers as it is."""
    try:
        update_index(engine, wait=wait)
    except StoreReadOnlyError as error:
        console.print_note(f"Warning: The index can't be brought up to date, and answers as it is. {error}")
        return False
    return True


def embed_with_heavy_model(engine: Engine) -> int:
    """The vectors of the heavy model, if one is named; how many were made. Raises ModelError, KeyboardInterrupt."""
    with _cancelled_by_ctrl_c() as cancel, console.show_progress_bar("Embedding") as on_progress:
        made = engine.embed_with_heavy_model(on_progress, cancel)
    if cancel.is_set():
        raise KeyboardInterrupt("All that is embedded is kept; the next run goes on from there.")
    return made


def open_heavy_model(engine: Engine) -> bool:
    """Whether a heavy model is named, and there for questions; a reason why it is not is told."""
    try:
        return engine.open_heavy_model()
    except ModelError as error:
        console.print_note(f"Warning: The embedded model answers alone. {error}")
        return False


def _catch_up(engine: Engine) -> str:
    """A few new contents get their heavy vectors before a question; more are left to `codekin index`. What was told."""
    heavy = engine.describe_heavy_model()
    try:
        if heavy is None or heavy.pending_count <= _MAX_PENDING:
            embed_with_heavy_model(engine)
        else:
            note = f"{heavy.status.name} has read {heavy.status.share:.0%} of the functions"
            console.print_note(f"{note}; run codekin index to have it read the rest. The embedded model has read all.")
    except ModelError as error:
        console.print_note(f"Warning: {error}")
        return str(error)
    return ""


def run_query(root: Path, asking: QueryOptions, question: Question) -> bool:
    """Asks and shows; whether anything was found."""
    language = find_language(asking.language) if asking.language else None
    folder = resolve_filter_folder(asking.folder, root) if asking.folder else None
    with closing(open_engine(root, asking.model)) as engine:
        can_write = bring_up_to_date_if_possible(engine, wait=False)
        reported_problem = _catch_up(engine) if open_heavy_model(engine) and can_write else ""
        found = question(engine, asking.k or engine.settings.search.limit, Filter(language, folder))
        heavy = engine.describe_heavy_model()
        if heavy and heavy.failure and heavy.failure != reported_problem:
            console.print_note(f"Warning: The embedded model answered alone. {heavy.failure}")
        files = engine.status().files
    if asking.as_json:
        console.write_json(_document(found, root))
    else:
        console.show_answer(found)
    if found.coverage < 1:
        console.print_note(
            f"{found.coverage:.0%} of the workspace was searched: another codekin is still indexing the rest."
        )
    if not found.hits:
        remedy = "Widen --language or --folder." if language or folder else "Does codekin index skip what you look for?"
        console.print_note(f"Nothing found among {console.format_count(files, 'file')} of {root}. {remedy}")
    return bool(found.hits)


def read_standard_input() -> str:
    """The code that is piped in. Raises QueryError where there is none."""
    if sys.stdin.isatty():
        console.write("Paste the code, then end it with Ctrl-D (on Windows Ctrl-Z and Enter).", err=True)
    code = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    if not code.strip():
        raise QueryError("There is no code on standard input. Pipe some in, or name FILE:LINE.")
    return code


def to_relative_path(path: Path, root: Path) -> str:
    """As JSON has paths: seen from the root, with /; absolute where that can't be."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def cell_json(cell: Cell | None, span: Span) -> dict[str, Any]:
    """`cell`: a notebook's cell, and which of its lines are meant, counted from 1; nothing in other files."""
    if cell is None:
        return {}
    own = to_cell_lines(cell, span)
    place = {"number": cell.index + 1, "id": cell.id, "start_line": own.start + 1, "end_line": own.end}
    return {"cell": place}


@contextmanager
def _cancelled_by_ctrl_c() -> Iterator[threading.Event]:
    """The first Ctrl-C lets what is being written be finished; the second one does not wait."""
    cancel = threading.Event()

    def stop(_number: int, _frame: Any) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, previous)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _document(found: Answer, root: Path) -> dict[str, Any]:
    hits = [
        {
            "path": to_relative_path(hit.place.path, root),
            "start_line": to_file_lines(hit.cell, hit.place.span).start + 1,
            "end_line": to_file_lines(hit.cell, hit.place.span).end,
            "name": hit.place.name,
            "kind": hit.place.kind,
            "language": hit.place.language,
            "score": round(hit.score, 4),
            "kinship": hit.kinship,
            "why": hit.why,
        }
        | cell_json(hit.cell, hit.place.span)
        for hit in found.hits
    ]
    return {"hits": hits, "coverage": round(found.coverage, 4), "seconds": round(found.seconds, 4)}
