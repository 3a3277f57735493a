"""Update a document's snippets after an edit without parsing it, where the edit leaves no doubt.

A snippet above the edit stays, one below it moves by the added lines, and the function that the edit is in takes its
new text. Every other edit may have made new snippets or merged old ones, so the document is parsed again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codekin.code.lines import to_canonical_text
from codekin.types import Snippet, Span


@dataclass(frozen=True, slots=True)
class Edit:
    """One changed range of lines: the old rows `start` to `end`, half-open, became `end - start + added` new rows."""

    start: int
    end: int
    added: int  # lines; negative where the text became shorter
    keeps_all_lines: bool  # whether the old text is the start of the new one

    def is_in_rows(self, start_row: int, end_row: int) -> bool:
        """Return whether everything that changed lies in these old rows, half-open; appended lines lie in any."""
        return self.keeps_all_lines or (start_row <= self.start < end_row and self.end <= end_row)

    def is_before(self, snippet: Snippet) -> bool:
        """Return whether the snippet follows the edit: it has its old text, moved by the added lines."""
        return snippet.span.start >= self.end

    def is_after(self, snippet: Snippet) -> bool:
        """Return whether the snippet precedes the edit: it has its old text and its old rows."""
        return snippet.span.end <= self.start

    def may_rename(self, snippet: Snippet, new_lines: Sequence[str]) -> bool:
        """Return whether the edit touches the name's line, unless no lines are added and that still has the name."""
        if not self.start <= snippet.name_line < self.end:
            return False
        return bool(self.added) or not _has_name(new_lines[snippet.name_line], snippet.name)

    def move_row(self, old_row: int) -> int:
        """Return the new row of an old row: moved by `added` if behind the edit, else unchanged."""
        return old_row + self.added if old_row >= self.end else old_row


def find_edit(old_lines: Sequence[str], new_lines: Sequence[str]) -> Edit:
    """Return the smallest range of lines whose replacement turns the old text into the new one; empty if equal."""
    shorter_length = min(len(old_lines), len(new_lines))
    start_row = count_common_items(old_lines, new_lines)
    equal_at_end = min(count_common_items(old_lines[::-1], new_lines[::-1]), shorter_length - start_row)
    end_row = max(len(old_lines) - equal_at_end, start_row)
    return Edit(start_row, end_row, len(new_lines) - len(old_lines), keeps_all_lines=start_row == len(old_lines))


def count_common_items(items: Sequence[str], other_items: Sequence[str]) -> int:
    """Return how many leading items are equal in both; found by bisection over slices."""
    items, other_items = tuple(items), tuple(other_items)
    equal_count, end = 0, min(len(items), len(other_items))
    while equal_count < end:
        middle = (equal_count + end + 1) // 2
        if items[equal_count:middle] == other_items[equal_count:middle]:
            equal_count = middle
        else:
            end = middle - 1
    return equal_count


def update_snippets(
    snippets: Sequence[Snippet], edit: Edit, new_lines: Sequence[str], cursor_row: int, *, is_cursor_line: bool
) -> list[Snippet]:
    """Return the old snippets, by start, moved to where they are in `new_lines`; [] where the text must be parsed.

    No parsing is needed where the edit is inside the function that has `cursor_row` and leaves its name, or where it is
    on the cursor's line alone (`is_cursor_line`). Any other edit may have turned code into a function. The
    borders of a snippet stay as they were.
    """
    updated_snippets: list[Snippet] = []
    is_explained = is_cursor_line
    for snippet in snippets:
        start_row, end_row = snippet.span.start, snippet.span.end
        is_function = snippet.kind.is_function and edit.move_row(snippet.name_line) <= cursor_row
        has_cursor = start_row <= cursor_row < end_row + edit.added
        if has_cursor and edit.is_in_rows(start_row, end_row) and (is_function or is_explained):
            if is_function and edit.may_rename(snippet, new_lines):
                return []
            updated_snippets.append(_read_again(snippet, edit, new_lines))
            is_explained = True
        elif edit.is_after(snippet) or (edit.is_before(snippet) and not edit.added):
            updated_snippets.append(snippet)
        elif edit.is_before(snippet):
            updated_snippets.append(_move(snippet, edit, Span(start_row + edit.added, end_row + edit.added)))
        else:
            return []
    return updated_snippets if is_explained else []


def _read_again(snippet: Snippet, edit: Edit, new_lines: Sequence[str]) -> Snippet:
    """Return the snippet with its rows' text in `new_lines`, extended by the added lines; nothing is parsed."""
    new_span = Span(snippet.span.start, snippet.span.end + edit.added)
    return replace(_move(snippet, edit, new_span), text=to_canonical_text(new_lines[new_span.start : new_span.end]))


def _move(snippet: Snippet, edit: Edit, new_span: Span) -> Snippet:
    """Return the snippet at `new_span`, its name's line moved by the edit."""
    return replace(snippet, span=new_span, name_line=edit.move_row(snippet.name_line))


def _has_name(line: str, function_name: str) -> bool:
    """Return whether the line has the name as a whole word; True for an empty name."""
    return not function_name or re.search(rf"(?<!\w){re.escape(function_name)}(?!\w)", line) is not None
