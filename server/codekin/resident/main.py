"""Run a resident process: read the order (a line of JSON) from standard input, and serve until nobody asks any more."""

import contextlib
import json
import logging
import os
import sys
import threading
import time
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from codekin.embed.local.ipc import Address, authenticate, listen, read_address
from codekin.engine import Engine
from codekin.errors import CodekinError
from codekin.resident.service import ResidentService
from codekin.settings import Settings, override_settings

_IDLE_TIMEOUT_S = 600.0
_CHECK_INTERVAL_S = 5.0  # how soon it notices that it is idle, or that its workspace or index is gone

log = logging.getLogger("codekin.resident")


def main() -> None:
    """Serve one workspace; ends at once if another process does so."""
    order = json.loads(sys.stdin.readline())
    settings, _ = override_settings(Settings(), order["settings"], source="the starter")
    address_path, root = Path(order["address"]), Path(order["root"])
    with contextlib.suppress(OSError, Timeout, CodekinError):
        address_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(address_path.with_suffix(".lock"), timeout=0, mode=0o600):
            _serve(root, settings, address_path)
    os._exit(0)  # clients' threads may be blocked in receive


def _serve(root: Path, settings: Settings, address_path: Path) -> None:
    """Serve commands until idle, or until root, store or address is gone. Raises CodekinError."""
    engine = Engine([root], settings)
    with contextlib.closing(engine):
        service = ResidentService(engine, root)
        service.warm_up()
        if stale_address := read_address(address_path):
            stale_address.unlink()
        listener, address = listen()
        address.write(address_path)
        threading.Thread(target=_accept_clients, args=(listener, address.key, service), daemon=True).start()
        store = engine.status().store  # asked once: the engine would make a new one
        try:
            while _is_needed(service, root, store, address, address_path):
                time.sleep(_CHECK_INTERVAL_S)
        finally:
            address.unlink()
            if read_address(address_path) == address:
                address_path.unlink(missing_ok=True)


def _is_needed(service: ResidentService, root: Path, store: Path, address: Address, address_path: Path) -> bool:
    """Return whether to go on: asked recently, root and store exist, and the address file still names this process."""
    is_idle = time.monotonic() - service.last_request_time > _IDLE_TIMEOUT_S
    return not is_idle and root.is_dir() and store.is_file() and read_address(address_path) == address


def _accept_clients(listener: Listener, key: bytes, service: ResidentService) -> None:
    """Serve each connection on a thread of its own; returns when the listener is closed."""
    while True:
        try:
            connection = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve_client, args=(connection, key, service), daemon=True).start()


def _serve_client(connection: Any, key: bytes, service: ResidentService) -> None:
    """Authenticate a client and answer its requests until it disconnects."""
    channel = authenticate(connection, key)
    if channel is None:
        return
    with contextlib.suppress(EOFError, OSError, ValueError):
        while True:
            request, _ = channel.receive()
            channel.send(service.answer(request))
    channel.close()
