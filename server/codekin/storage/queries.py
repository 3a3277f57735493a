"""Places as the store has them: the SQL that finds them, and its rows as `Place`."""

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from codekin.types import Filter, Location, SnippetKind, Span

_FUNCTION_KINDS = ", ".join(f"'{kind}'" for kind in SnippetKind if kind.is_function)

LOCATION_COLUMNS = (
    "SELECT f.path, s.start, s.end, s.name, s.qualified_name, s.kind, f.language, s.name_line, s.part, s.content "
    "FROM snippets s JOIN files f ON f.id = s.file "
)

FUNCTION_LOCATION_COLUMNS = (
    "SELECT f.path, s.name_line, s.qualified_name, s.content FROM snippets s JOIN files f ON f.id = s.file "
    f"WHERE s.kind IN ({_FUNCTION_KINDS}) AND s.part < 2 ORDER BY f.path, s.start, s.end"
)

WHOLE_FUNCTIONS = (
    "SELECT f.language, count(*) FROM snippets s JOIN files f ON f.id = s.file "
    f"WHERE s.kind IN ({_FUNCTION_KINDS}) AND s.part < 2 GROUP BY f.language"
)

_LONGEST_WORD = 60  # characters; there is a term for each of the lengths that a beginning may have


class FunctionLocation(NamedTuple):
    """A function and where it stands: the least that tells one from another, for there are very many."""

    path: str
    name_line: int
    qualified_name: str
    content: int


def prefix_terms(word: str) -> list[str]:
    """FTS5 terms: what begins with the word's first three fifths, and what the word begins with."""
    quoted = word.replace('"', "")[:_LONGEST_WORD]
    least = max(3, math.ceil(0.6 * len(quoted)))
    return [f'"{quoted[:least]}"*', *(f'"{quoted[:i]}"' for i in range(3, least))] if quoted else []


def filter_condition(within: Filter) -> tuple[str, tuple[str, ...]]:
    """SQL that limits `files f`, and its values."""
    condition, values = "", []
    if within.language is not None:
        condition += " AND f.language = ?"
        values.append(within.language)
    if within.folder is not None:
        # Byte order makes a folder's files one range: everything from "folder/" up to "folder0".
        condition += " AND f.path >= ? AND f.path < ?"
        folder = str(within.folder).rstrip("/\\")
        separator = "\\" if "\\" in folder else "/"
        values += [folder + separator, folder + chr(ord(separator) + 1)]
    return condition, tuple(values)


@lru_cache(maxsize=16_384)
def path_of(path: str) -> Path:
    """The path that a row has. Making one costs ten times what looking it up does, and hits are compared by it.

    Raises ValueError or TypeError where it is none.
    """
    if "\0" in path:
        raise ValueError("a path with a null character")
    return Path(path)


def to_location(row: tuple) -> Location:  # type: ignore[type-arg]
    """A row that PLACE selects. Raises ValueError or TypeError where it is none."""
    path, start, end, name, qualified_name, kind, language, name_line, part, content = row
    "".join((name, qualified_name, language))  # nothing but text can be joined
    if not 0 <= start < end or name_line < 0 or part < 0 or content < 1:
        raise ValueError("lines and numbers of no snippet")
    return Location(
        path_of(path), Span(start, end), name, qualified_name, SnippetKind(kind), language, name_line, part, content
    )
