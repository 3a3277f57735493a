"""Measure completion by typing again what commits added to files, key by key.

`python -m codekin.evaluation.typing_replay ROOT …`: the workspace is each repository as it was before all of these
commits, and the document has its later changes only above the cursor. Whoever types presses Tab where all of a ghost
text is right, and accepts its first words where these are right and that takes fewer keys. An editor indents the lines.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from codekin.code.grammars import GRAMMARS
from codekin.code.languages import detect_language
from codekin.code.lines import split_lines
from codekin.completion.completer import Completer
from codekin.completion.cursor import Cursor
from codekin.evaluation.completion import open_temporary_completer, parse_cut_options
from codekin.evaluation.harvest.git_repository import Commit, GitRepository
from codekin.indexing.pool import map_in_workers
from codekin.settings import CompletionSettings, Settings

COMMITS = 200  # per repository
_MAX_HISTORY = 2000  # commits that are looked through
_MAX_LINES = 6  # of a commit that are typed
_MIN_ACCEPTED = 3  # characters: shorter ghost texts are typed sooner than accepted
_MIN_SAVED_BY_WORDS = 3  # keys, by accepting words: for fewer nobody leaves the letters
_WORD = re.compile(r"[^\S\n]*(?:\w+|[^\w\s]+)")  # what both editors accept at once


_COUNTS = ("lines", "characters", "keys", "shown", "wrong", "useless", "saved_by_tab", "saved_by_words")


class Insertion(NamedTuple):
    """Lines that a commit added in one place of a file."""

    path: str
    lines_above: list[str]  # with what the commit changed above
    added_lines: list[str]
    lines_below: list[str]  # as they were before the commit


@dataclass(slots=True)
class TypingResult:
    """What typing lines of one repository again took."""

    name: str
    lines: int = 0
    characters: int = 0  # of the lines, without indentation, and a line end each
    keys: int = 0  # that were pressed, Tab included
    shown: int = 0  # ghost texts that appeared
    wrong: int = 0  # of them, those that were not what was typed
    useless: int = 0  # of these, those whose first word was wrong, too
    saved_by_tab: int = 0  # keys
    saved_by_words: int = 0
    processor_s: list[float] = field(default_factory=list)  # for each question

    @property
    def saved_share(self) -> float:
        """Return the share of the characters that needed no key."""
        return 1 - self.keys / max(self.characters, 1)


def replay_repository(root: Path, settings: Settings, count: int = COMMITS) -> TypingResult:
    """Simulate typing up to six lines of each of `count` newest commits; return counts of keys, and the times.

    The workspace, as it was before these commits, is indexed in a temporary folder. Raises GitRepositoryError.
    """
    repository = GitRepository(root / ".git")
    commits = choose_commits(repository, count)
    result = TypingResult(root.name)
    with (
        _write_files(repository, f"{commits[-1].revision}^" if commits else "HEAD") as folder,
        open_temporary_completer(folder, settings) as (completer, _),
    ):
        completer.load_tokens()
        typist = Typist(partial(_show_ghost, completer, settings.completion, result), result)
        for commit in reversed(commits):
            for insertion in list_insertions(repository, commit):
                typist.type_lines(folder / insertion.path, insertion)
    return result


def _show_ghost(completer: Completer, settings: CompletionSettings, result: TypingResult, cursor: Cursor) -> str:
    """Return the ghost text at a cursor, "" for none; append its processor seconds to `result`."""
    started_s = time.thread_time()
    completions = completer.complete(cursor, settings, Event())
    result.processor_s.append(time.thread_time() - started_s)
    return completions[0].text if completions else ""


def choose_commits(repository: GitRepository, count: int) -> list[Commit]:
    """Return the newest commits, at most `count`, that modified source files, newest first."""
    history = repository.list_commits(repository.find_head(), _MAX_HISTORY)
    return [commit for commit in history if any(map(_is_source, commit.modified))][:count]


@contextmanager
def _write_files(repository: GitRepository, revision: str) -> Iterator[Path]:
    """Write a revision's source files to a temporary folder, and yield it; it is removed at the end."""
    with TemporaryDirectory(prefix="codekin-replay-") as name:
        paths = [path for path in repository.list_files(revision) if _is_source(path)]
        for (_, path), text in repository.read_files((revision, path) for path in paths).items():
            file = Path(name).resolve() / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8", newline="")
        yield Path(name).resolve()


