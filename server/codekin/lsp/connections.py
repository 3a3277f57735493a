"""Listen at a TCP address or a Unix socket until one admissible client has connected."""

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
from codekin.lsp.authentication import RefusedError, check_first_message, is_header_start
from codekin.lsp.framing import MAX_MESSAGE_BYTES, Frame, FrameReader, FramingError

logger = logging.getLogger(__name__)

_FIRST_MESSAGE_TIMEOUT_S = 10.0  # an editor sends initialize at once
_MAX_FIRST_MESSAGE_BYTES = 2**20  # recorded clients send 10,000
_MAX_PENDING_CONNECTIONS = 16  # connections whose first message is awaited
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP address to listen at, and the token that a client must send."""

    host: str
    port: int  # 0: any free port, which is logged
    token: str
    may_be_remote: bool = False  # may listen at addresses that other machines reach


@dataclass(frozen=True, slots=True)
class SocketPath:
    """A Unix socket that only its owner can connect to."""

    path: Path


ListenAddress = TcpAddress | SocketPath


@dataclass(frozen=True, slots=True)
class Connection:
    """An admitted client and its first message."""

    first_frame: Frame
    frame_reader: FrameReader
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _Admission:
    """Checks connections by their first message, up to 16 at once, until one is admitted."""

    def __init__(self, expected_token: str | None) -> None:
        self.admitted_connection: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._expected_token = expected_token
        self._pending_tasks: OrderedDict[asyncio.Task[None], None] = OrderedDict()

    def handle_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Start checking a connection in a task and return at once; beyond 16 pending ones, cancel the oldest."""
        admission_task = asyncio.get_running_loop().create_task(self._check_connection(reader, writer))
        self._pending_tasks[admission_task] = None
        admission_task.add_done_callback(lambda done: self._pending_tasks.pop(done, None))
        if len(self._pending_tasks) > _MAX_PENDING_CONNECTIONS:
            next(iter(self._pending_tasks)).cancel()

    def cancel_pending(self) -> None:
        """Cancel the checks under way, which closes their connections; return at once."""
        for pending_task in tuple(self._pending_tasks):
            pending_task.cancel()

    async def _check_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Admit the first connection whose first message, within 10 s, is a permitted `initialize`; close any other.

        Logs why it refuses one.
        """
        try:
            async with asyncio.timeout(_FIRST_MESSAGE_TIMEOUT_S):
                frame_reader, first_frame = await self._read_first_frame(reader)
            check_first_message(first_frame, self._expected_token)
        except RefusedError as error:
            logger.warning("A connection is refused: %s.", error)
            await _close_connection(writer, error.response)
        except (FramingError, OSError, TimeoutError) as error:
            logger.warning("A connection is refused: %s", str(error) or "it sends no initialize.")
            await _close_connection(writer)
        except asyncio.CancelledError:
            writer.close()
            raise
        else:
            if self.admitted_connection.done():
                await _close_connection(writer)
            else:
                frame_reader.max_bytes = MAX_MESSAGE_BYTES
                self.admitted_connection.set_result(Connection(first_frame, frame_reader, reader, writer))

    async def _read_first_frame(self, reader: asyncio.StreamReader) -> tuple[FrameReader, Frame]:
        """Return the first frame (≤ 1 MiB), and the reader that may hold more. Raises RefusedError, FramingError."""
        frame_reader, first_bytes = FrameReader(_MAX_FIRST_MESSAGE_BYTES), b""
        while received_bytes := await reader.read(_CHUNK_BYTES):
            first_bytes = (first_bytes + received_bytes)[:_CHUNK_BYTES]
            if not is_header_start(first_bytes):
                raise RefusedError("what it sends is not the Language Server Protocol")
            first_frame = next(frame_reader.read_frames(received_bytes), None)
            if first_frame is not None:
                return frame_reader, first_frame
        raise RefusedError("it ended before it had sent initialize")


async def accept_client(listen_address: ListenAddress) -> Connection:
    """Listen until one client is admitted and return its connection; then stop listening. No time-out.

    Raises QueryError where the address can't be used or is not permitted, and OSError.
    """
    admission = _Admission(listen_address.token if isinstance(listen_address, TcpAddress) else None)
    open_listener = _listen_tcp if isinstance(listen_address, TcpAddress) else _listen_socket
    async with open_listener(listen_address, admission):
        try:
            return await admission.admitted_connection
        finally:
            admission.cancel_pending()


@contextlib.asynccontextmanager
async def _listen_tcp(tcp_address: Any, admission: _Admission) -> AsyncIterator[None]:
    """Listen at the TCP address inside the `with`. Raises QueryError where other machines reach it unasked; OSError."""
    loop = asyncio.get_running_loop()
    address_infos = await loop.getaddrinfo(tcp_address.host, tcp_address.port, type=socket.SOCK_STREAM)
    # Resolved once: the name may resolve to something else later.
    host_addresses = list(dict.fromkeys(str(address[4][0]) for address in address_infos))
    remote_addresses = [bound_host for bound_host in host_addresses if not is_loopback_address(bound_host)]
    if remote_addresses and not tcp_address.may_be_remote:
        raise QueryError(
            f"Other machines reach {remote_addresses[0]}. Listen at 127.0.0.1, and come through ssh -L; "
            "or pass --allow-remote, if everybody in between may read your code."
        )
    listener = await asyncio.start_server(admission.handle_connection, host_addresses, tcp_address.port)
    bound_host, bound_port = listener.sockets[0].getsockname()[:2]
    logger.info("listening on %s:%d", bound_host, bound_port)
    if remote_addresses:
        logger.warning("Other machines reach %s, and nothing is encrypted.", remote_addresses[0])
    try:
        yield
    finally:
        listener.close()


def is_loopback_address(host_address: str) -> bool:
    """Return whether the IP address is this machine's loopback, IPv4 in IPv6 too. Raises ValueError for a host name."""
    ip_address = ipaddress.ip_address(host_address.partition("%")[0])
    mapped_ipv4_address = getattr(ip_address, "ipv4_mapped", None)
    return (mapped_ipv4_address or ip_address).is_loopback


