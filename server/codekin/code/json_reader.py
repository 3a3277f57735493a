"""Streaming JSON reader: one pass, keeps only what its caller asks for, skips the rest without building it.

Of a notebook of thirty megabytes all but some kilobytes are pictures in base64: `json.loads` would hold all of it in
memory, recurse as deep as it is nested, and not say on which line anything stands.
"""

import json
import re
from collections.abc import Iterator

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(rf'[ \t\n]*+({_STRING}|[][{{}},:]|[^][{{}},:"\s]++)', re.DOTALL)
# All up to the next bracket that opens or closes something nested: an array of numbers is passed at once.
_FLAT = re.compile(rf'(?:[^][{{}}"]++|{_STRING}|\[[^][{{}}"]*+\])*+', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}
_MOST_TOKENS = 1_000_000  # about a second; what is skipped counts by its brackets alone


class JsonError(ValueError):
    """The text is not JSON, or has more values than the limit; the message says so in lower case."""


class JsonReader:
    """Reads the text of one JSON document from its start to its end. Lines end at LF."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._row = self._counted = 0  # the line of the offset up to which line ends are counted
        self._tokens = 0

    def peek(self) -> str:
        """Return the first character of the next token: a bracket, a quote, or the start of a number or word."""
        return self._text[self._token().start(1)]

    def row(self) -> int:
        """Return the 0-based line of the next token."""
        start = self._token().start(1)
        self._row += self._text.count("\n", self._counted, start)
        self._counted = start
        return self._row

    def members(self) -> Iterator[str]:
        """Yield the keys of an object; the caller reads or skips each value. Yields nothing for another value."""
        for _ in self._parts("{"):
            key = self.string()
            self._take(":")
            yield key

    def items(self) -> Iterator[None]:
        """Yield once for each item of an array; the caller reads or skips it. Yields nothing for another value."""
        yield from self._parts("[")

    def string(self) -> str:
        """Read the next value, which must be a string."""
        token = self._next()
        if token[0] != '"':
            raise self._wrong("a string")
        if "\\" not in token:
            return token[1:-1]
        try:
            return str(json.loads(token, strict=False))
        except ValueError:
            raise self._wrong("a sound string") from None

    def text(self) -> str | None:
        """Read the next value if it is a string, else skip it and return None."""
        if self.peek() == '"':
            return self.string()
        self.skip()
        return None

    def outline(self, depth: int) -> dict[str, object]:
        """Read the strings of an object, and of objects in it down to `depth`; skip everything else."""
        found: dict[str, object] = {}
        for key in self.members():
            is_inner = depth > 0 and self.peek() == "{"
            found[key] = self.outline(depth - 1) if is_inner else self.text()
        return found

    def skip(self) -> None:
        """Skip the next value."""
        opening = self._next()
        if opening in ",:]}":
            raise self._wrong("a value")
        open_brackets = [opening] if opening in _CLOSING else []
        while open_brackets:
            flat = _FLAT.match(self._text, self._at)
            self._at = flat.end() if flat else self._at
            bracket = self._next()
            if bracket in _CLOSING:
                open_brackets.append(bracket)
            elif bracket != _CLOSING[open_brackets.pop()]:
                raise self._wrong("the bracket that closes what is open")

    def end(self) -> None:
        """Raise JsonError if anything but blanks follows."""
        if self._text[self._at :].strip():
            raise self._wrong("the end")

    def _parts(self, opening: str) -> Iterator[None]:
        if self.peek() != opening:
            self.skip()
            return
        self._next()
        closing = _CLOSING[opening]
        if self.peek() == closing:
            self._next()
            return
        while True:
            yield None
            mark = self._next()
            if mark == closing:
                return
            if mark != ",":
                raise self._wrong(f'"," or "{closing}"')

    def _take(self, mark: str) -> None:
        if self._next() != mark:
            raise self._wrong(f'"{mark}"')

    def _next(self) -> str:
        token = self._token()
        self._at = token.end()
        self._tokens += 1
        if self._tokens > _MOST_TOKENS:
            raise JsonError(f"it has more than {_MOST_TOKENS:,} values and marks")
        return token[1]

    def _token(self) -> re.Match[str]:
        token = _TOKEN.match(self._text, self._at)
        if token is None:
            raise self._wrong("a value")
        return token

    def _wrong(self, wanted: str) -> JsonError:
        rest = self._text[self._at :].lstrip()
        line = self._text.count("\n", 0, len(self._text) - len(rest)) + 1
        return JsonError(f"line {line} lacks {wanted}")