def list_insertions(repository: GitRepository, commit: Commit) -> list[Insertion]:
    """Return what a commit added to source files, up to six lines of code, in the order of the files."""
    places = [(revision, path) for path in commit.modified if _is_source(path) for revision in _list_sides(commit)]
    texts = repository.read_files(places)
    insertions: list[Insertion] = []
    remaining = _MAX_LINES
    for path in commit.modified:
        before, after = (texts.get((revision, path)) for revision in _list_sides(commit))
        if before is None or after is None:
            continue
        for insertion in _compare(path, split_lines(before), split_lines(after)):
            if remaining > 0:
                insertions.append(insertion._replace(added_lines=insertion.added_lines[:remaining]))
                remaining -= len(insertion.added_lines)
    return insertions


def _list_sides(commit: Commit) -> tuple[str, str]:
    """Return the revisions before and after a commit."""
    return f"{commit.revision}^", commit.revision


def _is_source(path: str) -> bool:
    """Return whether the path names a file of a language with a grammar."""
    return detect_language(Path(path)) in GRAMMARS


def _compare(path: str, before: list[str], after: list[str]) -> Iterator[Insertion]:
    """Yield an insertion for each place where `after` has lines that `before` lacks."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, _, before_end, start, end in matcher.get_opcodes():
        if kind in ("insert", "replace"):
            yield Insertion(path, after[:start], after[start:end], before[before_end:])


class Typist:
    """Types lines, and accepts of each ghost text what is right and saves keys."""

    def __init__(self, show: Callable[[Cursor], str], result: TypingResult) -> None:
        """Keep `show`, which returns the ghost text at a cursor, and `result`, whose counts typing raises."""
        self._show = show
        self._result = result

    def type_lines(self, path: Path, insertion: Insertion) -> None:
        """Type all lines of an insertion, counting keys, ghost texts and what they save in the result."""
        language = detect_language(path)
        row = 0
        while language and row < len(insertion.added_lines):
            if insertion.added_lines[row].strip():
                row += self._type_line(Cursor(path, "", language, len(insertion.lines_above) + row, 0), insertion, row)
            else:
                row += 1

    def _type_line(self, cursor: Cursor, insertion: Insertion, row: int) -> int:
        """Type one line, counting in the result; return the lines written: more if a ghost text had several."""
        line = insertion.added_lines[row].rstrip()
        column = len(line) - len(line.lstrip())
        self._result.lines += 1
        self._result.characters += len(line) - column + 1
        ghost = ""
        while column < len(line):
            shown = self._ask(cursor, insertion, row, line[:column])
            upcoming = "\n".join([line[column:], *insertion.added_lines[row + 1 :]])
            is_right = bool(shown) and _begins_with(upcoming, shown)
            if shown and shown != ghost[1:]:
                self._count_ghost(upcoming, shown, is_right=is_right)
            if is_right and len(shown) >= _MIN_ACCEPTED:
                self._result.keys += 1
                self._result.saved_by_tab += len(shown.rstrip()) - 1
                if "\n" in shown:
                    return self._end_lines(insertion, row, shown.count("\n"))
                ghost, column = "", column + len(shown.rstrip())
            elif words := find_right_words(line[column:], shown):
                accepted = sum(map(len, words))
                self._result.keys += 1 + len(words)
                self._result.saved_by_words += accepted - 1 - len(words)
                # What is left of it stays, as if it had been typed.
                ghost, column = shown[accepted - 1 :], column + accepted
            else:
                self._result.keys += 1
                ghost, column = shown, column + 1
        self._result.keys += 1  # the line end
        return 1

    def _count_ghost(self, upcoming: str, shown: str, *, is_right: bool) -> None:
        """Count a ghost text that appears, in the result: as wrong if so, as useless if its first word is, too."""
        self._result.shown += 1
        self._result.wrong += not is_right
        first_word = _WORD.match(shown)
        self._result.useless += not is_right and not (first_word and upcoming.startswith(first_word[0]))

    def _end_lines(self, insertion: Insertion, row: int, further_lines: int) -> int:
        """Count an accepted text's further lines, and the key for the last line end; return all lines' number."""
        for line in insertion.added_lines[row + 1 : row + 1 + further_lines]:
            self._result.lines += 1
            self._result.characters += len(line.strip()) + 1
        self._result.keys += 1
        return further_lines + 1

    def _ask(self, cursor: Cursor, insertion: Insertion, row: int, typed: str) -> str:
        """Return the ghost text behind what is typed on the line; "" for none."""
        lines = [*insertion.lines_above, *insertion.added_lines[:row], typed, *insertion.lines_below]
        return self._show(replace(cursor, text="\n".join(lines), column=len(typed)))


def find_right_words(upcoming_line: str, shown: str) -> list[str]:
    """Return the first words of a ghost text that are right, if accepting them takes enough fewer keys; else [].

    It takes a key a word and one that is held: Ctrl+Right in VS Code, a mapping in Neovim.
    """
    words, accepted_length, shown_line = list[str](), 0, shown.split("\n")[0]
    for match in _WORD.finditer(shown_line):
        if match.start() != accepted_length or not upcoming_line.startswith(shown_line[: match.end()]):
            break
        words.append(match[0])
        accepted_length = match.end()
    return words if accepted_length - len(words) - 1 >= _MIN_SAVED_BY_WORDS else []


def _begins_with(upcoming: str, shown: str) -> bool:
    """Return whether the text begins with what is shown, white space at the ends of lines aside.

    A ghost text of several lines is right only where its last line is whole, too.
    """
    shown_lines, lines = shown.split("\n"), upcoming.split("\n")
    if len(shown_lines) == 1:
        return lines[0].startswith(shown.rstrip())
    pairs = zip(shown_lines, lines, strict=False)
    return len(shown_lines) <= len(lines) and all(left.rstrip() == right.rstrip() for left, right in pairs)


def to_json(results: Sequence[TypingResult]) -> dict[str, Any]:
    """Return each repository's counts and the 95th percentile of its processor time (s) as a dict for JSON."""
    rows = [asdict(result) for result in results]
    for row in rows:
        row["processor_p95_s"] = _find_p95(row.pop("processor_s"))
    return {"repositories": rows}


