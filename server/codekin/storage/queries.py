"""SQL that finds snippets' locations, and the conversion of its rows."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from codekin.types import Filter, Location, SnippetKind, Span

_KINDS = {str(kind): kind for kind in SnippetKind}  # calling the enumeration takes five times as long
_FUNCTION_KINDS = ", ".join(f"'{kind}'" for kind in SnippetKind if kind.is_function)

LOCATION_COLUMNS = (
    "SELECT f.path, s.start, s.end, s.name, s.qualified_name, s.kind, f.language, s.name_line, s.part, s.content "
    "FROM snippets s JOIN files f ON f.id = s.file "
)

FUNCTION_LOCATIONS_QUERY = (
    "SELECT f.path, s.name_line, s.qualified_name, s.content FROM snippets s JOIN files f ON f.id = s.file "
    f"WHERE s.kind IN ({_FUNCTION_KINDS}) AND s.part < 2 ORDER BY f.path, s.start, s.end"
)

FUNCTION_PARTS_QUERY = f"{LOCATION_COLUMNS}WHERE s.kind IN ({_FUNCTION_KINDS}) ORDER BY f.path, s.start, s.end"

FUNCTION_COUNTS_QUERY = (
    "SELECT f.language, count(*) FROM snippets s JOIN files f ON f.id = s.file "
    f"WHERE s.kind IN ({_FUNCTION_KINDS}) AND s.part < 2 GROUP BY f.language"
)

NUMBER_LIST = "(SELECT value FROM json_each(?))"  # one value for any number of them
_MAX_WORD_LENGTH = 60  # characters; each length that a beginning may have is looked up


class FunctionLocation(NamedTuple):
    """A function's location with as few columns as distinguish it, since there are very many."""

    path: str
    name_line: int
    qualified_name: str
    content: int


@dataclass(frozen=True, slots=True)
class NumberedFilter(Filter):
    """A filter with the store's numbers of the files that its patterns leave and that have tests."""

    matching_files: tuple[int, ...] | None = None  # None: it has no patterns
    test_files: tuple[int, ...] = ()  # () where `tests` is None


def list_beginnings(word: str) -> tuple[str, list[str]]:
    """Return the first 60% of a word, at least 3 characters, and a list of its shorter beginnings, from 3 up."""
    beginning = word[:_MAX_WORD_LENGTH]
    min_length = max(3, math.ceil(0.6 * len(beginning)))
    return beginning[:min_length], [beginning[:length] for length in range(3, min_length)]


def filter_condition(hit_filter: Filter, *, has_snippets: bool = True) -> tuple[str, tuple[str, ...]]:
    """Return " AND …", the SQL condition on `files f` and `snippets s` for the filter ("" for all), and its values.

    Patterns and tests count in a NumberedFilter only. Without `snippets s` in the statement, files are kept some of
    whose snippets the filter may leave.
    """
    condition, values = _folder_condition(hit_filter)
    if hit_filter.languages:
        condition += f" AND f.language IN ({_place_holders(hit_filter.languages)})"
        values += hit_filter.languages
    if hit_filter.kinds and has_snippets:
        condition += f" AND s.kind IN ({_place_holders(hit_filter.kinds)})"
        values += hit_filter.kinds
    if not isinstance(hit_filter, NumberedFilter):
        return condition, tuple(values)
    if hit_filter.matching_files is not None:
        condition += f" AND f.id IN {NUMBER_LIST}"
        values.append(json.dumps(hit_filter.matching_files))
    if hit_filter.tests is False:
        condition += f" AND f.id NOT IN {NUMBER_LIST}" + (f" AND s.kind <> '{SnippetKind.TEST}'" * has_snippets)
        values.append(json.dumps(hit_filter.test_files))
    if hit_filter.tests and has_snippets:
        condition += f" AND (s.kind = '{SnippetKind.TEST}' OR f.id IN {NUMBER_LIST})"
        values.append(json.dumps(hit_filter.test_files))
    return condition, tuple(values)


def _folder_condition(hit_filter: Filter) -> tuple[str, list[str]]:
    """Return " AND …", the SQL condition on `files f` for the filter's folder ("" without one), and its values."""
    if hit_filter.folder is None:
        return "", []
    # Byte order makes a folder's files one range: everything from "folder/" up to "folder0".
    folder = str(hit_filter.folder).rstrip("/\\")
    separator = "\\" if "\\" in folder else "/"
    return " AND f.path >= ? AND f.path < ?", [folder + separator, folder + chr(ord(separator) + 1)]


def _place_holders(values: Sequence[str]) -> str:
    """Return `?, ?` for two values."""
    return ", ".join("?" * len(values))


@lru_cache(maxsize=16_384)  # making a Path costs ten times a look-up, and hits are compared by path
def to_path(path: str) -> Path:
    """Return a row's path as a Path (cached). Raises ValueError or TypeError if the value is no path."""
    if "\0" in path:
        raise ValueError("a path with a null character")
    return Path(path)


def to_location(row: tuple) -> Location:  # type: ignore[type-arg]
    """Return a row of LOCATION_COLUMNS as a Location. Raises ValueError or TypeError for impossible values."""
    path, start, end, name, qualified_name, kind, language, name_line, part, content = row
    "".join((name, qualified_name, language))  # raises TypeError unless all three are text
    if not 0 <= start < end or name_line < 0 or part < 0 or content < 1:
        raise ValueError("lines and numbers of no snippet")
    known_kind = _KINDS.get(kind) or SnippetKind(kind)  # raises ValueError
    return Location(
        to_path(path), Span(start, end), name, qualified_name, known_kind, language, name_line, part, content
    )
