"""Exchange messages with the model server, over a socket that only this user can reach.

A message is a JSON object, followed by vectors as raw bytes. Nothing is ever unpickled. Both sides prove, by
multiprocessing's HMAC challenge, that they have read the key, which is in a file that only the user can read.
"""

import json
import os
import secrets
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codekin.errors import ModelError
from codekin.settings import runtime_directory

if TYPE_CHECKING:  # numpy takes longer to import than a resident process takes to answer
    import numpy as np
    from numpy.typing import NDArray

READY = "ready"  # printed by the model server once it listens
_CREDENTIALS = struct.Struct("3i")  # process, user and group, as Linux has them
_MAX_MESSAGE_BYTES = 1 << 30  # a larger message is an error


class MessageChannel:
    """Sends and receives messages on one connection. Raises EOFError or OSError when the peer is gone."""

    def __init__(self, connection: "Connection[Any, Any]", peer_address: "Address | None" = None) -> None:
        """Wrap a connection; `peer_address` is the server's address, on the client's side."""
        self._connection = connection
        self.peer_address = peer_address

    def send(self, message: Mapping[str, Any], vectors: "NDArray[np.float32] | None" = None) -> None:
        """Send a message, and with it vectors (n, d) if given; blocks until both are written. Raises OSError."""
        shape = None if vectors is None else list(vectors.shape)
        self._connection.send_bytes(json.dumps({**message, "shape": shape}).encode())
        if vectors is not None:
            import numpy as np

            self._connection.send_bytes(np.ascontiguousarray(vectors, "<f4").tobytes())

    def receive(self) -> "tuple[dict[str, Any], NDArray[np.float32] | None]":
        """Wait for the next message; return it and its vectors, or None without vectors. Raises EOFError, OSError.

        Raises ValueError, KeyError or TypeError for an invalid message.
        """
        message = json.loads(self._connection.recv_bytes(_MAX_MESSAGE_BYTES))
        shape = message.pop("shape")
        if shape is None:
            return message, None
        import numpy as np

        vectors = np.frombuffer(self._connection.recv_bytes(_MAX_MESSAGE_BYTES), "<f4").reshape(shape)
        return message, vectors.astype(np.float32)

    def poll(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s`; return whether a message, or the connection's end, has arrived. Raises OSError."""
        return self._connection.poll(timeout_s)

    def close(self) -> None:
        """Close the connection; the peer receives EOFError."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process listens, and the key that authenticates its clients."""

    location: str | tuple[str, int]  # a socket's path; on Windows a local host and port
    key: bytes

    def write(self, path: Path) -> None:
        """Write the address atomically to a file that only this user can read. Raises ModelError."""
        address_fields = {"where": self.location, "key": self.key.hex()}
        temporary_path = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(temporary_path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as stream:
                json.dump(address_fields, stream)
            temporary_path.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary_path.unlink(missing_ok=True)
            raise describe_unwritable(path.parent, error) from error

    def unlink(self) -> None:
        """Remove the socket's file if there is one; for a process that no longer runs. Raises OSError."""
        if isinstance(self.location, str):
            Path(self.location).unlink(missing_ok=True)


def read_address(path: Path) -> Address | None:
    """Return the address that a file holds; None if there is no file, or no address in it. Never raises."""
    try:
        address_fields = json.loads(path.read_text())
        location = (
            address_fields["where"]
            if isinstance(address_fields["where"], str)
            else (str(address_fields["where"][0]), int(address_fields["where"][1]))
        )
        return Address(location, bytes.fromhex(address_fields["key"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def listen() -> tuple[Listener, Address]:
    """Open a socket that only this user can reach; return it and its new address (not written). Raises ModelError."""
    secret_key = secrets.token_bytes(32)
    if sys.platform == "win32":
        listener = Listener(("127.0.0.1", 0), "AF_INET", backlog=16)
        return listener, Address(listener.address, secret_key)
    socket_path = str(_make_private_folder() / f"{secrets.token_hex(8)}.sock")
    previous_umask = os.umask(0o177)
    try:
        return Listener(socket_path, "AF_UNIX", backlog=16), Address(socket_path, secret_key)
    except OSError as error:
        raise ModelError(
            f"{socket_path} can't be used as a socket ({error}). Set XDG_RUNTIME_DIR to a folder of yours."
        ) from error
    finally:
        os.umask(previous_umask)


def _make_private_folder() -> Path:
    """Return the folder for sockets, created if need be. Raises ModelError if that fails, or others can access it."""
    try:
        folder = runtime_directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        remedy = "Set XDG_RUNTIME_DIR to a folder of yours."
        raise ModelError(f"No folder for a socket can be created ({error}). {remedy}") from error
    if sys.platform != "win32" and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise ModelError(
            f"{folder} is accessible to other users. Remove it, or set XDG_RUNTIME_DIR to a folder of yours."
        )
    return folder


def authenticate(connection: "Connection[Any, Any]", key: bytes) -> MessageChannel | None:
    """Return a channel to an accepted client; None (and close) if it can't prove that it has the key. May block.

    Where the system says whose process the client is, another user's is refused before anything is read.
    """
    try:
        if not _is_own_peer(connection):
            raise AuthenticationError("another user's process")
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
    except (AuthenticationError, EOFError, OSError):
        connection.close()
        return None
    return MessageChannel(connection)


def _is_own_peer(connection: "Connection[Any, Any]") -> bool:
    """Return whether the process at the other end is this user's; True where the system can't tell. Raises OSError."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    with closing(socket.socket(fileno=os.dup(connection.fileno()))) as peer:
        if peer.family != socket.AF_UNIX:
            return True
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(credentials)
    return bool(user == os.getuid())


def connect(address: Address) -> MessageChannel | None:
    """Return a channel to a server; None if nobody with the key listens there. May block. Never raises OSError."""
    with suppress(AuthenticationError, EOFError, OSError):
        return MessageChannel(Client(address.location, authkey=address.key), address)
    return None


def describe_unwritable(folder: Path, error: OSError) -> ModelError:
    """Return (don't raise) the error, with its remedy, for a cache folder that can't be written."""
    remedy = "Free some space there, or set cache.directory to a writable folder."
    return ModelError(f"{folder} can't be written ({error.strerror}). {remedy}")
