"""Print hits, reports and progress: in colour on a terminal, else as stable lines that can be grepped.

Answers go to standard output, everything else to standard error. rich is imported on a terminal only.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.code.cell_lines import display_name, to_file_lines, to_file_row
from codekin.model_status import NOT_LOADED
from codekin.printable import printable, printable_lines
from codekin.types import Answer, Cell, Hit, IndexReport, ModelState, ModelStatus, OnProgress, Progress, Snippet, Status

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from codekin.cli.findings import Finding
    from codekin.status.report import Report

_SHOWN_LINES = 6  # of a hit's code
_SHOWN_SKIPPED = 5
_SHOWN_ERRORS = 5
_BAR_CELLS = 10  # cells
_GOOD, _FAIR = 0.66, 0.33  # shares of a score, for its colour only
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_LEXERS = {"csharp": "c#", "commonlisp": "common-lisp", "assembly": "nasm", "vue": "html", "svelte": "html"}


def write_json(document: dict[str, Any]) -> None:
    """Write an indented JSON document in ASCII and a line end to standard output. Raises TypeError for other values."""
    click.echo(json.dumps(document, indent=2))


def write(text: str, *, err: bool = False) -> None:
    """Write text and a line end to standard output (`err`: standard error), control characters escaped."""
    click.echo(printable_lines(text), err=err)


def write_code(text: str) -> None:
    """Write code and a line end to standard output: unchanged into a pipe, control characters escaped on a terminal."""
    click.echo(printable_lines(text) if sys.stdout.isatty() else text)


def print_note(text: str) -> None:
    """Print a remark to standard error, with control characters escaped."""
    write(text, err=True)


def display_path(path: Path) -> str:
    """Return the path relative to the current folder, even above it, printable; unchanged on another drive."""
    try:
        return printable(os.path.relpath(path))
    except ValueError:  # on another drive
        return printable(str(path))


@contextmanager
def show_progress_bar(label: str) -> Iterator[OnProgress]:
    """Yield a callback that draws a bar on standard error, gone at the end; it does nothing without a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[far]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as progress_bar:
        bar_task = progress_bar.add_task(label, total=None, far="")
        yield lambda progress: progress_bar.update(
            bar_task, completed=progress.done, total=progress.total, far=_format_progress(progress)
        )


def _format_progress(progress: Progress) -> str:
    """Return `DONE of TOTAL`, with the time left, in minutes and seconds, where it is known."""
    done_of_total = f"{progress.done:,} of {progress.total:,}"
    if progress.seconds_left is None:
        return done_of_total
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    return f"{done_of_total}, {minutes} min {seconds:02} s left" if minutes else f"{done_of_total}, {seconds} s left"


def show_query_code(snippet: Snippet | None, document_path: Path, line: int, cell: Cell | None = None) -> None:
    """Note snippet name and lines on stderr if stdout is a terminal or `line` (0-based) is outside; no-op for None."""
    if snippet is None:
        return
    is_beside = not snippet.span.start <= line < snippet.span.end
    if is_beside or sys.stdout.isatty():
        snippet_name = snippet.qualified_name or snippet.kind
        file_lines = to_file_lines(cell, snippet.span)
        cell_suffix = f", cell {cell.index + 1}" if cell else ""
        location = f"{display_path(document_path)}:{file_lines.start + 1}-{file_lines.end}{cell_suffix}"
        explanation = f"Line {to_file_row(cell, line) + 1} has no code of its own. " if is_beside else ""
        print_note(printable(f"{explanation}Like {snippet_name} ({location}):"))
    if sys.stdout.isatty():
        print_note("")


def show_answer(answer: Answer) -> None:
    """Print the hits to standard output, best first: with excerpts on a terminal, else one line each."""
    if not sys.stdout.isatty():
        for hit in answer.hits:
            write(_format_hit_line(hit))
        return
    console = _make_console()
    for hit in answer.hits:
        for text in _format_hit_block(hit, console.width):
            # Never wrapped by us: a path that a terminal or an editor follows must stay in one piece.
            console.print(text, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)
        console.print()


def _format_hit_line(hit: Hit) -> str:
    """Return a hit as one line: location, score, kind, name and reason; `write` makes it printable."""
    place = hit.place
    hit_name = printable(display_name(place))
    return f"{format_location(hit)}: {hit.score:.2f} {place.kind} {hit_name} ({_format_origin(hit)}{hit.why})"


