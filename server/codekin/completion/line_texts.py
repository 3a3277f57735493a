"""Makes ranked lines into texts to insert at the cursor, as completions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.completion.context import CompletionContext
from codekin.completion.insertion import looks_secret, make_insertion
from codekin.completion.parse_check import ParseCheck
from codekin.completion.ranking import RankedLine
from codekin.completion.truncation import adapt_lines, choose_extents
from codekin.types import Cancel, Completion, Span


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line that a completion is taken from."""

    path: Path
    row: int
    text: str


SourceFinder = Callable[[int], SourceLine | None]  # the line that a symbol at the cursor is predicted from


class LineTextMaker:
    """Makes lines at one cursor into completions that fit there, hold no secret and parse no worse."""

    def __init__(self, context: CompletionContext, parse_check: ParseCheck, max_lines: int) -> None:
        """A completion has at most `max_lines` lines."""
        self._context = context
        self._parse_check = parse_check
        self._max_lines = max_lines

    def make_completions(
        self, ranked_lines: Sequence[RankedLine], find_source: SourceFinder, cancel_event: Cancel
    ) -> Iterator[Completion]:
        """Yield a completion, of one or more lines, for each ranked one that fits, holds no secret, parses no worse.

        Once cancelled, it copies no more lines.
        """
        for ranked_line in ranked_lines:
            completion = (
                self._copy(ranked_line, cancel_event)
                if ranked_line.candidates
                else self._write(ranked_line, find_source)
            )
            if completion is not None:
                yield completion

    def _copy(self, ranked_line: RankedLine, cancel_event: Cancel) -> Completion | None:
        """Return a completion of the best candidate's lines, as many as others agree with and fit; None without."""
        candidate = ranked_line.candidates[0]
        source_snippet = candidate.source
        for source_rows in choose_extents(self._context, ranked_line.candidates, self._max_lines):
            if cancel_event.is_set():
                return None
            adapted_lines = adapt_lines(candidate, source_rows)
            inserted_text = make_insertion(self._context, adapted_lines, source_snippet.lines)
            if self._may_insert(inserted_text):
                return Completion(
                    inserted_text or "",
                    self._context.row,
                    self._context.column,
                    ranked_line.probability,
                    source_snippet.path,
                    Span(source_snippet.start_row + source_rows[0], source_snippet.start_row + source_rows[-1] + 1),
                    source_snippet.name,
                    edited=adapted_lines != [source_snippet.lines[source_row] for source_row in source_rows],
                    cell=source_snippet.cell,
                )
        return None

    def _write(self, ranked_line: RankedLine, find_source: SourceFinder) -> Completion | None:
        """Return a completion by a line that the n-gram model writes; None if it can't fit or has no source."""
        inserted_text = make_insertion(self._context, [ranked_line.line], [ranked_line.line])
        if not self._may_insert(inserted_text):
            return None
        source_line = find_source(ranked_line.symbols[0])
        if source_line is None:
            return None
        return Completion(
            inserted_text or "",
            self._context.row,
            self._context.column,
            ranked_line.probability,
            source_line.path,
            Span(source_line.row, source_line.row + 1),
            "",
            edited=ranked_line.line != source_line.text.strip(),
        )

    def _may_insert(self, inserted_text: str | None) -> bool:
        """Return whether the text is not blank, holds no secret and parses no worse."""
        return (
            inserted_text is not None
            and bool(inserted_text.strip())
            and not looks_secret(self._context.text_before + inserted_text)
            and self._parse_check.is_no_worse(inserted_text)
        )
