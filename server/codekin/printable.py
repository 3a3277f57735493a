"""Text of a workspace as it may be shown: a repository is anybody's, and its names must not drive a terminal or lie.

A control character may begin a terminal's command, a line's end may forge a line, and a directional mark (U+202E) may
show `gpj.exe` for `exe.jpg`. Characters that show nothing of their own are therefore shown as what they are.
"""

import logging
import re
import unicodedata

_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats, halves of a character, separators of lines
_NOT_PLAIN = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    """One line: controls as their pictures (␛), others that show nothing by number (`\\u202e`)."""
    return text if text.isascii() and text.isprintable() else _NOT_PLAIN.sub(_shown, text)


def printable_lines(text: str) -> str:
    """The same of several lines, tabs included."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


class PrintableFormatter(logging.Formatter):
    """A log's lines, as they may be shown."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return printable_lines(super().format(record))


def _shown(match: re.Match[str]) -> str:
    letter = match[0]
    if unicodedata.category(letter) not in _ESCAPED:
        return letter
    code = ord(letter)
    if code < 32:
        return chr(0x2400 + code)
    if code == 127:
        return "\u2421"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