def format_location(hit: Hit) -> str:
    """Return `path:line` of the hit's name in the file, a notebook's JSON; the path is relative, the line from 1.

    For a repository of the team that is not cloned here, return the forge's page.
    """
    if hit.team and not hit.team.is_cloned:
        return printable(hit.team.link or f"{hit.team.repository}/{hit.team.path}:{hit.place.name_line + 1}")
    return f"{display_path(hit.place.path)}:{to_file_row(hit.cell, hit.place.name_line) + 1}"


def _format_origin(hit: Hit) -> str:
    """Return a prefix: the repository of a hit of the team's index, or `cell N: ` of a notebook, counted from 1."""
    if hit.team:
        return f"in {printable(hit.team.repository)}, "
    return f"cell {hit.cell.index + 1}: " if hit.cell else ""


def _format_hit_block(hit: Hit, terminal_width: int) -> Iterator["Text"]:
    """Yield the lines that a terminal of `terminal_width` columns shows for a hit: name, score, reason, excerpt."""
    from rich.text import Text

    place = hit.place
    location = format_location(hit)
    hit_name = printable(display_name(place))
    if len(location) + 2 + len(hit_name) <= terminal_width:
        yield Text.assemble((location, "bold cyan"), "  ", (hit_name, "bold"))
    else:
        yield Text(location, "bold cyan")
        yield Text(f"  {hit_name}", "bold")
    filled_cells = round(hit.score * _BAR_CELLS)
    score_colour = "green" if hit.score >= _GOOD else "yellow" if hit.score >= _FAIR else "red"
    score_bar = (("━" * filled_cells, score_colour), ("─" * (_BAR_CELLS - filled_cells), "bright_black"))
    reason_line = Text.assemble(
        "  ", *score_bar, f" {hit.score:4.0%}  ", (f"{_format_origin(hit)}{place.kind}, {hit.why}", "dim")
    )
    reason_line.truncate(terminal_width, overflow="ellipsis")
    yield reason_line
    yield from _format_excerpt(hit, terminal_width)


def _format_excerpt(hit: Hit, terminal_width: int) -> Iterator["Text"]:
    """Yield the hit's first lines from its name on, about six, highlighted and cut to `terminal_width` columns."""
    from rich.syntax import Syntax
    from rich.text import Text

    place = hit.place
    language = _LEXERS.get(place.language, place.language)
    code = printable_lines(hit.text).expandtabs(4)
    code_lines = list(Syntax(code, language, theme="ansi_dark").highlight(code).split("\n", allow_blank=True))
    code_lines = code_lines[max(place.name_line - place.span.start, 0) : place.span.end - place.span.start]
    shown_count = len(code_lines) if len(code_lines) <= _SHOWN_LINES + 1 else _SHOWN_LINES
    common_indent = min(
        (_measure_indent(code_line.plain) for code_line in code_lines[:shown_count] if code_line.plain.strip()),
        default=0,
    )
    for code_line in code_lines[:shown_count]:
        shown_line = code_line[common_indent:]
        shown_line.truncate(max(terminal_width - 4, 20), overflow="ellipsis")
        yield Text.assemble(("  │ ", "bright_black"), shown_line)
    if len(code_lines) > shown_count:
        yield Text(f"  … {format_count(len(code_lines) - shown_count, 'more line')}", style="dim")


def _measure_indent(code_line: str) -> int:
    """Return the number of white-space characters at the start of the line."""
    return len(code_line) - len(code_line.lstrip())


def show_report(index_report: IndexReport, workspace_root: Path) -> None:
    """Print what indexing did to standard output, in one line, and the first five skipped files as notes."""
    indexed = f"{format_count(index_report.files, 'file')}, {format_count(index_report.snippets, 'snippet')}"
    vectors = f"{index_report.embedded:,} embedded, {index_report.reused:,} reused"
    skipped = f"{format_count(len(index_report.skipped), 'file')} skipped"
    costs = f"{index_report.seconds:.1f} s, {format_megabytes(index_report.store_bytes)}"
    write(f"{printable(str(workspace_root))}: {indexed}; {vectors}, {skipped}; {costs}")
    for skipped_file in index_report.skipped[:_SHOWN_SKIPPED]:
        print_note(f"skipped {display_path(skipped_file.path)}: {skipped_file.reason}")
    if len(index_report.skipped) > _SHOWN_SKIPPED:
        print_note(f"… and {len(index_report.skipped) - _SHOWN_SKIPPED:,} more; --json lists them all.")


