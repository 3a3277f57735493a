"""Listening, at a TCP address or a Unix socket, until a client has come that may talk to us; there is no other."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import stat
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codekin.errors import QueryError
from codekin.lsp.authentication import RefusedError, check_first, is_header
from codekin.lsp.framing import MAX_MESSAGE_BYTES, Frame, FrameReader, FramingError

log = logging.getLogger(__name__)

_FIRST_MESSAGE_S = 10.0  # an editor sends initialize at once
_FIRST_MESSAGE_BYTES = 2**20  # those of the recorded clients have 10,000
_MAX_WAITING = 16  # connections that have not sent it yet
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """Where to listen, and what a client must send."""

    host: str
    port: int  # 0: any that is free, which the log tells
    token: str
    may_be_remote: bool = False  # also at addresses that other machines reach


@dataclass(frozen=True, slots=True)
class SocketPath:
    """A Unix socket that only its owner can connect to."""

    path: Path


Listening = TcpAddress | SocketPath


@dataclass(frozen=True, slots=True)
class Connection:
    """A client that may talk to us, and its first message."""

    first: Frame
    frames: FrameReader
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _Admission:
    """Judges connections by their first message, many at a time, none for long."""

    def __init__(self, token: str | None) -> None:
        self.admitted: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._token = token
        self._waiting: OrderedDict[asyncio.Task[None], None] = OrderedDict()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called for every connection. Where too many say nothing, the longest silent one goes."""
        task = asyncio.get_running_loop().create_task(self._judge(reader, writer))
        self._waiting[task] = None
        task.add_done_callback(lambda done: self._waiting.pop(done, None))
        if len(self._waiting) > _MAX_WAITING:
            next(iter(self._waiting)).cancel()

    def close(self) -> None:
        """Close the connections that still wait."""
        for task in tuple(self._waiting):
            task.cancel()

    async def _judge(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_FIRST_MESSAGE_S):
                frames, first = await self._read_first(reader)
            check_first(first, self._token)
        except RefusedError as error:
            log.warning("A connection is refused: %s.", error)
            await _close(writer, error.answer)
        except (FramingError, OSError, TimeoutError) as error:
            log.warning("A connection is refused: %s", str(error) or "it sends no initialize.")
            await _close(writer)
        except asyncio.CancelledError:
            writer.close()
            raise
        else:
            if self.admitted.done():
                await _close(writer)
            else:
                frames.max_bytes = MAX_MESSAGE_BYTES
                self.admitted.set_result(Connection(first, frames, reader, writer))

    async def _read_first(self, reader: asyncio.StreamReader) -> tuple[FrameReader, Frame]:
        frames, start = FrameReader(_FIRST_MESSAGE_BYTES), b""
        while data := await reader.read(_CHUNK):
            start = (start + data)[:_CHUNK]
            if not is_header(start):
                raise RefusedError("what it sends is not the Language Server Protocol")
            first = next(frames.feed(data), None)
            if first is not None:
                return frames, first
        raise RefusedError("it ended before it had sent initialize")


async def accept(where: Listening) -> Connection:
    """Return the first client that may talk to us; nobody else can connect from then on.

    Raises QueryError where it can't be listened, or must not be, and OSError.
    """
    admission = _Admission(where.token if isinstance(where, TcpAddress) else None)
    listen = _listen_tcp if isinstance(where, TcpAddress) else _listen_socket
    async with listen(where, admission):
        try:
            return await admission.admitted
        finally:
            admission.close()


@contextlib.asynccontextmanager
async def _listen_tcp(where: Any, admission: _Admission) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    hosts = list(dict.fromkeys(str(address[4][0]) for address in found))  # looked up once: names may change
    remote = [host for host in hosts if not is_loopback(host)]
    if remote and not where.may_be_remote:
        raise QueryError(
            f"Other machines reach {remote[0]}. Listen at 127.0.0.1, and come through ssh -L; "
            "or pass --allow-remote, if everybody in between may read your code."
        )
    listener = await asyncio.start_server(admission.connected, hosts, where.port)
    host, port = listener.sockets[0].getsockname()[:2]
    log.info("listening on %s:%d", host, port)
    if remote:
        log.warning("Other machines reach %s, and nothing is encrypted.", remote[0])
    try:
        yield
    finally:
        listener.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@contextlib.asynccontextmanager
async def _listen_socket(where: Any, admission: _Admission) -> AsyncIterator[None]:
    made = _bind(where.path)
    identity = _identity(where.path)
    listener = await asyncio.start_unix_server(admission.connected, sock=made)
    log.info("listening on %s", where.path)
    try:
        yield
    finally:
        listener.close()
        with contextlib.suppress(OSError):
            if _identity(where.path) == identity:  # else another server has taken the place
                where.path.unlink()


def _bind(path: Path) -> socket.socket:
    """Return the bound socket, which from its first moment is its owner's only."""
    if not hasattr(socket, "AF_UNIX"):
        raise QueryError("This system has no Unix sockets. Use --tcp.")
    _check_folder(path.parent)
    _remove_stale(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(str(path))
    except OSError as error:
        made.close()
        raise QueryError(f"{path} can't be a socket ({error}). Choose another, shorter path.") from error
    finally:
        os.umask(before)
    made.setblocking(False)
    return made


def _check_folder(folder: Path) -> None:
    """Raise QueryError where others could put a socket of theirs in the place of ours."""
    try:
        status = folder.stat()
    except OSError as error:
        raise QueryError(f"{folder} can't be used ({error.strerror}). Make the folder first.") from error
    if not stat.S_ISDIR(status.st_mode):
        raise QueryError(f"{folder} is no folder. Choose a path in one.")
    is_shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
    if is_shared or status.st_uid not in (0, os.getuid()):
        raise QueryError(f"Others can write in {folder}. Choose a folder of your own, or run: chmod go-w {folder}")


def _remove_stale(path: Path) -> None:
    """Remove the socket that a server has left that was killed. Raises QueryError for anything else."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.getuid():
        raise QueryError(f"{path} is there already, and no socket of yours. Choose another path.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
        else:
            raise QueryError(f"Another server listens on {path}. Choose another path.")


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


async def _close(writer: asyncio.StreamWriter, answer: bytes = b"") -> None:
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(answer)
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 1.0)
