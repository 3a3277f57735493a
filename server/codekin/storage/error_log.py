"""What went wrong lately, and when: kept in the store, so that whoever asks later, in whatever process, can be told."""

import contextlib
import json
import time
from dataclasses import dataclass

from codekin.errors import CodekinError
from codekin.storage.store import Store

_KEPT = 20


@dataclass(frozen=True, slots=True)
class LoggedError:
    """Something that a person should know of, and what helps."""

    when: float  # seconds since the epoch
    message: str


class ErrorLog:
    """The last ones of a workspace, of all its processes. Any thread may tell one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._own: tuple[LoggedError, ...] = ()  # told here: the store may be what the trouble is with

    def record(self, message: str) -> None:
        """It went wrong just now; what is told again is told only once, with its last time."""
        self._own = _last((*self._own, LoggedError(time.time(), message)))
        with contextlib.suppress(CodekinError):
            self._store.set_meta({"troubles": json.dumps([[each.when, each.message] for each in self.list_errors()])})

    def list_errors(self) -> tuple[LoggedError, ...]:
        """Oldest first."""
        kept: list[LoggedError] = []
        with contextlib.suppress(CodekinError, ValueError, TypeError):
            kept = [
                LoggedError(when, message)
                for when, message in json.loads(str(self._store.get_meta("troubles") or "[]"))
            ]
        return _last((*kept, *self._own))


def _last(troubles: tuple[LoggedError, ...]) -> tuple[LoggedError, ...]:
    by_message = {each.message: each for each in sorted(troubles, key=lambda each: each.when)}
    return tuple(sorted(by_message.values(), key=lambda each: each.when)[-_KEPT:])
