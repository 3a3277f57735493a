"""Texts → unit vectors: choose the prefix, encode, cut to the dimension, normalise."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codekin.embed.local.checkpoint import resolve_folder
from codekin.embed.tasks import Prefixes
from codekin.errors import DimensionError, ModelError
from codekin.settings import ModelSettings
from codekin.types import Role, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from codekin.embed.local.transformer import TransformerEncoder

MODELS_FOLDER = Path(__file__).parent / "models"


class Encoder(Protocol):
    """A model: texts → raw vectors. Each row depends on its own text and prefix only, not on its neighbours."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """A hash of everything that determines the raw vectors: weights, vocabulary, splitting of texts."""
        ...

    @property
    def dims(self) -> tuple[int, ...]:
        """The Matryoshka dimensions, ascending: a vector may be cut to its first d numbers; the last is the default."""
        ...

    @property
    def prefixes(self) -> Prefixes:
        """The instruction before a text, by task and role."""
        ...

    @property
    def device(self) -> str:
        """Where it runs, and with which numbers, as a person is told."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it might be (a GPU that can't be used), each with its remedy."""
        ...

    def encode(self, texts: Sequence[str], prefix: str) -> "NDArray[np.float32]":
        """The raw vectors, float32 (n, dims[-1]), of `texts`, each of which stands behind the instruction `prefix`.

        The prefix is apart so that a transformer can reuse its keys and values, and a static model, to which an
        instruction's words are only noise, can choose its weights by it.
        """
        ...


class Embedder:
    """An encoder with prefix, cut and norm: the one way to make vectors."""

    def __init__(self, encoder: Encoder, dim: int = 0) -> None:
        """`dim` is one of the encoder's dimensions, 0 its default. Raises DimensionError for any other."""
        if dim and dim not in encoder.dims:
            known = ", ".join(map(str, encoder.dims))
            raise DimensionError(f"{encoder.name} has no vectors of {dim} dimensions. Choose one of {known}.")
        self._encoder = encoder
        self.dim = dim or encoder.dims[-1]

    @property
    def model(self) -> str:
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    @property
    def device(self) -> str:
        return self._encoder.device

    @property
    def problems(self) -> tuple[str, ...]:
        return self._encoder.problems

    def embed(self, texts: Sequence[str], task: Task, role: Role) -> "NDArray[np.float32]":
        """float32 (n, dim), rows of length 1; a row is the same in whatever batch its text stands.

        A text in which the model knows nothing (an empty one) gets the first basis vector: never NaN, never zero.
        """
        import numpy as np

        raw = self._encoder.encode(texts, self._encoder.prefixes[task, role])
        vectors = np.array(raw[:, : self.dim], dtype=np.float32, order="C")
        norms = np.sqrt(np.add.reduce(vectors * vectors, axis=1))
        unknown = ~(np.isfinite(norms) & (norms > 0))
        norms[unknown] = 1
        vectors /= norms[:, None]
        vectors[unknown] = np.eye(1, self.dim, dtype=np.float32)
        return vectors

    def space(self, task: Task) -> str:
        """The space of the task's passages: only vectors of equal spaces may be compared.

        Equal for nl2code and code2code: one vector of a function serves both.
        """
        return f"{self._encoder.fingerprint}/{self._encoder.prefixes[task, Role.PASSAGE].strip()}/{self.dim}"


def load_embedder(settings: ModelSettings) -> Embedder:
    """The embedder that the settings name: "embedded", a preset, a hub id or a folder.

    A heavy one takes seconds and its weights' memory. Raises ModelError, DimensionError.
    """
    return Embedder(_encoder(settings), settings.dim)


def is_static_model(settings: ModelSettings) -> bool:
    """Whether it is a model that any process loads at once: the embedded one, or a folder of its kind."""
    return settings.name == "embedded" or _static_folder(settings.name) is not None


def _encoder(settings: ModelSettings) -> Encoder:
    from codekin.embed.static import StaticEncoder

    folder = MODELS_FOLDER if settings.name == "embedded" else _static_folder(settings.name)
    return StaticEncoder(folder) if folder else load_transformer(settings)


def _static_folder(name: str) -> Path | None:
    folder = resolve_folder(name)
    return folder if folder and os.access(folder / "table.npy", os.F_OK) else None


def load_transformer(settings: ModelSettings) -> "TransformerEncoder":
    """The heavy model that the settings name, loaded in this process. Raises ModelError."""
    from codekin.embed.local.checkpoint import read_checkpoint

    checkpoint = read_checkpoint(settings)
    try:
        from codekin.embed.local.transformer import TransformerEncoder
    except ModuleNotFoundError as error:
        remedy = "Run: pip install 'codekin[transformers]'"
        raise ModelError(f"{checkpoint.name} needs PyTorch, which is not installed ({error.name}). {remedy}") from error
    except (ImportError, OSError) as error:  # a library of its own is missing, or memory for it
        remedy = "Is there memory for it? Else install it again: pip install --force-reinstall torch"
        raise ModelError(f"{checkpoint.name} needs PyTorch, which can't be loaded ({error}). {remedy}") from error
    return TransformerEncoder(checkpoint, settings)
