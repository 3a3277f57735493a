"""Run a resident process: read the order (a line of JSON) from standard input, and serve until nobody asks any more."""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

from codekin.engine import Engine
from codekin.errors import CodekinError
from codekin.resident.code_version import fingerprint_code
from codekin.resident.listener import CommandListener
from codekin.resident.service import ResidentService
from codekin.settings import Settings, override_settings

_IDLE_TIMEOUT_S = 600.0
_CHECK_INTERVAL_S = 5.0  # how soon it notices that it is idle, or that its workspace or index is gone


def main() -> None:
    """Run the resident process: read the order from standard input, serve its workspace until idle, then exit."""
    start_order = json.loads(sys.stdin.readline())
    settings, _ = override_settings(Settings(), start_order["settings"], source="the starter")
    address_path, workspace_root = Path(start_order["address"]), Path(start_order["root"])
    with contextlib.suppress(OSError, CodekinError):
        _serve(workspace_root, settings, address_path)
    os._exit(0)  # clients' threads may be blocked in receive


def _serve(workspace_root: Path, settings: Settings, address_path: Path) -> None:
    """Serve commands until idle or superseded, or until root, store, address or code is gone. Raises CodekinError."""
    code_fingerprint = fingerprint_code()
    engine = Engine([workspace_root], settings)
    service = ResidentService(engine, workspace_root)
    listener = CommandListener(address_path, service)
    with contextlib.closing(engine), contextlib.closing(listener):
        if not listener.claim():
            return
        service.warm_up()
        engine.start_embedding()
        store_path = engine.status().store  # before a client may delete it: asked later, the engine makes a new one
        listener.listen()
        listener.retire_others()
        while _is_needed(service, workspace_root, store_path, listener) and fingerprint_code() == code_fingerprint:
            time.sleep(_CHECK_INTERVAL_S)


def _is_needed(service: ResidentService, workspace_root: Path, store: Path, listener: CommandListener) -> bool:
    """Return whether to go on: used lately, not replaced, root and store exist, the address file names this process."""
    is_idle = time.monotonic() - service.last_request_time > _IDLE_TIMEOUT_S
    return (
        not is_idle and not service.is_retired and workspace_root.is_dir() and store.is_file() and listener.is_reachable
    )
