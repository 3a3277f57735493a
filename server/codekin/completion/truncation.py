"""Choose how far a continuation goes: whole statements, while its source agrees with the other candidates'."""

import re
from collections.abc import Iterator, Sequence

from codekin.code.line_hashes import blank_strings, find_local_names, make_line_hasher, rename_locals
from codekin.code.lines import is_closing
from codekin.completion.candidates import LineCandidate
from codekin.completion.context import CompletionContext, measure_indent

_OPENING, _CLOSING = re.compile(r"[\[({]"), re.compile(r"[\])}]")
_MAX_VOTERS = 8  # best candidates of a line whose agreement is counted
_MAX_EXTENTS = 6  # ends that are tried: each has to be parsed
_CONTINUES_STATEMENT = re.compile(
    r"\s*(?:[)\]}]|(?:else|elif|elsif|elseif|except|catch|finally|rescue|ensure|then|do|in|end|fi|done|esac)\b)"
)


def find_statement_end(lines: Sequence[str], start: int) -> int:
    """Return the row behind the statement that begins at `start`, its blocks included, by brackets and indentation."""
    column, depth, end, has_block = measure_indent(lines[start]), _count_open_brackets(lines[start]), start + 1, False
    for row in range(start + 1, len(lines)):
        line = lines[row]
        if not line.strip():
            continue
        is_inside = depth > 0 or measure_indent(line) > column
        is_same_column = measure_indent(line) == column
        opens_block = is_same_column and line.strip() == "{"
        continues = is_same_column and has_block and _CONTINUES_STATEMENT.match(line)
        if not (is_inside or opens_block or continues):
            break
        has_block = True
        depth += _count_open_brackets(line)
        end = row + 1
    return end


def choose_extents(
    context: CompletionContext, candidates: Sequence[LineCandidate], max_lines: int
) -> Iterator[list[int]]:
    """Yield up to six lists of at most `max_lines` rows of the best candidate's source, the best extent first.

    An extent has whole statements, for as long as at least half of the other candidates have them, too, and then the
    lines that close their blocks; a statement with a block ends it. Rows in no extent: Python headers without a block,
    and unresolved local names.
    """
    best = candidates[0]
    lines = best.source.lines
    statement_end = find_statement_end(lines, best.row)
    agreement_end = _find_agreement_end(context, candidates, statement_end)
    start_rows = _list_content_rows(best, context.language)
    ends = sorted({find_statement_end(lines, row) for row in start_rows if row < max(agreement_end, statement_end)})
    agreed_ends = [end for end in reversed(ends) if end <= agreement_end]
    other_ends = [end for end in ends if agreement_end < end <= statement_end]
    for end in [*agreed_ends, *other_ends][:_MAX_EXTENTS]:
        rows = [*range(best.row, end), *_list_closing_rows(lines, end, statement_end)]
        if (
            len(rows) <= max_lines
            and not _opens_python_block(lines[end - 1], context.language)
            and _is_resolved(context, best, rows)
        ):
            yield rows


def _find_agreement_end(context: CompletionContext, candidates: Sequence[LineCandidate], statement_end: int) -> int:
    """Return the row of the best candidate's source where the others cease to agree; its line count if they don't.

    Inside the first statement, which ends at `statement_end`, the best one may be alone; behind it, it may not.
    """
    best, *others = candidates[:_MAX_VOTERS]
    column = measure_indent(best.source.lines[best.row])
    other_rows = [_list_content_rows(candidate, context.language) for candidate in others]
    agreeing = list(range(len(others)))
    for step, row in enumerate(_list_content_rows(best, context.language)):
        line, is_behind_statement = best.source.lines[row], row >= statement_end
        if is_behind_statement and (measure_indent(line) < column or is_closing(line)):
            return row
        adapted_line = _adapt_without_blanks(best, row)
        still_agreeing = [
            index
            for index in agreeing
            if step < len(other_rows[index])
            and _adapt_without_blanks(others[index], other_rows[index][step]) == adapted_line
        ]
        if 2 * len(still_agreeing) < len(agreeing) or (is_behind_statement and not still_agreeing):
            return row
        agreeing = still_agreeing
    return len(best.source.lines)


def _list_content_rows(candidate: LineCandidate, language: str) -> list[int]:
    """Return the rows of the candidate's source that have code, from its line on."""
    hasher, lines = make_line_hasher(language), candidate.source.lines
    return [row for row in range(candidate.row, len(lines)) if hasher[lines[row]]]


def _list_closing_rows(lines: Sequence[str], start: int, end: int) -> list[int]:
    """Return those of rows `start` to `end`, half-open, that only close the blocks around the row above `start`."""
    column, rows = measure_indent(lines[start - 1]), list[int]()
    for row in range(start, end):
        if lines[row].strip() and is_closing(lines[row]) and measure_indent(lines[row]) < column:
            rows.append(row)
            column = measure_indent(lines[row])
    return rows


def _adapt_without_blanks(candidate: LineCandidate, row: int) -> str:
    """Return a row of the candidate's source with the names at the cursor, without white space."""
    return "".join(rename_locals(candidate.source.lines[row], candidate.names).split())


def _opens_python_block(line: str, language: str) -> bool:
    """Return whether the line ends, before a comment, with the colon of a Python block header."""
    return language == "python" and line.split("#")[0].rstrip().endswith(":")


def adapt_lines(candidate: LineCandidate, rows: Sequence[int]) -> list[str]:
    """Return these rows of the candidate's source with the names at the cursor."""
    return [rename_locals(candidate.source.lines[row], candidate.names) for row in rows]


def _is_resolved(context: CompletionContext, candidate: LineCandidate, rows: Sequence[int]) -> bool:
    """Return whether the rows use no local name that the source has above them and the context does not have."""
    source_names = frozenset(find_local_names("\n".join(candidate.source.lines[: candidate.row])))
    context_names = frozenset(candidate.names.values()) | context.local_names
    return all(
        local_name in context_names or local_name not in source_names
        for line in adapt_lines(candidate, rows)
        for local_name in find_local_names(line)
    )


def _count_open_brackets(line: str) -> int:
    """Return how many more brackets, outside of strings, the line opens than closes; may be negative."""
    code = blank_strings(line)
    return len(_OPENING.findall(code)) - len(_CLOSING.findall(code))
