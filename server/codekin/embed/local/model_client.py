"""Use a heavy model in another process: find or start the process, send requests, restart it if it died."""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from codekin import __version__
from codekin.embed.background import run_on_thread
from codekin.embed.local.checkpoint import Checkpoint, resolve_folder
from codekin.embed.local.ipc import READY, MessageChannel, connect, describe_unwritable, read_address
from codekin.errors import ModelBusyError, ModelDiedError, ModelError
from codekin.model_status import NOT_LOADED
from codekin.processes import start_python
from codekin.settings import ModelSettings

Floats = NDArray[np.float32]

_MAX_TRIES = 3  # a process may be killed because another one needs memory
_COOL_DOWN_S = 30.0  # after the model failed to load: a retry takes seconds and will most likely fail too
_POLL_INTERVAL_S = 0.2  # how quickly `close` is noticed
_CONNECT_TIMEOUT_S = 20.0  # a process that doesn't answer is suspended, hangs, or isn't ours
_LIVENESS_INTERVAL_S = 60.0  # how often a busy server is checked


class ModelServerProcess:
    """Finds or starts the user's one process that holds a given model."""

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, runtime_folder: Path) -> None:
        """Identify the process by version, model and device; its files are in `runtime_folder`. Starts nothing."""
        self.checkpoint = checkpoint
        self.server_info: dict[str, Any] = {}  # from its last greeting
        self._settings = settings
        self._runtime_folder = runtime_folder
        identity = [__version__, sys.executable, checkpoint.fingerprint, settings.device, settings.precision]
        self._instance_name = hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).hexdigest()
        self._last_failure: tuple[float, str] = (-_COOL_DOWN_S, "")

    @property
    def log_path(self) -> Path:
        """Return the path of the process's log file."""
        return self._runtime_folder / f"{self._instance_name}.log"

    def connect(self) -> MessageChannel:
        """Start the process if none runs, wait for its model, return a new channel. Raises ModelError.

        The error of a failure is raised again, at once, for 30 s.
        """
        failed_at, message = self._last_failure
        if time.monotonic() - failed_at < _COOL_DOWN_S:
            raise ModelError(message)
        try:
            return self._open_channel()
        except ModelError as error:
            self._last_failure = (time.monotonic(), str(error))
            raise

    def _open_channel(self) -> MessageChannel:
        """Return a greeted channel, starting the server if need be; set `server_info`. Raises ModelError."""
        for _ in range(_MAX_TRIES):
            channel = self._connect_existing() or self._start_once()
            if channel is None:
                continue
            try:
                server_info, _ = channel.receive()
            except (EOFError, OSError):  # it ended because it was idle, or was killed
                channel.close()
                continue
            if error_message := server_info.get("error"):
                channel.close()
                raise ModelError(error_message)
            if server_info["fingerprint"] != self.checkpoint.fingerprint:
                channel.close()
                raise ModelError(f"The files of {self.checkpoint.name} have changed. Ask again to read them.")
            self.server_info = server_info
            return channel
        raise ModelError(self._describe_death())

    def _describe_death(self) -> str:
        """Return the message for a process that keeps dying: most often there is too little memory."""
        remedy = f"Is there memory for it? See {self.log_path}. Choose a smaller model.name or model.precision."
        return f"The process that loads {self.checkpoint.name} died {_MAX_TRIES} times. {remedy}"

    def is_reachable(self, channel: MessageChannel) -> bool:
        """Return whether the server still accepts connections at the address that others find; waits 20 s at most."""
        if read_address(self._address_path) != channel.peer_address:
            return False
        second_channel = self._connect_existing()
        if second_channel is not None:
            second_channel.close()
        return second_channel is not None

    def _connect_existing(self) -> MessageChannel | None:
        """Return a channel to the running server; None if there is none, or no answer within 20 s."""
        address = read_address(self._address_path)
        if address is None:
            return None
        try:
            return run_on_thread(lambda: connect(address)).result(_CONNECT_TIMEOUT_S)
        except TimeoutError:  # the thread is abandoned: if the process recovers, it ends when idle
            return None

    @property
    def _address_path(self) -> Path:
        """Return the path of the file with the process's address."""
        return self._runtime_folder / f"{self._instance_name}.json"

    def _start_once(self) -> MessageChannel | None:
        """Return a channel to a server just started, here or by another client; None if it died. Raises ModelError."""
        try:
            self._runtime_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self._runtime_folder / f"{self._instance_name}.lock", mode=0o600):
                return self._connect_existing() or self._start_process()
        except OSError as error:
            raise describe_unwritable(self._runtime_folder, error) from error

    def _start_process(self) -> MessageChannel | None:
        """Start a process and return a channel to it; None if it is dead already. Raises ModelError with its reason.

        The caller holds the lock and found no running process.
        """
        if stale_address := read_address(self._address_path):
            stale_address.unlink()
        with os.fdopen(os.open(self.log_path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as log_file:
            process = start_python("codekin.embed.local.model_server", stderr=log_file, is_detached=True)
        # An absolute path, as the process runs in another folder.
        model_name = str(resolve_folder(self._settings.name) or self._settings.name)
        start_request = {
            "model": asdict(replace(self._settings, name=model_name)),
            "address": str(self._address_path.absolute()),
        }
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 (start_python opens pipes)
        try:
            with process.stdin, process.stdout:
                process.stdin.write(json.dumps(start_request).encode() + b"\n")
                process.stdin.flush()
                first_line = process.stdout.readline().decode(errors="replace").strip()
        except BrokenPipeError:
            first_line = ""
        threading.Thread(target=process.wait, daemon=True).start()  # reap it when it ends
        if first_line != READY:
            raise ModelError(
                first_line or f"The process for {self.checkpoint.name} did not start. See {self.log_path}."
            )
        return self._connect_existing()


class ModelClient:
    """Encodes texts in the model server, one request at a time."""

    def __init__(self, server_process: ModelServerProcess, *, is_urgent: bool, timeout_s: float | None = None) -> None:
        """Set the priority of requests, and their time-out in seconds.

        With `timeout_s`, requests wait that long for a loaded model, and hardly at all for one that is not loaded.
        Without it they wait until the model is loaded and has answered, through restarts. Urgent requests go before
        all others.
        """
        checkpoint = server_process.checkpoint
        self.name, self.fingerprint = checkpoint.name, checkpoint.fingerprint
        self.dims, self.prefixes = checkpoint.dims, checkpoint.prefixes
        self._server_process = server_process
        self._is_urgent = is_urgent
        self._timeout_s = timeout_s
        self._request_lock = threading.Lock()
        self._channel: MessageChannel | None = None
        self._pending_channel: Future[MessageChannel] | None = None
        self._closed = threading.Event()

    @property
    def device(self) -> str:
        """Return the server's device as text; "not loaded" before its first greeting."""
        return str(self._server_process.server_info.get("device", NOT_LOADED))

    @property
    def problems(self) -> tuple[str, ...]:
        """Return the server's problems, as of its last greeting; () before the first."""
        return tuple(self._server_process.server_info.get("problems", ()))

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """Request raw vectors, float32 (n, dims[-1]), from the model server, which is started if none runs.

        Raises ModelBusyError (time-out, closed), ModelDiedError, ModelError.
        """
        timeout_s = 1e9 if self._timeout_s is None else self._timeout_s
        deadline = time.monotonic() + timeout_s
        if not self._request_lock.acquire(timeout=min(timeout_s, threading.TIMEOUT_MAX)):
            raise self._make_busy_error()
        try:
            for _ in range(_MAX_TRIES):
                if self._closed.is_set():
                    raise self._make_busy_error()
                channel = self._ensure_channel(deadline)
                try:
                    return self._request_vectors(channel, texts, prefix, deadline)
                except (EOFError, OSError):  # it died, or ended because it was idle
                    self._drop_channel()
            raise ModelDiedError(f"The process of {self.name} died {_MAX_TRIES} times on the same {len(texts)} texts.")
        finally:
            self._request_lock.release()

    def close(self) -> None:
        """Make requests, under way and later ones, end with ModelBusyError; close the channel, even one to come."""
        self._closed.set()
        if self._request_lock.acquire(timeout=2 * _POLL_INTERVAL_S):
            self._drop_channel()
            if self._pending_channel is not None:
                self._pending_channel.add_done_callback(_close_channel)
            self._request_lock.release()

    def _request_vectors(self, channel: MessageChannel, texts: Sequence[str], prefix: str, deadline: float) -> Floats:
        """Send one request; return its vectors. Raises ModelBusyError, ModelError; EOFError, OSError if it died."""
        channel.send({"texts": list(texts), "prefix": prefix, "urgent": self._is_urgent})
        last_sign_of_life = time.monotonic()
        while not channel.poll(_POLL_INTERVAL_S):
            if self._closed.is_set() or time.monotonic() > deadline:
                self._drop_channel()  # else the next request would receive this answer
                raise self._make_busy_error()
            if time.monotonic() - last_sign_of_life > _LIVENESS_INTERVAL_S:
                if not self._server_process.is_reachable(channel):
                    raise EOFError
                last_sign_of_life = time.monotonic()
        answer, vectors = channel.receive()
        if vectors is None or answer["error"]:
            raise ModelError(f"{self.name} failed: {answer['error']}")
        if vectors.shape != (len(texts), self.dims[-1]):
            raise ModelError(
                f"{self.name} returned {vectors.shape}, not {(len(texts), self.dims[-1])}: please report it."
            )
        return vectors

    def _ensure_channel(self, deadline: float) -> MessageChannel:
        """Return the open channel, connected if need be; with a time-out, don't wait for loading. Raises ModelError.

        Raises ModelBusyError after the time-out.
        """
        if self._channel is None:
            deadline = deadline if self._timeout_s is None else 0.0
            if self._pending_channel is None:
                self._pending_channel = run_on_thread(self._server_process.connect)
            while True:
                try:
                    self._channel = self._pending_channel.result(_POLL_INTERVAL_S)
                    break
                except TimeoutError:
                    if self._closed.is_set() or time.monotonic() > deadline:
                        raise self._make_busy_error() from None
                except ModelError:
                    self._pending_channel = None
                    raise
            self._pending_channel = None
        return self._channel

    def _drop_channel(self) -> None:
        """Close the channel, if there is one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _make_busy_error(self) -> ModelBusyError:
        """Return (don't raise) the error that the model is being loaded or busy."""
        return ModelBusyError(f"{self.name} is being loaded, or busy. Ask again in a moment.")


def _close_channel(future: Future[MessageChannel]) -> None:
    """Close the channel that the future brought; nothing if it brought none."""
    if future.exception() is None:
        future.result().close()
