"""Choose the models: a light one in every process, and optionally a heavy one that takes its time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codekin.embed.embedder import Embedder, is_static_model, load_embedder
from codekin.embed.local import small
from codekin.embed.tasks import PROBE
from codekin.settings import ModelSettings
from codekin.types import Role, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HeavyModel:
    """The embedders of a model that runs in another process or on another machine."""

    bulk: Embedder  # waits as long as it takes
    interactive: Embedder  # for people's queries; raises ModelError on a time-out
    close: Callable[[], None]  # ends requests under way soon, with ModelError
    blend_weights: Mapping[Task, float] = field(default_factory=dict)  # beside the light model, where they are known
    probe: "NDArray[np.float32] | None" = None  # the vector of PROBE, if the fingerprint doesn't identify the model


@dataclass(frozen=True, slots=True)
class HeavyQuery:
    """A query's vector in the heavy model's space."""

    vector: "NDArray[np.float32]"
    blend_weight: float | None  # of the heavy model beside the light one, for the query's task; None where unknown


def has_heavy_model(settings: ModelSettings) -> bool:
    """Return whether the settings ask for a heavy model: an endpoint, one not static, or the small one by default."""
    return bool(settings.endpoint) or not is_static_model(settings) or is_small_by_default(settings)


def is_small_by_default(settings: ModelSettings) -> bool:
    """Return whether the small model is used without having been chosen, because it can run here."""
    return settings.name == "embedded" and settings.small and not settings.endpoint and small.is_available()


def name_heavy_model(settings: ModelSettings) -> str:
    """Return the heavy model's name by the settings, for people, without loading it."""
    return small.TITLE if is_small_by_default(settings) or settings.name == small.NAME else settings.name


def load_light_model(settings: ModelSettings) -> Embedder:
    """Load the static model that the settings name; the built-in one if they name a heavy one. Raises ModelError."""
    return load_embedder(settings if is_static_model(settings) and not settings.endpoint else ModelSettings())


def connect_heavy_model(settings: ModelSettings, runtime_folder: Path, timeout_s: float | None) -> HeavyModel:
    """Return the heavy model's embedders; start no process yet, but ask an endpoint. Raises ModelError, DimensionError.

    The settings must name a heavy model. A local model's process is started on first use only, with its files in
    `runtime_folder`. Interactive requests time out after `timeout_s`, or never if that is None.
    """
    if settings.endpoint:
        return _connect_endpoint(settings, timeout_s)
    return _connect_model_server(settings, runtime_folder, timeout_s)


def _connect_model_server(settings: ModelSettings, runtime_folder: Path, timeout_s: float | None) -> HeavyModel:
    """Return embedders that start this user's model server on first use; read the model's files. Raises ModelError."""
    from codekin.embed.local.checkpoint import read_checkpoint
    from codekin.embed.local.model_client import ModelClient, ModelServerProcess

    if is_small_by_default(settings):
        settings = replace(settings, name=small.NAME)
    blend_weights = small.BLEND_WEIGHTS if settings.name == small.NAME else {}
    server_process = ModelServerProcess(read_checkpoint(settings), settings, runtime_folder)
    bulk_client = ModelClient(server_process, is_urgent=False)
    interactive = ModelClient(server_process, is_urgent=True, timeout_s=timeout_s)

    def close() -> None:
        """Close both clients; calls under way end with ModelBusyError."""
        bulk_client.close()
        interactive.close()

    return HeavyModel(Embedder(bulk_client, settings.dim), Embedder(interactive, settings.dim), close, blend_weights)


def _connect_endpoint(settings: ModelSettings, timeout_s: float | None) -> HeavyModel:
    """Return embedders of the endpoint, after requests to it that prove which model answers. Raises ModelError."""
    from codekin.embed.remote.endpoint import Endpoint, EndpointEncoder, choose_prefixes

    endpoint = Endpoint(settings)
    model_proof = endpoint.make_proof(choose_prefixes(settings)[Task.CODE2CODE, Role.PASSAGE] + PROBE)
    bulk_embedder = Embedder(EndpointEncoder(endpoint, settings, model_proof), settings.dim)
    interactive_embedder = Embedder(EndpointEncoder(endpoint, settings, model_proof, timeout_s), settings.dim)
    (probe_vector,) = bulk_embedder.embed([PROBE], Task.CODE2CODE, Role.PASSAGE)
    return HeavyModel(bulk_embedder, interactive_embedder, endpoint.closed.set, probe=probe_vector)
