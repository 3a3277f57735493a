"""The guard as the agents' hooks: what they write to their own files, so that each new function is looked up.

From their documentation in November 2026: Claude Code (hooks), Codex (developers.openai.com/codex/hooks and the schemas
of its repository: hooks.json, PostToolUse, apply_patch), Copilot CLI (docs.github.com, hooks reference: version 1,
postToolUse), Cursor (hooks, version 1), Gemini CLI (docs/hooks/reference.md), opencode 1.x (plugins,
tool.execute.after), Windsurf (Cascade hooks, post_write_code). Zed, Cline, Continue and VS Code itself have none here.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from codekin.agents.install.edits import FileEdit, JsonDefault, JsonItem, OwnFile

_MARKER = "guard --hook "
_TIMEOUT_S = 20
# Text of the plugin for opencode; COMMAND is replaced. A failure or a hang of the guard changes nothing of the answer.
_OPENCODE_PLUGIN = """// Written by `codekin install`, removed by `codekin uninstall`.
import { spawn } from "node:child_process"

const COMMAND = %s
const TOOLS = ["write", "edit", "multiedit", "patch", "apply_patch"]

function askGuard(question, cwd) {
  return new Promise((resolve) => {
    const child = spawn(COMMAND[0], COMMAND.slice(1), { cwd, stdio: ["pipe", "pipe", "ignore"], timeout: %d })
    let text = ""
    child.stdout.on("data", (data) => (text += data))
    child.on("error", () => resolve(""))
    child.on("close", () => {
      try {
        resolve(JSON.parse(text).additionalContext ?? "")
      } catch {
        resolve("")
      }
    })
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify(question))
  })
}

export const CodekinGuard = async ({ directory }) => ({
  "tool.execute.after": async (input, output) => {
    if (!TOOLS.includes(input.tool) || !input.args || typeof output?.output !== "string") return
    const question = { hook_event_name: "tool.execute.after", cwd: directory, tool_input: input.args }
    const advice = await askGuard(question, directory)
    if (advice) output.output += "\\n\\n" + advice
  },
})
"""


def _make_command(start_command: Sequence[str], agent_name: str) -> str:
    """Return the shell command line that runs codekin's guard as a hook of this agent."""
    command_words = (*start_command, *_MARKER.split(), agent_name)
    return " ".join(f'"{word}"' if " " in word else word for word in command_words)


def _make_claude_style_hook(start_command: Sequence[str], agent_name: str, tool_matcher: str) -> dict[str, object]:
    """Return a hook entry that runs the guard for matching tools, in the form that Claude Code and Codex read."""
    return {
        "matcher": tool_matcher,
        "hooks": [{"type": "command", "command": _make_command(start_command, agent_name), "timeout": _TIMEOUT_S}],
    }


def make_claude_hook(agent_folder: Path, start_command: Sequence[str]) -> FileEdit:
    """Return, unapplied, the edit that adds the guard to Claude Code's hooks, run before a file is written."""
    hook_entry = _make_claude_style_hook(start_command, "claude", "Write|Edit|MultiEdit")
    return JsonItem(agent_folder / "settings.json", ("hooks", "PreToolUse"), hook_entry, _MARKER)


def make_codex_hook(agent_folder: Path, start_command: Sequence[str]) -> FileEdit:
    """Return, unapplied, the edit that adds the guard to Codex's hooks, run after a patch was applied."""
    hook_entry = _make_claude_style_hook(start_command, "codex", "apply_patch|Edit|Write")
    return JsonItem(agent_folder / "hooks.json", ("hooks", "PostToolUse"), hook_entry, _MARKER)


def make_gemini_hook(agent_folder: Path, start_command: Sequence[str]) -> FileEdit:
    """Return, unapplied, the edit that adds the guard to Gemini CLI's hooks, run after a file was written.

    Its hooks before a tool can't give advice.
    """
    hook_handler = {"type": "command", "name": "codekin", "command": _make_command(start_command, "gemini")}
    hook_entry = {"matcher": "write_file|replace", "hooks": [hook_handler | {"timeout": 1000 * _TIMEOUT_S}]}
    return JsonItem(agent_folder / "settings.json", ("hooks", "AfterTool"), hook_entry, _MARKER)


def make_cursor_hook(agent_folder: Path, start_command: Sequence[str]) -> Sequence[FileEdit]:
    """Return, unapplied, the edits that add the guard and a version to Cursor's hooks, run after a file is written."""
    hook_entry = {"command": _make_command(start_command, "cursor"), "matcher": "Write", "timeout": _TIMEOUT_S}
    hooks_path = agent_folder / "hooks.json"
    return JsonDefault(hooks_path, ("version",), 1), JsonItem(hooks_path, ("hooks", "postToolUse"), hook_entry, _MARKER)


def make_copilot_hook(agent_folder: Path, start_command: Sequence[str]) -> FileEdit:
    """Return, unapplied, the file of its own with the guard as Copilot CLI's hook, run after a file was written."""
    hook_entry = {
        "type": "command",
        "matcher": "create|edit|str_replace_editor|apply_patch",
        "command": _make_command(start_command, "copilot"),
        "timeoutSec": _TIMEOUT_S,
    }
    document = {"version": 1, "hooks": {"postToolUse": [hook_entry]}}
    return OwnFile(agent_folder / "hooks" / "codekin.json", json.dumps(document, indent=2) + "\n")


def make_opencode_hook(agent_folder: Path, start_command: Sequence[str]) -> FileEdit:
    """Return, unapplied, the file with opencode's plugin, which runs the guard after a file was written."""
    command_words = json.dumps([*start_command, *_MARKER.split(), "opencode"])
    return OwnFile(agent_folder / "plugins" / "codekin.js", _OPENCODE_PLUGIN % (command_words, 1000 * _TIMEOUT_S))


def make_windsurf_hook(agent_folder: Path, start_command: Sequence[str]) -> FileEdit:
    """Return, unapplied, the edit that adds the guard to Windsurf's hooks, run after Cascade has written code."""
    hook_entry = {"command": _make_command(start_command, "windsurf"), "show_output": False}
    return JsonItem(agent_folder / "hooks.json", ("hooks", "post_write_code"), hook_entry, _MARKER)
