"""Convert the protocol's positions and URIs to codekin's lines, offsets and paths, and back. Does not touch the disk.

A position is a line and a count of code units (UTF-8, UTF-16 or UTF-32, as negotiated) into it; out-of-range ones are
clamped, as the specification has it, and one inside a character is moved to its start.
"""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from lsprotocol.types import (
    Position,
    PositionEncodingKind,
    Range,
    TextDocumentContentChangeEvent,
    TextDocumentContentChangePartial,
)

from codekin.types import Span

UTF8, UTF16, UTF32 = (kind.value for kind in PositionEncodingKind)

_LINE_END = re.compile(r"\r\n|\n|\r")
# Fragment of a cell's URI in VS Code: the index in base 7, and the scheme of the notebook's URI in base64.
_CELL_FRAGMENT = re.compile(r"[W-Za-fz](?P<index>[0-6]+)s(?P<scheme>[\w-]+=*)")
_FILE_SCHEME_BASE64 = "ZmlsZQ"  # file
_REMOTE_SCHEME_BASE64 = "dnNjb2RlLXJlbW90ZQ"  # vscode-remote: the server runs on the machine of the files
_DRIVE = re.compile(r"/[A-Za-z]:")


def count_code_units(text: str, encoding: str) -> int:
    """Return the length of the text in code units of the encoding (UTF-8, UTF-16 or UTF-32)."""
    if encoding == UTF32 or text.isascii():
        return len(text)
    if encoding == UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(character > "\uffff" for character in text)


def to_character_index(line_text: str, unit_offset: int, encoding: str) -> int:
    """Return the index in `line_text` of the character that has this code unit; beyond its end, the line's length."""
    prefix_text = line_text[: max(unit_offset, 0)]  # a character has at least one unit
    if encoding == UTF32 or prefix_text.isascii():
        return len(prefix_text)
    unit_count = 0
    for index, character in enumerate(prefix_text):
        unit_count += count_code_units(character, encoding)
        if unit_count > unit_offset:
            return index
    return len(prefix_text)


def to_text_offset(document_text: str, position: Position, encoding: str) -> int:
    """Return the character index in the text of the position, clamped to its line, or to the end of the text."""
    line_start = _find_line_start(document_text, position.line)
    if line_start is None:
        return len(document_text)
    line_end = _LINE_END.search(document_text, line_start)
    line_text = document_text[line_start : line_end.start() if line_end else len(document_text)]
    return line_start + to_character_index(line_text, position.character, encoding)


def apply_changes(document_text: str, changes: Iterable[TextDocumentContentChangeEvent], encoding: str) -> str:
    """Return the text after the changes, in order and clamped; one without a range replaces the whole text."""
    for content_change in changes:
        if isinstance(content_change, TextDocumentContentChangePartial):
            range_ends = (
                content_change.range.start,
                content_change.range.end,
            )  # some send them reversed
            start_offset, end_offset = sorted(
                to_text_offset(document_text, position, encoding) for position in range_ends
            )
            document_text = document_text[:start_offset] + content_change.text + document_text[end_offset:]
        else:
            document_text = content_change.text
    return document_text


def to_line_span(selection: Range, line_count: int) -> Span:
    """Return the 0-based, half-open lines that a selection touches, at least one, clamped to `line_count` lines.

    A selection that ends at the start of a line does not touch that line: editors end there when they select lines.
    """
    last_document_line = max(line_count - 1, 0)
    start_position, end_position = sorted(
        (selection.start, selection.end), key=lambda position: (position.line, position.character)
    )
    first_line, last_line = min(start_position.line, last_document_line), min(end_position.line, last_document_line)
    if last_line > first_line and end_position.character == 0 and end_position.line <= last_document_line:
        last_line -= 1
    return Span(first_line, last_line + 1)


def to_code_range(lines: Sequence[str], first_line: int, encoding: str) -> Range:
    """Return the range of `lines`, the first of them line `first_line`, less its indentation; empty for none."""
    first_text, last_text = (lines[0], lines[-1]) if lines else ("", "")
    indent_width = len(first_text) - len(first_text.lstrip())
    end_position = Position(first_line + max(len(lines) - 1, 0), count_code_units(last_text, encoding))
    return Range(Position(first_line, count_code_units(first_text[:indent_width], encoding)), end_position)


def to_name_range(line_text: str, line_number: int, name: str, encoding: str) -> Range:
    """Return the range of the name, a whole word, in its line; else of the line without its indentation."""
    name_match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line_text) if name else None
    if name_match is None:
        return to_code_range([line_text], line_number, encoding)
    start_units = count_code_units(line_text[: name_match.start()], encoding)
    return Range(
        Position(line_number, start_units), Position(line_number, start_units + count_code_units(name, encoding))
    )


def to_path(uri: str) -> Path | None:
    """Return the absolute path of a file: URI, links not resolved; None for any other or an invalid one.

    None, for example, for untitled:, git:, a notebook's cell (see `parse_cell_uri`), and a name that is not UTF-8.
    """
    try:
        uri_parts = urlsplit(uri)
        decoded_path = unquote(uri_parts.path, errors="strict")
    except ValueError:
        return None
    if uri_parts.scheme != "file":
        return None
    if os.name == "nt" and _DRIVE.match(decoded_path):
        decoded_path = decoded_path[1:]
    elif uri_parts.netloc not in ("", "localhost"):
        decoded_path = f"//{uri_parts.netloc}{decoded_path}"
    return Path(decoded_path) if "\0" not in decoded_path and Path(decoded_path).is_absolute() else None


def parse_cell_uri(uri: str) -> tuple[Path, int] | None:
    """Return the notebook's path and the cell's index (-1 if none) of a VS Code cell URI; None for any other URI.

    The index is the cell's when it was opened. None also where the notebook is no file.
    """
    try:
        uri_parts = urlsplit(uri)
    except ValueError:
        return None
    if uri_parts.scheme != "vscode-notebook-cell":
        return None
    fragment_match = _CELL_FRAGMENT.fullmatch(unquote(uri_parts.fragment))
    notebook_scheme = fragment_match["scheme"].rstrip("=") if fragment_match else _FILE_SCHEME_BASE64
    notebook_path = to_path(
        urlunsplit(("file", uri_parts.netloc if notebook_scheme == _FILE_SCHEME_BASE64 else "", uri_parts.path, "", ""))
    )
    if notebook_path is None or notebook_scheme not in (_FILE_SCHEME_BASE64, _REMOTE_SCHEME_BASE64):
        return None
    return notebook_path, int(fragment_match["index"], 7) if fragment_match else -1


def to_uri(file_path: Path) -> str:
    """Return the file: URI of an absolute path, percent-encoded. Raises ValueError for a relative one."""
    return file_path.as_uri()


def _find_line_start(document_text: str, line_number: int) -> int | None:
    """Return the character offset at which the 0-based line starts; None where the text has fewer lines."""
    if line_number <= 0:
        return 0
    if "\r" in document_text:
        line_ends = _LINE_END.finditer(document_text)
        return next(
            (line_end.end() for current_line, line_end in enumerate(line_ends, 1) if current_line == line_number), None
        )
    leading_lines = document_text.split("\n", line_number)
    return len(document_text) - len(leading_lines[-1]) if len(leading_lines) > line_number else None
