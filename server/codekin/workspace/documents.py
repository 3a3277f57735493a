"""Read a file and return its document, or the reason why it has none that a person wrote."""

import codecs
import hashlib
import os
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codekin.code.cells import DEFAULT_LANGUAGE, Notebook, extract_cells, join_open_cells, replace_open_cells
from codekin.code.extract import extract_snippets, split_lines
from codekin.code.notebooks import is_notebook, may_be_json, read_notebook
from codekin.files import FileTooLargeError, NotAFileError, read_file, read_start
from codekin.language_table import PROSE_LANGUAGES
from codekin.types import Cell, OpenNotebook, Retry, Skipped, Snippet
from codekin.workspace.encodings import decode_legacy_text
from codekin.workspace.language_rules import DEFAULT_RULES, LanguageRules

NOTEBOOK_BYTES = 64 << 20  # of a notebook with outputs and pictures; its code is limited like any source

_NS_PER_S = 1_000_000_000
_MTIME_TICK_NS = 20_000_000  # file systems store times no finer than this
_MAX_FIRST_LINE_LENGTH = 256  # in bytes or characters
_HEAD_BYTES = 8_000  # as many as git inspects to recognise binary files
_MAX_MARKER_LINES = 10
_MAX_MEAN_LINE_LENGTH = 500  # characters; longer lines are minified
_MIN_MINIFIED_LENGTH = 2_000  # characters; a shorter text never counts as minified
_TEXT_CONTROLS = b"\t\n\r\f\x08\x1b"
_CONTROLS = bytes({*range(32), 127} - set(_TEXT_CONTROLS))
_GENERATED_MARKER = re.compile(
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
class SourceFile:
    """A file to index, as the disk lists it."""

    path: Path  # absolute
    language: str
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Document:
    """A source file's current text: the editor's if it is open, else the disk's; of a notebook, its code."""

    path: Path
    text: str
    language: str
    size: int  # bytes on the disk, or of an overlay's text
    mtime_ns: int  # 0 if not reliable: compare the text
    hash: bytes  # 16-byte BLAKE2b of the text in UTF-8, of its language, and of where its cells begin
    overlay: bool
    cells: tuple[Cell, ...] = ()  # of a notebook


def read_document_file(path: Path, max_bytes: int, rules: LanguageRules = DEFAULT_RULES) -> Document | Skipped | None:
    """Return a file's Document, unchecked for secrets; Skipped, with the reason; None if gone or not source code."""
    size_limit = get_size_limit(path, max_bytes)
    try:
        content = read_file(path, size_limit)
    except (FileNotFoundError, NotADirectoryError, NotAFileError):
        return None
    except FileTooLargeError as error:
        return skip_too_large(path, error.size, max_bytes)
    except OSError as error:
        return skip_unreadable(path, error)
    text = decode_text(content.data)
    document = Skipped(path, "binary") if text is None else make_document(path, text, content.status, rules)
    return check_code_size(document, max_bytes) or document


def make_document(
    path: Path, text: str, status: os.stat_result | None, rules: LanguageRules = DEFAULT_RULES
) -> Document | Skipped | None:
    """Return the Document of a text of any size; Skipped, with the reason; None if its language is unknown.

    `status` is the file's, taken before it was read; None for an editor's text.
    """
    if is_notebook(path) and (status is not None or may_be_json(text)):
        return _make_notebook_document(path, read_notebook(text), status)
    # Some editors open a notebook as a script of its code.
    first_line = text[:_MAX_FIRST_LINE_LENGTH].partition("\n")[0]
    language = DEFAULT_LANGUAGE if is_notebook(path) else rules.detect_language(path, first_line, text)
    return None if language is None else _build_document(path, text, language, status)


def open_notebook(path: Path, notebook: OpenNotebook, saved_document: Document | None) -> Document | Skipped:
    """Return an open notebook's Document, all its cells or some merged into `saved_document`; Skipped without code.

    It is skipped if it has no code.
    """
    if saved_document is None or notebook.is_whole:
        return _make_notebook_document(path, join_open_cells(notebook.cells), None)
    saved_notebook = Notebook(saved_document.text, saved_document.language, saved_document.cells, 0)
    return _make_notebook_document(path, replace_open_cells(saved_notebook, notebook.cells), None)


def snippets_of(document: Document) -> list[Snippet]:
    """Cut a document into snippets and return them in order; a notebook is cut cell by cell."""
    if not document.cells:
        return extract_snippets(document.text, document.language)
    return extract_cells(split_lines(document.text), document.cells)


def _make_notebook_document(path: Path, notebook: Notebook | str, status: os.stat_result | None) -> Document | Skipped:
    """Return the document of a notebook's code; Skipped if it can't be read (`notebook` is the reason) or has none."""
    if isinstance(notebook, str):
        return Skipped(path, notebook)
    if not notebook.cells:
        return Skipped(
            path, f"a notebook without {'code: all of its cells are prose' if notebook.prose_cells else 'cells'}"
        )
    return _build_document(path, notebook.text, notebook.language, status, notebook.cells)


def _build_document(
    path: Path, text: str, language: str, status: os.stat_result | None, cells: tuple[Cell, ...] = ()
) -> Document:
    """Return the document of a text; `status` is the file's, None for an editor's text."""
    text_bytes = text.encode("utf-8", "surrogatepass")
    byte_count = len(text_bytes) if status is None else status.st_size
    mtime_ns = 0 if status is None else _trust_mtime(status.st_mtime_ns)
    cell_borders = repr([(cell.language, cell.span.start) for cell in cells]) if cells else ""
    digest = hashlib.blake2b(text_bytes + (language + cell_borders).encode(), digest_size=16).digest()
    return Document(path, text, language, byte_count, mtime_ns, digest, status is None, cells)


def is_unchanged(document: Document) -> bool:
    """Return whether the file on the disk still has the document's size and time; False where that can't be known."""
    if not document.mtime_ns:
        return False
    try:
        status = document.path.stat()
    except (OSError, ValueError):
        return False
    return (status.st_size, status.st_mtime_ns) == (document.size, document.mtime_ns)


def _trust_mtime(mtime_ns: int) -> int:
    """Return `mtime_ns`, or 0 if a later write could get the same stamp."""
    is_whole_seconds = mtime_ns % _NS_PER_S == 0  # all that some file systems store
    tick_ns = _NS_PER_S * 2 if is_whole_seconds else _MTIME_TICK_NS
    return 0 if abs(time.time_ns() - mtime_ns) < tick_ns else mtime_ns


def decode_text(file_bytes: bytes) -> str | None:
    """Return bytes as text (UTF-8, UTF-16 with a byte order mark, else by detection); None if they are binary."""
    if file_bytes.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return file_bytes.decode("utf-16")
        except UnicodeDecodeError:
            return None
    head_bytes = file_bytes[:_HEAD_BYTES]
    if head_bytes.count(0) * 100 > len(head_bytes):
        return None
    try:
        return file_bytes.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        control_count = len(head_bytes) - len(head_bytes.translate(None, _CONTROLS))
        return None if control_count * 100 > len(head_bytes) else decode_legacy_text(file_bytes)


def find_generated_reason(text: str, language: str = "") -> str | None:
    """Return why `text` looks generated (by its first 10 lines) or minified (by the mean line length); else None.

    Prose is never minified: a paragraph may be one line.
    """
    if (
        language not in PROSE_LANGUAGES
        and len(text) > _MIN_MINIFIED_LENGTH
        and len(text) > _MAX_MEAN_LINE_LENGTH * (text.count("\n") + 1)
    ):
        return f"minified: its lines have more than {_MAX_MEAN_LINE_LENGTH} characters on average"
    first_lines = "\n".join(text[:_MIN_MINIFIED_LENGTH].splitlines()[:_MAX_MARKER_LINES])
    return "generated, according to its first lines" if _has_generated_marker(first_lines) else None


@lru_cache(maxsize=256)
def _has_generated_marker(first_lines: str) -> bool:
    """Return whether a file's first lines say that it is generated (cached: most files begin with the same licence)."""
    return _GENERATED_MARKER.search(first_lines) is not None


def read_first_line(path: Path) -> str:
    """Return a file's first line, at most 256 bytes. Raises OSError."""
    return read_start(path, _MAX_FIRST_LINE_LENGTH).partition(b"\n")[0].decode("utf-8", "replace")


def skip_unreadable(path: Path, error: OSError) -> Skipped:
    """Return a Skipped for a file or folder that can't be read now; its stored snippets are kept."""
    return Skipped(path, f"can't be read: {error.strerror or error}", is_unread=True, retry=Retry.NEXT_SCAN)


def get_size_limit(path: Path, max_source_bytes: int) -> int:
    """Return the maximum size of this file in bytes, given the maximum for source code; a notebook may be larger."""
    return max(max_source_bytes, NOTEBOOK_BYTES) if is_notebook(path) else max_source_bytes


def check_code_size(document: Document | Skipped | None, max_bytes: int) -> Skipped | None:
    """Return a Skipped for a notebook whose code alone is too large; None for any other document."""
    if not isinstance(document, Document) or not document.cells:
        return None
    code_bytes = len(document.text.encode("utf-8", "surrogatepass"))
    reason = f"{code_bytes:,} bytes of code; index.max_file_bytes is {max_bytes:,}"
    return Skipped(document.path, reason) if code_bytes > max_bytes else None


def skip_too_large(path: Path, file_bytes: int, max_bytes: int) -> Skipped:
    """Return a Skipped for a file above the size limit; sizes are in bytes."""
    if is_notebook(path):
        return Skipped(path, f"{file_bytes:,} bytes; a notebook may have {get_size_limit(path, max_bytes):,}")
    return Skipped(path, f"{file_bytes:,} bytes; index.max_file_bytes is {max_bytes:,}")
