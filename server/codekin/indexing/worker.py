"""Worker processes: one runs a call at a time within bounds of time and memory, and its exit status says why it died.

A message is its length and a pickle, written and read by codekin at both ends. A message of length 0 is a heartbeat.
The worker ends when its standard input does, whatever its parent died of.
"""

import contextlib
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, BinaryIO

from codekin.indexing.heartbeat import SILENCE_TIMEOUT_S, START_TIMEOUT_S, Watch, keep_beating
from codekin.processes import claim_stdio, start_python

_LENGTH = struct.Struct(">Q")
_TIME_STATUS, _MEMORY_STATUS, _IDLE_STATUS = 71, 72, 73  # exit statuses
_MAX_IDLE_BEATS = 120  # in a row without any work: a disk, or a network, does not answer
_MIN_BUSY_S = 0.001  # of processor time between two beats: the beats themselves take less
_MEMORY_BYTES = 3 << 30  # beyond what a worker holds when it is ready; a file of 1 MB takes some 100 MB


class Cause(Enum):
    """Why a worker died."""

    FAULT = auto()  # in native code
    MEMORY = auto()  # none was left, or the worker took too much
    TIME = auto()  # the call took too much processor time
    SILENCE = auto()  # the worker was stopped, or native code did not return
    IDLENESS = auto()  # the worker waited for something that never came


class WorkerDiedError(Exception):
    """The worker process died of a call; `cause` says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Call:
    """A function call for a worker; function and arguments are pickled."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    processor_s: float = 0.0  # processor time that it may take; 0 is unlimited

    def to_bytes(self) -> bytes:
        """Return function, arguments and time limit as pickled bytes."""
        return pickle.dumps((self.function, self.arguments, self.processor_s))


class Worker:
    """The parent's side of a worker process. One thread uses `call` and `close`; any thread may `kill`."""

    def __init__(self) -> None:
        """Start the process."""
        self._process = start_python(__name__)
        self._start_timeout_s = START_TIMEOUT_S

    def call(self, call: Call, silence_timeout_s: float = SILENCE_TIMEOUT_S) -> Any:
        """Run the call in the process and return its result. Raises what it raises, or WorkerDiedError. Blocks."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 (we asked for pipes)
        with Watch(self._process, silence_timeout_s, max(silence_timeout_s, self._start_timeout_s)) as watch:
            try:
                _write_message(self._process.stdin, call.to_bytes())
                while not (message := _read_message(self._process.stdout)):
                    watch.record_message()
            except (OSError, EOFError, ValueError):  # ValueError: closed by kill()
                raise WorkerDiedError(self._find_cause(watch)) from None
        self._start_timeout_s = 0.0
        is_raised, value = pickle.loads(message)  # noqa: S301 -- by our own process
        if is_raised:
            raise value
        return value

    def kill(self) -> None:
        """Kill the process, so that a call under way raises WorkerDiedError."""
        self._process.kill()

    def close(self) -> None:
        """Close the process's streams, kill it and wait for its end; it has no state to lose."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self._process.kill()
        self._process.wait()

    def _find_cause(self, watch: Watch) -> Cause:
        """Wait until the process has ended; return why it died, by who killed it and its exit status."""
        status = self._process.wait()
        if watch.has_killed:
            return Cause.SILENCE
        return _CAUSES_BY_STATUS.get(status, Cause.FAULT)


def _causes_by_status() -> dict[int, Cause]:
    """Return exit status → cause of a worker's death, for this operating system."""
    causes_by_status = {_TIME_STATUS: Cause.TIME, _MEMORY_STATUS: Cause.MEMORY, _IDLE_STATUS: Cause.IDLENESS}
    if sys.platform != "win32":  # the timer's signal; the system's out-of-memory killer; native code without memory
        causes_by_status |= {-signal.SIGPROF: Cause.TIME, -signal.SIGKILL: Cause.MEMORY, -signal.SIGABRT: Cause.MEMORY}
    return causes_by_status


_CAUSES_BY_STATUS = _causes_by_status()


def _write_message(stream: BinaryIO | Any, message: bytes) -> None:
    """Write the message's length and the message. Raises OSError."""
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()


def _read_message(stream: BinaryIO | Any) -> bytes:
    """Return the next message; b"" is a heartbeat. Raises EOFError at the end."""
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO | Any, count: int) -> bytes:
    """Return exactly `count` bytes. Raises EOFError if there are fewer."""
    data: bytes = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


# The worker's side


