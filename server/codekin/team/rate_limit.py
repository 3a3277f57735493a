"""Limit how often each user asks one gateway."""

import threading
import time
from collections.abc import Callable

_MAX_USERS = 100_000


class RateLimit:
    """Admits `per_second` requests of each user on average, and `burst` at once. Safe on any thread."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # of each user: requests left, and when that was

    def admit(self, user: str) -> bool:
        """Return whether the user may send a request now; if so, take it from her budget."""
        with self._lock:
            now = self._clock()
            if len(self._buckets) >= _MAX_USERS:
                self._buckets.clear()
            left, counted_at = self._buckets.get(user, (float(self._burst), now))
            left = min(left + (now - counted_at) * self._per_second, float(self._burst))
            is_admitted = left >= 1
            self._buckets[user] = left - is_admitted, now
            return is_admitted