def _find_p95(values: Sequence[float]) -> float:
    """Return the 95th percentile of the values; 0 for none."""
    return float(np.percentile(values, 95)) if len(values) else 0.0


def format_table(results: Sequence[TypingResult]) -> str:
    """Return a Markdown table of keys saved and ghost texts shown, a row for each repository and one for all."""
    lines = [
        "| repository | lines | characters | saved | by words | ghosts | right | keys a wrong | a useless | p95 ms |",
        "|---" + "|---:" * 9 + "|",
    ]
    total = TypingResult("**all**")
    for result in results:
        for name in _COUNTS:
            setattr(total, name, getattr(total, name) + getattr(result, name))
        total.processor_s += result.processor_s
    return "\n".join([*lines, *map(_format_row, [*results, total])])


def _format_row(result: TypingResult) -> str:
    """Return a repository's row of the Markdown table: counts, shares and the p95 of processor time in ms."""
    right = 1 - result.wrong / max(result.shown, 1)
    by_words = result.saved_by_words / max(result.characters, 1)
    p95_ms = 1000 * _find_p95(result.processor_s)
    counts = f"{result.lines:,} | {result.characters:,} | {result.saved_share:.1%} | {by_words:.1%} | {result.shown:,}"
    keys_for_one = " | ".join(f"{result.keys / max(count, 1):.0f}" for count in (result.wrong, result.useless))
    return f"| {result.name} | {counts} | {right:.0%} | {keys_for_one} | {p95_ms:.0f} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Type lines of the repositories of `arguments` (None: sys.argv) again, print the table, return 0."""
    options = parse_cut_options(arguments, __doc__, COMMITS, seed=0)
    roots = [root.resolve() for root in options.roots]
    replay = partial(replay_repository, settings=Settings(), count=options.cuts)
    sys.stdout.write(format_table(list(map_in_workers(replay, roots, options.workers))) + "\n")
    return 0


if __name__ == "__main__":
    from codekin.evaluation import typing_replay  # its functions are called in workers, which must find them by name

    sys.exit(typing_replay.main())