def main() -> None:
    """Run the calls that come on standard input, one by one, and send results and heartbeats; at its end, exit."""
    input_stream, output_stream = claim_stdio()
    messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive_messages, args=(input_stream, messages), daemon=True).start()
    is_working, output_lock = threading.Event(), threading.Lock()
    processor_limit = _ProcessorLimit()

    def send_message(message: bytes) -> None:
        """Write a message to the parent; do nothing if it is gone."""
        with (
            output_lock,
            contextlib.suppress(OSError),
        ):  # the parent is gone, which the end of the input reports as well
            _write_message(output_stream, message)

    idle_monitor = _IdleMonitor()

    def send_beat() -> None:
        """Wait until a call is under way, then send a heartbeat; ends the process at too many without work."""
        if is_working.wait():
            send_message(b"")
            idle_monitor.record_beat()

    keep_beating(send_beat)
    while True:
        message = messages.get()
        idle_monitor.reset()
        is_working.set()
        response = _run_call(message, processor_limit)
        is_working.clear()
        send_message(response)


def _run_call(message: bytes, processor_limit: "_ProcessorLimit") -> bytes:
    """Run a pickled call; return, pickled, whether it raised and its result. Without memory, ends the process."""
    try:
        function, arguments, processor_s = pickle.loads(message)  # noqa: S301 -- by our own parent
        with processor_limit.limit_call(processor_s):
            value = function(*arguments)
        return pickle.dumps((False, value))
    except MemoryError:
        os._exit(_MEMORY_STATUS)
    except Exception as error:  # noqa: BLE001 (it is raised in the parent, where the call was made)
        return _pickle_error(error)


def _pickle_error(error: Exception) -> bytes:
    """Return the pickled error; a RuntimeError in its place if it can't be pickled."""
    try:
        return pickle.dumps((True, error))
    except Exception:  # noqa: BLE001 (pickling runs the error's own code)
        return pickle.dumps((True, RuntimeError(repr(error))))


def _receive_messages(input_stream: BinaryIO, messages: "queue.SimpleQueue[bytes]") -> None:
    """Put the parent's messages into the queue; ends the process when the parent is gone."""
    try:
        while True:
            messages.put(_read_message(input_stream))
    except (OSError, EOFError):
        os._exit(0)  # whatever is under way, the parent is gone


class _ProcessorLimit:
    """Ends the process when a call exceeds its processor time, by the system's timer if it has one.

    Processor time is limited, since on a busy machine elapsed time says nothing about a file. The timer's signal ends
    native code, too.
    """

    @contextlib.contextmanager
    def limit_call(self, seconds: float) -> Iterator[None]:
        """Context that ends the process when it takes more seconds of processor time; 0: no limit."""
        if not seconds:
            yield
            return
        end_limit = self._start_timer(seconds) if sys.platform != "win32" else self._start_thread(seconds)
        try:
            yield
        finally:
            end_limit()

    def _start_timer(self, seconds: float) -> Callable[[], object]:
        """Start the system's timer, whose signal kills; return a function that stops it."""
        if sys.platform == "win32":
            raise NotImplementedError
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        return lambda: signal.setitimer(signal.ITIMER_PROF, 0)

    def _start_thread(self, seconds: float) -> Callable[[], object]:
        """Start a thread that ends the process once it has taken so many seconds; return a function that stops it."""
        deadline, has_ended = time.process_time() + seconds, threading.Event()

        def check_deadline() -> None:
            while not has_ended.wait(0.1):
                if time.process_time() > deadline:
                    os._exit(_TIME_STATUS)

        threading.Thread(target=check_deadline, daemon=True).start()
        return has_ended.set


class _IdleMonitor:
    """Ends the process after _MAX_IDLE_BEATS heartbeats without work.

    Beats are counted, not seconds: there are none while the machine sleeps or the process is stopped.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start counting again: a new call begins."""
        self._idle_beats, self._processor_s = 0, time.process_time()

    def record_beat(self) -> None:
        """Count a heartbeat without work; ends the process at too many in a row."""
        current_s = time.process_time()
        is_idle = current_s - self._processor_s < _MIN_BUSY_S
        self._idle_beats, self._processor_s = self._idle_beats + 1 if is_idle else 0, current_s
        if self._idle_beats > _MAX_IDLE_BEATS:
            os._exit(_IDLE_STATUS)


def limit_memory() -> None:
    """Limit this process to 3 GB more data than it has now, if the system has such a limit. Never raises.

    Data is limited, not address space: numpy and memory-mapped files reserve gigabytes of that and use little.
    """
    try:
        import resource

        used_bytes = _read_data_bytes()
        _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
        new_limit = used_bytes + _MEMORY_BYTES
        if hard_limit != resource.RLIM_INFINITY:
            new_limit = min(new_limit, hard_limit)
        resource.setrlimit(resource.RLIMIT_DATA, (new_limit, hard_limit))
    except (ImportError, OSError, ValueError):  # Windows; or a limit that is lower already
        return


def _read_data_bytes() -> int:
    """Return how many bytes of limited memory this process uses; 0 if the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return 1024 * int(line.split()[1])
    return 0
