"""Which models embed here: a light one, in every process and at once, and perhaps a heavy one, which takes its time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codekin.embed.embedder import Embedder, is_static_model, load_embedder
from codekin.embed.tasks import PROBE
from codekin.settings import ModelSettings
from codekin.types import Role, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HeavyModel:
    """A model that some other process, or machine, holds."""

    bulk: Embedder  # as long as it takes
    asked: Embedder  # for a person's question; raises ModelError when it does not answer in time
    close: Callable[[], None]  # what is under way ends soon, with ModelError
    probe: "NDArray[np.float32] | None" = None  # its vector of PROBE, where its fingerprint is no proof of what it is


def has_heavy_model(settings: ModelSettings) -> bool:
    """Whether the settings name a heavy model."""
    return bool(settings.endpoint) or not is_static_model(settings)


def load_light_model(settings: ModelSettings) -> Embedder:
    """The static model that the settings name; beside a heavy one, the embedded model. Raises ModelError."""
    return load_embedder(ModelSettings() if has_heavy_model(settings) else settings)


def connect_heavy_model(settings: ModelSettings, folder: Path, patience_s: float | None) -> HeavyModel:
    """The heavy model that the settings name; `has_heavy`. Asks the endpoint; a process is started on first use.

    `folder` is for what the processes leave for each other. A question waits `patience_s`, or as long as it takes.
    Raises ModelError, DimensionError.
    """
    if settings.endpoint:
        return _served(settings, patience_s)
    return _hosted(settings, folder, patience_s)


def _hosted(settings: ModelSettings, folder: Path, patience_s: float | None) -> HeavyModel:
    from codekin.embed.local.checkpoint import read_checkpoint
    from codekin.embed.local.model_client import ModelServerProcess, RemoteEncoder

    hosting = ModelServerProcess(read_checkpoint(settings), settings, folder)
    bulk = RemoteEncoder(hosting, is_urgent=False)
    asked = RemoteEncoder(hosting, is_urgent=True, patience_s=patience_s)

    def close() -> None:
        bulk.close()
        asked.close()

    return HeavyModel(Embedder(bulk, settings.dim), Embedder(asked, settings.dim), close)


def _served(settings: ModelSettings, patience_s: float | None) -> HeavyModel:
    from codekin.embed.remote.endpoint import Endpoint, EndpointEncoder, choose_prefixes

    endpoint = Endpoint(settings)
    proof = endpoint.make_proof(choose_prefixes(settings)[Task.CODE2CODE, Role.PASSAGE] + PROBE)
    bulk = Embedder(EndpointEncoder(endpoint, settings, proof), settings.dim)
    asked = Embedder(EndpointEncoder(endpoint, settings, proof, patience_s), settings.dim)
    (probe,) = bulk.embed([PROBE], Task.CODE2CODE, Role.PASSAGE)
    return HeavyModel(bulk, asked, endpoint.closed.set, probe)
