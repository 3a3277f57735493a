"""Lines of other code → the text to insert at the cursor: in the file's indentation, after what is typed, before what
stands right of the cursor, and only where the file then parses no worse.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from codekin.code.parsing import encode_source, load_syntax, parse_incrementally, parse_source
from codekin.completion.context import CompletionContext, measure_indent

if TYPE_CHECKING:
    from tree_sitter import Node

_CLOSERS = re.compile(r"[\s)\]}>;,\"'`]*")
_SECRET = re.compile(
    r"-----BEGIN|\b(?:AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|sk_live_|sk-[A-Za-z0-9]{16}|AIza)|eyJ[\w-]{10,}\.|"
    r"(?i:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential|auth)\w*[\"']?\s*(?::=|=>|[:=])\s*"
    r"(?:\w+\(\s*)?[\"'`][^\"'`\s]{3,}[\"'`]|://[^\s/:\"']+:[^\s/@\"']{3,}@"
)
_PROSE = re.compile("comment|string|heredoc")  # kinds of nodes
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_WIDTHS = (4, 2, 8, 3)  # of an indentation in spaces; the first one where two are as frequent
_AROUND = 1000  # lines above and below the cursor that show how the file is indented
_VARIED = 3  # kinds of characters in a key that somebody generated: lower case, upper case, digits


def looks_secret(text: str) -> bool:
    """Whether the text may hold a credential: a known form, a named one with its value, or a long random string."""
    return _SECRET.search(text) is not None or any(_is_random(found[0]) for found in _LONG.finditer(text))


def _is_random(word: str) -> bool:
    kinds = sum(re.search(kind, word) is not None for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    changes = len(re.findall(r"[a-zA-Z](?=[0-9])|[0-9](?=[a-zA-Z])", word))
    return (kinds >= _VARIED and changes >= 3) or (len(word) >= 32 and re.fullmatch("[0-9a-f]+", word) is not None)


def find_indent_unit(lines: Sequence[str]) -> str:
    """What one level of indentation is in these lines: the step in that most of them go deeper; "" where none does."""
    filled = [line for line in lines if line.strip()]
    if 2 * sum(line[0] == "\t" for line in filled) > sum(line[0] in " \t" for line in filled):
        return "\t"
    steps = Counter(below - above for above, below in pairwise(map(measure_indent, filled)))
    width = max(_WIDTHS, key=lambda width: steps[width])
    return " " * width if steps[width] else ""


def make_insertion(asked: CompletionContext, lines: Sequence[str], source: Sequence[str]) -> str | None:
    """The text for the cursor that makes the document go on with `lines`, taken from `source`; None where it can't be.

    `lines` are as their source has them, the first one's indentation being the statement's.
    """
    typed = asked.text_before
    first = lines[0].strip()
    if typed.strip():
        if not first.startswith(typed.strip()) or len(first) == len(typed.strip()):
            return None
        head, base = first[len(typed.strip()) :], typed[: len(typed) - len(typed.lstrip())]
        if typed.rstrip() != typed:
            blank = len(typed) - len(typed.rstrip())
            if not first[len(typed.strip()) :].startswith(" " * blank):
                return None
            head = head[blank:]
    else:
        base = typed
        if asked.indent_column is None:
            base = _standing(asked, lines, source)
        head = base[len(typed) :] + first
    ours = _unit(asked)
    theirs = find_indent_unit(source) or ours
    body = [_shifted(line, measure_indent(lines[0]), theirs, ours, base) for line in lines[1:]]
    return _before(asked, head, body)


def _unit(asked: CompletionContext) -> str:
    """What one level of indentation is around the cursor."""
    return find_indent_unit(asked.lines[max(asked.row - _AROUND, 0) : asked.row + _AROUND]) or "    "


def _standing(asked: CompletionContext, lines: Sequence[str], source: Sequence[str]) -> str:
    """The indentation that the source gives the line, where the editor has given none."""
    last = asked.content_lines[-1]
    blank = last[: len(last) - len(last.lstrip())]
    at = next((row for row, line in enumerate(source) if line is lines[0]), 0)
    above = next((line for line in reversed(source[:at]) if line.strip()), lines[0])
    deeper = measure_indent(lines[0]) - measure_indent(above)
    return blank + _unit(asked) if deeper > 0 else blank


def _shifted(line: str, column: int, theirs: str, ours: str, base: str) -> str:
    if not line.strip():
        return ""
    width = 4 if theirs == "\t" else len(theirs)
    levels, rest = divmod(max(measure_indent(line) - column, 0), width)
    return base + ours * levels + " " * rest + line.strip()


def _before(asked: CompletionContext, head: str, body: Sequence[str]) -> str | None:
    """Honours the text right of the cursor: closers that the line ends in too are not repeated; anything else is not
    written over.
    """
    right = asked.text_after.strip()
    if not right:
        following = next((line.strip() for line in asked.lines[asked.row + 1 :] if line.strip()), "")
        whole = (asked.text_before + head).strip()
        return None if whole == following and len(whole) > 1 and not body else "\n".join([head, *body])
    if body or not _CLOSERS.fullmatch(right) or not head.rstrip().endswith(right):
        return None
    return head.rstrip()[: -len(right)] or None


class ParseCheck:
    """Whether the document parses no worse with a text inserted at the cursor."""

    def __init__(self, asked: CompletionContext) -> None:
        self._asked = asked
        self._before: float | None = None
        self.parsed = asked.parsed  # of this document, in the last text that was parsed

    def is_no_worse(self, text: str) -> bool:
        """False also where there is no grammar: what can't be checked is not offered; nor is code in a comment."""
        asked = self._asked
        line = asked.text_before + text + asked.text_after
        root = self._root([*asked.lines[: asked.row], *line.split("\n"), *asked.lines[asked.row + 1 :]])
        if root is None or _is_prose(root, asked):
            return False
        after = _count(root)
        if after and self._before is None:
            before = self._root(asked.lines)
            self._before = _count(before) if before else 0
        return not after or after <= (self._before or 0)

    def _root(self, lines: Sequence[str]) -> "Node | None":
        syntax = load_syntax(self._asked.language)
        parsed = parse_incrementally(encode_source(lines), syntax, self.parsed) if syntax else None
        self.parsed = parsed or self.parsed
        return parsed.tree.root_node if parsed else None


def _is_prose(root: "Node", asked: CompletionContext) -> bool:
    """Whether the cursor's line begins inside a comment or a string that began above."""
    at = asked.row, len(asked.text_before.encode("utf-8", "replace"))
    node = root.descendant_for_point_range(at, at)
    while node is not None:
        if _PROSE.search(node.type) and node.start_point[0] < asked.row:
            return True
        node = node.parent
    return False


def count_parse_errors(lines: Sequence[str], language: str) -> float:
    """How many errors the document's tree has, with what its parser had to make up; infinite where there is none."""
    syntax = load_syntax(language)
    root = parse_source(encode_source(lines), syntax) if syntax else None
    return _count(root) if root is not None else math.inf


def _count(root: "Node") -> int:
    count, stack = 0, [root] if root.has_error else []
    while stack:
        node = stack.pop()
        faulty = [child for child in node.children if child.has_error]
        # Where no child is, the parser made up one that it does not show, as Python's end of a line.
        count += node.is_error or node.is_missing or not faulty
        stack += faulty
    return count
