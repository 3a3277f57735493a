"""State of the embedding models; types.py hands it on."""

from dataclasses import dataclass
from enum import StrEnum

NOT_LOADED = "not loaded"  # the device of a model that no process has loaded yet


class ModelState(StrEnum):
    """State of an embedding model; the values are part of the protocol."""

    OPENING = "opening"
    READY = "ready"
    FILLING = "filling"  # embedding contents that lack a vector
    PAUSED = "paused"
    STANDING_BY = "standing by"  # another process is embedding
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """State of an embedding model, and its share of the contents."""

    name: str
    device: str
    share: float  # of the contents that have a vector by it, 0 … 1
    state: ModelState
    from_team: int = 0  # vectors that the team's index gave, since the process started
