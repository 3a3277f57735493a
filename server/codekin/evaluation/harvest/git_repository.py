"""Read a Git directory that needs no work tree: commits with what they changed, and files as they were at a revision.

Nothing in the directory is executed: no hooks, no external diff, no text conversion, no file monitor.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.errors import CodekinError
from codekin.processes import ProcessError, read_program
from codekin.types import Span

_TIMEOUT_S = 600.0
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "log.showSignature=false")
_LOG = ("--no-merges", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-show-signature")
_MAX_FILE_BYTES = 400_000  # longer ones are generated, or data
_HUNK = re.compile(rb"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_COMMIT_START, _FIELD_END = "\x01", "\x02"
_COMMIT = re.compile(f"{_COMMIT_START}(?=[0-9a-f]{{40,64}}{_FIELD_END})")  # a message may have either character, too
_HISTORY_FORMAT = f"--format={_COMMIT_START}%H{_FIELD_END}%s{_FIELD_END}%b{_FIELD_END}"


class GitRepositoryError(CodekinError):
    """A folder is no Git directory, or git could not read it."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit without merges: its message, and the paths that it added and modified."""

    revision: str
    subject: str
    body: str
    added: tuple[str, ...]
    modified: tuple[str, ...]


class GitRepository:
    """One Git directory, read by the git program."""

    def __init__(self, directory: Path) -> None:
        """Take a bare repository or a `.git` folder; reads nothing yet."""
        self._directory = directory

    def find_head(self) -> str:
        """Return the hash of the commit at HEAD. Raises GitRepositoryError."""
        return self._run("rev-parse", "HEAD").decode().strip()

    def list_files(self, revision: str) -> list[str]:
        """Return the paths of all files at a revision, sorted; links and submodules are left out."""
        entries = self._run("ls-tree", "-r", "-z", revision).decode("utf-8", "replace").split("\0")
        return sorted(entry.partition("\t")[2] for entry in entries if entry.startswith("100"))

    def list_commits(self, revision: str, max_commits: int) -> Iterator[Commit]:
        """Yield of the last `max_commits` non-merge commits, newest first, those that remove or move no file."""
        arguments = (*_LOG, "--name-status", "--diff-filter=AMD", f"--max-count={max_commits}", _HISTORY_FORMAT)
        output = self._run("log", *arguments, revision).decode("utf-8", "replace")
        for entry in _COMMIT.split(output)[1:]:
            commit_hash, subject, message_end = entry.split(_FIELD_END, 2)
            body, _, changes = message_end.rpartition(_FIELD_END)
            rows = [line.split("\t", 1) for line in changes.splitlines() if "\t" in line]
            if any(status == "D" for status, _ in rows):  # moved or replaced: its files do not stand as they were
                continue
            added = tuple(path for status, path in rows if status == "A")
            modified = tuple(path for status, path in rows if status == "M")
            yield Commit(commit_hash, subject.strip(), body.strip(), added, modified)

    def list_changed_lines(self, revisions: Sequence[str]) -> dict[str, dict[str, list[Span]]]:
        """Return revision → path → spans (0-based, after the commit) that it changed in files that it modified."""
        arguments = (*_LOG, "--no-walk=unsorted", "--stdin", "-p", "-U0", "--diff-filter=M", "--format=%x01%H")
        output = self._run("log", *arguments, stdin="\n".join(revisions).encode())
        changed_lines: dict[str, dict[str, list[Span]]] = {}
        spans: list[Span] = []
        for line in output.split(b"\n"):
            if line.startswith(b"\x01"):
                files = changed_lines[line[1:].decode().strip()] = {}
            elif line.startswith(b"+++ b/"):
                spans = files.setdefault(line[6:].decode("utf-8", "replace").rstrip("\t"), [])
            elif match := _HUNK.match(line):
                first, count = int(match[1]), int(match[2] or 1)
                spans.append(Span(max(first - 1, 0), max(first - 1, 0) + max(count, 1)))
        return changed_lines

    def read_files(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return, read by git, (revision, path) → text of files that exist, are text and have ≤ 400,000 bytes."""
        wanted = [place for place in places if "\n" not in place[1]]
        request = "".join(f"{revision}:{path}\n" for revision, path in wanted).encode()
        output = self._run("cat-file", "--batch", stdin=request)
        texts: dict[tuple[str, str], str] = {}
        position = 0
        for place in wanted:
            header_end = output.index(b"\n", position)
            fields = output[position:header_end].rsplit(b" ", 2)
            position = header_end + 1
            if len(fields) < 3 or fields[1] != b"blob":
                position += int(fields[2]) + 1 if len(fields) == 3 and fields[2].isdigit() else 0
                continue
            content = output[position : position + int(fields[2])]
            position += len(content) + 1
            if len(content) <= _MAX_FILE_BYTES and b"\0" not in content:
                texts[place] = content.decode("utf-8", "replace")
        return texts

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git with these arguments and return its output as bytes. Raises GitRepositoryError."""
        command = (*_OPTIONS, "--git-dir", str(self._directory.absolute()), *arguments)
        try:
            return read_program("git", *command, stdin=stdin, timeout_s=_TIMEOUT_S)
        except (ProcessError, OSError) as error:
            raise GitRepositoryError(f"git can't read {self._directory} ({error}). Name a Git directory.") from error
