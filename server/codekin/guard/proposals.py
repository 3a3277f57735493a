"""Proposed changes: what an agent, an editor or a commit is about to write, read from a hook's JSON, a diff or a file.

All of it comes from elsewhere, so it is bounded, and what can't be read is no proposal rather than an error.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MAX_PROPOSAL_CHARACTERS = 4_000_000  # of all that is read: a change that a person could review is shorter
_FILE_HEADER = re.compile(r"\+\+\+ (?P<path>[^\t\n]+)")
_SIDE = re.compile(r"[bwi]/")  # before a path: of Git's default, and of diff.mnemonicPrefix
_QUOTED_PATH = re.compile(r'"(?P<path>(?:[^"\\]|\\.)*)"')
_QUOTED_BYTE = re.compile(rb"\\(?:(?P<octal>[0-3][0-7]{2})|(?P<letter>.))", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
# How agents' tools name what they write. A tool's input is flat, or has a list of edits.
_PATH_KEYS = ("file_path", "path", "filePath", "filename", "target_file", "absolute_path", "notebook_path")
_TEXT_KEYS = (
    *("content", "new_string", "newText", "new_str", "text", "code_edit", "contents", "new_source", "newString"),
    "file_text",
)
_INPUT_KEYS = ("tool_input", "toolInput", "tool_info", "toolArgs", "input", "arguments", "args", "params")
_REPLACED_KEYS = ("old_string", "oldText", "old_str", "oldString")
# Of Gemini CLI, Claude Code and Codex, Cursor, Windsurf, opencode; Copilot CLI sends what the tool has answered.
_AFTER_EVENTS = ("AfterTool", "PostToolUse", "postToolUse", "post_write_code", "tool.execute.after")
_EVENT_KEYS, _RESULT_KEY = ("hook_event_name", "agent_action_name"), "toolResult"
_PATCH_KEYS = ("patch", "diff", "command", "input", "patchText")
_PATCH_FILE = re.compile(r"\*\*\* (?:Add|Update) File: (?P<path>.+)")  # the form of Codex's apply_patch


@dataclass(frozen=True, slots=True)
class Proposal:
    """Text that is about to be written to a file."""

    path: Path | None  # as it was named; None where it was not
    text: str  # the whole file, or a piece of it
    added_rows: frozenset[int] | None = None  # of a diff: the lines of `text` that are new; None: not known
    removed_lines: frozenset[str] = frozenset()  # of a diff: what it takes away, without indentation
    replaced_text: str = ""  # of an edit: what the text takes the place of
    is_written: bool = False  # it is in the file already: the hook runs after the tool


def read_proposals(source: str, default_path: Path | None = None) -> list[Proposal]:
    """Return the proposed texts in a hook's JSON, a unified diff, or the text of the file at `default_path`."""
    source = source[:MAX_PROPOSAL_CHARACTERS]
    stripped = source.lstrip()
    if stripped.startswith("{"):
        document = _parse_json(stripped)
        if document is not None:
            return list(_read_hook(document))
    if _is_diff(stripped):
        return list(_read_diff(stripped))
    return [Proposal(default_path, source)] if source.strip() else []


def _parse_json(text: str) -> dict[str, Any] | None:
    """Parse a hook's JSON; None if the text is not JSON, or not a hook's."""
    document = _parse_object(text)
    if document is None:
        return None
    is_hook = any(isinstance(document.get(key), dict | str) for key in _INPUT_KEYS)
    return document if is_hook or _find_string(document, _PATH_KEYS) else None