@contextlib.asynccontextmanager
async def _listen_socket(socket_path: Any, admission: _Admission) -> AsyncIterator[None]:
    """Listen on the Unix socket inside the `with`, then remove its file if it is still the same. Raises QueryError."""
    bound_socket = _bind_private_socket(socket_path.path)
    socket_file_id = _get_file_id(socket_path.path)
    listener = await asyncio.start_unix_server(admission.handle_connection, sock=bound_socket)
    logger.info("listening on %s", socket_path.path)
    try:
        yield
    finally:
        listener.close()
        with contextlib.suppress(OSError):
            if _get_file_id(socket_path.path) == socket_file_id:  # else another server listens there now
                socket_path.path.unlink()


def _bind_private_socket(socket_path: Path) -> socket.socket:
    """Bind a socket whose file only its owner can access, replacing a stale one. Raises QueryError. Not listening."""
    if not hasattr(socket, "AF_UNIX"):
        raise QueryError("This system has no Unix sockets. Use --tcp.")
    _check_folder(socket_path.parent)
    _remove_stale_socket(socket_path)
    unix_socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous_umask = os.umask(0o177)
    try:
        unix_socket.bind(str(socket_path))
    except OSError as error:
        unix_socket.close()
        raise QueryError(f"{socket_path} can't be a socket ({error}). Choose another, shorter path.") from error
    finally:
        os.umask(previous_umask)
    unix_socket.setblocking(False)
    return unix_socket


def _check_folder(folder: Path) -> None:
    """Raise QueryError where the folder does not exist, or other users could replace files in it, unless sticky."""
    try:
        folder_status = folder.stat()
    except OSError as error:
        raise QueryError(f"{folder} can't be used ({error.strerror}). Make the folder first.") from error
    if not stat.S_ISDIR(folder_status.st_mode):
        raise QueryError(f"{folder} is not a folder. Choose a path in one.")
    is_shared = folder_status.st_mode & 0o022 and not folder_status.st_mode & stat.S_ISVTX
    if is_shared or folder_status.st_uid not in (0, os.getuid()):
        raise QueryError(f"Others can write in {folder}. Choose a folder of your own, or run: chmod go-w {folder}")


def _remove_stale_socket(socket_path: Path) -> None:
    """Remove the socket of a server that was killed, if any. Raises QueryError for a live socket or another file."""
    try:
        path_status = socket_path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(path_status.st_mode) or path_status.st_uid != os.getuid():
        raise QueryError(f"{socket_path} is there already, and no socket of yours. Choose another path.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe_socket:
        try:
            probe_socket.connect(str(socket_path))
        except OSError:
            socket_path.unlink(missing_ok=True)
        else:
            raise QueryError(f"Another server listens on {socket_path}. Choose another path.")


def _get_file_id(socket_path: Path) -> tuple[int, int]:
    """Return the device and inode of the file. Raises OSError."""
    file_status = socket_path.lstat()
    return file_status.st_dev, file_status.st_ino


async def _close_connection(writer: asyncio.StreamWriter, response: bytes = b"") -> None:
    """Send the response, if any, and close the connection, waiting at most a second. Never raises OSError."""
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(response)
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 1.0)
