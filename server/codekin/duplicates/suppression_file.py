"""The format of `.codekin.toml`, which lists the duplicates that are not reported.

    [[ignored]]
    functions = ["shop/orders.py::total_price", "shop/invoices.py::invoice_total"]
    reason = "The tax office wants two."  # for readers; codekin ignores it

A function is named by its file's path, relative to the folder of `.codekin.toml`, and by its qualified name. Reviewers
can read that, and it holds while lines move, functions are edited, and other files come and go. It does not survive a
rename of the function or of its file: the duplicate is then reported again, and whoever renamed it decides once more. A
hash of the text would tell a reader nothing, and change with the first edit.

An entry is a group of two or more functions, none of which is reported as a duplicate of another. Such a file has
nothing else: it comes with a repository that anybody may have written, so it can set no setting, name no model and no
path outside its folder.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_HEADER = re.compile(r"""\s*\[\[\s*(["']?)ignored\1\s*\]\]""")
_ERROR_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
MAX_FUNCTIONS = 200  # of an entry
_MAX_LINE_LENGTH = 100  # of an entry's names; longer ones get a line each
_MAX_DOTS = 200  # in the keys of a line: tomllib takes 2 s for one key of 16,000 parts
_MAX_PROBLEMS = 10  # reported for a file
_MAX_QUOTED_LENGTH = 120  # characters of the file that a message quotes
_STRINGS_AND_COMMENTS = re.compile(r"""(["'])(?:(?!\1)[^\\\n]|\\.)*+\1?|\#[^\n]*""")
_REMEDY = "Fix or delete it; all other entries still apply."
_FILE_COMMENT = """\
# Ignored duplicates: codekin does not report them.
# Delete an entry to have it reported again. An entry whose functions are gone does no harm.
"""


@dataclass(frozen=True, slots=True)
class SuppressionFile:
    """The groups of ignored duplicates in one file, and the file's problems."""

    groups: frozenset[tuple[str, ...]] = frozenset()  # of names, sorted
    problems: tuple[str, ...] = ()  # each names a line and the remedy
    entries: int = 0  # the valid ones
    _groups_of: Mapping[str, frozenset[int]] = field(init=False, repr=False, compare=False)  # name → numbers of groups
    _repeated: frozenset[str] = field(init=False, repr=False, compare=False)  # names of two functions of one file

    def __post_init__(self) -> None:
        groups_of: dict[str, set[int]] = {}
        repeated: set[str] = set()
        for group_number, group in enumerate(self.groups):
            for function_name, name_count in Counter(group).items():
                groups_of.setdefault(function_name, set()).add(group_number)
                repeated |= {function_name} if name_count > 1 else set()
        object.__setattr__(
            self,
            "_groups_of",
            {function_name: frozenset(group_numbers) for function_name, group_numbers in groups_of.items()},
        )
        object.__setattr__(self, "_repeated", frozenset(repeated))

    def ignores_pair(self, function_name: str, other_name: str) -> bool:
        """Return whether an entry lists both names; for one name twice, whether an entry lists it twice."""
        if function_name == other_name:
            return function_name in self._repeated
        return not self._groups_of.get(function_name, frozenset()).isdisjoint(
            self._groups_of.get(other_name, frozenset())
        )


def parse_suppressions(file_text: str) -> SuppressionFile:
    """Parse the text of a suppression file. Never raises: a wrong entry is a problem, and all others apply."""
    file_lines = [f"{file_line}\n" for file_line in file_text.split("\n")]
    header_rows = [line_row for line_row, file_line in enumerate(file_lines) if _HEADER.match(file_line)]
    groups: set[tuple[str, ...]] = set()
    problems: list[str] = []
    entry_count = 0
    for section_start, section_end in pairwise([0, *header_rows, len(file_lines)]):
        try:
            section = _parse_section(file_lines[section_start:section_end])
            problems += [f"line {section_start + 1 + line_row}: {problem}" for line_row, problem in section.problems]
            groups |= {tuple(sorted(name_group)) for name_group in section.groups}
            entry_count += len(section.groups)
        except _InvalidSectionError as error:
            problems.append(f"line {section_start + 1 + error.row}: {error}")
    if len(problems) > _MAX_PROBLEMS:
        problems[_MAX_PROBLEMS:] = [f"and {len(problems) - _MAX_PROBLEMS:,} more problems like these."]
    return SuppressionFile(frozenset(groups), tuple(problems), entry_count)


def format_entry(function_names: Sequence[str], former_text: str | None = None) -> str:
    """Return the text of an entry for these functions, to append to `former_text` (None: no file); keeps line ends."""
    quoted_names = [_quote(quoted_name) for quoted_name in function_names]
    name_list = ", ".join(quoted_names)
    entry_text = f"[[ignored]]\nfunctions = [{name_list}]\n"
    if len(name_list) > _MAX_LINE_LENGTH:
        entry_text = (
            "[[ignored]]\nfunctions = [\n" + "".join(f"    {quoted_name},\n" for quoted_name in quoted_names) + "]\n"
        )
    separator = _FILE_COMMENT + "\n" if not former_text else "\n" if former_text.endswith("\n") else "\n\n"
    line_end = "\r\n" if former_text and "\r\n" in former_text else "\n"
    return (separator + entry_text).replace("\n", line_end)


class _InvalidSectionError(Exception):
    """A section of the file can't be used; `row` counts from the section's first line."""

    def __init__(self, message: str, row: int = 0) -> None:
        """Keep the message, which names the remedy, and the 0-based row of the mistake in the section."""
        super().__init__(message)
        self.row = row


@dataclass(slots=True)
class _Section:
    """The groups and problems of an entry, or of the lines before the first one."""

    groups: list[list[str]]
    problems: list[tuple[int, str]]  # (row, text)


def _parse_section(section_lines: Sequence[str]) -> _Section:
    """Return a section's entries and problems. Raises _InvalidSectionError where none of it can be used."""
    section = _Section([], [])
    for member_name, member_value in _parse_toml(section_lines).items():
        if member_name != "ignored":
            problem = (
                f"there is no '{_shorten(member_name)}' here, only [[ignored]]; settings are the user's own. Delete it."
            )
            problem_row = _find_row(member_name, section_lines) if len(section.problems) < _MAX_PROBLEMS else 0
            section.problems.append((problem_row, problem))
        elif not isinstance(member_value, list):
            raise _InvalidSectionError(f"ignored is a list of entries: write [[ignored]]. {_REMEDY}")
        else:
            section.groups += [_parse_entry(entry, section_lines) for entry in member_value]
    return section


def _parse_toml(section_lines: Sequence[str]) -> dict[str, Any]:
    """Parse one section as TOML. Raises _InvalidSectionError, which has the row of the mistake."""
    for mistake_row, section_line in enumerate(section_lines):
        if section_line.count(".") > _MAX_DOTS and _STRINGS_AND_COMMENTS.sub("", section_line).count(".") > _MAX_DOTS:
            raise _InvalidSectionError(f"a key has more than {_MAX_DOTS} dots. {_REMEDY}", mistake_row)
    section_text = "".join(section_lines)
    try:
        return tomllib.loads(section_text)
    except (ValueError, RecursionError) as error:  # invalid TOML, a number too long, brackets too deep
        position = _ERROR_POSITION.search(str(error))
        mistake_row = (
            int(position[1]) - 1 if position and position[1] else max(len(section_text.rstrip().splitlines()) - 1, 0)
        )
        message = _shorten(_ERROR_POSITION.sub("", str(error)))
        raise _InvalidSectionError(f"{message}. {_REMEDY}", mistake_row) from error


def _parse_entry(entry: Any, section_lines: Sequence[str]) -> list[str]:
    """Return the function names of one entry. Raises _InvalidSectionError, with the row, where one is malformed."""
    function_names = entry.get("functions") if isinstance(entry, dict) else None
    try:
        return _check_names(function_names)
    except ValueError as error:
        raise _InvalidSectionError(f"{error} {_REMEDY}", _find_row("functions", section_lines)) from error


def _check_names(function_names: Any) -> list[str]:
    """Return the names of an entry's functions, unchanged. Raises ValueError if malformed or not 2 to 200 of them."""
    is_list = isinstance(function_names, list) and all(
        isinstance(function_name, str) for function_name in function_names
    )
    if not is_list or not 2 <= len(function_names) <= MAX_FUNCTIONS:
        example = 'functions = ["a.py::one", "b.py::other"]'
        raise ValueError(f"an entry has two functions or more, at most {MAX_FUNCTIONS}, as in {example}.")
    for function_name in function_names:
        file_path, separator, qualified_name = function_name.partition("::")
        if not separator or not file_path or not qualified_name:
            raise ValueError(f'{_shorten(function_name)!r} is not like "folder/file.py::function".')
        if file_path[0] in "/~" or "\\" in file_path or ":" in file_path or ".." in file_path.split("/"):
            raise ValueError(f"{_shorten(file_path)!r} must be relative to this file's folder, with /, and inside it.")
    return list(function_names)


def _find_row(toml_key: str, section_lines: Sequence[str]) -> int:
    """Return the first row, from 0, that sets the key; 0 where none does."""
    assignment = re.compile(rf"""[\s\[]*["']?{re.escape(toml_key)}\b""")
    return next((line_row for line_row, section_line in enumerate(section_lines) if assignment.match(section_line)), 0)


def _shorten(file_text: str) -> str:
    """Return the text, cut to 120 characters."""
    return file_text if len(file_text) <= _MAX_QUOTED_LENGTH else f"{file_text[:_MAX_QUOTED_LENGTH]}…"


def _quote(function_name: str) -> str:
    """Return the text as a quoted TOML string."""
    escapes = {character_code: f"\\u{character_code:04x}" for character_code in (*range(32), 127)} | {
        ord("\\"): "\\\\",
        ord('"'): '\\"',
    }
    return '"' + function_name.translate(escapes) + '"'
