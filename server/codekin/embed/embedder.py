"""Turn texts into unit vectors: choose the prefix, encode, truncate to the dimension, normalise."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codekin.embed.local.checkpoint import Checkpoint, resolve_folder
from codekin.embed.local.checkpoint_files import ONNX_FILE
from codekin.embed.tasks import Prefixes
from codekin.errors import DimensionError, ModelError
from codekin.settings import ModelSettings
from codekin.types import Role, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODELS_FOLDER = Path(__file__).parent / "models"


class Encoder(Protocol):
    """Protocol of models: texts → raw vectors. A row depends on its own text and prefix only, not on its neighbours."""

    @property
    def name(self) -> str:
        """Return the model's name."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return a hash of all that determines the raw vectors: weights, vocabulary, splitting of texts."""
        ...

    @property
    def dims(self) -> tuple[int, ...]:
        """Return the dimensions that vectors may be truncated to (Matryoshka), ascending; the last is the default."""
        ...

    @property
    def prefixes(self) -> Prefixes:
        """Return (task, role) → instruction to put before each text."""
        ...

    @property
    def device(self) -> str:
        """Return the device and number format, as text for people."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """Return messages about what runs worse than it could (a GPU that can't be used), each with its remedy."""
        ...

    def encode(self, texts: Sequence[str], prefix: str) -> "NDArray[np.float32]":
        """Return raw vectors, float32 (n, dims[-1]), of `texts` after the instruction `prefix` each. Raises ModelError.

        The prefix is a parameter of its own so that a transformer can reuse its keys and values; a static model chooses
        its weights by it, as an instruction's words are only noise to it.
        """
        ...


class StepwiseEncoder(Encoder, Protocol):
    """Protocol of heavy models, whose work can be interrupted by more urgent work."""

    def encode_stepwise(self, texts: Sequence[str], prefix: str) -> "Iterator[tuple[list[int], NDArray[np.float32]]]":
        """Yield (indices, raw vectors) of some texts at a time, in any order; a step takes a fraction of a second."""
        ...


class Embedder:
    """Texts → unit vectors: the only place that applies prefix, truncation and normalisation to an encoder."""

    def __init__(self, encoder: Encoder, dim: int = 0) -> None:
        """Use `dim` dimensions, 0 for the encoder's default. Raises DimensionError if the encoder lacks that number."""
        if dim and dim not in encoder.dims:
            choices = ", ".join(map(str, encoder.dims))
            raise DimensionError(f"{encoder.name} has no vectors of {dim} dimensions. Choose one of {choices}.")
        self._encoder = encoder
        self.dim = dim or encoder.dims[-1]

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """Return the hash of all that determines the encoder's raw vectors."""
        return self._encoder.fingerprint

    @property
    def device(self) -> str:
        """Return the device and number format, as text for people."""
        return self._encoder.device

    @property
    def problems(self) -> tuple[str, ...]:
        """Return messages about what runs worse than it could, each with its remedy."""
        return self._encoder.problems

    def embed(self, texts: Sequence[str], task: Task, role: Role) -> "NDArray[np.float32]":
        """Return unit vectors, float32 (n, dim), of the texts after their instruction; the same in any batch.

        Raises the encoder's ModelError.

        A text without any known token (an empty one) gets the first basis vector: never NaN, never zero.
        """
        import numpy as np

        raw_vectors = self._encoder.encode(texts, self._encoder.prefixes[task, role])
        vectors = np.array(raw_vectors[:, : self.dim], dtype=np.float32, order="C")
        norms = np.sqrt(np.add.reduce(vectors * vectors, axis=1))
        is_degenerate = ~(np.isfinite(norms) & (norms > 0))
        norms[is_degenerate] = 1
        vectors /= norms[:, None]
        vectors[is_degenerate] = np.eye(1, self.dim, dtype=np.float32)
        return vectors

    def space(self, task: Task) -> str:
        """Return the key of the space of the task's passages: only vectors of equal spaces may be compared.

        It is equal for nl2code and code2code, so one vector of a function serves both.
        """
        return f"{self._encoder.fingerprint}/{self._encoder.prefixes[task, Role.PASSAGE].strip()}/{self.dim}"


def load_embedder(settings: ModelSettings) -> Embedder:
    """Load the embedder that the settings name ("embedded", preset, hub id, folder). Raises ModelError, DimensionError.

    A heavy model takes seconds to load, and its weights' size in memory.
    """
    return Embedder(_load_encoder(settings), settings.dim)


def is_static_model(settings: ModelSettings) -> bool:
    """Return whether the settings name the built-in model or a folder of its kind, which load instantly."""
    return settings.name == "embedded" or _find_static_folder(settings.name) is not None


def _load_encoder(settings: ModelSettings) -> Encoder:
    """Load the static or the transformer encoder that the settings name. Raises ModelError."""
    from codekin.embed.static import StaticEncoder

    folder = MODELS_FOLDER if settings.name == "embedded" else _find_static_folder(settings.name)
    return StaticEncoder(folder) if folder else load_transformer(settings)


def _find_static_folder(name: str) -> Path | None:
    """Return the folder `name` if it holds a static model; else None."""
    folder = resolve_folder(name)
    return folder if folder and os.access(folder / "table.npy", os.F_OK) else None


def load_transformer(settings: ModelSettings) -> StepwiseEncoder:
    """Load the heavy model of the settings into this process, for seconds. Raises ModelError (torch missing, too)."""
    from codekin.embed.local.checkpoint import read_checkpoint

    checkpoint = read_checkpoint(settings)
    if checkpoint.weights[0].name == ONNX_FILE:
        return _load_graph(checkpoint)
    try:
        from codekin.embed.local.transformer import TransformerEncoder
    except ModuleNotFoundError as error:
        remedy = "Run: pip install 'codekin[transformers]'"
        raise ModelError(f"{checkpoint.name} needs PyTorch, which is not installed ({error.name}). {remedy}") from error
    except (ImportError, OSError) as error:  # one of its libraries is missing, or memory for it
        remedy = "Is there memory for it? If so, reinstall it: pip install --force-reinstall torch"
        raise ModelError(f"{checkpoint.name} needs PyTorch, which can't be loaded ({error}). {remedy}") from error
    return TransformerEncoder(checkpoint, settings)


def _load_graph(checkpoint: Checkpoint) -> StepwiseEncoder:
    """Load a model that is an ONNX graph. Raises ModelError, also if ONNX Runtime is missing."""
    try:
        from codekin.embed.local.onnx_encoder import OnnxEncoder
    except ImportError as error:
        remedy = "Run: pip install 'codekin[small]'"
        raise ModelError(f"{checkpoint.name} needs ONNX Runtime, which can't be loaded ({error}). {remedy}") from error
    return OnnxEncoder(checkpoint)
