"""Load the models to measure: whatever `model.name` may be, and the name that tables give them."""

from codekin.embed.embedder import Embedder, load_embedder
from codekin.embed.local.checkpoint import resolve_folder
from codekin.settings import ModelSettings


def load_named_embedder(settings: ModelSettings) -> tuple[str, Embedder]:
    """Load the embedder; return its name for tables (of a folder, the folder's name) and it. Raises ModelError.

    DimensionError is one.
    """
    folder, embedder = resolve_folder(settings.name), load_embedder(settings)
    return folder.name if folder else embedder.model, embedder


def can_index_passages(settings: ModelSettings) -> bool:
    """Return whether a set's passages can also be measured as indexed files: only with the embedded model.

    Heavy models are measured alone: what they add to codekin is their vectors.
    """
    return settings.name == "embedded"
