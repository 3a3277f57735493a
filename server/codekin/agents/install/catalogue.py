"""The agents that codekin can be installed into: where their files are, and what has to be in them.

Formats as of November 2026, from the agents' own documentation: Claude Code (MCP), Codex (config.toml), Cursor (MCP),
Windsurf (MCP), VS Code (MCP configuration reference, which has Copilot CLI's, too), Gemini CLI
(docs/tools/mcp-server.md), opencode 1.x (MCP servers), Zed (context_servers), Cline (MCP settings), Continue (block
files). Their hooks are in `hooks.py`.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from codekin.agents.install import hooks
from codekin.agents.install.edits import FileEdit, JsonEntry, MarkedSection, OwnFile, TomlTable

NAME = "codekin"
INSTRUCTIONS = """## codekin

This machine has code search by meaning (the MCP server `codekin`). Before you write a function, ask `already_exists`.
To find code by what it does, ask `search`; to start a task, ask `context`. To find an exact string, use grep.
"""
_CODEX_NOTE = "Codex runs the hook once you trust it: ask it for /hooks."


@dataclass(frozen=True, slots=True)
class Places:
    """Where a user's files are, and how codekin is started."""

    home: Path
    config: Path  # of programs that keep to the system's rules: ~/.config on Linux
    command: tuple[str, ...]

    @property
    def entry(self) -> dict[str, object]:
        """Return the configuration entry that starts codekin's MCP server, in the form that most agents use."""
        return {"command": self.command[0], "args": [*self.command[1:], "mcp"]}


@dataclass(frozen=True, slots=True)
class AgentFormat:
    """One agent: how it is recognised, and its edits."""

    name: str
    title: str
    list_marks: Callable[[Places], Sequence[Path]]  # any of which shows that the agent is used here
    list_edits: Callable[[Places], Sequence[FileEdit]]
    note: str = ""  # what is left to the person after the installation

    def is_here(self, places: Places) -> bool:
        """Return whether the agent is used on this machine: whether one of its files or folders exists."""
        return any(os.path.lexists(mark_path) for mark_path in self.list_marks(places))


def find_places() -> Places:
    """Return the current user's home and configuration folders, and the command that starts codekin."""
    script_path = Path(sys.executable).with_name("codekin.exe" if sys.platform == "win32" else "codekin")
    start_command = (str(script_path),) if script_path.exists() else (sys.executable, "-I", "-m", "codekin")
    config_folder = platformdirs.user_config_path("Code", appauthor=False, roaming=True).parent
    return Places(Path.home(), config_folder, start_command)


def _claude_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of Claude Code's files: the server entry, the instructions, and the hook."""
    agent_folder = places.home / ".claude"
    return (
        JsonEntry(places.home / ".claude.json", ("mcpServers", NAME), {"type": "stdio", **places.entry}),
        MarkedSection(agent_folder / "CLAUDE.md", INSTRUCTIONS),
        hooks.make_claude_hook(agent_folder, places.command),
    )


def _codex_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of Codex's files: the server's table, the instructions, and the hook."""
    agent_folder = places.home / ".codex"
    return (
        TomlTable(agent_folder / "config.toml", ("mcp_servers", NAME), places.entry),
        MarkedSection(agent_folder / "AGENTS.md", INSTRUCTIONS),
        hooks.make_codex_hook(agent_folder, places.command),
    )


def _opencode_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of opencode's files: the server entry, the instructions, and the plugin."""
    agent_folder = places.home / ".config" / "opencode"
    commented_path = agent_folder / "opencode.jsonc"
    config_path = commented_path if commented_path.exists() else agent_folder / "opencode.json"
    server_entry = {"type": "local", "command": [*places.command, "mcp"], "enabled": True}
    return (
        JsonEntry(config_path, ("mcp", NAME), server_entry),
        MarkedSection(agent_folder / "AGENTS.md", INSTRUCTIONS),
        hooks.make_opencode_hook(agent_folder, places.command),
    )


