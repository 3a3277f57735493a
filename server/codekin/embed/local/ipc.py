"""How the process that holds a model and those who ask it talk: over a socket that only this user can reach.

A message is a JSON object; vectors follow it as raw bytes. Nothing is ever unpickled. Both sides prove, by
multiprocessing's own challenge (HMAC), that they have read the key, which lies in a file of the user's alone.
"""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.errors import ModelError
from codekin.settings import runtime_directory

Floats = NDArray[np.float32]

READY = "ready"  # what a process says when it listens
_LONGEST = 1 << 30  # bytes of a message


class MessageChannel:
    """One conversation. Raises EOFError or OSError when the other side is gone."""

    def __init__(self, connection: "Connection[Any, Any]", other: "Address | None" = None) -> None:
        """`other` is where the other side listens, if this one has come to it."""
        self._connection = connection
        self.other = other

    def send(self, message: Mapping[str, Any], rows: Floats | None = None) -> None:
        """Send a message, with `rows` (n, d) where there are any."""
        shape = None if rows is None else list(rows.shape)
        self._connection.send_bytes(json.dumps({**message, "shape": shape}).encode())
        if rows is not None:
            self._connection.send_bytes(np.ascontiguousarray(rows, "<f4").tobytes())

    def receive(self) -> tuple[dict[str, Any], Floats | None]:
        """The next message, and its rows."""
        message = json.loads(self._connection.recv_bytes(_LONGEST))
        shape = message.pop("shape")
        if shape is None:
            return message, None
        rows = np.frombuffer(self._connection.recv_bytes(_LONGEST), "<f4").reshape(shape)
        return message, rows.astype(np.float32)

    def poll(self, within_s: float) -> bool:
        """Whether there is a message, or the other side's end, before that time is over."""
        return self._connection.poll(within_s)

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process listens, and what proves that somebody may talk to it."""

    where: str | tuple[str, int]  # a socket's path; or, where the system has no such sockets, this machine and a port
    key: bytes

    def write(self, path: Path) -> None:
        """Into a file that only this user can read; whole or not at all. Raises ModelError."""
        told = {"where": self.where, "key": self.key.hex()}
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as stream:
                json.dump(told, stream)
            fresh.replace(path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise describe_unwritable(path.parent, error) from error

    def unlink(self) -> None:
        """Remove the socket of a process that is no more."""
        if isinstance(self.where, str):
            Path(self.where).unlink(missing_ok=True)


def read_address(path: Path) -> Address | None:
    """The address in the file; None where there is none."""
    try:
        told = json.loads(path.read_text())
        where = told["where"] if isinstance(told["where"], str) else (str(told["where"][0]), int(told["where"][1]))
        return Address(where, bytes.fromhex(told["key"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def listen() -> tuple[Listener, Address]:
    """A socket that only this user can reach, and its address. Raises ModelError."""
    key = secrets.token_bytes(32)
    if sys.platform == "win32":
        listener = Listener(("127.0.0.1", 0), "AF_INET", backlog=16)
        return listener, Address(listener.address, key)
    where = str(_private_folder() / f"{secrets.token_hex(8)}.sock")
    before = os.umask(0o177)
    try:
        return Listener(where, "AF_UNIX", backlog=16), Address(where, key)
    except OSError as error:
        raise ModelError(
            f"{where} can't be listened on ({error}). Set XDG_RUNTIME_DIR to a folder of yours."
        ) from error
    finally:
        os.umask(before)


def _private_folder() -> Path:
    """The folder of our sockets: a socket's path may have no more than some 100 characters, so not in the cache."""
    try:
        folder = runtime_directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.lstat()
    except OSError as error:
        remedy = "Set XDG_RUNTIME_DIR to a folder of yours."
        raise ModelError(f"There is no folder for a socket ({error}). {remedy}") from error
    if sys.platform != "win32" and (state.st_uid != os.getuid() or state.st_mode & 0o077):
        raise ModelError(f"{folder} is not yours alone. Remove it, or set XDG_RUNTIME_DIR to a folder of yours.")
    return folder


def authenticate(connection: "Connection[Any, Any]", key: bytes) -> MessageChannel | None:
    """The listener's side of a new conversation; None where the other side can't prove that it has read the key."""
    try:
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
    except (AuthenticationError, EOFError, OSError):
        connection.close()
        return None
    return MessageChannel(connection)


def connect(address: Address) -> MessageChannel | None:
    """A conversation with who listens there; None where nobody does who has the key."""
    with suppress(AuthenticationError, EOFError, OSError):
        return MessageChannel(Client(address.where, authkey=address.key), address)
    return None


def describe_unwritable(folder: Path, error: OSError) -> ModelError:
    """What to tell of a folder of the cache in which nothing can be kept."""
    remedy = "Free some room there, or set cache.directory to a folder that can be written."
    return ModelError(f"{folder} can't be written ({error.strerror}). {remedy}")
