"""Reconciling in a child process, seen from both sides.

The child reads what to do from its standard input and says how far it is on its standard output, a JSON document a
line, and every second that it is there. Its input's end is the order to stop: it also comes when the parent dies,
however it dies.
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
from codekin.indexing.heartbeat import SILENCE_S, START_S, Watch, keep_beating
from codekin.processes import ProcessTimeoutError, start_python
from codekin.settings import Settings, overlay
from codekin.storage.paths import IndexPaths
from codekin.types import IndexReport, OnProgress, Progress, Skipped

_GRACE_S = 0.7  # a chunk's work and its write, several times over; what is not written by then is done again
_MOST_PATIENT = 4  # doublings of the time that a child may be silent


_saying = threading.Lock()  # a message is not to be in the middle of another


class ReconcileProcess:
    """One run of reconcile() in a process of its own; `run` blocks, `stop` ends it from another thread."""

    def __init__(self, home: IndexPaths, workers: int, failures: int = 0) -> None:
        """After each of its `failures` in a row, a child may be silent for twice as long."""
        self._interrupted = threading.Event()
        self._process = start_python(__name__)
        self._silence_s = SILENCE_S * 2 ** min(failures, _MOST_PATIENT)
        self._order = {
            "roots": [str(root) for root in home.roots],
            "settings": dataclasses.asdict(home.settings),
            "workers": workers,
        }

    def run_until_done(self, on_progress: OnProgress) -> IndexReport | None:
        """The report, or None when stopped. Raises IndexingError when the process dies, does not go on, or its work
        fails.
        """
        with Watch(self._process, self._silence_s, max(START_S, self._silence_s)) as watch:
            report = self._listen(watch, on_progress)
            if report is not None:
                return report
            status = self._process.wait()
        if self._interrupted.is_set() or (status == 0 and not watch.has_killed):  # then it may have had to be killed
            return None
        fate = "did not go on, and was ended" if watch.has_killed else f"ended with status {status}"
        raise IndexingError(f"The indexing process {fate}. What it had done is kept, and it is started anew.")

    def _listen(self, watch: Watch, on_progress: OnProgress) -> IndexReport | None:
        """The report, or None where the process ends without one."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 (we asked for pipes)
        with contextlib.suppress(OSError):  # it died at once: its exit status says so
            self._process.stdin.write(json.dumps(self._order).encode() + b"\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            watch.heard()
            message = json.loads(line)
            if "progress" in message:
                on_progress(Progress(**message["progress"]))
            elif "error" in message:
                raise IndexingError(message["error"])
            elif "report" in message:
                return _report(message["report"])
        return None

    def interrupt(self) -> None:
        """Have it finish what it is writing, and end; returns at once."""
        self._interrupted.set()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def stop(self) -> None:
        """Let it finish what it is writing, then see to it that it is gone."""
        self.interrupt()
        try:
            self._process.wait(_GRACE_S)
        except ProcessTimeoutError:
            self._process.kill()
            self._process.wait()


def _report(values: dict[str, Any]) -> IndexReport:
    skipped = tuple(Skipped(Path(path), reason) for path, reason in values.pop("skipped"))
    return IndexReport(**values, skipped=skipped)


def main() -> None:
    """The child's side."""
    keep_beating(lambda: _say({}))
    from codekin.indexing.reconcile import reconcile

    if hasattr(os, "nice"):
        os.nice(10)  # the editor, the compiler and the person come first
    order = json.loads(sys.stdin.readline())
    settings, _ = overlay(Settings(), order["settings"], source="the parent")
    home = IndexPaths(tuple(map(Path, order["roots"])), settings)
    stop = threading.Event()
    threading.Thread(target=_await_end, args=(sys.stdin, stop), daemon=True).start()
    try:
        report = reconcile(
            home, lambda progress: _say({"progress": dataclasses.asdict(progress)}), stop, order["workers"]
        )
    except CodekinError as error:
        _say({"error": str(error)})
        return
    if not stop.is_set():
        skipped = [(str(item.path), item.reason) for item in report.skipped]
        _say({"report": dataclasses.asdict(report) | {"skipped": skipped}})


def _await_end(stream: TextIO, stop: threading.Event) -> None:
    stream.read()
    stop.set()


def _say(message: dict[str, Any]) -> None:
    with _saying, contextlib.suppress(OSError):  # nobody listens any more; the end of our input says the same
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
