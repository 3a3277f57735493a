"""Recent errors of a workspace, kept in the store so that any process can list them later."""

import contextlib
import json
import time
from dataclasses import dataclass

from codekin.errors import CodekinError
from codekin.storage.store import Store

_MAX_ERRORS = 20  # that are kept


@dataclass(frozen=True, slots=True)
class LoggedError:
    """An error that a person should know of; the message names its remedy."""

    when: float  # seconds since the epoch
    message: str


class ErrorLog:
    """The latest errors of a workspace, from all its processes. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorded_errors: tuple[LoggedError, ...] = ()  # kept here, too: the store may be what fails

    def record(self, message: str) -> None:
        """Record an error as of now in memory and, if possible, in the store; 20 stay. Never raises CodekinError."""
        self._recorded_errors = _keep_latest((*self._recorded_errors, LoggedError(time.time(), message)))
        with contextlib.suppress(CodekinError):
            values = [[error.when, error.message] for error in self.list_errors()]
            self._store.set_meta({"troubles": json.dumps(values)})

    def list_errors(self) -> tuple[LoggedError, ...]:
        """Return the latest 20 errors of all processes, from the store and memory, each message once, oldest first.

        Never raises CodekinError.
        """
        stored_errors: list[LoggedError] = []
        with contextlib.suppress(CodekinError, ValueError, TypeError):
            stored_errors = [
                LoggedError(error_time, message)
                for error_time, message in json.loads(str(self._store.get_meta("troubles") or "[]"))
            ]
        return _keep_latest((*stored_errors, *self._recorded_errors))


def _keep_latest(errors: tuple[LoggedError, ...]) -> tuple[LoggedError, ...]:
    """Return the latest 20 errors, oldest first, each message once, with its latest time."""
    latest_by_message = {error.message: error for error in sorted(errors, key=_time_of)}
    return tuple(sorted(latest_by_message.values(), key=_time_of)[-_MAX_ERRORS:])


def _time_of(error: LoggedError) -> float:
    """Return the error's time in seconds since the epoch, as a sort key."""
    return error.when
