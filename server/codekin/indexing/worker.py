"""One worker process, seen from both sides: it does a call at a time, within bounds, and says of what it died.

A message is its length and a pickle; both ends are ours. A message of no length is a heartbeat. The worker ends when
its standard input does, however its parent died.
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

from codekin.indexing.heartbeat import SILENCE_S, START_S, Watch, keep_beating
from codekin.processes import start_python

_LENGTH = struct.Struct(">Q")
_OUT_OF_TIME, _OUT_OF_MEMORY, _IS_IDLE = 71, 72, 73  # exit statuses
_IDLE_BEATS = 120  # in a row without any work: a disk, or a network, that does not answer
_IDLE_SHARE = 0.001  # of a processor: the beats themselves take less
_MEMORY_BYTES = 3 << 30  # beyond what a worker holds when it is ready; a file of 1 MB takes some 100 MB
_GRACE_S = 3.0


class Cause(Enum):
    """Why a worker died."""

    FAULT = auto()  # of native code
    MEMORY = auto()  # none was left, or it took too much
    TIME = auto()  # of the processor
    SILENCE = auto()  # it was stopped, or native code did not come back
    IDLENESS = auto()  # it waited for something that did not come


class WorkerDiedError(Exception):
    """The worker died of a call."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Call:
    """What a worker is to do. Both function and arguments are pickled."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    processor_s: float = 0.0  # of processor time that it may take; 0 is any

    def encoded(self) -> bytes:
        return pickle.dumps((self.function, self.arguments, self.processor_s))


class Worker:
    """The parent's side. `call` and `close` are for one thread, `kill` for any."""

    def __init__(self) -> None:
        self._process = start_python(__name__)
        self._start_s = START_S

    def call(self, call: Call, silence_s: float = SILENCE_S) -> Any:
        """What the function returns, or raises; WorkerDiedError where the process dies of it."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 (we asked for pipes)
        with Watch(self._process, silence_s, max(silence_s, self._start_s)) as watch:
            try:
                _write(self._process.stdin, call.encoded())
                while not (message := _read(self._process.stdout)):
                    watch.heard()
            except (OSError, EOFError, ValueError):  # ValueError: closed by kill()
                raise WorkerDiedError(self._cause(watch)) from None
        self._start_s = 0.0
        is_raised, value = pickle.loads(message)  # noqa: S301 -- by our own process
        if is_raised:
            raise value
        return value

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """Let it end; it is killed if it does not. It has nothing to lose."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self._process.kill()
        self._process.wait()

    def _cause(self, watch: Watch) -> Cause:
        status = self._process.wait()
        if watch.has_killed:
            return Cause.SILENCE
        return _CAUSES.get(status, Cause.FAULT)


def _causes() -> dict[int, Cause]:
    causes = {_OUT_OF_TIME: Cause.TIME, _OUT_OF_MEMORY: Cause.MEMORY, _IS_IDLE: Cause.IDLENESS}
    if sys.platform != "win32":  # the timer's signal; the system's out-of-memory killer; native code without memory
        causes |= {-signal.SIGPROF: Cause.TIME, -signal.SIGKILL: Cause.MEMORY, -signal.SIGABRT: Cause.MEMORY}
    return causes


_CAUSES = _causes()


def _write(stream: BinaryIO | Any, message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()


def _read(stream: BinaryIO | Any) -> bytes:
    """The next message. Raises EOFError where there is none."""
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO | Any, count: int) -> bytes:
    data: bytes = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


# The worker's side


def main() -> None:
    """Do the calls that come on standard input until that ends."""
    source, target = _claim_stdio()
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(source, calls), daemon=True).start()
    is_working, writing = threading.Event(), threading.Lock()
    limit = _ProcessorLimit()

    def send(message: bytes) -> None:
        with writing, contextlib.suppress(OSError):  # nobody listens any more: the end of our input says the same
            _write(target, message)

    idleness = _Idleness()

    def beat() -> None:
        if is_working.wait():
            send(b"")
            idleness.look()

    keep_beating(beat)
    while True:
        message = calls.get()
        idleness.reset()
        is_working.set()
        answer = _answer(message, limit)
        is_working.clear()
        send(answer)


def _answer(message: bytes, limit: "_ProcessorLimit") -> bytes:
    try:
        function, arguments, processor_s = pickle.loads(message)  # noqa: S301 -- by our own parent
        with limit.within(processor_s):
            value = function(*arguments)
        return pickle.dumps((False, value))
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception as error:  # noqa: BLE001 (it is raised where the call was made)
        return _pickled_error(error)


def _pickled_error(error: Exception) -> bytes:
    try:
        return pickle.dumps((True, error))
    except Exception:  # noqa: BLE001 (whatever its author thought of)
        return pickle.dumps((True, RuntimeError(repr(error))))


def _receive(source: BinaryIO, calls: "queue.SimpleQueue[bytes]") -> None:
    try:
        while True:
            calls.put(_read(source))
    except (OSError, EOFError):
        os._exit(0)  # whatever is under way: nobody waits for it


def _claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, for messages alone: what libraries print goes to standard error."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return source, target


class _ProcessorLimit:
    """Ends the process when a call has taken more processor time than it may, by the system's timer where it has one.

    Processor time, for on a busy machine the clock says nothing of a file; and the timer's signal ends native code.
    """

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        if not seconds:
            yield
            return
        end = self._start_timer(seconds) if sys.platform != "win32" else self._start_thread(seconds)
        try:
            yield
        finally:
            end()

    def _start_timer(self, seconds: float) -> Callable[[], object]:
        if sys.platform == "win32":
            raise NotImplementedError
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        return lambda: signal.setitimer(signal.ITIMER_PROF, 0)

    def _start_thread(self, seconds: float) -> Callable[[], object]:
        until, ended = time.process_time() + seconds, threading.Event()

        def look() -> None:
            while not ended.wait(0.1):
                if time.process_time() > until:
                    os._exit(_OUT_OF_TIME)

        threading.Thread(target=look, daemon=True).start()
        return ended.set


class _Idleness:
    """Ends the process after so many beats without work. Beats are counted, not seconds: while the machine sleeps, or
    the process is stopped, there are none.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._beats, self._before_s = 0, time.process_time()

    def look(self) -> None:
        now_s = time.process_time()
        is_idle = now_s - self._before_s < _IDLE_SHARE
        self._beats, self._before_s = self._beats + 1 if is_idle else 0, now_s
        if self._beats > _IDLE_BEATS:
            os._exit(_IS_IDLE)


def limit_memory() -> None:
    """Let this process take only so much more memory than it has now, where the system has such a limit.

    Data, not addresses: numpy and memory-mapped files take gigabytes of those and hold little.
    """
    try:
        import resource

        held = _data_bytes()
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = held + _MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
    except (ImportError, OSError, ValueError):  # Windows; or a limit that is lower already
        return


def _data_bytes() -> int:
    """What this process holds of the memory that the limit counts; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return 1024 * int(line.split()[1])
    return 0
