"""A heavy model as those see it who do not load it: its process found or started, asked, started again if it died."""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from codekin import __version__
from codekin.embed.local.checkpoint import Checkpoint, resolve_folder
from codekin.embed.local.ipc import READY, Floats, MessageChannel, connect, describe_unwritable, read_address
from codekin.errors import ModelBusyError, ModelDiedError, ModelError
from codekin.processes import start_python
from codekin.settings import ModelSettings

_TRIES = 3  # what kills a process may be another one's hunger for memory
_COOL_DOWN_S = 30.0  # after a failure to load the model; it takes seconds and will most likely fail again
_LOOK_S = 0.2  # how soon `close` is noticed
_GREETING_S = 20.0  # who does not greet within it is stopped, or hangs, or is somebody else
_SILENCE_S = 60.0  # after which one who works is asked whether it is there

Met = TypeVar("Met", MessageChannel, MessageChannel | None)


class ModelServerProcess:
    """The one process of this user that holds a model, wherever it is, and whether there is one yet."""

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, folder: Path) -> None:
        """`folder` is for what the processes leave for each other."""
        self.checkpoint = checkpoint
        self.told: dict[str, Any] = {}  # what the process last said of itself
        self._settings = settings
        self._folder = folder
        alike = [__version__, sys.executable, checkpoint.fingerprint, settings.device, settings.precision]
        self._name = hashlib.blake2b(json.dumps(alike).encode(), digest_size=8).hexdigest()
        self._failure: tuple[float, str] = (-_COOL_DOWN_S, "")

    @property
    def log_path(self) -> Path:
        """What the process says of what it does."""
        return self._folder / f"{self._name}.log"

    def connect(self) -> MessageChannel:
        """A new one, with a model that is ready: waits until it is loaded. Raises ModelError."""
        when, failure = self._failure
        if time.monotonic() - when < _COOL_DOWN_S:
            raise ModelError(failure)
        try:
            return self._conversation()
        except ModelError as error:
            self._failure = (time.monotonic(), str(error))
            raise

    def forgive(self) -> None:
        """What failed may be mended: try it again when asked."""
        self._failure = (-_COOL_DOWN_S, "")

    def _conversation(self) -> MessageChannel:
        for _ in range(_TRIES):
            channel = self._reach() or self._start()
            if channel is None:
                continue
            try:
                hello, _ = channel.receive()
            except (EOFError, OSError):  # its time was over, or it was killed
                channel.close()
                continue
            if error := hello.get("error"):
                channel.close()
                raise ModelError(error)
            if hello["fingerprint"] != self.checkpoint.fingerprint:
                channel.close()
                raise ModelError(f"The files of {self.checkpoint.name} have changed. Ask again: they are read anew.")
            self.told = hello
            return channel
        raise ModelError(self._death())

    def _death(self) -> str:
        """Why there is no process: most often, no room for it."""
        remedy = (
            f"Is there memory for it? {self.log_path} may say more. Choose a smaller model.name, or model.precision."
        )
        return f"The process that loads {self.checkpoint.name} died {_TRIES} times. {remedy}"

    def is_there(self, channel: MessageChannel) -> bool:
        """Whether the other side still greets, and is the one that others find."""
        if read_address(self._address) != channel.other or (greeted := self._reach()) is None:
            return False
        greeted.close()
        return True

    def _reach(self) -> MessageChannel | None:
        address = read_address(self._address)
        if address is None:
            return None
        try:
            return _on_a_thread(lambda: connect(address)).result(_GREETING_S)
        except TimeoutError:  # it is left to itself: should it go on one day, it ends when nobody asks
            return None

    @property
    def _address(self) -> Path:
        return self._folder / f"{self._name}.json"

    def _start(self) -> MessageChannel | None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self._folder / f"{self._name}.lock", mode=0o600):
                return self._reach() or self._started()
        except OSError as error:
            raise describe_unwritable(self._folder, error) from error

    def _started(self) -> MessageChannel | None:
        """The first conversation with a new process; None where it is dead already. Raises ModelError where it says
        why it can't be. The caller has the lock, and nobody could be reached.
        """
        if former := read_address(self._address):
            former.unlink()
        with os.fdopen(os.open(self.log_path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as log:
            process = start_python("codekin.embed.local.model_server", stderr=log, is_detached=True)
        # In full, for the process runs in another folder.
        name = str(resolve_folder(self._settings.name) or self._settings.name)
        order = {"model": asdict(replace(self._settings, name=name)), "address": str(self._address.absolute())}
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 (we asked for pipes)
        try:
            with process.stdin, process.stdout:
                process.stdin.write(json.dumps(order).encode() + b"\n")
                process.stdin.flush()
                told = process.stdout.readline().decode(errors="replace").strip()
        except BrokenPipeError:
            told = ""
        threading.Thread(target=process.wait, daemon=True).start()  # so that its end leaves no zombie
        if told != READY:
            raise ModelError(told or f"The process for {self.checkpoint.name} did not start; {self.log_path} says why.")
        return self._reach()


class RemoteEncoder:
    """The encoder at the other end; one question at a time."""

    def __init__(self, hosting: ModelServerProcess, *, is_urgent: bool, patience_s: float | None = None) -> None:
        """With `patience_s` a question waits so long for a model that is loaded, and hardly for one that is not; else
        until it has been loaded and has answered, however often it must be started. Urgent ones come before all others.
        """
        checkpoint = hosting.checkpoint
        self.name, self.fingerprint = checkpoint.name, checkpoint.fingerprint
        self.dims, self.prefixes = checkpoint.dims, checkpoint.prefixes
        self._hosting = hosting
        self._is_urgent = is_urgent
        self._patience_s = patience_s
        self._asking = threading.Lock()
        self._channel: MessageChannel | None = None
        self._coming: Future[MessageChannel] | None = None
        self._closed = threading.Event()

    @property
    def device(self) -> str:
        return str(self._hosting.told.get("device", "not loaded"))

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(self._hosting.told.get("problems", ()))

    def encode(self, texts: Sequence[str], prefix: str) -> Floats:
        """float32 (n, dims[-1]). Raises ModelBusyError, ModelDiedError, ModelError."""
        patience = 1e9 if self._patience_s is None else self._patience_s
        until = time.monotonic() + patience
        if not self._asking.acquire(timeout=min(patience, threading.TIMEOUT_MAX)):
            raise self._busy()
        try:
            for _ in range(_TRIES):
                channel = self._conversation(until)
                try:
                    return self._ask(channel, texts, prefix, until)
                except (EOFError, OSError):  # it died, or ended for idleness
                    self._hang_up()
            raise ModelDiedError(f"The process of {self.name} died {_TRIES} times of the same {len(texts)} texts.")
        finally:
            self._asking.release()

    def close(self) -> None:
        """Questions under way end soon, with ModelBusyError."""
        self._closed.set()
        if self._asking.acquire(timeout=2 * _LOOK_S):
            self._hang_up()
            self._asking.release()

    def _ask(self, channel: MessageChannel, texts: Sequence[str], prefix: str, until: float) -> Floats:
        channel.send({"texts": list(texts), "prefix": prefix, "urgent": self._is_urgent})
        heard = time.monotonic()
        while not channel.poll(_LOOK_S):
            if self._closed.is_set() or time.monotonic() > until:
                self._hang_up()  # the answer would be taken for that to the next question
                raise self._busy()
            if time.monotonic() - heard > _SILENCE_S:
                if not self._hosting.is_there(channel):
                    raise EOFError
                heard = time.monotonic()
        answer, vectors = channel.receive()
        if vectors is None or answer["error"]:
            raise ModelError(f"{self.name} failed: {answer['error']}")
        if vectors.shape != (len(texts), self.dims[-1]):
            raise ModelError(f"{self.name} gave {vectors.shape}, not {(len(texts), self.dims[-1])}: please report it.")
        return vectors

    def _conversation(self, until: float) -> MessageChannel:
        """The one that there is, or a new one. Loading takes seconds, for which little patience is too little."""
        if self._channel is None:
            until = until if self._patience_s is None else 0.0
            if self._coming is None:
                self._coming = _on_a_thread(self._hosting.connect)
            while True:
                try:
                    self._channel = self._coming.result(_LOOK_S)
                    break
                except TimeoutError:
                    if self._closed.is_set() or time.monotonic() > until:
                        raise self._busy() from None
                except ModelError:
                    self._coming = None
                    raise
            self._coming = None
        return self._channel

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _busy(self) -> ModelBusyError:
        return ModelBusyError(f"{self.name} is being loaded, or busy. Ask again in a moment.")


def _on_a_thread(call: Callable[[], Met]) -> Future[Met]:
    """What `call` returns, some time. Its thread keeps no process from ending."""
    future: Future[Met] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 (it is raised where the result is asked for)
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
