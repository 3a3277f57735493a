"""`codekin install` and `uninstall`: tell coding agents that codekin is there, and take that back."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codekin.cli.params import DEBUG
from codekin.errors import QueryError

if TYPE_CHECKING:
    from codekin.agents.install.catalogue import AgentFormat, Places
    from codekin.agents.install.installer import FileChange

_YES = click.option("--yes", "-y", is_flag=True, help="Write without asking.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show the changes, and write nothing.")
_AGENTS = click.argument("agents", metavar="[AGENT]...", nargs=-1)


@click.command()
@_AGENTS
@_YES
@_DRY_RUN
@DEBUG
def install(agents: tuple[str, ...], yes: bool, dry_run: bool) -> int:
    """Add codekin to coding agents: their MCP servers, a section of their instructions, and a hook where there are any.

    AGENT is claude, codex, cursor, vscode, copilot, gemini, opencode, zed, windsurf, cline or continue. Default: all
    that are used here, by their files. Shows each change, and asks. `codekin uninstall` restores the files.
    """
    return _edit_files(agents, is_installing=True, may_write=yes, is_dry_run=dry_run)


@click.command()
@_AGENTS
@_YES
@_DRY_RUN
@DEBUG
def uninstall(agents: tuple[str, ...], yes: bool, dry_run: bool) -> int:
    """Remove codekin from coding agents: each file is as it was before, but for what others have edited since."""
    return _edit_files(agents, is_installing=False, may_write=yes, is_dry_run=dry_run)


def _edit_files(agent_names: tuple[str, ...], *, is_installing: bool, may_write: bool, is_dry_run: bool) -> int:
    """Show the changes as diffs; unless a dry run, ask, then write them; return 0. Raises Abort, QueryError."""
    from codekin.agents.install.catalogue import find_places
    from codekin.agents.install.installer import Installer
    from codekin.cli import console
    from codekin.cli.arguments import require_package

    if is_installing:
        require_package("mcp", "mcp")  # or agents would start a server that can't run
    places = find_places()
    agents = _choose_agents(agent_names, places)
    installer = Installer(places)
    file_changes = installer.plan_installation(agents) if is_installing else installer.plan_removal(agents)
    agent_titles = ", ".join(agent.title for agent in agents)
    if not file_changes:
        console.print_note(f"Nothing to change: {agent_titles}.")
        return 0
    for file_change in file_changes:
        console.write(file_change.format_diff())
    if is_dry_run:
        return 0
    question = "Write {}" if is_installing else "Restore or remove {}"
    file_count = console.format_count(len(file_changes), "file")
    if not may_write and not click.confirm(f"{question.format(file_count)} for {agent_titles}?", err=True):
        raise click.Abort
    installer.make_changes(file_changes, is_installing=is_installing)
    restart_note = "Restart the agents to use it." if is_installing else "Restart the agents."
    backup_note = f" The former texts are in {installer.state_folder}." if is_installing else ""
    console.print_note(f"{_count_changes(file_changes)} for {agent_titles}. {restart_note}{backup_note}")
    for agent_note in filter(None, (agent.note for agent in agents if is_installing)):
        console.print_note(agent_note)
    return 0


def _count_changes(file_changes: "Sequence[FileChange]") -> str:
    """Return how many files were written and how many removed, as in "Wrote 1 file and removed 9 files"."""
    from codekin.cli.console import format_count

    removed_count = sum(file_change.after is None for file_change in file_changes)
    written_count = len(file_changes) - removed_count
    parts = [f"wrote {format_count(written_count, 'file')}"] if written_count else []
    parts += [f"removed {format_count(removed_count, 'file')}"] if removed_count else []
    return " and ".join(parts).capitalize()


def _choose_agents(agent_names: tuple[str, ...], places: "Places") -> "list[AgentFormat]":
    """Return the agents of these names, else all used here. Raises QueryError for an unknown name, or for none."""
    from codekin.agents.install.catalogue import AGENTS

    agents_by_name = {agent.name: agent for agent in AGENTS}
    unknown_names = [agent_name for agent_name in agent_names if agent_name not in agents_by_name]
    if unknown_names:
        raise QueryError(f"There is no agent {unknown_names[0]}. There are: {', '.join(agents_by_name)}.")
    chosen_agents = [agents_by_name[agent_name] for agent_name in dict.fromkeys(agent_names)] or [
        agent for agent in AGENTS if agent.is_here(places)
    ]
    if not chosen_agents:
        raise QueryError(f"No coding agent was found in {Path.home()}. Name one: {', '.join(agents_by_name)}.")
    return chosen_agents
