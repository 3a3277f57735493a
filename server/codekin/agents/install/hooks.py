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


def _make_command(command: Sequence[str], agent: str) -> str:
    """Return the guard's command line as a shell takes it."""
    words = (*command, *_MARKER.split(), agent)
    return " ".join(f'"{word}"' if " " in word else word for word in words)


def _make_claude_style_hook(command: Sequence[str], agent: str, matcher: str) -> dict[str, object]:
    """Return a hook in the form that Claude Code and Codex read."""
    return {
        "matcher": matcher,
        "hooks": [{"type": "command", "command": _make_command(command, agent), "timeout": _TIMEOUT_S}],
    }


def make_claude_hook(folder: Path, command: Sequence[str]) -> FileEdit:
    """Return Claude Code's hook, before a file is written."""
    hook = _make_claude_style_hook(command, "claude", "Write|Edit|MultiEdit")
    return JsonItem(folder / "settings.json", ("hooks", "PreToolUse"), hook, _MARKER)


def make_codex_hook(folder: Path, command: Sequence[str]) -> FileEdit:
    """Return Codex's hook, after a patch was applied."""
    hook = _make_claude_style_hook(command, "codex", "apply_patch|Edit|Write")
    return JsonItem(folder / "hooks.json", ("hooks", "PostToolUse"), hook, _MARKER)


def make_gemini_hook(folder: Path, command: Sequence[str]) -> FileEdit:
    """Return Gemini CLI's hook, after the tool: earlier ones tell no advice."""
    handler = {"type": "command", "name": "codekin", "command": _make_command(command, "gemini")}
    hook = {"matcher": "write_file|replace", "hooks": [handler | {"timeout": 1000 * _TIMEOUT_S}]}
    return JsonItem(folder / "settings.json", ("hooks", "AfterTool"), hook, _MARKER)


def make_cursor_hook(folder: Path, command: Sequence[str]) -> Sequence[FileEdit]:
    """Return Cursor's hook, after the tool, in a file that needs a version."""
    hook = {"command": _make_command(command, "cursor"), "matcher": "Write", "timeout": _TIMEOUT_S}
    file = folder / "hooks.json"
    return JsonDefault(file, ("version",), 1), JsonItem(file, ("hooks", "postToolUse"), hook, _MARKER)


def make_copilot_hook(folder: Path, command: Sequence[str]) -> FileEdit:
    """Return Copilot CLI's hook, after the tool, in a file of its own."""
    hook = {
        "type": "command",
        "matcher": "create|edit|str_replace_editor|apply_patch",
        "command": _make_command(command, "copilot"),
        "timeoutSec": _TIMEOUT_S,
    }
    document = {"version": 1, "hooks": {"postToolUse": [hook]}}
    return OwnFile(folder / "hooks" / "codekin.json", json.dumps(document, indent=2) + "\n")


def make_opencode_hook(folder: Path, command: Sequence[str]) -> FileEdit:
    """Return opencode's plugin, which asks the guard after a file was written."""
    words = json.dumps([*command, *_MARKER.split(), "opencode"])
    return OwnFile(folder / "plugins" / "codekin.js", _OPENCODE_PLUGIN % (words, 1000 * _TIMEOUT_S))


def make_windsurf_hook(folder: Path, command: Sequence[str]) -> FileEdit:
    """Return Windsurf's hook, after Cascade has written code."""
    hook = {"command": _make_command(command, "windsurf"), "show_output": False}
    return JsonItem(folder / "hooks.json", ("hooks", "post_write_code"), hook, _MARKER)
