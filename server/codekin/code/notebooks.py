"""Jupyter notebooks (`.ipynb`), read in bounded time and memory; never raises.

Prose, outputs and pictures are skipped over, never held. What is no notebook is answered with the reason.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from codekin.code.cells import DEFAULT, Notebook, Source, joined, source_of
from codekin.code.json_reader import JsonError, JsonReader
from codekin.code.magics import UNKNOWN, language_named

SUFFIX = ".ipynb"

_MOST_CELLS = 100_000
_LINE_END = re.compile(r"\r\n|\n|\r")
_LANGUAGE_KEYS = (  # of a cell's metadata, as VS Code and .NET's notebooks have them
    ("vscode", "languageId"),
    ("polyglot_notebook", "kernelName"),
    ("dotnet_interactive", "language"),
)


def is_notebook(path: PurePath) -> bool:
    """Return whether a file of this name is a notebook."""
    return path.suffix.lower() == SUFFIX


def is_json(text: str) -> bool:
    """Return whether the text is a notebook's JSON: some editors open only its code, as plain text, under its name."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", "")


def read_notebook(data: str) -> Notebook | str:
    """Read a notebook from JSON of any nbformat version; return the reason as a string if it can't be read."""
    try:
        return _read(_LINE_END.sub("\n", data) if "\r" in data else data)
    except JsonError as error:
        return f"its JSON can't be read: {error}"


@dataclass(slots=True)
class _Cell:
    """A cell as the JSON has it."""

    kind: str = ""
    language: str = ""
    id: str = ""
    source: str = ""
    starts: tuple[int, ...] = (0,)  # where in the source each of its pieces begins
    rows: tuple[int, ...] = (0,)  # on which line of the file each does


def _read(data: str) -> Notebook | str:
    if not data.strip("\ufeff \t\n"):
        return "it is an empty file"
    reader = JsonReader(data.removeprefix("\ufeff"))
    if reader.peek() != "{":
        return "its JSON is no notebook's: it is no object"
    cells: list[_Cell] | None = None
    metadata: dict[str, Any] = {}
    for key in reader.members():
        if key == "metadata":
            metadata = reader.outline(1)
        elif key == "cells":
            cells = list(_cells(reader))
        elif key == "worksheets":
            cells = list(_sheets(reader))
        else:
            reader.skip()
    reader.end()
    if cells is None:
        return "its JSON is no notebook's: it has no cells"
    language = _language(metadata, cells)
    return joined((_source(cell, index, language) for index, cell in enumerate(cells)), language)


def _sheets(reader: JsonReader) -> Iterator[_Cell]:
    """Read the cells of nbformat 3 and older."""
    for _ in reader.items():
        for key in reader.members():
            if key == "cells":
                yield from _cells(reader)
            else:
                reader.skip()


def _cells(reader: JsonReader) -> Iterator[_Cell]:
    for count, _ in enumerate(reader.items()):
        if count == _MOST_CELLS:
            raise JsonError(f"it has more than {_MOST_CELLS:,} cells")
        yield _cell(reader)


def _cell(reader: JsonReader) -> _Cell:
    cell = _Cell(rows=(reader.row(),))
    for key in reader.members():
        if key in ("source", "input"):  # the latter in nbformat 3
            _take_source(cell, reader)
        elif key == "cell_type":
            cell.kind = reader.text() or ""
        elif key == "id":
            cell.id = reader.text() or ""
        elif key == "language":
            cell.language = reader.text() or ""
        elif key == "metadata":
            cell.language = _said_of_cell(reader.outline(1)) or cell.language
        else:
            reader.skip()
    return cell


def _take_source(cell: _Cell, reader: JsonReader) -> None:
    """Read the source: a string, or an array of strings that usually, but not always, end where lines do."""
    pieces, starts, rows, length = [""], [0], [reader.row()], 0
    for _ in reader.items() if reader.peek() == "[" else (None,):
        row = reader.row()
        if piece := reader.text():
            pieces.append(piece)
            starts.append(length)
            rows.append(row)
            length += len(piece)
    cell.source, cell.starts, cell.rows = "".join(pieces), tuple(starts), tuple(rows)


def _source(cell: _Cell, index: int, language: str) -> Source:
    if cell.kind != "code":
        return Source((), None, index)
    begins = (0, *(end.end() for end in _LINE_END.finditer(cell.source)))
    rows = tuple(cell.rows[bisect_right(cell.starts, begin) - 1] for begin in begins)
    return replace(source_of(cell.source, cell.language, language), index=index, id=cell.id, rows=rows)


def _said_of_cell(metadata: dict[str, Any]) -> str:
    for holder, key in _LANGUAGE_KEYS:
        inner = metadata.get(holder)
        if isinstance(inner, dict) and isinstance(inner.get(key), str):
            return str(inner[key])
    return ""


def _language(metadata: dict[str, Any], cells: Sequence[_Cell]) -> str:
    """Return the language of the notebook, as its kernel declares it."""
    given = (metadata.get("language_info"), metadata.get("kernelspec"))
    info, kernel = (value if isinstance(value, dict) else {} for value in given)
    own = next((cell.language for cell in cells if cell.kind == "code" and cell.language), "")
    names = (info.get("name"), kernel.get("language"), kernel.get("name"), own)
    said = [name for name in names if isinstance(name, str) and name]
    known = [found for name in said if (found := language_named(name))]
    ending = info.get("file_extension")
    by_ending = language_named("", ending) if isinstance(ending, str) else None
    return next(iter(known), by_ending) or (UNKNOWN if said else DEFAULT)
