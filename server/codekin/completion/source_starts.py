"""Describes what a candidate's source has above its line: once for all keys that propose the line."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from codekin.code.line_hashes import find_local_names, make_line_hasher
from codekin.completion.context import find_block_header, find_open_bracket, measure_indent
from codekin.completion.line_words import split_word_set

_CACHED_STARTS = 1024  # a key compares some hundred, most of them again at the next one


@dataclass(frozen=True)
class SourceStart:
    """A line of a source, and what that has above it."""

    lines_above: tuple[str, ...]
    line: str
    language: str  # by whose rules lines are hashed

    @cached_property
    def content_lines(self) -> tuple[str, ...]:
        """Return the lines of code above the line, without blank lines, comments and lone {; cached."""
        hasher = make_line_hasher(self.language)
        return tuple(line_above for line_above in self.lines_above if hasher[line_above])

    @cached_property
    def previous_line(self) -> str:
        """Return the last of the content lines; "" where there is none."""
        return self.content_lines[-1] if self.content_lines else ""

    @cached_property
    def column(self) -> int:
        """Return the column at which the line starts; cached."""
        return measure_indent(self.line)

    @cached_property
    def block_header(self) -> str:
        """Return the line that opened the line's block; "" where it is in no block of the source; cached."""
        return find_block_header(self.lines_above, self.column)

    @cached_property
    def open_bracket(self) -> str:
        """Return the innermost bracket that is open before the line; "" where there is none; cached."""
        return find_open_bracket(self.lines_above)

    @cached_property
    def line_hashes(self) -> frozenset[int]:
        """Return the distinct hashes of the content lines; cached."""
        hasher = make_line_hasher(self.language)
        return frozenset(hasher[content_line] for content_line in self.content_lines)

    @cached_property
    def word_set(self) -> frozenset[str]:
        """Return the distinct words of the content lines, in lower case; cached."""
        return frozenset().union(*map(split_word_set, self.content_lines))

    @cached_property
    def local_names(self) -> frozenset[str]:
        """Return the distinct local names in the content lines; cached."""
        return frozenset(chain.from_iterable(map(find_local_names, self.content_lines)))


@lru_cache(maxsize=_CACHED_STARTS)
def read_source_start(source_lines: tuple[str, ...], row: int, language: str) -> SourceStart:
    """Return the line in this row, with those above it; cached for all callers, the last 1,024."""
    return SourceStart(source_lines[:row], source_lines[row], language)
