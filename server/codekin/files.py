"""Safe reading of files that anybody may have made: the one way to open files of a workspace or of the user's settings.

A name says nothing about what stands behind it: a named pipe that nobody writes to, a device without an end, a sparse
file of terabytes, a file that another process is writing. So nothing here waits, the open file itself is asked what it
is and how large, and no more than a bound is read.
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Don't wait for a pipe's writer, don't acquire a controlling terminal, don't let child processes inherit the file.
_OPEN_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
)
_NO_FOLLOW_FLAG = getattr(os, "O_NOFOLLOW", 0)  # Windows has none; there the check before opening must suffice
_FILE_TYPE_NAMES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


class RefusedFileError(OSError):
    """The file exists but is not to be read. The message is a clause: "it is a named pipe"."""

    def __str__(self) -> str:
        return str(self.strerror)


class NotAFileError(RefusedFileError):
    """The path is a folder, a pipe, a socket, a device, or a link where links are not followed."""


class FileTooLargeError(RefusedFileError):
    """The file has more bytes than the caller reads."""

    def __init__(self, size: int, max_bytes: int) -> None:
        super().__init__(errno.EFBIG, f"it has {size:,} bytes, more than the {max_bytes:,} that are read")
        self.size = size
        self.max_bytes = max_bytes

    def __reduce__(self) -> tuple[type["FileTooLargeError"], tuple[int, int]]:
        return type(self), (self.size, self.max_bytes)


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of a file, and its status when it was opened: a later write has a later time."""

    data: bytes
    status: os.stat_result


def read_file(path: Path, max_bytes: int, *, follow_links: bool = True) -> FileContent:
    """Read a whole file and its status. Raises OSError, NotAFileError, FileTooLargeError (more than `max_bytes`)."""
    with open_file(path, follow_links=follow_links) as stream:
        status = os.fstat(stream.fileno())
        if status.st_size > max_bytes:
            raise FileTooLargeError(status.st_size, max_bytes)
        data = stream.read(status.st_size + 1)
        if len(data) > status.st_size:  # it is growing, or its file system reports no size, as /proc does
            data += stream.read(max_bytes + 1 - len(data))
    if len(data) > max_bytes:
        raise FileTooLargeError(len(data), max_bytes)
    return FileContent(data, status)


def read_start(path: Path, max_bytes: int, *, follow_links: bool = True) -> bytes:
    """Read the first `max_bytes` of a file of any size. Raises OSError, NotAFileError."""
    with open_file(path, follow_links=follow_links) as stream:
        return stream.read(max_bytes)


def open_file(path: Path, *, follow_links: bool = True) -> BinaryIO:
    """Open a regular file for reading; never blocks. Raises OSError; NotAFileError for a pipe, device or folder."""
    try:
        # Checked before opening, too: opening a device may have side effects.
        _refuse_others(path.stat(follow_symlinks=follow_links))
        descriptor = os.open(path, _OPEN_FLAGS if follow_links else _OPEN_FLAGS | _NO_FOLLOW_FLAG)
    except ValueError as error:  # a NUL in the path
        raise FileNotFoundError(errno.ENOENT, str(error), str(path)) from error
    try:
        _refuse_others(os.fstat(descriptor))  # another file may have taken its place since the check
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _refuse_others(status: os.stat_result) -> None:
    """Raise NotAFileError, which names the file's type, unless the status is of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        type_name = _FILE_TYPE_NAMES.get(stat.S_IFMT(status.st_mode), "no file")
        raise NotAFileError(errno.EINVAL, f"it is {type_name}")
