"""Reconciles in a child process: the parent's side and the child's.

The child reads its order from standard input and writes progress, the report, and a heartbeat every second to standard
output, one JSON document a line. The end of its input is the order to stop: it also comes when the parent dies,
whatever the cause.
"""

import contextlib
import dataclasses
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from codekin.errors import CodekinError, IndexingError
from codekin.indexing.heartbeat import SILENCE_TIMEOUT_S, START_TIMEOUT_S, Watch, keep_beating
from codekin.processes import ProcessTimeoutError, start_python
from codekin.settings import Settings, override_settings
from codekin.storage.paths import IndexPaths
from codekin.types import IndexReport, OnProgress, Progress, Skipped

_STOP_TIMEOUT_S = 0.7  # several times a chunk's work and its write; what is not written by then is done again
_MAX_TIMEOUT_DOUBLINGS = 4  # of the time that a child may be silent

_output_lock = threading.Lock()  # keeps the messages of two threads apart


class ReconcileProcess:
    """One run of reconcile() in a process of its own; `run_until_done` blocks, `stop` ends it from another thread."""

    def __init__(self, index_paths: IndexPaths, workers: int, failures: int = 0) -> None:
        """Start the process; each of the `failures` before it, in a row, doubles the silence it is allowed."""
        self._interrupted = threading.Event()
        self._process = start_python(__name__)
        self._silence_timeout_s = SILENCE_TIMEOUT_S * 2 ** min(failures, _MAX_TIMEOUT_DOUBLINGS)
        self._order = {
            "roots": [str(root) for root in index_paths.roots],
            "settings": dataclasses.asdict(index_paths.settings),
            "workers": workers,
        }

    def run_until_done(self, on_progress: OnProgress) -> IndexReport | None:
        """Send the order, await and return the report, None when stopped. Raises IndexingError if the process dies."""
        with Watch(self._process, self._silence_timeout_s, max(START_TIMEOUT_S, self._silence_timeout_s)) as watch:
            report = self._read_messages(watch, on_progress)
            if report is not None:
                return report
            status = self._process.wait()
        if self._interrupted.is_set() or (status == 0 and not watch.has_killed):  # it may have been killed by stop()
            return None
        outcome = "hung and was killed" if watch.has_killed else f"ended with status {status}"
        raise IndexingError(f"The indexing process {outcome}. Its work so far is kept, and it is restarted.")

    def _read_messages(self, watch: Watch, on_progress: OnProgress) -> IndexReport | None:
        """Send the order and read messages until the report, and return it; None at the end. Raises IndexingError."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 (we asked for pipes)
        with contextlib.suppress(OSError):  # it died at once: its exit status says so
            self._process.stdin.write(json.dumps(self._order).encode() + b"\n")
            self._process.stdin.flush()
        for json_line in self._process.stdout:
            watch.record_message()
            message = json.loads(json_line)
            if "progress" in message:
                on_progress(Progress(**message["progress"]))
            elif "error" in message:
                raise IndexingError(message["error"])
            elif "report" in message:
                return _parse_report(message["report"])
        return None

    def interrupt(self) -> None:
        """Ask the process to finish its current write and end; returns at once."""
        self._interrupted.set()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def stop(self) -> None:
        """Let the process finish its current write, for at most 0.7 s, then kill it; returns when it has ended."""
        self.interrupt()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except ProcessTimeoutError:
            self._process.kill()
            self._process.wait()


def _parse_report(values: dict[str, Any]) -> IndexReport:
    """Return the report from the values that the child sent as JSON; takes "skipped" out of `values`."""
    skipped = tuple(Skipped(Path(path), reason) for path, reason in values.pop("skipped"))
    return IndexReport(**values, skipped=skipped)


def main() -> None:
    """Run the child's side: read the order, reconcile until done or input ends, send progress and report or error."""
    keep_beating(lambda: _send_message({}))
    from codekin.indexing.reconcile import reconcile

    if hasattr(os, "nice"):
        os.nice(10)  # give way to the editor and the compiler
    order = json.loads(sys.stdin.readline())
    settings, _ = override_settings(Settings(), order["settings"], source="the parent")
    index_paths = IndexPaths(tuple(map(Path, order["roots"])), settings)
    stop_event = threading.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(sys.stdin, stop_event), daemon=True).start()
    try:
        report = reconcile(index_paths, _send_progress, stop_event, order["workers"])
    except CodekinError as error:
        _send_message({"error": str(error)})
        return
    if not stop_event.is_set():
        skipped = [(str(item.path), item.reason) for item in report.skipped]
        _send_message({"report": dataclasses.asdict(report) | {"skipped": skipped}})


def _send_progress(progress: Progress) -> None:
    """Send the progress to the parent."""
    _send_message({"progress": dataclasses.asdict(progress)})


def _wait_for_end_of_input(stream: TextIO, stop_event: threading.Event) -> None:
    """Read the stream to its end, then set the event."""
    stream.read()
    stop_event.set()


def _send_message(message: dict[str, Any]) -> None:
    """Write a message to the parent as a line of JSON; does nothing if the parent is gone."""
    with _output_lock, contextlib.suppress(OSError):  # the parent is gone, which the end of the input reports as well
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
