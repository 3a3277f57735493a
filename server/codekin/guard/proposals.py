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


def read_proposals(change_text: str, default_path: Path | None = None, *, is_hook: bool = False) -> list[Proposal]:
    """Return the proposals in `change_text`: a hook's JSON, a unified diff, or new text for the file `default_path`.

    Of a hook (`is_hook`), only JSON is read: what has no text for a file proposes nothing.
    """
    change_text = change_text[:MAX_PROPOSAL_CHARACTERS]
    stripped = change_text.lstrip()
    if stripped.startswith("{"):
        document = _parse_json(stripped)
        if document is not None:
            return list(_read_hook(document))
    if is_hook:
        return []
    if _is_diff(stripped):
        return list(_read_diff(stripped))
    return [Proposal(default_path, change_text)] if change_text.strip() else []


def is_json_object(text: str) -> bool:
    """Return whether the text is one JSON object, as agents send to hooks."""
    return _parse_object(text) is not None


def _parse_json(json_text: str) -> dict[str, Any] | None:
    """Parse a hook's JSON; None if the text is not JSON, or not a hook's."""
    document = _parse_object(json_text)
    if document is None:
        return None
    is_hook = any(isinstance(document.get(input_key), dict | str) for input_key in _INPUT_KEYS)
    return document if is_hook or _find_string(document, _PATH_KEYS) else None


def _parse_object(json_text: str) -> dict[str, Any] | None:
    """Parse a JSON object; None if the text is none."""
    try:
        document = json.loads(json_text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _read_hook(document: Mapping[str, Any]) -> Iterator[Proposal]:
    """Yield a Proposal for each text, edit (its new piece alone) and patch in any known agent's input; read no file."""
    base_folder = Path(document["cwd"]) if isinstance(document.get("cwd"), str) else Path()
    tool_input = _find_tool_input(document)
    path_text = _find_string(tool_input, _PATH_KEYS)
    target_path = base_folder / path_text if path_text else None
    tool_edits = tool_input.get("edits")
    is_written = _RESULT_KEY in document or _find_string(document, _EVENT_KEYS) in _AFTER_EVENTS
    for tool_edit in [tool_input, *(tool_edits if isinstance(tool_edits, list) else [])]:
        proposed_text = _find_string(tool_edit, _TEXT_KEYS) if isinstance(tool_edit, dict) else ""
        if proposed_text:
            yield Proposal(
                target_path, proposed_text, replaced_text=_find_string(tool_edit, _REPLACED_KEYS), is_written=is_written
            )
    patch_text = _find_string(tool_input, _PATCH_KEYS)
    if _is_patch(patch_text):
        for proposal in _read_diff(patch_text):
            yield replace(proposal, path=base_folder / proposal.path if proposal.path else None)


def _find_tool_input(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the tool was called with, which some agents send as the text of a JSON object or of a patch."""
    for input_key in _INPUT_KEYS:
        input_value = document.get(input_key)
        if isinstance(input_value, str):
            input_value = _parse_object(input_value) or (
                {_PATCH_KEYS[0]: input_value} if _is_patch(input_value) else None
            )
        if isinstance(input_value, dict):
            return input_value
    return document


def _find_string(document: Mapping[str, Any], string_keys: tuple[str, ...]) -> str:
    """Return the first value of these keys that is a string and not empty; "" if there is none."""
    return next(
        (
            document[string_key]
            for string_key in string_keys
            if isinstance(document.get(string_key), str) and document[string_key]
        ),
        "",
    )


def _is_diff(change_text: str) -> bool:
    """Return whether the text begins as a unified diff or a patch by mail."""
    return bool(re.match(r"(?:diff --git |--- |Index: |From [0-9a-f]{40} )", change_text))


def _is_patch(change_text: str) -> bool:
    """Return whether the text is a diff, or a patch in the form of Codex's tool."""
    return _is_diff(change_text) or bool(_PATCH_FILE.search(change_text))


def _read_diff(diff_text: str) -> Iterator[Proposal]:
    """Yield a proposal for each hunk of each file: its added and unchanged lines."""
    target_path: Path | None = None
    hunk_lines: list[str] | None = None
    for diff_line in [*diff_text.split("\n"), "@@"]:
        header_match, patch_match = _FILE_HEADER.match(diff_line), _PATCH_FILE.match(diff_line)
        if header_match or patch_match or diff_line.startswith(("@@", "diff --git ", "*** ")):
            if hunk_lines:
                yield _make_hunk_proposal(target_path, hunk_lines)
            hunk_lines = []
        if header_match:
            target_path = _read_path(header_match["path"].strip())
        elif patch_match:
            target_path = Path(patch_match["path"].strip())
        elif hunk_lines is not None and diff_line[:1] in ("+", "-", " ") and not diff_line.startswith(("+++ ", "--- ")):
            hunk_lines.append(diff_line)


def _make_hunk_proposal(target_path: Path | None, hunk_lines: list[str]) -> Proposal:
    """Return a hunk's proposal: the lines after the change, which rows are added, and the removed lines."""
    kept_lines = [hunk_line for hunk_line in hunk_lines if not hunk_line.startswith("-")]
    added_rows = frozenset(line_row for line_row, hunk_line in enumerate(kept_lines) if hunk_line.startswith("+"))
    removed_lines = frozenset(hunk_line[1:].strip() for hunk_line in hunk_lines if hunk_line.startswith("-"))
    return Proposal(target_path, "\n".join(hunk_line[1:] for hunk_line in kept_lines), added_rows, removed_lines)


def _read_path(path_text: str) -> Path | None:
    """Return the path in a diff's file header, unquoted and without "b/"; None for a deleted file."""
    if path_text == "/dev/null":
        return None
    quoted_match = _QUOTED_PATH.fullmatch(path_text)
    if quoted_match:
        path_text = _QUOTED_BYTE.sub(_unquote, quoted_match["path"].encode("utf-8", "replace")).decode(
            "utf-8", "replace"
        )
    return Path(_SIDE.sub("", path_text, count=1) if _SIDE.match(path_text) else path_text)


def _unquote(escape_match: re.Match[bytes]) -> bytes:
    """Return the byte that Git has written as an escape in a quoted path."""
    if escape_match["octal"]:
        return bytes([int(escape_match["octal"], 8)])
    return _LETTERS.get(escape_match["letter"], escape_match["letter"])
