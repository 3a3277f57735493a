"""Ask who answers the commands of a workspace, or start a resident process: imported before anything heavy.

An editor's server or that of an agent answers where it is running, since it has the index loaded; see `serve_commands`.

Both sides prove that they have read a key that only this user can read, as for a heavy model (embed/local/ipc.py).
There is no resident process on Windows, for a model that has a process of its own, and in continuous integration.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from codekin import __version__
from codekin.embed.local.ipc import connect, read_address
from codekin.processes import start_python
from codekin.resident.code_version import fingerprint_code
from codekin.settings import Settings, is_continuous_integration

_ANSWER_TIMEOUT_S = 20.0  # the command answers by itself after that

Message = dict[str, Any]


class ResidentProcess:
    """The resident process for one workspace and these settings, running or not."""

    def __init__(self, workspace_root: Path, settings: Settings) -> None:
        """`workspace_root` must be resolved."""
        cache_settings = replace(settings.cache, directory=str(settings.cache_directory.absolute()))
        self.root = workspace_root
        self.settings = settings = replace(settings, cache=cache_settings)  # the process runs in another folder
        # All that the index depends on, and the code that answers: where an editor has other settings, nobody answers.
        index_settings = (settings.index, settings.model, settings.cache, settings.team)
        identity = repr((__version__, sys.prefix, fingerprint_code(), index_settings))
        file_name = f"{_digest(str(workspace_root))}-{_digest(identity)}.json"
        self.address_path = (settings.cache_directory / "resident" / file_name).absolute()

    @property
    def is_allowed(self) -> bool:
        """Return whether settings, model, environment and system allow a resident process."""
        is_embedded = self.settings.model.name == "embedded" and not self.settings.model.endpoint
        is_wanted = self.settings.cli.resident and not is_continuous_integration()
        return is_wanted and is_embedded and sys.platform != "win32"

    def ask(self, request: Message) -> Message | None:
        """Send a request to the process, if it runs, and return the answer; None if none comes within 20 s."""
        address = read_address(self.address_path) if self.is_allowed else None
        channel = connect(address) if address else None
        if channel is None:
            return None
        with suppress(EOFError, OSError, ValueError):
            channel.send(request)
            if channel.poll(_ANSWER_TIMEOUT_S):
                answer, _ = channel.receive()
                channel.close()
                return answer
        channel.close()
        return None

    def start(self) -> None:
        """Start the process, which outlives this one; return at once. No-op if it isn't allowed or can't be started."""
        if not self.is_allowed:
            return
        start_order = {"root": str(self.root), "settings": asdict(self.settings), "address": str(self.address_path)}
        with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
            process = start_python("codekin.resident.main", stderr=nowhere, is_detached=True)
            assert process.stdin is not None and process.stdout is not None  # noqa: S101 (start_python opens pipes)
            process.stdin.write(json.dumps(start_order).encode() + b"\n")
            process.stdin.close()
            process.stdout.close()
            process.returncode = 0  # it outlives this process: nobody waits for it


def _digest(text: str) -> str:
    """Return a digest of the text that fits into a file's name."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
