"""Which models can be measured: whatever the setting model.name may be, and what tables call it."""

from codekin.embed.checkpoint import folder_of
from codekin.embed.embedder import Embedder, load
from codekin.settings import ModelSettings


def load_named_embedder(settings: ModelSettings) -> tuple[str, Embedder]:
    """What tables call the model, and its embedder, loaded here: a folder by the folder's name, for two trainings of a
    model have the same.

    Raises ModelError, DimensionError.
    """
    folder, embedder = folder_of(settings.name), load(settings)
    return folder.name if folder else embedder.model, embedder


def can_index_passages(settings: ModelSettings) -> bool:
    """Whether a set's passages are to be indexed with it, too, as files of a workspace: heavy models are measured
    alone, for what they bring in codekin is their vectors."""
    return settings.name == "embedded"
