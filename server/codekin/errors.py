"""The error tree. Every message says what is wrong and names the remedy; what a user sees is `str(error)`."""

from collections.abc import Sequence
from pathlib import Path


class CodekinError(Exception):
    """The base of everything codekin raises on purpose."""


class SettingsError(CodekinError):
    """A setting has an impossible value; the default is used in its place where that is safe."""


class QueryError(CodekinError):
    """The question itself can't be answered: no such file, no such line, nothing to search for."""


class NoLineError(QueryError):
    """The document ends before the line that is asked about."""

    def __init__(self, path: Path, lines: Sequence[str], row: int) -> None:
        """`lines` as split_lines has them, the last one empty behind a line's end; `row` counts from 0."""
        super().__init__(f"{path} has {len(lines) - (not lines[-1])} lines, and no line {row + 1}.")


class WorkspaceError(CodekinError):
    """A root can't be read."""


class StoreError(CodekinError):
    """The store can't be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process has held the store's write lock for too long."""


class StoreClosingError(StoreError):
    """The index is being closed: nobody waits for what was being read or written any more."""


class StoreCorruptError(StoreError):
    """A file of the index is unsound; it is set aside and made again."""

    def __init__(self, message: str, path: Path, file_id: tuple[int, int]) -> None:
        """`file_id` (device and inode) is that of the unsound file: by now another may stand at `path`."""
        super().__init__(message, path, file_id)  # all of it: a worker's error is raised in its parent
        self.path = path
        self.file_id = file_id

    def __str__(self) -> str:
        return str(self.args[0])


class StoreLostError(StoreError):
    """A file of the index was removed or replaced while it was being filled; filling it again is all that helps."""


class StoreReadOnlyError(StoreError):
    """The index can be read, but not written."""


class ContentGoneError(StoreError):
    """A file's record points to a content that was removed after the record had been made: make the record again."""


class StoreFullError(StoreError):
    """The disk, or the quota, has no room left."""


class ModelError(CodekinError):
    """A model can't be found, loaded or used as asked."""


class DimensionError(ModelError):
    """The model has no vectors of that dimension."""


class ModelBusyError(ModelError):
    """The model does not answer in time: it is being loaded, or has much to do. The next question may be luckier."""


class ModelDiedError(ModelError):
    """The model's process died of what it was given, again and again."""


class IndexingError(CodekinError):
    """The indexing worker died, and starting it again did not help."""
