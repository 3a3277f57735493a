"""Load the models to measure: whatever `model.name` may be, and the name that tables give them."""

from codekin.embed.embedder import Embedder, load_embedder
from codekin.embed.local.checkpoint import resolve_folder
from codekin.settings import ModelSettings


def load_named_embedder(settings: ModelSettings) -> tuple[str, Embedder]:
    """Load the embedder and choose its name for tables: a folder by its own name, so that two trainings differ.
    model have the same.

    Raises ModelError, DimensionError.
    """
    folder, embedder = resolve_folder(settings.name), load_embedder(settings)
    return folder.name if folder else embedder.model, embedder


def can_index_passages(settings: ModelSettings) -> bool:
    """Return whether a set's passages are also indexed as files of a workspace.

    Heavy models are measured alone: what they add to codekin is their vectors.
    """
    return settings.name == "embedded"
