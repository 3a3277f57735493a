"""Plans, makes and undoes the edits of agents' files: nothing is written that was not shown.

Each file is replaced as a whole, after its former text was stored. Undoing restores that text, byte for byte, where the
file is as we left it; where somebody has edited it since, only what is ours is taken out.
"""

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from codekin.agents.install.catalogue import AgentFormat, Places
from codekin.agents.install.edits import FileEdit
from codekin.errors import QueryError
from codekin.files import read_file

_MAX_FILE_BYTES = 20_000_000  # of an agent's settings; Claude Code keeps its history in them


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a file is, and what it is to be."""

    path: Path
    before: bytes | None  # None: there is no file
    after: bytes | None  # None: there is to be none

    def format_diff(self) -> str:
        """Return the change as a unified diff."""
        old_lines = (self.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
        new_lines = (self.after or b"").decode("utf-8", "replace").splitlines(keepends=True)
        names = ("/dev/null" if self.before is None else str(self.path)), str(self.path)
        return "".join(difflib.unified_diff(old_lines, new_lines, *names)).rstrip("\n")


class Installer:
    """Edits the files of one user."""

    def __init__(self, places: Places, state_folder: Path | None = None) -> None:
        """`state_folder` keeps the former texts; by default a folder of this user."""
        self._places = places
        self.state_folder = state_folder or platformdirs.user_state_path("codekin") / "agents"

    def plan_installation(self, agents: Iterable[AgentFormat]) -> list[FileChange]:
        """Return the file changes that install codekin; [] if nothing has to change. Raises QueryError. Writes none."""
        return self._plan(agents, is_installing=True)

    def plan_removal(self, agents: Iterable[AgentFormat]) -> list[FileChange]:
        """Return the file changes that remove codekin; [] if nothing has to change. Raises QueryError. Writes none."""
        return self._plan(agents, is_installing=False)

    def make_changes(self, changes: Sequence[FileChange], *, is_installing: bool) -> None:
        """Write the files, recording or dropping their former text. Raises QueryError if one has changed since."""
        for change in changes:
            if _read_bytes(change.path) != change.before:
                raise QueryError(f"{change.path} has changed meanwhile. Run the command again.")
        for change in changes:
            if is_installing:
                self._store_former_text(change)
            _replace_file(change.path, change.after)
            if not is_installing:
                self._get_record_path(change.path).unlink(missing_ok=True)

    def _plan(self, agents: Iterable[AgentFormat], *, is_installing: bool) -> list[FileChange]:
        """Return the changes to the agents' files, one per file that really changes. Raises QueryError."""
        edits_by_path: dict[Path, list[FileEdit]] = {}
        for agent in agents:
            for edit in agent.list_edits(self._places):
                edits_by_path.setdefault(Path(os.path.realpath(edit.path)), []).append(edit)
        changes = [self._plan_file(path, edits, is_installing) for path, edits in edits_by_path.items()]
        return [change for change in changes if change.before != change.after]

    def _plan_file(self, path: Path, edits: Sequence[FileEdit], is_installing: bool) -> FileChange:
        """Return one file's change: edits made or undone, or the former text restored. Raises QueryError."""
        before = _read_bytes(path)
        if not is_installing and (restored := self._find_former_text(path, before)) is not None:
            return FileChange(path, before, restored[0])
        try:
            text = (before or b"").decode("utf-8")
            for edit in edits:
                text = edit.apply(text) if is_installing else edit.undo(text)
        except (QueryError, UnicodeDecodeError) as error:
            raise QueryError(f"{path} can't be edited: {error} Nothing was changed.") from error
        if not is_installing and before is None:
            return FileChange(path, None, None)
        is_gone = not is_installing and not text.strip()
        return FileChange(path, before, None if is_gone else text.encode())

    def _store_former_text(self, change: FileChange) -> None:
        """Record what removal restores: the text before codekin's first change; before this one if edited since."""
        record_path = self._get_record_path(change.path)
        former = self._find_former_text(change.path, change.before)
        original = former[0] if former is not None else change.before
        record = {
            "path": str(change.path),
            "before": original.decode("latin-1") if original is not None else None,
            "after_digest": _digest(change.after),
        }
        self.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace_file(record_path, json.dumps(record).encode(), mode=0o600)

    def _find_former_text(self, path: Path, current: bytes | None) -> tuple[bytes | None] | None:
        """Return the recorded text in a tuple if the file is unchanged since codekin wrote it; else None."""
        data = _read_bytes(self._get_record_path(path))
        try:
            record = json.loads(data) if data is not None else None
        except ValueError:
            return None
        if not isinstance(record, dict) or record.get("after_digest") != _digest(current):
            return None
        before = record.get("before")
        return (before.encode("latin-1") if isinstance(before, str) else None,)

    def _get_record_path(self, path: Path) -> Path:
        """Return the path of the record of a file's former text."""
        return self.state_folder / f"{_digest(str(path).encode())}.json"


def _digest(data: bytes | None) -> str:
    """Return a hash of a file's bytes; None, for a missing file, has a hash of its own."""
    return hashlib.blake2b(data if data is not None else b"\0absent", digest_size=16).hexdigest()


def _read_bytes(path: Path) -> bytes | None:
    """Return a file's bytes; None where there is none. Raises QueryError where it can't be read."""
    try:
        return read_file(path, _MAX_FILE_BYTES).data
    except FileNotFoundError:
        return None
    except OSError as error:
        raise QueryError(f"{path} can't be read ({error}). Nothing was changed.") from error


def _replace_file(path: Path, data: bytes | None, mode: int | None = None) -> None:
    """Write a file atomically, with its present mode or `mode`; delete it if `data` is None. Raises QueryError."""
    try:
        if data is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        kept_mode = mode or (path.stat().st_mode & 0o777 if path.exists() else 0o600)
        descriptor, temporary_name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary_name, kept_mode)  # noqa: PTH101 (mkstemp returns a name)
        os.replace(temporary_name, path)  # noqa: PTH105
    except OSError as error:
        raise QueryError(f"{path} can't be written ({error}). Check its folder, and run the command again.") from error
