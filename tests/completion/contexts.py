"""Contexts to complete at."""

from pathlib import Path

from codekin.completion.context import CompletionContext, read_context
from codekin.completion.cursor import Cursor


def asked(text: str, language: str = "python", after: str = "") -> CompletionContext:
    """The cursor is at the end of `text`, and `after` stands right of it."""
    lines = text.split("\n")
    context = read_context(Cursor(Path("/a.py"), text + after, language, len(lines) - 1, len(lines[-1])))
    assert context.can_continue
    return context
