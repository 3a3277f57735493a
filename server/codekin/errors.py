"""Exceptions of codekin. Every message says what is wrong and how to fix it; users see `str(error)`."""

import os
from collections.abc import Sequence
from pathlib import Path


def name_missing_package(package_name: str, extra: str) -> str:
    """Return the message about a missing package of one of codekin's extras, with the remedy."""
    return f'The package "{package_name}" is missing. Install it: pip install "codekin[{extra}]".'


class CodekinError(Exception):
    """Base class of all errors that codekin raises deliberately."""


class SettingsError(CodekinError):
    """A setting has an invalid value; the default is used instead where that is safe."""


class QueryError(CodekinError):
    """The query can't be answered: no such file, no such line, nothing to search for."""


class NoDocumentError(QueryError):
    """A path is no document that can be read."""

    def __init__(self, path: Path, reason: str = "") -> None:
        """Say why the path is none, `reason` where that is known, and what to do. Looks at the disk."""
        if not os.path.lexists(path):
            super().__init__(f"There is no file {path}. Check the path.")
            return
        kind = "a folder" if os.path.isdir(path) else "in no language that codekin knows"  # noqa: PTH112 (long paths)
        fault = f"can't be read: {reason}" if reason else f"is {kind}"
        super().__init__(f"{path} {fault}. Name a source file.")


class NoLineError(QueryError):
    """The document ends before the requested line."""

    def __init__(self, path: Path, lines: Sequence[str], row: int) -> None:
        """Word the message. `lines` are split_lines' (the last is empty after a final line end); `row` is 0-based."""
        super().__init__(f"{path} has {len(lines) - (not lines[-1])} lines, and no line {row + 1}.")


class WorkspaceError(CodekinError):
    """A root folder of the workspace can't be read."""


class StoreError(CodekinError):
    """The store can't be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process held the store's write lock for longer than the time-out."""


class StoreClosingError(StoreError):
    """The index is being closed, so reads and writes under way are abandoned."""


class StoreCorruptError(StoreError):
    """A file of the index is corrupt; it is set aside and rebuilt."""

    def __init__(self, message: str, path: Path, file_id: tuple[int, int]) -> None:
        """Keep the path and `file_id` (device and inode) of the unsound file, which may have been replaced since."""
        super().__init__(message, path, file_id)  # all of it: a worker's error is raised in its parent
        self.path = path
        self.file_id = file_id

    def __str__(self) -> str:
        return str(self.args[0])


class StoreLostError(StoreError):
    """A file of the index was removed or replaced while it was being filled; fill it again."""


class StoreReadOnlyError(StoreError):
    """The index can be read, but not written."""


class ContentGoneError(StoreError):
    """A file's record refers to a content that was removed meanwhile; make the record again."""


class StoreFullError(StoreError):
    """The disk, or the quota, has no room left."""


class ModelError(CodekinError):
    """A model can't be found, loaded or used in this way."""


class DimensionError(ModelError):
    """The model has no vectors of that dimension."""


class ModelBusyError(ModelError):
    """The model did not answer in time, because it is loading or busy; a later query may succeed."""


class ModelDiedError(ModelError):
    """The model's process died repeatedly on the same texts."""


class IndexingError(CodekinError):
    """The indexing worker died, and starting it again did not help."""


class TeamError(CodekinError):
    """The team's shared index, or its gateway, can't be reached or refuses."""
