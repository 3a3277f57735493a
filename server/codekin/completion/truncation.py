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


def find_statement_end(source_lines: Sequence[str], start_row: int) -> int:
    """Return the row behind the statement that begins at `start_row`, with its blocks, by brackets and indentation."""
    start_column, bracket_depth, end_row, has_block = (
        measure_indent(source_lines[start_row]),
        _count_open_brackets(source_lines[start_row]),
        start_row + 1,
        False,
    )
    for source_row in range(start_row + 1, len(source_lines)):
        source_line = source_lines[source_row]
        if not source_line.strip():
            continue
        is_inside = bracket_depth > 0 or measure_indent(source_line) > start_column
        is_same_column = measure_indent(source_line) == start_column
        opens_block = is_same_column and source_line.strip() == "{"
        continues = is_same_column and has_block and _CONTINUES_STATEMENT.match(source_line)
        if not (is_inside or opens_block or continues):
            break
        has_block = True
        bracket_depth += _count_open_brackets(source_line)
        end_row = source_row + 1
    return end_row


def choose_extents(
    context: CompletionContext, candidates: Sequence[LineCandidate], max_lines: int
) -> Iterator[list[int]]:
    """Yield up to six lists of at most `max_lines` rows of the best candidate's source, the best extent first.

    An extent has whole statements, for as long as at least half of the other candidates have them, too, and then the
    lines that close their blocks; a statement with a block ends it. Rows in no extent: Python headers without a block,
    and unresolved local names.
    """
    best_candidate = candidates[0]
    source_lines = best_candidate.source.lines
    statement_end = find_statement_end(source_lines, best_candidate.row)
    agreement_end = _find_agreement_end(context, candidates, statement_end)
    start_rows = _list_content_rows(best_candidate, context.language)
    extent_ends = sorted(
        {
            find_statement_end(source_lines, source_row)
            for source_row in start_rows
            if source_row < max(agreement_end, statement_end)
        }
    )
    agreed_ends = [extent_end for extent_end in reversed(extent_ends) if extent_end <= agreement_end]
    other_ends = [extent_end for extent_end in extent_ends if agreement_end < extent_end <= statement_end]
    for extent_end in [*agreed_ends, *other_ends][:_MAX_EXTENTS]:
        source_rows = [
            *range(best_candidate.row, extent_end),
            *_list_closing_rows(source_lines, extent_end, statement_end),
        ]
        if (
            len(source_rows) <= max_lines
            and not _opens_python_block(source_lines[extent_end - 1], context.language)
            and _is_resolved(context, best_candidate, source_rows)
        ):
            yield source_rows


def _find_agreement_end(context: CompletionContext, candidates: Sequence[LineCandidate], statement_end: int) -> int:
    """Return the row of the best candidate's source where the others cease to agree; its line count if they don't.

    Inside the first statement, which ends at `statement_end`, the best one may be alone; behind it, it may not.
    """
    best_candidate, *other_candidates = candidates[:_MAX_VOTERS]
    start_column = measure_indent(best_candidate.source.lines[best_candidate.row])
    other_rows = [_list_content_rows(candidate, context.language) for candidate in other_candidates]
    agreeing_voters = list(range(len(other_candidates)))
    for step_number, source_row in enumerate(_list_content_rows(best_candidate, context.language)):
        source_line, is_behind_statement = best_candidate.source.lines[source_row], source_row >= statement_end
        if is_behind_statement and (measure_indent(source_line) < start_column or is_closing(source_line)):
            return source_row
        adapted_line = _adapt_without_blanks(best_candidate, source_row)
        still_agreeing = [
            voter_number
            for voter_number in agreeing_voters
            if step_number < len(other_rows[voter_number])
            and _adapt_without_blanks(other_candidates[voter_number], other_rows[voter_number][step_number])
            == adapted_line
        ]
        if 2 * len(still_agreeing) < len(agreeing_voters) or (is_behind_statement and not still_agreeing):
            return source_row
        agreeing_voters = still_agreeing
    return len(best_candidate.source.lines)


def _list_content_rows(candidate: LineCandidate, language: str) -> list[int]:
    """Return the rows of the candidate's source that have code, from its line on."""
    hasher, source_lines = make_line_hasher(language), candidate.source.lines
    return [source_row for source_row in range(candidate.row, len(source_lines)) if hasher[source_lines[source_row]]]


def _list_closing_rows(source_lines: Sequence[str], start_row: int, end_row: int) -> list[int]:
    """Return the rows, `start_row` to before `end_row`, that only close blocks around the row above `start_row`."""
    block_column, source_rows = measure_indent(source_lines[start_row - 1]), list[int]()
    for source_row in range(start_row, end_row):
        if (
            source_lines[source_row].strip()
            and is_closing(source_lines[source_row])
            and measure_indent(source_lines[source_row]) < block_column
        ):
            source_rows.append(source_row)
            block_column = measure_indent(source_lines[source_row])
    return source_rows


def _adapt_without_blanks(candidate: LineCandidate, source_row: int) -> str:
    """Return a row of the candidate's source, local names replaced by those at the cursor, without white space."""
    return "".join(rename_locals(candidate.source.lines[source_row], candidate.names).split())


def _opens_python_block(source_line: str, language: str) -> bool:
    """Return whether the line ends, before a comment, with the colon of a Python block header."""
    return language == "python" and source_line.split("#")[0].rstrip().endswith(":")


def adapt_lines(candidate: LineCandidate, source_rows: Sequence[int]) -> list[str]:
    """Return these rows of the candidate's source, local names replaced by those at the cursor."""
    return [rename_locals(candidate.source.lines[source_row], candidate.names) for source_row in source_rows]


def _is_resolved(context: CompletionContext, candidate: LineCandidate, source_rows: Sequence[int]) -> bool:
    """Return whether the rows use no local name that the source has above them and the context does not have."""
    source_names = frozenset(find_local_names("\n".join(candidate.source.lines[: candidate.row])))
    context_names = frozenset(candidate.names.values()) | context.local_names
    return all(
        local_name in context_names or local_name not in source_names
        for adapted_line in adapt_lines(candidate, source_rows)
        for local_name in find_local_names(adapted_line)
    )


def _count_open_brackets(source_line: str) -> int:
    """Return how many more brackets, outside of strings, the line opens than closes; may be negative."""
    code_without_strings = blank_strings(source_line)
    return len(_OPENING.findall(code_without_strings)) - len(_CLOSING.findall(code_without_strings))
