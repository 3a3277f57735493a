"""What does a file say? A document, or the reason why there is none that a person wrote."""

import codecs
import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from codekin.code.cells import DEFAULT, Notebook, extract_cells, opened, with_open
from codekin.code.extract import extract_snippets, split_lines
from codekin.code.languages import detect_language
from codekin.code.notebooks import is_json, is_notebook, read_notebook
from codekin.files import FileTooLargeError, NotAFileError, read_file, read_start
from codekin.types import Cell, OpenNotebook, Retry, Skipped, Snippet

NOTEBOOK_BYTES = 64 << 20  # of a notebook's file, outputs and pictures included; its code has the limit of any source

_NS = 1_000_000_000
_TICK_NS = 20_000_000  # file systems stamp times no finer than this
_FIRST_LINE = 256  # bytes, or characters
_HEAD_BYTES = 8_000  # what git looks at to tell binaries
_HEAD_LINES = 10
_LONG_LINES = 500  # mean characters a line; above, nobody wrote them
_SHORT_TEXT = 2_000  # a text of fewer characters is never called minified
_TEXT_CONTROLS = b"\t\n\r\f\x08\x1b"
_CONTROLS = bytes({*range(32), 127} - set(_TEXT_CONTROLS))
_MARKER = re.compile(
    r"""^\W*(
        (code\s|file\s|source\s)?(auto-?|automatically\s)?generated\s(by|from|with|using)\b.*\bdo\snot\s(edit|modify|change)
        | (this\s(file|code|source|module|header)\s)(is|was|has\sbeen)\s(auto-?|automatically\s|@)generated\b
        | (auto-?|automatically\s)generated\b.{0,80}\bdo\snot\s(edit|modify|change)
        | (auto-?|automatically\s)generated\s(file|code|by|from)\b
        | generated\sby\sthe\sprotocol\sbuffer\scompiler
        | <auto-?generated\s*/?>
    ) | ^\s*(\#|//|/\*|\*|--|;|%|<!--|['"]{3}).*@generated\b""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Document:
    """A source file's text of now: the editor's where it is open, else the disk's; of a notebook, its code."""

    path: Path
    text: str
    language: str
    size: int  # bytes on the disk; of an overlay, of its text
    mtime_ns: int  # 0: not to be trusted, compare the text
    hash: bytes  # 16 bytes of BLAKE2b of the text in UTF-8, and of where its cells begin
    overlay: bool
    cells: tuple[Cell, ...] = ()  # of a notebook


def read_document_file(path: Path, max_bytes: int) -> Document | Skipped | None:
    """The document in a file. None: it is gone, or in no language codekin knows."""
    limit = limit_of(path, max_bytes)
    try:
        content = read_file(path, limit)
    except (FileNotFoundError, NotADirectoryError, NotAFileError):
        return None
    except FileTooLargeError as error:
        return skip_too_large(path, error.size, max_bytes)
    except OSError as error:
        return skip_unreadable(path, error)
    text = decode_text(content.data)
    found = Skipped(path, "binary") if text is None else make_document(path, text, content.status)
    return has_too_much_code(found, max_bytes) or found


def make_document(path: Path, text: str, status: os.stat_result | None) -> Document | Skipped | None:
    """The document of a text, read after the file's `status`, or an editor's; None in no language codekin knows."""
    if is_notebook(path) and (status is not None or is_json(text)):
        return _notebook(path, read_notebook(text), status)
    # Some editors open a notebook as the script that its code is.
    language = DEFAULT if is_notebook(path) else detect_language(path, text[:_FIRST_LINE].partition("\n")[0], text)
    return None if language is None else _document(path, text, language, status)


def open_notebook(path: Path, notebook: OpenNotebook, saved: Document | None) -> Document | Skipped:
    """The document of a notebook that an editor has open: its cells; single ones among those that are `saved`."""
    if saved is None or notebook.is_whole:
        return _notebook(path, opened(notebook.cells), None)
    known = Notebook(saved.text, saved.language, saved.cells, 0)
    return _notebook(path, with_open(known, notebook.cells), None)


def snippets_of(document: Document) -> list[Snippet]:
    """The snippets of a document, in order; those of a notebook are cut cell by cell."""
    if not document.cells:
        return extract_snippets(document.text, document.language)
    return extract_cells(split_lines(document.text), document.cells)


def _notebook(path: Path, notebook: Notebook | str, status: os.stat_result | None) -> Document | Skipped:
    if isinstance(notebook, str):
        return Skipped(path, notebook)
    if not notebook.cells:
        return Skipped(path, f"a notebook without {'code: all of its cells are prose' if notebook.others else 'cells'}")
    return _document(path, notebook.text, notebook.language, status, notebook.cells)


def _document(
    path: Path, text: str, language: str, status: os.stat_result | None, cells: tuple[Cell, ...] = ()
) -> Document:
    data = text.encode("utf-8", "surrogatepass")
    size, mtime_ns = (len(data), 0) if status is None else (status.st_size, _trusted(status.st_mtime_ns))
    borders = repr([(cell.language, cell.span.start) for cell in cells]).encode() if cells else b""
    digest = hashlib.blake2b(data + borders, digest_size=16).digest()
    return Document(path, text, language, size, mtime_ns, digest, status is None, cells)


def _trusted(mtime_ns: int) -> int:
    """`mtime_ns`, or 0 when a later write could get the same stamp."""
    tick = _NS * 2 if mtime_ns % _NS == 0 else _TICK_NS  # some file systems keep whole seconds only
    return 0 if abs(time.time_ns() - mtime_ns) < tick else mtime_ns


def decode_text(data: bytes) -> str | None:
    """The text of a file: UTF-8, UTF-16 with its mark, else Latin-1; None where the bytes are no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            return None
    head = data[:_HEAD_BYTES]
    if head.count(0) * 100 > len(head):
        return None
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        controls = len(head) - len(head.translate(None, _CONTROLS))
        return None if controls * 100 > len(head) else data.decode("latin-1")


def find_generated_reason(text: str) -> str | None:
    """Why nobody wrote `text` by hand; None where somebody did."""
    if len(text) > _SHORT_TEXT and len(text) > _LONG_LINES * (text.count("\n") + 1):
        return f"minified: its lines have more than {_LONG_LINES} characters on average"
    head = "\n".join(text[:_SHORT_TEXT].splitlines()[:_HEAD_LINES])
    return "generated, as its first lines say" if _MARKER.search(head) else None


def read_first_line(path: Path) -> str:
    """The start of a file, for the sake of a shebang."""
    return read_start(path, _FIRST_LINE).partition(b"\n")[0].decode("utf-8", "replace")


def skip_unreadable(path: Path, error: OSError) -> Skipped:
    """A file or folder that the system won't show."""
    return Skipped(path, f"can't be read: {error.strerror or error}", is_unread=True, retry=Retry.NEXT_SCAN)


def limit_of(path: Path, max_bytes: int) -> int:
    """How many bytes a file may have where its source may have `max_bytes`."""
    return max(max_bytes, NOTEBOOK_BYTES) if is_notebook(path) else max_bytes


def has_too_much_code(found: Document | Skipped | None, max_bytes: int) -> Skipped | None:
    """The reason to leave out a notebook that is small enough as a file, and has too much code."""
    if not isinstance(found, Document) or not found.cells:
        return None
    size = len(found.text.encode("utf-8", "surrogatepass"))
    reason = f"{size:,} bytes of code; index.max_file_bytes is {max_bytes:,}"
    return Skipped(found.path, reason) if size > max_bytes else None


def skip_too_large(path: Path, size: int, max_bytes: int) -> Skipped:
    """A file above the limit; sizes are in bytes."""
    if is_notebook(path):
        return Skipped(path, f"{size:,} bytes; a notebook may have {limit_of(path, max_bytes):,}")
    return Skipped(path, f"{size:,} bytes; index.max_file_bytes is {max_bytes:,}")
