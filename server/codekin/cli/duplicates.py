"""`codekin duplicates`: groups of functions that are the same or nearly, except ignored ones."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, JSON, ROOT, WholeNumber
from codekin.errors import QueryError
from codekin.types import Kinship

if TYPE_CHECKING:
    from codekin.cli.duplicate_formats import DuplicateReport
    from codekin.duplicates.base_revision import BaseRevision
    from codekin.duplicates.finder import DuplicateSearch
    from codekin.duplicates.groups import DuplicateGroup
    from codekin.duplicates.selection import DuplicateSelection
    from codekin.engine import Engine

_KINSHIPS = [str(kinship) for kinship in (Kinship.IDENTICAL, Kinship.RENAMED, Kinship.EDITED)]
_FORMATS = ("text", "json", "sarif", "markdown")


@dataclass(frozen=True, slots=True)
class DuplicateOptions:
    """The options of the command, as they were given."""

    k: int | None
    path: tuple[Path, ...]
    excluded: tuple[str, ...]
    language: str | None
    tests: bool | None
    min_lines: int | None
    kinship: str


@click.command()
@click.option("-k", type=WholeNumber(1), metavar="N", help="Maximum number of groups. Default: all.")
@click.option(
    "--path",
    multiple=True,
    metavar="P",
    type=click.Path(path_type=Path),
    help="Only groups with a function in this file or folder. May be repeated.",
)
@click.option(
    "--not",
    "excluded",
    multiple=True,
    metavar="PATTERN",
    help="Leave files out, in .gitignore syntax, relative to the root. May be repeated.",
)
@click.option("--language", metavar="L", help="Only this language: an id (python) or a file extension (py).")
@click.option("--tests/--no-tests", default=None, help="Only tests, or none. Default: both.")
@click.option(
    "--min-lines",
    type=WholeNumber(1),
    metavar="N",
    help="Minimum number of lines of a function. Default: the setting duplicates.min_lines.",
)
@click.option(
    "--kinship", type=click.Choice(_KINSHIPS), default="edited", show_default=True, help="The loosest kinship to list."
)
@click.option(
    "--format", "output_format", type=click.Choice(_FORMATS), help="Default: text. sarif is for code scanning."
)
@click.option(
    "--base-ref",
    "base",
    default="",
    metavar="REF",
    help="Only groups with a function that is new or changed since the branch left this Git revision.",
)
@click.option(
    "--fail-on-new",
    is_flag=True,
    help="With --base-ref: exit with 1 if a function has become a duplicate since, else with 0.",
)
@ROOT
@JSON
@DEBUG
def duplicates(
    root: Path | None, as_json: bool, output_format: str | None, base: str, fail_on_new: bool, **options: Any
) -> int:
    """List groups of functions that are the same or nearly.

    Those whose removal saves most come first. Skips functions that `.codekin.toml` ignores.
    """
    if fail_on_new and not base:
        raise QueryError("--fail-on-new needs --base-ref REF: new since when?")
    from codekin.cli.arguments import find_root
    from codekin.cli.duplicate_formats import DuplicateReport
    from codekin.cli.query import bring_up_to_date_if_possible, open_engine

    workspace_root = root or find_root(Path.cwd())
    duplicate_options = DuplicateOptions(**options)
    with closing(open_engine(workspace_root)) as engine:
        usual_min_lines = engine.settings.duplicates.min_lines
        selection = _make_selection(duplicate_options, workspace_root, usual_min_lines)
        base_revision = engine.open_base_revision(base) if base else None
        bring_up_to_date_if_possible(engine, wait=True)
        duplicate_search = _start_search(engine, selection, base_revision)
        report = DuplicateReport(workspace_root, duplicate_search)
        shown_groups = islice(duplicate_search.groups, duplicate_options.k)
        group_count = _show_groups(shown_groups, report, "json" if as_json else output_format or "text")
    has_drifts = bool(duplicate_search.changes and duplicate_search.changes.drifts)
    if not group_count and not has_drifts:
        since_note = f" are new or changed since {base}" if base else ""
        _note_nothing_found(duplicate_options, usual_min_lines, f"in {workspace_root}{since_note}")
    if fail_on_new:
        return 1 if report.new_count else 0
    return 0 if group_count or has_drifts else 1


def _note_nothing_found(options: DuplicateOptions, usual_min_lines: int, where: str) -> None:
    """Print to standard error that there are no duplicates, and without which of the given filters there may be."""
    from codekin.cli import console
    from codekin.cli.arguments import list_used_filters

    min_lines = options.min_lines or usual_min_lines
    used_filters = list_used_filters(options)
    if min_lines > usual_min_lines:
        used_filters.append("--min-lines")
    if options.kinship != Kinship.EDITED:
        used_filters.append("--kinship")
    remedy = f" Try without {' or '.join(used_filters)}." if used_filters else ""
    console.print_note(f"No duplicated functions of {console.format_count(min_lines, 'line')} or more {where}.{remedy}")


def _make_selection(options: DuplicateOptions, workspace_root: Path, min_lines: int) -> "DuplicateSelection":
    """Return the options resolved and checked. Raises QueryError for an unknown language, or a path not in the root."""
    from codekin.cli.arguments import resolve_filter_path
    from codekin.code.languages import find_language
    from codekin.duplicates.selection import DuplicateSelection

    return DuplicateSelection(
        min_lines=options.min_lines or min_lines,
        paths=tuple(resolve_filter_path(named_path, workspace_root) for named_path in options.path),
        excluded=options.excluded,
        language=find_language(options.language) if options.language else None,
        tests=options.tests,
        kinship=Kinship(options.kinship),
    )


def _start_search(
    engine: "Engine", selection: "DuplicateSelection", base_revision: "BaseRevision | None"
) -> "DuplicateSearch":
    """Return the DuplicateSearch, its groups made when iterated; print suppression problems and what isn't compared."""
    from codekin.cli import console
    from codekin.cli.query import note_suppression_problems

    note_suppression_problems(engine)
    with console.show_progress_bar("Reading") as on_progress:
        duplicate_search = engine.find_duplicate_groups(selection, base_revision, on_progress, threading.Event())
    if duplicate_search.uncompared_files and selection.language is None:
        language_counts = ", ".join(
            f"{language} {file_count:,}" for language, file_count in duplicate_search.uncompared_files.items()
        )
        file_total = console.format_count(sum(duplicate_search.uncompared_files.values()), "file")
        console.print_note(f"Not compared, for want of a grammar: {file_total} ({language_counts}).")
    return duplicate_search


def _show_groups(groups: Iterator["DuplicateGroup"], report: "DuplicateReport", output_format: str) -> int:
    """Print the groups to standard output, text and Markdown as they come, the rest at the end; return their number."""
    from codekin.cli import console, duplicate_formats

    if output_format in ("json", "sarif"):
        group_list = list(groups)
        is_sarif = output_format == "sarif"
        to_document = duplicate_formats.report_to_sarif if is_sarif else duplicate_formats.report_to_json
        console.write_json(to_document(group_list, report))
        return len(group_list)
    group_count = 0
    for group_count, group in enumerate(groups, 1):
        if output_format == "markdown":
            console.write(duplicate_formats.group_to_markdown(group, report))
        else:
            console.write(f"{'' if group_count == 1 else chr(10)}{duplicate_formats.group_to_text(group, report)}")
    for drift_line in duplicate_formats.describe_drifts(report):
        console.write(drift_line)
    return group_count
