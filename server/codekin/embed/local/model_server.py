"""The process that holds a heavy model for all windows and commands of a user.

The first client starts it (model_client.py); they talk over a socket (ipc.py). It ends when idle, to free memory,
the graphics processor's included. One thread runs the model. Interactive requests interrupt bulk work at the model's
next step.
"""

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import StepwiseEncoder, load_transformer
from codekin.embed.local.ipc import READY, MessageChannel, authenticate, listen
from codekin.errors import CodekinError, ModelError
from codekin.settings import Settings, override_settings

Floats = NDArray[np.float32]

logger = logging.getLogger("codekin.model_server")

_DISCONNECT_POLL_S = 0.5  # how quickly a long job's disconnected client is noticed
_MAX_ERROR_DELIVERY_S = 10.0  # how long a failed server stays, to report its error to connecting clients


@dataclass(slots=True, eq=False)
class EmbeddingJob:
    """The texts of one request and, once done, their vectors or an error."""

    texts: Sequence[str]
    prefix: str
    is_urgent: bool
    done: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False  # its client disconnected
    vectors: Floats | None = None
    error: str = ""


class ModelServer:
    """Queues jobs from clients' threads and runs them on one thread."""

    def __init__(self, idle_timeout_s: float, log_path: Path) -> None:
        """Set the idle time-out in seconds; `log_path` is named in errors."""
        self._idle_timeout_s = idle_timeout_s
        self._log_path = log_path
        self._condition = threading.Condition()
        self._urgent_jobs: deque[EmbeddingJob] = deque()
        self._bulk_jobs: deque[EmbeddingJob] = deque()
        self._greeting: dict[str, Any] | None = None  # the first message to each client; None while the model loads
        self._client_count = 0
        self._greeted_count = 0
        self._is_ended = False

    # On the model's thread

    def run_jobs(self, load_model: Callable[[], StepwiseEncoder]) -> None:
        """Load the model, greet clients, run jobs until idle for too long; or tell clients that loading failed."""
        try:
            model = load_model()
        except Exception as error:
            logger.exception("The model can't be loaded.")
            self._publish_greeting({"error": self._describe_error(error)})
            with self._condition:
                self._condition.wait_for(lambda: self._greeted_count and not self._client_count, _MAX_ERROR_DELIVERY_S)
            return
        model_info = {"device": model.device, "problems": list(model.problems)}
        logger.info("%s on %s %s", model.name, model.device, " ".join(model.problems))
        self._publish_greeting({"fingerprint": model.fingerprint, "pid": os.getpid(), **model_info})
        while job := self._take_job():
            self._run_job(job, model)

    def _publish_greeting(self, greeting: dict[str, Any]) -> None:
        """Set the first message to each client, and wake the clients that wait for it."""
        with self._condition:
            self._greeting = greeting
            self._condition.notify_all()

    def _take_job(self) -> EmbeddingJob | None:
        """Wait for the next job, urgent ones first; None after the idle time, and no job is accepted from then on."""
        with self._condition:
            self._condition.wait_for(lambda: self._urgent_jobs or self._bulk_jobs, self._idle_timeout_s)
            job_queue = self._urgent_jobs or self._bulk_jobs
            self._is_ended = not job_queue
            return job_queue.popleft() if job_queue else None

    def _run_job(self, job: EmbeddingJob, model: StepwiseEncoder) -> None:
        """Encode the job's texts and mark it done, with vectors or an error; run urgent jobs between its steps.

        Never raises an Exception: that is the job's error.
        """
        try:
            vectors = np.zeros((len(job.texts), model.dims[-1]), np.float32)
            for row_indexes, row_vectors in model.encode_stepwise(job.texts, job.prefix):
                vectors[row_indexes] = row_vectors
                while not job.is_urgent and self._urgent_jobs:
                    self._run_job(self._urgent_jobs.popleft(), model)
                if job.is_cancelled:
                    break
            job.vectors = vectors
        except Exception as error:
            logger.exception("%d texts could not be encoded.", len(job.texts))
            job.error = self._describe_error(error)
        job.done.set()

    def _describe_error(self, error: Exception) -> str:
        """Return the message for clients: that of codekin's own error; of others one with the error, naming the log."""
        if isinstance(error, CodekinError):
            return str(error)
        return f"the model can't be run ({error!r}). See {self._log_path}, and please report it."

    # On the clients' threads

    def accept_clients(self, listener: Listener, key: bytes) -> None:
        """Serve each connection on a thread of its own; returns when the listener is closed."""
        while True:
            try:
                connection = listener.accept()
            except OSError:  # closed, as the server ends
                return
            threading.Thread(target=self._serve_client, args=(connection, key)).start()

    def _serve_client(self, connection: "Connection[Any, Any]", key: bytes) -> None:
        """Authenticate a client and answer its requests until it disconnects."""
        channel = authenticate(connection, key)
        if channel is None:
            return
        self._count_client(1)
        try:
            self._answer_requests(channel)
        except (EOFError, OSError):
            pass  # the client disconnected
        except (ValueError, KeyError, TypeError):
            logger.exception("A client sent an invalid message.")
        finally:
            channel.close()
            self._count_client(-1)

    def _count_client(self, change: int) -> None:
        """Add `change` (1 or -1) to the number of connected clients, and wake the threads that wait for it."""
        with self._condition:
            self._client_count += change
            self._condition.notify_all()

    def _answer_requests(self, channel: MessageChannel) -> None:
        """Greet the client once the model is loaded, then answer; return at the server's end. Raises EOFError, OSError.

        The errors mean that the client has disconnected.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._greeting is not None)
        channel.send(self._greeting or {})
        self._greeted_count += 1
        while True:
            request, _ = channel.receive()
            texts = [str(text) for text in request["texts"]]
            job = EmbeddingJob(texts, str(request["prefix"]), bool(request["urgent"]))
            with self._condition:
                if self._is_ended:
                    return
                (self._urgent_jobs if job.is_urgent else self._bulk_jobs).append(job)
                self._condition.notify_all()
            self._wait_for_job(job, channel)
            channel.send({"error": job.error}, job.vectors)

    def _wait_for_job(self, job: EmbeddingJob, channel: MessageChannel) -> None:
        """Wait until the job is done. Cancels it and raises EOFError if the client disconnects."""
        while not job.done.wait(_DISCONNECT_POLL_S):
            if channel.poll(0):  # clients send nothing before their answer, so this is a disconnection
                job.is_cancelled = True
                raise EOFError


def main() -> None:
    """Run the server: read the start request (a line of JSON) from standard input, print READY, serve until idle, exit.

    Prints one line with the reason instead if it can't listen.
    """
    start_request = json.loads(sys.stdin.readline())
    settings = override_settings(Settings(), {"model": start_request["model"]}, source="the starter")[0].model
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(10)  # give way to the editor and the compiler
    try:
        listener, address = listen()
        address.write(Path(start_request["address"]))
    except ModelError as error:
        print(error, flush=True)  # noqa: T201
        return
    print(READY, flush=True)  # noqa: T201
    model_server = ModelServer(settings.idle_s, Path(start_request["address"]).with_suffix(".log"))
    threading.Thread(target=model_server.accept_clients, args=(listener, address.key), daemon=True).start()
    try:
        model_server.run_jobs(lambda: load_transformer(settings))
    finally:
        address.unlink()
        logger.info("Ending: no requests for the idle time.")
        logging.shutdown()
        os._exit(0)  # the clients' threads are blocked in receive


if __name__ == "__main__":
    main()
