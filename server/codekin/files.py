"""Reading files that somebody else may have made: the one way to open a file of a workspace or of the user's settings.

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

# Not to wait for a pipe's writer, not to become a terminal's process, and not to leave the file to a child process.
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none; there the look before opening has to do
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link",
}


class RefusedFileError(OSError):
    """The file could be opened, but is not to be read. Its text is a clause: "it is a named pipe"."""

    def __str__(self) -> str:
        return str(self.strerror)


class NotAFileError(RefusedFileError):
    """It is a folder, a pipe, a socket, a device, or a link where none is followed."""


class FileTooLargeError(RefusedFileError):
    """It has more bytes than may be read."""

    def __init__(self, size: int, max_bytes: int) -> None:
        super().__init__(errno.EFBIG, f"it has {size:,} bytes, more than the {max_bytes:,} that are read")
        self.size = size
        self.max_bytes = max_bytes

    def __reduce__(self) -> tuple[type["FileTooLargeError"], tuple[int, int]]:
        return type(self), (self.size, self.max_bytes)


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a file had in it, and what it was when it was opened: a later write has a later time."""

    data: bytes
    status: os.stat_result


def read_file(path: Path, max_bytes: int, *, follow_links: bool = True) -> FileContent:
    """The whole file. OSError where there is none, NotAFileError, FileTooLargeError."""
    with open_file(path, follow_links=follow_links) as stream:
        status = os.fstat(stream.fileno())
        if status.st_size > max_bytes:
            raise FileTooLargeError(status.st_size, max_bytes)
        data = stream.read(status.st_size + 1)
        if len(data) > status.st_size:  # it grows, or its system tells no size, as /proc
            data += stream.read(max_bytes + 1 - len(data))
    if len(data) > max_bytes:
        raise FileTooLargeError(len(data), max_bytes)
    return FileContent(data, status)


def read_start(path: Path, max_bytes: int, *, follow_links: bool = True) -> bytes:
    """The first bytes of a file of any size. OSError where there is none, NotAFileError."""
    with open_file(path, follow_links=follow_links) as stream:
        return stream.read(max_bytes)


def open_file(path: Path, *, follow_links: bool = True) -> BinaryIO:
    """The file opened for reading, without waiting for anything. OSError where there is none, NotAFileError."""
    try:
        # Asked before it is opened, too: opening a device may do something.
        _refuse_others(path.stat(follow_symlinks=follow_links))
        descriptor = os.open(path, _FLAGS if follow_links else _FLAGS | _NO_LINK)
    except ValueError as error:  # a NUL in the path
        raise FileNotFoundError(errno.ENOENT, str(error), str(path)) from error
    try:
        _refuse_others(os.fstat(descriptor))  # another may have taken its place meanwhile
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _refuse_others(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no file")
        raise NotAFileError(errno.EINVAL, f"it is {kind}")
