"""Streaming JSON reader: one pass, keeps only what its caller asks for, skips the rest without building it.

Of a notebook of thirty megabytes all but some kilobytes may be pictures in base64: `json.loads` would hold all of it
in memory, recurse as deep as it is nested, and not tell the line of a value.
"""

import json
import re
from collections.abc import Iterator

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(rf'[ \t\n]*+({_STRING}|[][{{}},:]|[^][{{}},:"\s]++)', re.DOTALL)
# All up to the next bracket that opens or closes something nested: an array of numbers is passed at once.
_FLAT_CONTENT = re.compile(rf'(?:[^][{{}}"]++|{_STRING}|\[[^][{{}}"]*+\])*+', re.DOTALL)
_CLOSING_BRACKETS = {"{": "}", "[": "]"}
_MAX_TOKENS = 1_000_000  # about a second; what is skipped counts by its brackets alone


class JsonError(ValueError):
    """The text is not JSON, or has more values than the limit; the message says so in lower case."""


class JsonReader:
    """Reads the text of one JSON document from its start to its end. Lines end at LF."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._row = self._row_offset = 0  # the line of the offset up to which line ends are counted
        self._token_count = 0

    def peek_character(self) -> str:
        """Return the first character of the next token, without consuming it. Raises JsonError at the end."""
        return self._text[self._match_token().start(1)]

    def find_row(self) -> int:
        """Return the 0-based line of the next token, without consuming it. Raises JsonError at the end."""
        token_start = self._match_token().start(1)
        self._row += self._text.count("\n", self._row_offset, token_start)
        self._row_offset = token_start
        return self._row

    def read_members(self) -> Iterator[str]:
        """Yield an object's keys; the caller reads or skips each value. Skips another value. Raises JsonError."""
        for _ in self._iterate_parts("{"):
            key = self.read_string()
            self._take_mark(":")
            yield key

    def read_items(self) -> Iterator[None]:
        """Yield once per item of an array; the caller reads or skips it. Skips another value. Raises JsonError."""
        yield from self._iterate_parts("[")

    def read_string(self) -> str:
        """Return the next value, a string, unescaped. Raises JsonError if it is no string."""
        token = self._take_token()
        if token[0] != '"':
            raise self._make_error("a string")
        if "\\" not in token:
            return token[1:-1]
        try:
            return str(json.loads(token, strict=False))
        except ValueError:
            raise self._make_error("a sound string") from None

    def read_optional_string(self) -> str | None:
        """Return the next value if it is a string; else skip it and return None. Raises JsonError."""
        if self.peek_character() == '"':
            return self.read_string()
        self.skip_value()
        return None

    def read_outline(self, depth: int) -> dict[str, object]:
        """Return key → string, object to `depth`, or None for other values; {} if it is no object. Raises JsonError."""
        strings_by_key: dict[str, object] = {}
        for key in self.read_members():
            is_inner = depth > 0 and self.peek_character() == "{"
            strings_by_key[key] = self.read_outline(depth - 1) if is_inner else self.read_optional_string()
        return strings_by_key

    def skip_value(self) -> None:
        """Skip the next value, of any size, without building it. Raises JsonError if it is none."""
        opening = self._take_token()
        if opening in ",:]}":
            raise self._make_error("a value")
        open_brackets = [opening] if opening in _CLOSING_BRACKETS else []
        while open_brackets:
            flat_content = _FLAT_CONTENT.match(self._text, self._offset)
            self._offset = flat_content.end() if flat_content else self._offset
            bracket = self._take_token()
            if bracket in _CLOSING_BRACKETS:
                open_brackets.append(bracket)
            elif bracket != _CLOSING_BRACKETS[open_brackets.pop()]:
                raise self._make_error("the bracket that closes what is open")

    def expect_end(self) -> None:
        """Raise JsonError if anything but white space follows; consumes nothing."""
        if self._text[self._offset :].strip():
            raise self._make_error("the end")

    def _iterate_parts(self, opening_bracket: str) -> Iterator[None]:
        """Yield once per part of the object or array that opens so; skip another value. Raises JsonError."""
        if self.peek_character() != opening_bracket:
            self.skip_value()
            return
        self._take_token()
        closing_bracket = _CLOSING_BRACKETS[opening_bracket]
        if self.peek_character() == closing_bracket:
            self._take_token()
            return
        while True:
            yield None
            mark = self._take_token()
            if mark == closing_bracket:
                return
            if mark != ",":
                raise self._make_error(f'"," or "{closing_bracket}"')

    def _take_mark(self, mark: str) -> None:
        """Consume the next token. Raises JsonError if it is not `mark`."""
        if self._take_token() != mark:
            raise self._make_error(f'"{mark}"')

    def _take_token(self) -> str:
        """Return and consume the next token. Raises JsonError at the end, or beyond a million tokens."""
        token = self._match_token()
        self._offset = token.end()
        self._token_count += 1
        if self._token_count > _MAX_TOKENS:
            raise JsonError(f"it has more than {_MAX_TOKENS:,} values and marks")
        return token[1]

    def _match_token(self) -> re.Match[str]:
        """Return the match of the next token without consuming it. Raises JsonError at the end."""
        token = _TOKEN.match(self._text, self._offset)
        if token is None:
            raise self._make_error("a value")
        return token

    def _make_error(self, expectation: str) -> JsonError:
        """Return (don't raise) an error that says what the current line lacks."""
        remaining_text = self._text[self._offset :].lstrip()
        line_number = self._text.count("\n", 0, len(self._text) - len(remaining_text)) + 1
        return JsonError(f"line {line_number} lacks {expectation}")
