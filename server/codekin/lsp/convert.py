"""The protocol's positions and addresses ↔ codekin's lines, offsets and paths. Pure: nothing here asks the disk.

A position is a line and a count of code units (UTF-8, UTF-16 or UTF-32, as negotiated) into it; out-of-range ones are
clamped, as the specification has it, and one inside a character is taken to be at its start.
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
_CELL = re.compile(r"[W-Za-fz](?P<index>[0-6]+)s(?P<scheme>[\w-]+=*)")  # the index to the base of 7, the rest in base64
_FILE, _REMOTE = "ZmlsZQ", "dnNjb2RlLXJlbW90ZQ"  # "file" and "vscode-remote", where the server is beside the files
_DRIVE = re.compile(r"/[A-Za-z]:")


def count_units(text: str, encoding: str) -> int:
    """How many code units of the encoding the text has."""
    if encoding == UTF32 or text.isascii():
        return len(text)
    if encoding == UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(char > "\uffff" for char in text)


def to_character(line: str, units: int, encoding: str) -> int:
    """The index into `line` of the character that starts at, or holds, the code unit; at most the line's length."""
    within = line[: max(units, 0)]  # a character has at least one unit
    if encoding == UTF32 or within.isascii():
        return len(within)
    count = 0
    for index, char in enumerate(within):
        count += count_units(char, encoding)
        if count > units:
            return index
    return len(within)


def to_offset(text: str, position: Position, encoding: str) -> int:
    """The index into `text` of the position."""
    start = _line_start(text, position.line)
    if start is None:
        return len(text)
    end = _LINE_END.search(text, start)
    line = text[start : end.start() if end else len(text)]
    return start + to_character(line, position.character, encoding)


def apply_changes(text: str, changes: Iterable[TextDocumentContentChangeEvent], encoding: str) -> str:
    """`text` after the changes, each of which stands on the ones before."""
    for change in changes:
        if isinstance(change, TextDocumentContentChangePartial):
            ends = change.range.start, change.range.end  # the wrong way round with some
            start, end = sorted(to_offset(text, position, encoding) for position in ends)
            text = text[:start] + change.text + text[end:]
        else:
            text = change.text
    return text


def to_line_span(asked: Range, count: int) -> Span:
    """The lines that a selection touches, in a document of `count` lines. One that ends where a line begins does not
    touch that line: so do editors that select whole lines.
    """
    last = max(count - 1, 0)
    start, end = sorted((asked.start, asked.end), key=lambda position: (position.line, position.character))
    first, final = min(start.line, last), min(end.line, last)
    if final > first and end.character == 0 and end.line <= last:
        final -= 1
    return Span(first, final + 1)


def to_code_range(lines: Sequence[str], first: int, encoding: str) -> Range:
    """From the first character that is not blank of `lines`, which begin at line `first`, to the end of the last."""
    head, tail = (lines[0], lines[-1]) if lines else ("", "")
    indent = len(head) - len(head.lstrip())
    end = Position(first + max(len(lines) - 1, 0), count_units(tail, encoding))
    return Range(Position(first, count_units(head[:indent], encoding)), end)


def to_name_range(line: str, number: int, name: str, encoding: str) -> Range:
    """The name in its line, or the whole line where it does not say the name."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line) if name else None
    if found is None:
        return to_code_range([line], number, encoding)
    start = count_units(line[: found.start()], encoding)
    return Range(Position(number, start), Position(number, start + count_units(name, encoding)))


def to_path(uri: str) -> Path | None:
    """The path of a file: URI; None for any other (untitled:, git:, a notebook's cell: see `notebook_of`), and for a
    name that is not UTF-8, which no index has.
    """
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    if os.name == "nt" and _DRIVE.match(path):
        path = path[1:]
    elif parts.netloc not in ("", "localhost"):
        path = f"//{parts.netloc}{path}"
    return Path(path) if "\0" not in path and Path(path).is_absolute() else None


def notebook_of(uri: str) -> tuple[Path, int] | None:
    """The notebook that has a cell of this address, as VS Code makes them, and the cell's index when it was opened.

    The index is -1 where the address does not tell it. None for any other address, and where the notebook is no file.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "vscode-notebook-cell":
        return None
    told = _CELL.fullmatch(unquote(parts.fragment))
    scheme = told["scheme"].rstrip("=") if told else _FILE
    path = to_path(urlunsplit(("file", parts.netloc if scheme == _FILE else "", parts.path, "", "")))
    if path is None or scheme not in (_FILE, _REMOTE):
        return None
    return path, int(told["index"], 7) if told else -1


def to_uri(path: Path) -> str:
    """The file: URI of an absolute path."""
    return path.as_uri()


def _line_start(text: str, line: int) -> int | None:
    """Where the line begins; None when there are fewer."""
    if line <= 0:
        return 0
    if "\r" in text:
        ends = _LINE_END.finditer(text)
        return next((end.end() for number, end in enumerate(ends, 1) if number == line), None)
    parts = text.split("\n", line)
    return len(text) - len(parts[-1]) if len(parts) > line else None
