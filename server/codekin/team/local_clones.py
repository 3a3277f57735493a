"""Clones on the user's own disk: which repositories are open here, and the text of the team's places in others."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.code.lines import split_lines
from codekin.errors import QueryError
from codekin.files import read_file
from codekin.processes import ProcessTimeoutError
from codekin.team.git_repository import normalize_remote
from codekin.team.messages import PlaceMessage
from codekin.types import Span
from codekin.workspace.documents import decode_text
from codekin.workspace.git_command import run_git

_MAX_FILE_BYTES = 1 << 20
_MAX_MOVED_LINES = 400  # how far a place is looked for, where the clone is at another commit
_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class ClonedCode:
    """A place's code in a local clone."""

    path: Path
    span: Span
    text: str


class LocalClones:
    """Finds the team's repositories on this disk. Safe on any thread."""

    def __init__(self, roots: Sequence[Path], folders: Sequence[str]) -> None:
        """Look for clones in `folders` and beside the workspace's roots; reads nothing yet."""
        self._roots = tuple(roots)
        own_folders = [Path(folder).expanduser() for folder in folders]
        self._folders = tuple(dict.fromkeys([*own_folders, *(root.parent for root in roots)]))
        self._lock = threading.Lock()
        self._origins: set[str] | None = None
        self._open_commits: dict[str, bool] = {}

    def list_open(self, places: Sequence[PlaceMessage]) -> set[str]:
        """Return which places' repositories are open as a root, by remote or commit: asks git, caches answers."""
        with self._lock:
            if self._origins is None:
                self._origins = {origin for root in self._roots if (origin := _read_origin(root))}
            unknown = {place.commit for place in places} - self._open_commits.keys()
            if unknown:
                held = {commit for root in self._roots for commit in _filter_commits(root, sorted(unknown))}
                self._open_commits |= {commit: commit in held for commit in unknown}
            return {
                place.repository
                for place in places
                if place.origin in self._origins or self._open_commits.get(place.commit, False)
            }

    def read_code(self, place: PlaceMessage) -> ClonedCode | None:
        """Read the place's current code from a clone found by folder name; None without a clone, or if it is gone."""
        title = place.repository.rpartition("/")[2]
        for folder in self._folders:
            for name in dict.fromkeys((place.repository, title)):
                code = _read_lines(folder / name / place.path, place)
                if code is not None:
                    return code
        return None


def _read_lines(path: Path, place: PlaceMessage) -> ClonedCode | None:
    """Read the place's lines from a file, following its name where that moved, as ClonedCode; None where gone."""
    try:
        text = decode_text(read_file(path, _MAX_FILE_BYTES).data)
    except (OSError, ValueError):
        return None
    lines = split_lines(text or "")
    moved = _find_move(lines, place)
    if moved is None or place.end + moved > len(lines):
        return None
    span = Span(place.start + moved, place.end + moved)
    return ClonedCode(path, span, "\n".join(lines[span.start : span.end]))


def _find_move(lines: Sequence[str], place: PlaceMessage) -> int | None:
    """Return by how many lines, -400 to 400, the place's name has moved; 0 without a name, None where it is gone."""
    if not place.name:
        return 0
    for distance in range(_MAX_MOVED_LINES + 1):
        for move in (distance, -distance):
            row = place.name_line + move
            if 0 <= row < len(lines) and place.name in lines[row] and place.start + move >= 0:
                return move
    return None


def _read_origin(root: Path) -> str:
    """Ask git for host/owner/name of a root's remote `origin`; "" where it has none, or is no clone."""
    try:
        url = run_git(root, "config", "--get", "remote.origin.url", timeout_s=_TIMEOUT_S)
        return normalize_remote(url.decode(errors="replace").strip())
    except (QueryError, ProcessTimeoutError):
        return ""


def _filter_commits(root: Path, commits: Sequence[str]) -> set[str]:
    """Ask git which of these commits a root's clone has; none where git fails."""
    try:
        stdin = "".join(f"{commit}\n" for commit in commits if commit.isalnum()).encode()
        output = run_git(
            root, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=stdin, timeout_s=_TIMEOUT_S
        )
    except (QueryError, ProcessTimeoutError):
        return set()
    pairs = (line.split() for line in output.decode(errors="replace").splitlines())
    return {pair[0] for pair in pairs if pair[1:] == ["commit"]}
