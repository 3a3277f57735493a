"""`codekin guard`: says where the new functions of a proposed change stand already."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, JSON, ROOT
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.agents.guard import GuardFinding
    from codekin.engine import Engine

_STRICT_STATUS = 1
_HOOKS = {"claude": "PreToolUse", "gemini": "BeforeTool"}  # agent → its event before a file is written


@click.command()
@click.option("--path", metavar="FILE", type=click.Path(path_type=Path), help="File that the code is to be written to.")
@click.option("--language", metavar="L", help="Language of the code, where there is no path.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a new function stands elsewhere already.")
@click.option(
    "--hook", type=click.Choice(tuple(_HOOKS)), help="Answer as this agent's hook does, for the agent to read."
)
@ROOT
@JSON
@DEBUG
def guard(
    path: Path | None, language: str | None, strict: bool, hook: str | None, root: Path | None, as_json: bool
) -> int:
    """Say where the new functions of a proposed change stand already.

    Reads an agent's hook (JSON), a unified diff, or the text of the file --path from standard input.
    """
    from codekin.agents.guard import Guard
    from codekin.agents.proposals import read_proposals
    from codekin.cli import console
    from codekin.cli.arguments import find_root
    from codekin.cli.query import open_engine
    from codekin.code.languages import find_language

    source = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    proposals = read_proposals(source, path)
    root = (root or find_root(Path.cwd())).resolve()
    if not proposals:
        return 0
    if all(proposal.path is None for proposal in proposals) and language is None:
        raise QueryError("The code's language is not known. Pass --path FILE or --language L.")
    with closing(open_engine(root)) as engine:
        _load_index(engine)
        findings = Guard(engine, root).find_twins(proposals, find_language(language) if language else "")
    if hook is not None:
        console.write_json(_to_hook_answer(_HOOKS[hook], [_format_finding(it, root) for it in findings]))
    elif as_json:
        console.write_json({"findings": [_to_json(finding, root) for finding in findings]})
    else:
        for finding in findings:
            console.write(_format_finding(finding, root))
    return _STRICT_STATUS if strict and findings else 0


def _load_index(engine: "Engine") -> None:
    """Load the index, and index the workspace first if it is empty; else changes on the disk are not looked for."""
    from codekin.cli.query import bring_up_to_date_if_possible

    engine.follow()
    if engine.coverage() == 0:
        bring_up_to_date_if_possible(engine, wait=False)


def _format_finding(finding: "GuardFinding", root: Path) -> str:
    """Return a finding as one printable line: the new function, and the place of the code that does the same."""
    from codekin.cli.query import to_relative_path
    from codekin.code.cell_lines import to_file_row
    from codekin.printable import printable

    twin = finding.twin
    line = to_file_row(twin.cell, twin.place.name_line) + 1
    place = f"{to_relative_path(twin.place.path, root)}:{line} {twin.place.qualified_name}"
    return printable(f"`{finding.name}` (new) does what `{place}` does: {twin.kinship}, {twin.score:.0%}")


def _to_json(finding: "GuardFinding", root: Path) -> dict[str, Any]:
    """Return a finding for JSON, with lines counted from 1 and paths relative to `root`; "path" may be None."""
    from codekin.cli.query import to_relative_path
    from codekin.code.cell_lines import to_file_row

    twin = finding.twin
    return {
        "path": to_relative_path(finding.path, root) if finding.path else None,
        "line": finding.line + 1,
        "name": finding.name,
        "twin": {
            "path": to_relative_path(twin.place.path, root),
            "line": to_file_row(twin.cell, twin.place.name_line) + 1,
            "name": twin.place.qualified_name,
        },
        "kinship": twin.kinship,
        "score": round(twin.score, 4),
        "why": twin.why,
    }


def _to_hook_answer(event: str, lines: list[str]) -> dict[str, Any]:
    """Return the JSON that a hook prints to give the agent `lines` as context, without blocking it; {} for none."""
    if not lines:
        return {}
    advice = "codekin: use what exists rather than write it again, or say why not.\n" + "\n".join(lines)
    return {"hookSpecificOutput": {"hookEventName": event, "additionalContext": advice}}