def _parse_object(text: str) -> dict[str, Any] | None:
    """Parse a JSON object; None if the text is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _read_hook(document: Mapping[str, Any]) -> Iterator[Proposal]:
    """Yield the texts, edits and patches to be written, from the tool input of any known agent."""
    folder = Path(document["cwd"]) if isinstance(document.get("cwd"), str) else Path()
    tool_input = _find_tool_input(document)
    path_text = _find_string(tool_input, _PATH_KEYS)
    path = folder / path_text if path_text else None
    edits = tool_input.get("edits")
    is_written = _RESULT_KEY in document or _find_string(document, _EVENT_KEYS) in _AFTER_EVENTS
    for edit in [tool_input, *(edits if isinstance(edits, list) else [])]:
        text = _find_string(edit, _TEXT_KEYS) if isinstance(edit, dict) else ""
        if text:
            yield Proposal(path, text, replaced_text=_find_string(edit, _REPLACED_KEYS), is_written=is_written)
    patch = _find_string(tool_input, _PATCH_KEYS)
    if _is_patch(patch):
        for proposal in _read_diff(patch):
            yield replace(proposal, path=folder / proposal.path if proposal.path else None)


def _find_tool_input(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the tool was called with, which some agents send as the text of a JSON object or of a patch."""
    for key in _INPUT_KEYS:
        value = document.get(key)
        if isinstance(value, str):
            value = _parse_object(value) or ({_PATCH_KEYS[0]: value} if _is_patch(value) else None)
        if isinstance(value, dict):
            return value
    return document


def _find_string(document: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """Return the first value of these keys that is a string and not empty; "" if there is none."""
    return next((document[key] for key in keys if isinstance(document.get(key), str) and document[key]), "")


def _is_diff(text: str) -> bool:
    """Return whether the text begins as a unified diff or a patch by mail."""
    return bool(re.match(r"(?:diff --git |--- |Index: |From [0-9a-f]{40} )", text))


def _is_patch(text: str) -> bool:
    """Return whether the text is a diff, or a patch in the form of Codex's tool."""
    return _is_diff(text) or bool(_PATCH_FILE.search(text))


def _read_diff(diff: str) -> Iterator[Proposal]:
    """Yield a proposal for each hunk of each file: its added and unchanged lines."""
    path: Path | None = None
    hunk_lines: list[str] | None = None
    for line in [*diff.split("\n"), "@@"]:
        header, patch_file = _FILE_HEADER.match(line), _PATCH_FILE.match(line)
        if header or patch_file or line.startswith(("@@", "diff --git ", "*** ")):
            if hunk_lines:
                yield _make_hunk_proposal(path, hunk_lines)
            hunk_lines = []
        if header:
            path = _read_path(header["path"].strip())
        elif patch_file:
            path = Path(patch_file["path"].strip())
        elif hunk_lines is not None and line[:1] in ("+", "-", " ") and not line.startswith(("+++ ", "--- ")):
            hunk_lines.append(line)


def _make_hunk_proposal(path: Path | None, hunk_lines: list[str]) -> Proposal:
    """Return a hunk's proposal: the lines after the change, which rows are added, and the removed lines."""
    kept_lines = [line for line in hunk_lines if not line.startswith("-")]
    added_rows = frozenset(row for row, line in enumerate(kept_lines) if line.startswith("+"))
    removed_lines = frozenset(line[1:].strip() for line in hunk_lines if line.startswith("-"))
    return Proposal(path, "\n".join(line[1:] for line in kept_lines), added_rows, removed_lines)


def _read_path(text: str) -> Path | None:
    """Return the path in a diff's file header, unquoted; None for a deleted file."""
    if text == "/dev/null":
        return None
    quoted = _QUOTED_PATH.fullmatch(text)
    if quoted:
        text = _QUOTED_BYTE.sub(_unquote, quoted["path"].encode("utf-8", "replace")).decode("utf-8", "replace")
    return Path(_SIDE.sub("", text, count=1) if _SIDE.match(text) else text)


def _unquote(escape: re.Match[bytes]) -> bytes:
    """Return the byte that Git has written as an escape in a quoted path."""
    if escape["octal"]:
        return bytes([int(escape["octal"], 8)])
    return _LETTERS.get(escape["letter"], escape["letter"])
