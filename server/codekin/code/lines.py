"""Lines of text: splitting a document into lines, building a snippet's text, recognising lines without content."""

import hashlib
import re
from collections.abc import Sequence
from os.path import commonprefix

MAX_TEXT = 20_000  # characters of one snippet's text: a minified file is one line of any length

_LINE_END = re.compile(r"\r\n|\n|\r")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BARE_WORDS = "end|fi|done|esac|else|try|finally|do|then|begin|ensure|private|public|protected"
_BARE_LINE = re.compile(
    rf"[\W_]*(?:(?:{_BARE_WORDS})\b[\W_]*)*"
    r"|\s*#\s*(?:(?:endif|endregion)\b.*|else\b[\W_]*)"  # of the preprocessor
    r"|\s*</(?:script|template|style)\s*>\s*"
    r"|\s*(?:[)}\]][\W_]*|end\s*)(?://|/\*|--|#).*"  # } // namespace math
)
_CLOSING_LINE = re.compile(r"[\s)}\];,]*(?:end\b[\s)}\];,]*)?|\s*</(?:script|template|style)\s*>\s*")


def split_lines(text: str) -> list[str]:
    """Split a document into lines as the LSP counts them: ended by LF, CR LF or CR and nothing else; at least one."""
    return _LINE_END.split(text) if "\r" in text else text.split("\n")


def to_canonical_text(lines: Sequence[str]) -> str:
    """Return a snippet's text, up to 20,000 characters: no common indentation or trailing blanks, joined by LF.

    It is always encodable: unpaired surrogates become U+FFFD; a byte order mark is dropped.
    """
    stripped_lines = list(map(str.rstrip, lines))
    if stripped_lines and stripped_lines[0].startswith("\ufeff"):
        stripped_lines[0] = stripped_lines[0][1:]
    filled_lines = list(filter(None, stripped_lines))
    if not filled_lines:
        return "\n".join(stripped_lines)[:MAX_TEXT]
    text = "\n".join(stripped_lines)
    if indent := _find_common_indent(filled_lines, text):
        text = text.removeprefix(indent).replace("\n" + indent, "\n")
    text = text[:MAX_TEXT]
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _find_common_indent(filled_lines: Sequence[str], text: str) -> str:
    """Return the blanks and tabs that all `filled_lines` begin with: the lines of `text` that aren't blank."""
    first_line = filled_lines[0]
    indent = first_line[: len(first_line) - len(first_line.lstrip(" \t"))]
    if not indent or text.startswith(indent) + text.count("\n" + indent) == len(filled_lines):
        return indent
    least_line, greatest_line = min(filled_lines), max(filled_lines)  # what these two share, all share
    return commonprefix([indent, least_line, greatest_line])  # noqa: RUF071 (of characters, no path)


def is_bare(line: str) -> bool:
    """Return whether the line is blank, or only punctuation and words that close or divide: `}`, `end`, `else:`."""
    return _BARE_LINE.fullmatch(line) is not None


def is_closing(line: str) -> bool:
    """Return whether the line is blank, or only closes blocks: brackets, `end`."""
    return _CLOSING_LINE.fullmatch(line) is not None


def hash_content(text: str) -> bytes:
    """Return the key of a snippet's canonical text: its BLAKE2b hash of 16 bytes."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
