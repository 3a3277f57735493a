"""Jupyter notebooks (`.ipynb`), read in bounded time and memory; never raises.

Prose, outputs and pictures are skipped, never held in memory. For text that is no notebook, the reason is returned.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from codekin.code.cells import DEFAULT_LANGUAGE, CellSource, Notebook, join_cells, make_cell_source
from codekin.code.json_reader import JsonError, JsonReader
from codekin.code.magics import UNKNOWN_LANGUAGE, find_named_language

NOTEBOOK_SUFFIX = ".ipynb"

_MAX_CELLS = 100_000
_LINE_END = re.compile(r"\r\n|\n|\r")
_LANGUAGE_KEYS = (  # of a cell's metadata, as VS Code and .NET's notebooks have them
    ("vscode", "languageId"),
    ("polyglot_notebook", "kernelName"),
    ("dotnet_interactive", "language"),
)


def is_notebook(path: PurePath) -> bool:
    """Return whether a file of this name is a Jupyter notebook: it ends in `.ipynb`, in any case."""
    return path.suffix.lower() == NOTEBOOK_SUFFIX


def may_be_json(text: str) -> bool:
    """Return whether the text begins like JSON or is blank, unlike code, which some editors open as the notebook."""
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", "")


def read_notebook(json_text: str) -> Notebook | str:
    """Return the notebook in JSON of any nbformat version; if it can't be read, a str with the reason. Never raises."""
    try:
        return _parse_notebook(_LINE_END.sub("\n", json_text) if "\r" in json_text else json_text)
    except JsonError as error:
        return f"its JSON can't be read: {error}"


@dataclass(slots=True)
class _JsonCell:
    """A cell as the JSON has it."""

    kind: str = ""
    language: str = ""
    id: str = ""
    source: str = ""
    starts: tuple[int, ...] = (0,)  # where in the source each of its pieces begins
    rows: tuple[int, ...] = (0,)  # on which line of the file each does


def _parse_notebook(json_text: str) -> Notebook | str:
    """Return the notebook, or a str with the reason why the JSON is none. Raises JsonError."""
    if not json_text.strip("\ufeff \t\n"):
        return "it is an empty file"
    reader = JsonReader(json_text.removeprefix("\ufeff"))
    if reader.peek_character() != "{":
        return "its JSON is no notebook's: it is no object"
    cells: list[_JsonCell] | None = None
    metadata: dict[str, Any] = {}
    for key in reader.read_members():
        if key == "metadata":
            metadata = reader.read_outline(1)
        elif key == "cells":
            cells = list(_read_cells(reader))
        elif key == "worksheets":
            cells = list(_read_worksheets(reader))
        else:
            reader.skip_value()
    reader.expect_end()
    if cells is None:
        return "its JSON is no notebook's: it has no cells"
    language = _find_notebook_language(metadata, cells)
    return join_cells((_to_cell_source(cell, index, language) for index, cell in enumerate(cells)), language)


def _read_worksheets(reader: JsonReader) -> Iterator[_JsonCell]:
    """Yield the cells of all worksheets (nbformat 3 and older). Raises JsonError."""
    for _ in reader.read_items():
        for key in reader.read_members():
            if key == "cells":
                yield from _read_cells(reader)
            else:
                reader.skip_value()


def _read_cells(reader: JsonReader) -> Iterator[_JsonCell]:
    """Yield the cells of the array that the reader is at. Raises JsonError beyond 100,000 cells."""
    for count, _ in enumerate(reader.read_items()):
        if count == _MAX_CELLS:
            raise JsonError(f"it has more than {_MAX_CELLS:,} cells")
        yield _read_cell_json(reader)


def _read_cell_json(reader: JsonReader) -> _JsonCell:
    """Return the cell that the reader is at, without its outputs. Raises JsonError."""
    cell = _JsonCell(rows=(reader.find_row(),))
    for key in reader.read_members():
        if key in ("source", "input"):  # the latter in nbformat 3
            _read_cell_source(cell, reader)
        elif key == "cell_type":
            cell.kind = reader.read_optional_string() or ""
        elif key == "id":
            cell.id = reader.read_optional_string() or ""
        elif key == "language":
            cell.language = reader.read_optional_string() or ""
        elif key == "metadata":
            cell.language = _find_cell_language(reader.read_outline(1)) or cell.language
        else:
            reader.skip_value()
    return cell


def _read_cell_source(cell: _JsonCell, reader: JsonReader) -> None:
    """Set the cell's source and rows, from a string or an array of strings (cut anywhere). Raises JsonError."""
    pieces, piece_starts, piece_rows, source_length = [""], [0], [reader.find_row()], 0
    for _ in reader.read_items() if reader.peek_character() == "[" else (None,):
        piece_row = reader.find_row()
        if piece := reader.read_optional_string():
            pieces.append(piece)
            piece_starts.append(source_length)
            piece_rows.append(piece_row)
            source_length += len(piece)
    cell.source, cell.starts, cell.rows = "".join(pieces), tuple(piece_starts), tuple(piece_rows)


def _to_cell_source(cell: _JsonCell, index: int, language: str) -> CellSource:
    """Return a code cell's lines, magics blanked, language, and each line's row in the file; of others no lines."""
    if cell.kind != "code":
        return CellSource((), None, index)
    line_starts = (0, *(line_end.end() for line_end in _LINE_END.finditer(cell.source)))
    rows = tuple(cell.rows[bisect_right(cell.starts, line_start) - 1] for line_start in line_starts)
    return replace(make_cell_source(cell.source, cell.language, language), index=index, id=cell.id, rows=rows)


def _find_cell_language(metadata: dict[str, Any]) -> str:
    """Return the language name in a cell's metadata; "" if it gives none."""
    for section, key in _LANGUAGE_KEYS:
        section_values = metadata.get(section)
        if isinstance(section_values, dict) and isinstance(section_values.get(key), str):
            return str(section_values[key])
    return ""


def _find_notebook_language(metadata: dict[str, Any], cells: Sequence[_JsonCell]) -> str:
    """Return the notebook's language: as its kernel or first code cell states; Python if nothing is stated."""
    sections = (metadata.get("language_info"), metadata.get("kernelspec"))
    language_info, kernel_spec = (value if isinstance(value, dict) else {} for value in sections)
    cell_language = next((cell.language for cell in cells if cell.kind == "code" and cell.language), "")
    names = (language_info.get("name"), kernel_spec.get("language"), kernel_spec.get("name"), cell_language)
    stated_names = [stated_name for stated_name in names if isinstance(stated_name, str) and stated_name]
    known_languages = [
        known_language for stated_name in stated_names if (known_language := find_named_language(stated_name))
    ]
    file_extension = language_info.get("file_extension")
    language_by_extension = find_named_language("", file_extension) if isinstance(file_extension, str) else None
    return next(iter(known_languages), language_by_extension) or (
        UNKNOWN_LANGUAGE if stated_names else DEFAULT_LANGUAGE
    )
