"""JSON read in one pass, of which only what is asked for is kept; the rest is skipped over and never built.

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
    """The text is no JSON, or more than is read; the message says what, in lower case."""


class JsonReader:
    """The text of one JSON document, from its start to its end. Lines end at LF."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._row = self._counted = 0  # the line of the offset up to which line ends are counted
        self._tokens = 0

    def peek(self) -> str:
        """The first character of the next token: a bracket, a quote, what a number or a word begins with."""
        return self._text[self._token().start(1)]

    def row(self) -> int:
        """The line of the next token, 0-based."""
        start = self._token().start(1)
        self._row += self._text.count("\n", self._counted, start)
        self._counted = start
        return self._row

    def members(self) -> Iterator[str]:
        """The keys of an object. Whoever is given one reads, or skips, its value. Another value has none."""
        for _ in self._parts("{"):
            key = self.string()
            self._take(":")
            yield key

    def items(self) -> Iterator[None]:
        """Once for each item of an array, which whoever is given one reads or skips. Another value has none."""
        yield from self._parts("[")

    def string(self) -> str:
        """The next value, which is a string."""
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
        """The next value where it is a string; others are skipped."""
        if self.peek() == '"':
            return self.string()
        self.skip()
        return None

    def outline(self, depth: int) -> dict[str, object]:
        """The strings of an object, and of the objects in it down to `depth`; all else is skipped."""
        found: dict[str, object] = {}
        for key in self.members():
            is_inner = depth > 0 and self.peek() == "{"
            found[key] = self.outline(depth - 1) if is_inner else self.text()
        return found

    def skip(self) -> None:
        """The next value is of no interest."""
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
        """Nothing follows any more."""
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
