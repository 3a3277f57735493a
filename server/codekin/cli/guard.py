"""`codekin guard`: says where the new functions of a proposed change stand already."""

import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codekin.cli.params import DEBUG, JSON, RESIDENT, ROOT
from codekin.errors import QueryError
from codekin.guard.hook_answers import HOOK_EVENTS, HookAnswer, make_hook_answer

if TYPE_CHECKING:
    from codekin.guard.proposals import Proposal
    from codekin.settings import Settings

_STRICT_STATUS = 1
_SHOWN_CHARACTERS = 40  # of input that can't be read


@click.command()
@click.option("--path", metavar="FILE", type=click.Path(path_type=Path), help="File that the code is to be written to.")
@click.option("--language", metavar="L", help="Language of the code, where there is no path.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a new function stands elsewhere already.")
@click.option(
    "--hook", type=click.Choice(tuple(HOOK_EVENTS)), help="Answer as this agent's hook does, for the agent to read."
)
@RESIDENT
@ROOT
@JSON
@DEBUG
def guard(path: Path | None, language: str | None, root: Path | None, resident: bool, **form: Any) -> int:
    """Say where the new functions of a proposed change stand already.

    Reads an agent's hook (JSON), a unified diff, or the text of the file --path from standard input.
    """
    from codekin.cli.arguments import find_root
    from codekin.cli.query import load_settings
    from codekin.cli.quick_answer import answer_quickly
    from codekin.code.languages import find_language
    from codekin.guard.proposals import is_json_object, read_proposals

    proposal_text = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    is_hook = form["hook"] is not None
    if is_hook and not is_json_object(proposal_text):
        raise QueryError(_explain_no_hook(proposal_text, form["hook"]))
    file_path = Path.cwd() / path if path else None
    proposals = read_proposals(proposal_text, file_path, is_hook=is_hook)
    workspace_root = (root or find_root(Path.cwd())).resolve()
    if not proposals:
        return _show_findings({"findings": []}, **form)
    if all(proposal.path is None for proposal in proposals) and language is None:
        raise QueryError("The code's language is not known. Pass --path FILE or --language L.")
    settings = load_settings()
    request: dict[str, Any] = {
        "command": "guard",
        "source": proposal_text,
        "path": str(file_path) if file_path else None,
        "language": find_language(language) if language else "",
        "min_lines": settings.duplicates.min_lines,
    }
    answer_here = partial(_find_twins, workspace_root, settings, proposals, request["language"])
    document = answer_quickly(workspace_root, settings, request, answer_here) if resident else answer_here()
    return _show_findings(document, **form)


def _explain_no_hook(input_text: str, agent_name: str) -> str:
    """Return the error message for input that is not what an agent sends to its hook."""
    beginning = f"it begins with {input_text.strip()[:_SHOWN_CHARACTERS]!r}" if input_text.strip() else "it is empty"
    remedy = f"Let {agent_name} start this as a hook; for a diff or a file's text, leave out --hook."
    return f"Standard input is not the JSON of a hook: {beginning}. {remedy}"


def _show_findings(document: dict[str, Any], *, strict: bool, hook: str | None, as_json: bool) -> int:
    """Print the findings as text, JSON or a hook's answer; return the exit status, 1 if `strict` and there are any."""
    from codekin.cli import console

    findings = document["findings"]
    if hook is not None:
        return _write_hook_answer(make_hook_answer(hook, [_format_finding(finding) for finding in findings]))
    if as_json:
        console.write_json(document)
    else:
        for finding in findings:
            console.write(_format_finding(finding))
    return _STRICT_STATUS if strict and findings else 0


def _write_hook_answer(hook_answer: HookAnswer) -> int:
    """Print a hook's answer to standard output and error, and return the exit status that it states."""
    from codekin.cli import console

    for output_text, is_error in ((hook_answer.output, False), (hook_answer.error_output, True)):
        if output_text:
            console.write(output_text, err=is_error)
    return hook_answer.status


def _find_twins(
    workspace_root: Path, settings: "Settings", proposals: "list[Proposal]", language: str
) -> dict[str, Any]:
    """Look up code like the new functions with an engine here, indexing only if nothing is; return a dict for JSON."""
    from codekin.cli.query import bring_up_to_date_if_possible
    from codekin.engine import Engine
    from codekin.guard.twins import Guard
    from codekin.resident.documents import findings_to_document

    with closing(Engine([workspace_root], settings)) as engine:
        engine.follow()
        if engine.coverage() == 0:
            bring_up_to_date_if_possible(engine, wait=False)
        findings = Guard(engine, workspace_root, settings.duplicates.min_lines).find_twins(proposals, language)
        return findings_to_document(findings, workspace_root)


def _format_finding(finding: dict[str, Any]) -> str:
    """Return a finding as one printable line: the new function, and the place of the code that does the same."""
    from codekin.printable import printable

    twin = finding["twin"]
    twin_location = f"{twin['path']}:{twin['line']} {twin['name']}"
    likeness = f"{finding['kinship']}, {finding['score']:.0%}"
    return printable(f"`{finding['name']}` (new) does what `{twin_location}` does: {likeness}")
