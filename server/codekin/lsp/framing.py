"""Bytes ↔ messages: the base protocol's headers, read as tolerantly as they can be without guessing.

Names may be written in any case, blanks may stand around names and values, lines may end in LF alone, other headers are
skipped. Where it can't be known any more where the next message begins, a FramingError says why: nobody shall wait for
an answer that never comes. Pure: nothing here reads or writes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_MESSAGE_BYTES = 128 * 2**20  # twice the largest text that VS Code sends to servers, escaped
_MAX_HEADER_BYTES = 16 * 2**10  # between two messages; those of all known clients have fewer than 100

_HEADER = re.compile(rb"[ \t]*(?P<name>[!#$%&'*+.^_`|~\w-]+)[ \t]*:(?P<value>.*)", re.DOTALL)
_LATE_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*\d+[ \t]*\Z", re.IGNORECASE)
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*\"?(?P<charset>[\w.:-]+)", re.IGNORECASE)
_MAX_DIGITS = 15


class FramingError(Exception):
    """The stream can't be divided into messages any more; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it came."""

    body: bytes
    charset: str = "utf-8"  # in lower case


class FrameReader:
    """Divides what is fed to it into frames, however it is cut into pieces."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray()
        self._start()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete now. What is not consumed is kept: `feed(b"")` goes on.

        Raises FramingError.
        """
        self._buffer += data
        while self._is_body or self._read_headers():
            length = self._length or 0
            if len(self._buffer) < length:
                return
            frame = Frame(bytes(self._buffer[:length]), self._charset)
            del self._buffer[:length]
            self._start()
            yield frame

    def finish(self) -> None:
        """The stream has ended. Raises FramingError where that was within a message."""
        if self._is_body or self._has_headers or self._buffer.strip():
            raise FramingError("The input ended within a message.")

    def _start(self) -> None:
        self._length: int | None = None
        self._charset = "utf-8"
        self._is_body = self._has_headers = False
        self._header_bytes = 0

    def _read_headers(self) -> bool:
        """Consume whole lines; return whether the body is next."""
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._check_line(line, end + 1)
            if line.strip():
                self._read_line(line.removesuffix(b"\r"))
            elif self._length is not None:
                self._is_body = True
                return True
            elif self._has_headers:
                raise FramingError("A message has no Content-Length header.")
        self._check_line(bytes(self._buffer), 0)
        return False

    def _check_line(self, line: bytes, consumed: int) -> None:
        """Refuse what never becomes a header, without waiting for its end."""
        self._header_bytes += consumed
        if self._header_bytes + len(line) > _MAX_HEADER_BYTES:
            raise FramingError(f"There are more than {_MAX_HEADER_BYTES:,} bytes between two messages.")
        if line.lstrip()[:1] in (b"{", b"["):
            raise FramingError("A message has no headers. It must begin with Content-Length.")
        if b"\r" in line[:-1]:
            raise FramingError("A header's line must end in CR LF.")

    def _read_line(self, line: bytes) -> None:
        header = _HEADER.fullmatch(line)
        if header is None:  # garbage, of a message whose length was said too small, or of a shell
            late = _LATE_LENGTH.search(line)
            if late is not None:
                self._read_line(late[0])
            return
        self._has_headers = True
        name, value = header["name"].lower(), header["value"].strip()
        if name == b"content-length":
            self._read_length(value)
        elif name == b"content-type" and (charset := _CHARSET.search(value)):
            self._charset = charset["charset"].decode("latin-1").lower()

    def _read_length(self, value: bytes) -> None:
        if not value.isdigit():
            raise FramingError(f"Content-Length is {value[:40]!r}, which is no number of bytes.")
        length = int(value) if len(value) <= _MAX_DIGITS else None
        if length is None or length > self.max_bytes:
            raise FramingError(f"A message is longer than {self.max_bytes:,} bytes.")
        if self._length not in (None, length):
            raise FramingError("A message has two different Content-Length headers.")
        self._length = length


def to_frame(message: dict[str, Any]) -> bytes:
    """Return the bytes that carry the message."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
