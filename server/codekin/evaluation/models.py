"""Load the models to measure: whatever `model.name` may be, and the name that tables give them."""

from collections.abc import Sequence

from codekin.embed.embedder import Embedder, is_static_model, load_embedder
from codekin.embed.local.checkpoint import resolve_folder
from codekin.settings import ModelSettings


def load_named_embedder(settings: ModelSettings) -> tuple[str, Embedder]:
    """Load the embedder; return its name for tables (of a folder, the folder's name) and it. Raises ModelError.

    DimensionError is one.
    """
    folder, embedder = resolve_folder(settings.name), load_embedder(settings)
    return folder.name if folder else embedder.model, embedder


def find_light_model(settings: Sequence[ModelSettings]) -> str:
    """Load the settings' first static model; return its name for tables, "" if there is none. Raises ModelError."""
    static_models = [model_settings for model_settings in settings if is_static_model(model_settings)]
    return load_named_embedder(static_models[0])[0] if static_models else ""


def can_index_passages(settings: ModelSettings) -> bool:
    """Return whether the settings name the embedded model, the only one whose passages are also indexed as files.

    Heavy models are measured alone: what they add to codekin is their vectors.
    """
    return settings.name == "embedded"
