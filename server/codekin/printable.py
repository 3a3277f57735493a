"""Text of a workspace made safe to print: names in a repository must neither control a terminal nor mislead.

A control character may begin a terminal's command, a line's end may forge a line, and a directional mark (U+202E) may
show `gpj.exe` for `exe.jpg`. Characters that show nothing of their own are therefore shown as what they are.
"""

import logging
import re
import unicodedata

_ESCAPED_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats, surrogates, line and paragraph separators
_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    """Return the text as one line: controls as pictures (␛), other invisible characters by number (`\\u202e`)."""
    return text if text.isascii() and text.isprintable() else _NOT_PRINTABLE_ASCII.sub(_escape_character, text)


def printable_lines(text: str) -> str:
    """Return several lines made safe to print, keeping line ends and tabs."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


class PrintableFormatter(logging.Formatter):
    """Log formatter whose lines are safe to print."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as printable text."""
        return printable_lines(super().format(record))


def _escape_character(match: re.Match[str]) -> str:
    """Return a control character as its picture, an invisible one as its number, any other one unchanged."""
    character = match[0]
    if unicodedata.category(character) not in _ESCAPED_CATEGORIES:
        return character
    code = ord(character)
    if code < 32:
        return chr(0x2400 + code)
    if code == 127:
        return "\u2421"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
