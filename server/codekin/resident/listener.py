"""Listen for the commands of one workspace: in its resident process, or in a server that has the index loaded."""

import contextlib
import os
import socket
import threading
from collections.abc import Sequence
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from codekin.embed.local.ipc import Address, authenticate, connect, listen, read_address
from codekin.engine import Engine
from codekin.errors import CodekinError
from codekin.resident.client import ResidentProcess
from codekin.resident.service import ResidentService
from codekin.settings import Settings

_RETRY_INTERVAL_S = 5.0  # how soon a server takes over from a resident process that has ended


class CommandListener:
    """Answers the commands that look for an address at this path, as long as nobody else does."""

    def __init__(self, address_path: Path, service: ResidentService) -> None:
        self._address_path = address_path
        self._service = service
        self._lock = FileLock(address_path.with_suffix(".lock"), timeout=0, mode=0o600, thread_local=False)
        self._address: Address | None = None
        self._closing = threading.Event()

    def claim(self) -> bool:
        """Take the lock for this root and settings if it is free; return whether it is held here. Raises OSError."""
        self._address_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(Timeout):
            self._lock.acquire()
        return self._lock.is_locked

    def listen(self) -> None:
        """Write this process's address and answer commands from now on, on threads; returns at once.

        Raises OSError, ModelError.
        """
        if stale_address := read_address(self._address_path):
            stale_address.unlink()
        listener, self._address = listen()
        self._address.write(self._address_path)
        threading.Thread(target=self._accept_clients, args=(listener, self._address.key), daemon=True).start()

    def retire_others(self) -> None:
        """Tell resident processes of this root for other settings or code to end, no waiting; clean up after dead ones.

        Servers, which listen in the same way, go on.
        """
        root_digest = self._address_path.name.partition("-")[0]
        for lock_path in self._address_path.parent.glob(f"{root_digest}-*.lock"):
            if lock_path.stem != self._address_path.stem:
                _retire(lock_path.with_suffix(self._address_path.suffix))

    @property
    def is_reachable(self) -> bool:
        """Return whether commands would find this listener."""
        return self._address is not None and read_address(self._address_path) == self._address

    def close(self) -> None:
        """Listen no more, and remove the address; requests under way get their answers. May be called twice."""
        self._closing.set()
        with contextlib.suppress(OSError):
            if self._address is not None and self.is_reachable:
                self._address_path.unlink(missing_ok=True)
            if self._address is not None:
                _wake_listener(self._address)
                self._address.unlink()
        self._address = None
        self._lock.release()

    def listen_when_free(self) -> None:
        """Listen as soon as nobody else does, on a thread; returns at once. A failure means that nobody listens."""
        threading.Thread(target=self._listen_when_free, name="codekin-commands", daemon=True).start()

    def _listen_when_free(self) -> None:
        """Wait until no other listener holds the lock, then listen; a failure is dropped. Runs on a thread."""
        with contextlib.suppress(OSError, CodekinError):
            while not self._closing.is_set() and not self.claim():
                self._closing.wait(_RETRY_INTERVAL_S)
            if not self._closing.is_set():
                self.listen()
            if self._closing.is_set():
                self.close()

    def _accept_clients(self, listener: Listener, address_key: bytes) -> None:
        """Serve each connection on a thread of its own, until closed."""
        with contextlib.suppress(OSError), listener:
            while True:
                connection = listener.accept()
                if self._closing.is_set():
                    return
                threading.Thread(target=self._serve_client, args=(connection, address_key), daemon=True).start()

    def _serve_client(self, connection: Any, address_key: bytes) -> None:
        """Authenticate a client and answer its requests until it disconnects."""
        channel = authenticate(connection, address_key)
        if channel is None:
            return
        with contextlib.suppress(EOFError, OSError, ValueError):
            while True:
                request, _ = channel.receive()
                channel.send(self._service.answer(request))
        channel.close()


def serve_commands(engine: Engine, workspace_roots: Sequence[Path], settings: Settings) -> None:
    """Answer, on threads, the commands of a server's one root, once nobody else does, until the engine is closed.

    Returns at once; does nothing where that is not allowed. The engine must follow the disk by itself.
    """
    resident = (
        ResidentProcess(Path(os.path.realpath(workspace_roots[0])), settings) if len(workspace_roots) == 1 else None
    )
    if resident is None or not resident.is_allowed:
        return
    listener = CommandListener(resident.address_path, ResidentService(engine, resident.root, is_watched=True))
    engine.call_before_closing(listener.close)
    listener.listen_when_free()


def _retire(address_path: Path) -> None:
    """Tell the resident process with this address to end; remove its files if it has ended already. Never raises."""
    address = read_address(address_path)
    channel = connect(address) if address else None
    with contextlib.suppress(OSError):
        if channel is not None:
            channel.send({"command": "retire"})
            channel.close()
            return
        with FileLock(address_path.with_suffix(".lock"), timeout=0, mode=0o600):
            address_path.unlink(missing_ok=True)
            address_path.with_suffix(".lock").unlink(missing_ok=True)


def _wake_listener(address: Address) -> None:
    """Connect once, so that a listener that waits for a client checks whether it is closed. Raises OSError."""
    address_family = socket.AF_UNIX if isinstance(address.location, str) else socket.AF_INET
    with contextlib.closing(socket.socket(address_family)) as client_socket:
        client_socket.connect(address.location)