def _gemini_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of Gemini CLI's files: the server entry, the hook, and the instructions."""
    agent_folder = places.home / ".gemini"
    return (
        JsonEntry(agent_folder / "settings.json", ("mcpServers", NAME), places.entry),
        hooks.make_gemini_hook(agent_folder, places.command),
        MarkedSection(agent_folder / "GEMINI.md", INSTRUCTIONS),
    )


def _cursor_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of Cursor's files: the server entry, and the hook."""
    agent_folder = places.home / ".cursor"
    return (
        JsonEntry(agent_folder / "mcp.json", ("mcpServers", NAME), places.entry),
        *hooks.make_cursor_hook(agent_folder, places.command),
    )


def _copilot_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of Copilot CLI's files: the server entry, and the hook."""
    agent_folder = places.home / ".copilot"
    server_entry = {"type": "local", "tools": ["*"], **places.entry}
    return (
        JsonEntry(agent_folder / "mcp-config.json", ("mcpServers", NAME), server_entry),
        hooks.make_copilot_hook(agent_folder, places.command),
    )


def _windsurf_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edits of Windsurf's files: the server entry, and the hook."""
    agent_folder = places.home / ".codeium" / "windsurf"
    return (
        JsonEntry(agent_folder / "mcp_config.json", ("mcpServers", NAME), places.entry),
        hooks.make_windsurf_hook(agent_folder, places.command),
    )


def _cline_folder(places: Places) -> Path:
    """Return the folder in which VS Code's extension Cline keeps its data."""
    return places.config / "Code" / "User" / "globalStorage" / "saoudrizwan.claude-dev"


def _zed_folder(places: Places) -> Path:
    """Return the folder with Zed's settings on this system."""
    return places.config / "Zed" if sys.platform == "win32" else places.home / ".config" / "zed"


def _continue_edits(places: Places) -> Sequence[FileEdit]:
    """Return, unapplied, the edit that gives Continue a file of its own with the server entry."""
    import json

    content = json.dumps({"mcpServers": {NAME: places.entry}}, indent=2) + "\n"
    return (OwnFile(places.home / ".continue" / "mcpServers" / f"{NAME}.json", content),)


def _json_agent(
    name: str,
    title: str,
    find_mark: Callable[[Places], Path],
    file_name: str,
    key_path: tuple[str, ...],
    **extra: object,
) -> AgentFormat:
    """Return an agent with a server entry in JSON `file_name` in `find_mark`'s folder, which exists if it is used."""
    return AgentFormat(
        name,
        title,
        lambda places: [find_mark(places)],
        lambda places: [JsonEntry(find_mark(places) / file_name, (*key_path, NAME), {**extra, **places.entry})],
    )


AGENTS: tuple[AgentFormat, ...] = (
    AgentFormat(
        "claude", "Claude Code", lambda places: [places.home / ".claude", places.home / ".claude.json"], _claude_edits
    ),
    AgentFormat("codex", "Codex", lambda places: [places.home / ".codex"], _codex_edits, _CODEX_NOTE),
    AgentFormat("cursor", "Cursor", lambda places: [places.home / ".cursor"], _cursor_edits),
    _json_agent(
        "vscode", "VS Code", lambda places: places.config / "Code" / "User", "mcp.json", ("servers",), type="stdio"
    ),
    AgentFormat("copilot", "Copilot CLI", lambda places: [places.home / ".copilot"], _copilot_edits),
    AgentFormat("gemini", "Gemini CLI", lambda places: [places.home / ".gemini"], _gemini_edits),
    AgentFormat("opencode", "opencode", lambda places: [places.home / ".config" / "opencode"], _opencode_edits),
    _json_agent("zed", "Zed", _zed_folder, "settings.json", ("context_servers",)),
    AgentFormat("windsurf", "Windsurf", lambda places: [places.home / ".codeium" / "windsurf"], _windsurf_edits),
    _json_agent("cline", "Cline", _cline_folder, "settings/cline_mcp_settings.json", ("mcpServers",)),
    AgentFormat("continue", "Continue", lambda places: [places.home / ".continue"], _continue_edits),
)  # fmt: skip
