"""How far a continuation goes: whole statements, for as long as the code it is taken from agrees with the rest."""

import re
from collections.abc import Sequence

from codekin.code.continuations import keys_of, locals_of, renamed, without_strings
from codekin.code.lines import is_closing
from codekin.completion.asked import Asked, indent
from codekin.completion.clues import Clue

_OPENING, _CLOSING = re.compile(r"[\[({]"), re.compile(r"[\])}]")
_ASKED = 8  # clues whether they agree
_GOING_ON = re.compile(
    r"\s*(?:[)\]}]|(?:else|elif|elsif|elseif|except|catch|finally|rescue|ensure|then|do|in|end|fi|done|esac)\b)"
)


def statement_end(lines: Sequence[str], start: int) -> int:
    """The line behind the statement that begins on `start`, with its blocks: by brackets and indentation."""
    column, depth, end, deeper = indent(lines[start]), _balance(lines[start]), start + 1, False
    for row in range(start + 1, len(lines)):
        line = lines[row]
        if not line.strip():
            continue
        inside = depth > 0 or indent(line) > column
        on_a_new_line = indent(line) == column and line.strip() == "{"
        if not inside and not on_a_new_line and not (indent(line) == column and _GOING_ON.match(line) and deeper):
            break
        deeper = True
        depth += _balance(line)
        end = row + 1
    return end


def extent(asked: Asked, clues: Sequence[Clue], max_lines: int) -> list[int]:
    """Where the best clue's continuation may end, shortest first: after its first statement, and after each that most
    of the other clues go on with, too. Empty where the first statement is longer than `max_lines`.
    """
    best = clues[0]
    lines, key = best.source.lines, keys_of(asked.language)
    column, end = indent(lines[best.at]), statement_end(lines, best.at)
    ends: list[int] = []
    others = [(clue, statement_end(clue.source.lines, clue.at)) for clue in clues[1:_ASKED]]
    while end - best.at <= max_lines and _is_whole(lines[end - 1], asked.language) and _is_resolved(asked, best, end):
        ends.append(end)
        following = next((row for row in range(end, len(lines)) if key[lines[row]]), None)
        if following is None or indent(lines[following]) != column or is_closing(lines[following]):
            break
        agreeing = []
        for clue, behind in others:
            theirs = clue.source.lines
            row = next((row for row in range(behind, len(theirs)) if key[theirs[row]]), None)
            if row is not None and _said(clue, row) == _said(best, following):
                agreeing.append((clue, statement_end(theirs, row)))
        if not agreeing or 2 * len(agreeing) < len(others):
            break
        others, end = agreeing, statement_end(lines, following)
    return ends


def _said(clue: Clue, row: int) -> str:
    return "".join(renamed(clue.source.lines[row], clue.names).split())


def _is_whole(line: str, language: str) -> bool:
    """Whether code may end on the line: a block that its snippet's border cut off leaves a header, which parses."""
    return not (language == "python" and line.split("#")[0].rstrip().endswith(":"))


def taken(clue: Clue, end: int) -> list[str]:
    """The source's lines up to `end`, with the names of here."""
    return [renamed(line, clue.names) for line in clue.source.lines[clue.at : end]]


def _is_resolved(asked: Asked, clue: Clue, end: int) -> bool:
    """Whether the lines speak of nothing that the source has set up and the question has not."""
    above = frozenset(locals_of("\n".join(clue.source.lines[: clue.at])))
    own = frozenset(clue.names.values()) | asked.scope
    return all(name in own or name not in above for line in taken(clue, end) for name in locals_of(line))


def _balance(line: str) -> int:
    bare = without_strings(line)
    return len(_OPENING.findall(bare)) - len(_CLOSING.findall(bare))
