"""How far a continuation goes: whole statements, for as long as the code it is taken from agrees with the rest."""

import re
from collections.abc import Iterator, Sequence

from codekin.code.line_hashes import blank_strings, find_local_names, make_line_hasher, rename_locals
from codekin.code.lines import is_closing
from codekin.completion.candidates import LineCandidate
from codekin.completion.context import CompletionContext, measure_indent

_OPENING, _CLOSING = re.compile(r"[\[({]"), re.compile(r"[\])}]")
_ASKED = 8  # clues whether they agree
_TRIED = 6  # ends, each of which has to parse
_GOING_ON = re.compile(
    r"\s*(?:[)\]}]|(?:else|elif|elsif|elseif|except|catch|finally|rescue|ensure|then|do|in|end|fi|done|esac)\b)"
)


def find_statement_end(lines: Sequence[str], start: int) -> int:
    """The line behind the statement that begins on `start`, with its blocks: by brackets and indentation."""
    column, depth, end, deeper = measure_indent(lines[start]), _balance(lines[start]), start + 1, False
    for row in range(start + 1, len(lines)):
        line = lines[row]
        if not line.strip():
            continue
        inside = depth > 0 or measure_indent(line) > column
        on_a_new_line = measure_indent(line) == column and line.strip() == "{"
        if (
            not inside
            and not on_a_new_line
            and not (measure_indent(line) == column and _GOING_ON.match(line) and deeper)
        ):
            break
        deeper = True
        depth += _balance(line)
        end = row + 1
    return end


def choose_extents(asked: CompletionContext, clues: Sequence[LineCandidate], max_lines: int) -> Iterator[list[int]]:
    """The rows of the best clue's source that may be shown, best first: whole statements, for as long as at least half
    of the other clues go on with them, too, and then what closes their blocks. Of a block, one statement is.
    """
    best = clues[0]
    lines, first = best.source.lines, find_statement_end(best.source.lines, best.at)
    agreed = _agreed(asked, clues, first)
    ends = sorted(
        {find_statement_end(lines, row) for row in _said_rows(best, asked.language) if row < max(agreed, first)}
    )
    liked = [end for end in reversed(ends) if end <= agreed]
    for end in [*liked, *(end for end in ends if agreed < end <= first)][:_TRIED]:
        rows = [*range(best.at, end), *_closers(lines, end, first)]
        if len(rows) <= max_lines and _is_whole(lines[end - 1], asked.language) and _is_resolved(asked, best, rows):
            yield rows


def _agreed(asked: CompletionContext, clues: Sequence[LineCandidate], first: int) -> int:
    """The row of the best clue's source from which on the others do not agree; behind its `first` statement there must
    be others.
    """
    best, *others = clues[:_ASKED]
    rows = _said_rows(best, asked.language)
    column, theirs = measure_indent(best.source.lines[best.at]), [_said_rows(clue, asked.language) for clue in others]
    agreeing = list(range(len(others)))
    for step, row in enumerate(rows):
        behind = row >= first
        if behind and (measure_indent(best.source.lines[row]) < column or is_closing(best.source.lines[row])):
            return row
        said = _said(best, row)
        now = [i for i in agreeing if step < len(theirs[i]) and _said(others[i], theirs[i][step]) == said]
        if 2 * len(now) < len(agreeing) or (behind and not now):
            return row
        agreeing = now
    return len(best.source.lines)


def _said_rows(clue: LineCandidate, language: str) -> list[int]:
    """Where the source says something, from the clue's line on."""
    key, lines = make_line_hasher(language), clue.source.lines
    return [row for row in range(clue.at, len(lines)) if key[lines[row]]]


def _closers(lines: Sequence[str], end: int, last: int) -> list[int]:
    """The rows before `last` that only close the blocks in which the row above `end` stands."""
    column, rows = measure_indent(lines[end - 1]), list[int]()
    for row in range(end, last):
        if lines[row].strip() and is_closing(lines[row]) and measure_indent(lines[row]) < column:
            rows.append(row)
            column = measure_indent(lines[row])
    return rows


def _said(clue: LineCandidate, row: int) -> str:
    return "".join(rename_locals(clue.source.lines[row], clue.names).split())


def _is_whole(line: str, language: str) -> bool:
    """Whether code may end on the line: a block that its snippet's border cut off leaves a header, which parses."""
    return not (language == "python" and line.split("#")[0].rstrip().endswith(":"))


def adapt_lines(clue: LineCandidate, rows: Sequence[int]) -> list[str]:
    """These lines of the source, with the names of here."""
    return [rename_locals(clue.source.lines[row], clue.names) for row in rows]


def _is_resolved(asked: CompletionContext, clue: LineCandidate, rows: Sequence[int]) -> bool:
    """Whether the lines speak of nothing that the source has set up and the question has not."""
    above = frozenset(find_local_names("\n".join(clue.source.lines[: clue.at])))
    own = frozenset(clue.names.values()) | asked.local_names
    return all(name in own or name not in above for line in adapt_lines(clue, rows) for name in find_local_names(line))


def _balance(line: str) -> int:
    bare = blank_strings(line)
    return len(_OPENING.findall(bare)) - len(_CLOSING.findall(bare))
