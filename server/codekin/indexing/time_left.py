"""Estimate how long a bulk job still takes."""

from codekin.types import Progress


def estimate_progress(seconds: float, done: int, total: int) -> Progress:
    """Return the progress after `seconds`, with the remaining time extrapolated; that is None while `done` is 0."""
    return Progress(done, total, seconds / done * (total - done) if done else None)
