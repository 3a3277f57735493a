"""What a hook answers, agent by agent: in a form that the agent reads as advice, and never as a refusal.

As the agents' documentation has it in November 2026; the catalogue of `agents/install/` says which pages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

# The event by agent: before a file is written, or after it where an earlier hook could only refuse.
HOOK_EVENTS = {
    "claude": "PreToolUse",
    "codex": "PostToolUse",
    "copilot": "postToolUse",
    "cursor": "postToolUse",
    "gemini": "AfterTool",
    "opencode": "tool.execute.after",
    "windsurf": "post_write_code",
}
_TOLD_STATUS = 2  # Windsurf tells its agent the standard error of such a hook; after writing it refuses nothing


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a hook prints, and its exit status."""

    output: str
    error_output: str
    status: int


def make_hook_answer(agent_name: str, advice_lines: Sequence[str]) -> HookAnswer:
    """Return the answer that gives the agent `advice_lines` as advice; one that says nothing where there are none."""
    if not advice_lines:
        return HookAnswer("" if agent_name == "windsurf" else "{}", "", 0)
    advice = "codekin: use what exists rather than write it again, or say why not.\n" + "\n".join(advice_lines)
    if agent_name == "windsurf":
        return HookAnswer("", advice, _TOLD_STATUS)
    if agent_name == "cursor":
        return HookAnswer(json.dumps({"additional_context": advice}), "", 0)
    if agent_name in ("copilot", "opencode"):
        return HookAnswer(json.dumps({"additionalContext": advice}), "", 0)
    hook_output = {"hookEventName": HOOK_EVENTS[agent_name], "additionalContext": advice}
    return HookAnswer(json.dumps({"hookSpecificOutput": hook_output}), "", 0)
