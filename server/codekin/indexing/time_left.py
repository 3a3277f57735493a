"""Estimate how long a bulk job still takes."""

from codekin.types import Progress

_MIN_SHARE = 0.02  # of the job: before, the time to start its processes would be extrapolated with the work


def estimate_progress(seconds: float, done: int, total: int) -> Progress:
    """Return the progress after `seconds`, with the remaining time extrapolated; that is None for the first 2 %."""
    is_known = done > 0 and done >= _MIN_SHARE * total
    return Progress(done, total, seconds / done * (total - done) if is_known else None)
