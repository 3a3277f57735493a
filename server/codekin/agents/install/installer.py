"""Plans, makes and undoes the edits of agents' files: nothing is written that was not shown.

Each file is replaced as a whole, after its former text was stored. Undoing restores that text, byte for byte, where the
file is as we left it; where somebody has edited it since, only what is ours is taken out.
"""

import contextlib
import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        """Return the change as a unified diff without a line break at its end."""
        old_lines = (self.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
        new_lines = (self.after or b"").decode("utf-8", "replace").splitlines(keepends=True)
        diff_names = ("/dev/null" if self.before is None else str(self.path)), str(self.path)
        return "".join(difflib.unified_diff(old_lines, new_lines, *diff_names)).rstrip("\n")


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

    def make_changes(self, file_changes: Sequence[FileChange], *, is_installing: bool) -> None:
        """Write or delete the files, recording or dropping former texts. Raises QueryError if one changed since."""
        for file_change in file_changes:
            if _read_bytes(file_change.path) != file_change.before:
                raise QueryError(f"{file_change.path} has changed meanwhile. Run the command again.")
        for file_change in file_changes:
            if is_installing:
                self._store_former_text(file_change)
            _replace_file(file_change.path, file_change.after)
        if not is_installing:
            self._remove_records([file_change.path for file_change in file_changes])

    def _plan(self, agents: Iterable[AgentFormat], *, is_installing: bool) -> list[FileChange]:
        """Return the changes to the agents' files, one per file that really changes. Raises QueryError."""
        edits_by_path: dict[Path, list[FileEdit]] = {}
        for agent in agents:
            for file_edit in agent.list_edits(self._places):
                edits_by_path.setdefault(Path(os.path.realpath(file_edit.path)), []).append(file_edit)
        file_changes = [
            self._plan_file(file_path, file_edits, is_installing) for file_path, file_edits in edits_by_path.items()
        ]
        return [file_change for file_change in file_changes if file_change.before != file_change.after]

    def _plan_file(self, file_path: Path, file_edits: Sequence[FileEdit], is_installing: bool) -> FileChange:
        """Return one file's FileChange: edits applied; or undone, restoring its former text if unedited since."""
        present_bytes = _read_bytes(file_path)
        if not is_installing and (restored := self._find_former_text(file_path, present_bytes)) is not None:
            return FileChange(file_path, present_bytes, restored[0])
        try:
            file_text = (present_bytes or b"").decode("utf-8")
            for file_edit in file_edits:
                file_text = file_edit.apply(file_text) if is_installing else file_edit.undo(file_text)
        except (QueryError, UnicodeDecodeError) as error:
            raise QueryError(f"{file_path} can't be edited: {error} Nothing was changed.") from error
        if not is_installing and present_bytes is None:
            return FileChange(file_path, None, None)
        is_gone = not is_installing and not file_text.strip()
        return FileChange(file_path, present_bytes, None if is_gone else file_text.encode())

    def _store_former_text(self, file_change: FileChange) -> None:
        """Write a record of what removal restores: the text before the first change, or `before` if edited since."""
        record_path = self._get_record_path(file_change.path)
        recorded_text = self._find_former_text(file_change.path, file_change.before)
        original = recorded_text[0] if recorded_text is not None else file_change.before
        record = {
            "path": str(file_change.path),
            "before": original.decode("latin-1") if original is not None else None,
            "after_digest": _digest(file_change.after),
            "made_folders": self._list_made_folders(file_change.path)
            or [str(folder) for folder in file_change.path.parents if not folder.exists()],
        }
        self.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace_file(record_path, json.dumps(record).encode(), mode=0o600)

    def _find_former_text(self, file_path: Path, present_bytes: bytes | None) -> tuple[bytes | None] | None:
        """Return the recorded former bytes in a 1-tuple if the file is as codekin wrote it; else None."""
        record = self._read_record(file_path)
        if record.get("after_digest") != _digest(present_bytes):
            return None
        former_text = record.get("before")
        return (former_text.encode("latin-1") if isinstance(former_text, str) else None,)

    def _list_made_folders(self, file_path: Path) -> list[str]:
        """Return the folders that were made for the file, the innermost first; [] where that is not recorded."""
        made_folders = self._read_record(file_path).get("made_folders")
        return [str(folder) for folder in made_folders] if isinstance(made_folders, list) else []

    def _remove_records(self, file_paths: Sequence[Path]) -> None:
        """Delete the installer's records of files, and the folders made for files and records if they are empty now."""
        made_folders = {folder for file_path in file_paths for folder in self._list_made_folders(file_path)}
        made_folders |= {str(self.state_folder), str(self.state_folder.parent)}
        for file_path in file_paths:
            self._get_record_path(file_path).unlink(missing_ok=True)
        for folder in sorted(made_folders, key=len, reverse=True):
            with contextlib.suppress(OSError):  # others have put something there
                Path(folder).rmdir()

    def _read_record(self, file_path: Path) -> dict[str, Any]:
        """Read the record of a file's former text; {} where there is no sound one."""
        record_bytes = _read_bytes(self._get_record_path(file_path))
        try:
            record = json.loads(record_bytes) if record_bytes is not None else None
        except ValueError:
            return {}
        return record if isinstance(record, dict) else {}

    def _get_record_path(self, file_path: Path) -> Path:
        """Return the path of the record of a file's former text."""
        return self.state_folder / f"{_digest(str(file_path).encode())}.json"


def _digest(file_bytes: bytes | None) -> str:
    """Return a hash of a file's bytes; None, for a missing file, has a hash of its own."""
    return hashlib.blake2b(file_bytes if file_bytes is not None else b"\0absent", digest_size=16).hexdigest()


def _read_bytes(file_path: Path) -> bytes | None:
    """Return a file's bytes; None where there is none. Raises QueryError where it can't be read."""
    try:
        return read_file(file_path, _MAX_FILE_BYTES).data
    except FileNotFoundError:
        return None
    except OSError as error:
        raise QueryError(f"{file_path} can't be read ({error}). Nothing was changed.") from error


def _replace_file(file_path: Path, new_bytes: bytes | None, mode: int | None = None) -> None:
    """Write a file atomically, with its present mode or `mode`; delete it if `new_bytes` is None. Raises QueryError."""
    try:
        if new_bytes is None:
            file_path.unlink(missing_ok=True)
            return
        file_path.parent.mkdir(parents=True, exist_ok=True)
        kept_mode = mode or (file_path.stat().st_mode & 0o777 if file_path.exists() else 0o600)
        descriptor, temporary_name = tempfile.mkstemp(dir=file_path.parent, prefix=f".{file_path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(new_bytes)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary_name, kept_mode)  # noqa: PTH101 (mkstemp returns a name)
        os.replace(temporary_name, file_path)  # noqa: PTH105
    except OSError as error:
        raise QueryError(
            f"{file_path} can't be written ({error}). Check its folder, and run the command again."
        ) from error