def _format_model(model_status: ModelStatus) -> str:
    """Return a model's name, device, share of embedded contents and, unless ready, its state."""
    state = "" if model_status.state is ModelState.READY else f", {model_status.state}"
    place = NOT_LOADED if model_status.device == NOT_LOADED else f"on {model_status.device or 'no device yet'}"
    return f"{model_status.name} {place} ({model_status.share:.0%}{state})"


def show_status(status: Status, report: "Report") -> None:
    """Print the status to standard output as a table; problems and the last five errors to standard error."""
    facts = {
        "workspace": printable(", ".join(map(str, status.roots))),
        "state": status.state,
        "indexed": f"{format_count(status.files, 'file')}, {format_count(status.snippets, 'snippet')} "
        f"({status.coverage:.0%} of the workspace)",
        "languages": _join_or_none(
            f"{language.name} {language.functions:,} in {format_count(language.files, 'file')}"
            for language in report.languages
        ),
        "keeper": "none; the next command updates the index" if report.owner == "nobody" else report.owner,
        "skipped": format_count(status.skipped, "file"),
        "model": ", ".join(_format_model(model) for model in status.models),
        "search": status.dense,
        "store": f"{status.store} ({format_megabytes(status.store_bytes)})",
        "disk": _join_or_none(f"{file.purpose} {format_megabytes(file.size_bytes)}" for file in report.stored_files),
    }
    facts["skipped"] += "".join(f"; {count:,}: {reason}" for reason, count in report.skip_reasons[:_SHOWN_SKIPPED])
    if report.unparsed_count:
        reason_counts = Counter(file.reason for file in report.unparsed)
        reasons = "; ".join(reason for reason, _ in reason_counts.most_common(_SHOWN_SKIPPED))
        facts["not parsed"] = f"{format_count(report.unparsed_count, 'file')}, read by lines: {reasons}"
    if status.ignored:
        facts["ignored"] = f"{format_count(status.ignored, 'entry', 'entries')} of .codekin.toml"
    _print_table([(fact, "", text) for fact, text in facts.items()], lambda _: "bold")
    for problem in status.problems:
        print_note(f"! {problem}")
    for error in report.errors[-_SHOWN_ERRORS:]:
        error_time = datetime.fromtimestamp(error.when).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        print_note(f"{error_time} {error.message}")


def _join_or_none(parts: Iterable[str]) -> str:
    """Join the parts with commas; "none" where there are no parts."""
    return ", ".join(parts) or "none"


def show_findings(findings: Sequence["Finding"]) -> None:
    """Print the doctor's findings, at least one, to standard output as a table: level, check, detail with remedy."""
    rows = [(str(finding.level), finding.check, f"{finding.detail} {finding.remedy}".strip()) for finding in findings]
    _print_table(rows, lambda level: _COLOURS[level])


def _print_table(rows: Sequence[tuple[str, str, str]], choose_colour: Callable[[str], str]) -> None:
    """Print rows of (mark, name, text), at least one; on a terminal, `choose_colour` gives a mark's, and texts wrap."""
    mark_width, name_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    if not sys.stdout.isatty():
        for mark, row_name, row_text in rows:
            write(" ".join(filter(None, (f"{mark:{mark_width}}", f"{row_name:{name_width}}", row_text))))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    for mark, row_name, row_text in rows:
        row_cells = [
            Text(mark, style=choose_colour(mark)),
            *([Text(printable(row_name))] if name_width else []),
            Text(printable_lines(row_text)),
        ]
        table.add_row(*row_cells)
    _make_console().print(table)


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Format a number with its noun: `1 file`, `2,000 files`; `plural` where it isn't the noun with an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def format_megabytes(size_bytes: int) -> str:
    """Format a size in bytes as megabytes (10^6 bytes) with one decimal: `1.5 MB`."""
    return f"{size_bytes / 1_000_000:,.1f} MB"


def _make_console() -> "Console":
    """Return a rich console for standard output that changes nothing in the text it prints."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)
