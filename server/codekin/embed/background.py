"""Run a function on a thread of its own, while the caller does something else."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def run_on_thread(function: Callable[[], Result]) -> Future[Result]:
    """Run `function` on a daemon thread, which keeps no process alive; return a Future of its result."""
    future: Future[Result] = Future()

    def run() -> None:
        """Set the future to the function's result or exception."""
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 (raised by Future.result)
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
