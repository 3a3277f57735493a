"""Divide a byte stream into messages by the base protocol's headers, read as tolerantly as possible without guessing.

Names may be written in any case, blanks may stand around names and values, lines may end in LF alone, other headers are
skipped. Where the start of the next message can't be found, a FramingError says why, so that nobody waits for an answer
in vain. Nothing here does input or output.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_MESSAGE_BYTES = 128 * 2**20  # twice the largest text that VS Code sends to servers, escaped
_MAX_HEADER_BYTES = 16 * 2**10  # between two messages; known clients send fewer than 100

_HEADER = re.compile(rb"[ \t]*(?P<name>[!#$%&'*+.^_`|~\w-]+)[ \t]*:(?P<value>.*)", re.DOTALL)
_TRAILING_CONTENT_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*\d+[ \t]*\Z", re.IGNORECASE)
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*\"?(?P<charset>[\w.:-]+)", re.IGNORECASE)
_MAX_LENGTH_DIGITS = 15
_MAX_SHOWN_BYTES = 40


class FramingError(Exception):
    """The stream can't be divided into messages any more; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The body of one message, not decoded yet."""

    body: bytes
    charset: str = "utf-8"  # in lower case


class FrameReader:
    """Divides a byte stream, received in pieces of any size, into frames."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        """Start before a first message; a body longer than `max_bytes` (128 MiB) raises FramingError."""
        self.max_bytes = max_bytes
        self._buffer = bytearray()
        self._start_message()

    def read_frames(self, received_bytes: bytes) -> Iterator[Frame]:
        """Add bytes and yield the frames complete by then; `read_frames(b"")` continues. Raises FramingError."""
        self._buffer += received_bytes
        while self._is_body or self._read_headers():
            body_length = self._body_length or 0
            if len(self._buffer) < body_length:
                return
            frame = Frame(bytes(self._buffer[:body_length]), self._charset)
            del self._buffer[:body_length]
            self._start_message()
            yield frame

    def check_end(self) -> None:
        """Raise FramingError where the stream ended within a message, or after garbage; blanks are allowed."""
        if self._is_body or self._has_headers:
            raise FramingError("The input ended within a message.")
        if garbage := self._garbage or bytes(self._buffer.strip()):
            shown_garbage = garbage[:_MAX_SHOWN_BYTES].decode(errors="replace")
            raise FramingError(f"The input ended after {shown_garbage!r}, which belongs to no message.")

    def _start_message(self) -> None:
        """Reset what is known of the current message; the bytes received are kept."""
        self._body_length: int | None = None
        self._charset = "utf-8"
        self._is_body = self._has_headers = False
        self._header_bytes = 0
        self._garbage = b""  # the first line before the message that is no header

    def _read_headers(self) -> bool:
        """Consume header lines; return True once the body is next, False for want of bytes. Raises FramingError."""
        while (newline_index := self._buffer.find(b"\n")) >= 0:
            header_line = bytes(self._buffer[:newline_index])
            del self._buffer[: newline_index + 1]
            self._check_line(header_line, newline_index + 1)
            if header_line.strip():
                self._read_header(header_line.removesuffix(b"\r"))
            elif self._body_length is not None:
                self._is_body = True
                return True
            elif self._has_headers:
                raise FramingError("A message has no Content-Length header.")
        self._check_line(bytes(self._buffer), 0)
        return False

    def _check_line(self, header_line: bytes, consumed_bytes: int) -> None:
        """Count the bytes; raise FramingError for ones that can never become a header, before the line's end."""
        self._header_bytes += consumed_bytes
        if self._header_bytes + len(header_line) > _MAX_HEADER_BYTES:
            raise FramingError(f"There are more than {_MAX_HEADER_BYTES:,} bytes between two messages.")
        if header_line.lstrip()[:1] in (b"{", b"["):
            raise FramingError("A message has no headers. It must begin with Content-Length.")
        if b"\r" in header_line[:-1]:
            raise FramingError("A header's line must end in CR LF.")

    def _read_header(self, header_line: bytes) -> None:
        """Note length and charset from a header; others, and what is no header, are skipped. Raises FramingError."""
        header_match = _HEADER.fullmatch(header_line)
        if header_match is None:  # garbage: of a message longer than its Content-Length, or of a shell
            length_match = _TRAILING_CONTENT_LENGTH.search(header_line)
            if length_match is not None:
                self._read_header(length_match[0])
            self._garbage = self._garbage or header_line.strip()
            return
        self._has_headers = True
        header_name, header_value = header_match["name"].lower(), header_match["value"].strip()
        if header_name == b"content-length":
            self._read_content_length(header_value)
        elif header_name == b"content-type" and (charset_match := _CHARSET.search(header_value)):
            self._charset = charset_match["charset"].decode("latin-1").lower()

    def _read_content_length(self, header_value: bytes) -> None:
        """Set the body's length in bytes. Raises FramingError where it is no number, too large, or contradictory."""
        if not header_value.isdigit():
            raise FramingError(f"Content-Length is {header_value[:40]!r}, which is no number of bytes.")
        body_length = int(header_value) if len(header_value) <= _MAX_LENGTH_DIGITS else None
        if body_length is None or body_length > self.max_bytes:
            raise FramingError(f"A message is longer than {self.max_bytes:,} bytes.")
        if self._body_length not in (None, body_length):
            raise FramingError("A message has two different Content-Length headers.")
        self._body_length = body_length


def to_frame(message: dict[str, Any]) -> bytes:
    """Return the message as JSON, all ASCII, behind its Content-Length header. Raises TypeError if it is not JSON."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
