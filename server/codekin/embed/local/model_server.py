"""The process that holds a heavy model for all windows and commands of a user.

It is started by whoever needs it first (hosted.py), speaks over a socket (channel.py), and ends when nobody has asked
for a while, so that memory, the graphics processor's too, comes back. One thread runs the model. A person's question
comes before bulk work, at the next step of the model.
"""

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Listener
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codekin.embed.embedder import load_transformer
from codekin.embed.local.ipc import READY, Floats, MessageChannel, authenticate, listen
from codekin.errors import CodekinError, ModelError
from codekin.settings import Settings, overlay

if TYPE_CHECKING:
    from codekin.embed.local.transformer import TransformerEncoder

log = logging.getLogger("codekin.host")

_LOOK_S = 0.5  # between two looks whether who waits for a long job is still there
_TOLD_S = 10.0  # at most so long a failure is kept for those who are about to hear of it


@dataclass(slots=True, eq=False)
class EmbeddingJob:
    """Texts that somebody waits for."""

    texts: Sequence[str]
    prefix: str
    is_urgent: bool
    done: threading.Event = field(default_factory=threading.Event)
    is_dropped: bool = False  # nobody waits any more
    vectors: Floats | None = None
    error: str = ""


class ModelServer:
    """The jobs, and the one thread that does them."""

    def __init__(self, idle_s: float, where_told: Path) -> None:
        """`where_told` is the file to which this process's log goes."""
        self._idle_s = idle_s
        self._where_told = where_told
        self._wake = threading.Condition()
        self._urgent: deque[EmbeddingJob] = deque()
        self._bulk: deque[EmbeddingJob] = deque()
        self._hello: dict[str, Any] | None = None  # what everybody is told first, once it is known
        self._talking = 0
        self._told = 0
        self._ended = False

    # The thread of the model

    def run_jobs(self, load: Callable[[], "TransformerEncoder"]) -> None:
        """Load the model and work until there has been nothing to do for the idle time."""
        try:
            model = load()
        except Exception as error:
            log.exception("The model can't be loaded.")
            self._announce({"error": self._reason(error)})
            with self._wake:
                self._wake.wait_for(lambda: self._told and not self._talking, _TOLD_S)
            return
        told = {"device": model.device, "problems": list(model.problems)}
        log.info("%s on %s %s", model.name, model.device, " ".join(model.problems))
        self._announce({"fingerprint": model.fingerprint, "pid": os.getpid(), **told})
        while job := self._next():
            self._do(job, model)

    def _announce(self, hello: dict[str, Any]) -> None:
        with self._wake:
            self._hello = hello
            self._wake.notify_all()

    def _next(self) -> EmbeddingJob | None:
        """What to do now; None when it is time to end, and then nothing is taken on any more."""
        with self._wake:
            self._wake.wait_for(lambda: self._urgent or self._bulk, self._idle_s)
            queue = self._urgent or self._bulk
            self._ended = not queue
            return queue.popleft() if queue else None

    def _do(self, job: EmbeddingJob, model: "TransformerEncoder") -> None:
        try:
            vectors = np.zeros((len(job.texts), model.dims[-1]), np.float32)
            for numbers, rows in model.encode_stepwise(job.texts, job.prefix):
                vectors[numbers] = rows
                while not job.is_urgent and self._urgent:
                    self._do(self._urgent.popleft(), model)
                if job.is_dropped:
                    break
            job.vectors = vectors
        except Exception as error:
            log.exception("%d texts could not be encoded.", len(job.texts))
            job.error = self._reason(error)
        job.done.set()

    def _reason(self, error: Exception) -> str:
        if isinstance(error, CodekinError):
            return str(error)
        return f"the model can't be run ({error!r}). {self._where_told} says more; please report it."

    # The threads of those who ask

    def accept_clients(self, listener: Listener, key: bytes) -> None:
        """Talk to whoever comes, each on a thread."""
        while True:
            try:
                connection = listener.accept()
            except OSError:  # closed: it is time to end
                return
            threading.Thread(target=lambda connection=connection: self._talk(authenticate(connection, key))).start()

    def _talk(self, channel: MessageChannel | None) -> None:
        if channel is None:
            return
        self._count(1)
        try:
            self._answer(channel)
        except (EOFError, OSError):
            pass  # they are gone
        except (ValueError, KeyError, TypeError):
            log.exception("What came is not what is spoken here.")
        finally:
            channel.close()
            self._count(-1)

    def _count(self, one: int) -> None:
        with self._wake:
            self._talking += one
            self._wake.notify_all()

    def _answer(self, channel: MessageChannel) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._hello is not None)
        channel.send(self._hello or {})
        self._told += 1
        while True:
            asked, _ = channel.receive()
            job = EmbeddingJob([str(text) for text in asked["texts"]], str(asked["prefix"]), bool(asked["urgent"]))
            with self._wake:
                if self._ended:
                    return
                (self._urgent if job.is_urgent else self._bulk).append(job)
                self._wake.notify_all()
            self._see_through(job, channel)
            channel.send({"error": job.error}, job.vectors)

    def _see_through(self, job: EmbeddingJob, channel: MessageChannel) -> None:
        """Until the job is done; when nobody waits any more, the job is dropped."""
        while not job.done.wait(_LOOK_S):
            if channel.poll(0):  # nothing is said before an answer: this is the end
                job.is_dropped = True
                raise EOFError


def main() -> None:
    """Reads the order (a line of JSON) from standard input, says `READY` on standard output, and stays; or says in a
    line why it can't."""
    order = json.loads(sys.stdin.readline())
    settings = overlay(Settings(), {"model": order["model"]}, source="the starter")[0].model
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(10)  # the editor, the compiler and the person come first
    try:
        listener, address = listen()
        address.write(Path(order["address"]))
    except ModelError as error:
        print(error, flush=True)  # noqa: T201
        return
    print(READY, flush=True)  # noqa: T201
    host = ModelServer(settings.idle_s, Path(order["address"]).with_suffix(".log"))
    threading.Thread(target=host.accept_clients, args=(listener, address.key), daemon=True).start()
    try:
        host.run_jobs(lambda: load_transformer(settings))
    finally:
        address.unlink()
        log.info("The end: nobody asks.")
        logging.shutdown()
        os._exit(0)  # threads wait for words that will not come


if __name__ == "__main__":
    main()
