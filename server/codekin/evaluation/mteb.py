"""Adapt codekin's models to mteb, whose benchmarks include MTEB(Code, v1):

    import mteb
    from codekin.evaluation.mteb import MtebEncoder
    mteb.evaluate(MtebEncoder("jina-0.5b"), mteb.get_benchmark("MTEB(Code, v1)"))

Source: mteb's EncoderProtocol (mteb 2). mteb itself is not imported before something is asked of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.types import Role, Task

Floats = NDArray[np.float32]

# The task of a model for each task of MTEB(Code, v1), as in the evaluation of the paper (arXiv 2508.21290).
_TASKS: Mapping[str, Task] = {
    "AppsRetrieval": Task.NL2CODE,
    "CodeEditSearchRetrieval": Task.CODE2CODE,
    "CodeFeedbackMT": Task.QA,
    "CodeFeedbackST": Task.QA,
    "CodeSearchNetCCRetrieval": Task.CODE2COMPLETION,
    "CodeSearchNetRetrieval": Task.NL2CODE,
    "CodeTransOceanContest": Task.CODE2CODE,
    "CodeTransOceanDL": Task.CODE2CODE,
    "COIRCodeSearchNetRetrieval": Task.CODE2NL,
    "CosQA": Task.NL2CODE,
    "StackOverflowQA": Task.QA,
    "SyntheticText2SQL": Task.NL2CODE,
}


class MtebEncoder:
    """One of codekin's models with the interface that mteb expects."""

    def __init__(
        self, model_name: str = "embedded", revision: str | None = None, *, device: str | None = None, **kwargs: Any
    ) -> None:
        """Load the model; `kwargs` are further model settings (dim, max_tokens, precision). Raises ModelError.

        `revision` is ignored. DimensionError is a ModelError; TypeError for an unknown setting.
        """
        del revision
        settings = replace(ModelSettings(), name=model_name, **kwargs)
        self._embedder = load_embedder(replace(settings, device=device) if device else settings)

    def encode(self, inputs: Iterable[Mapping[str, Any]], *, task_metadata: Any, **options: Any) -> Floats:
        """Return unit vectors of all texts, float32 (n, dim), for the mteb task (nl2code if it isn't listed) and role.

        Texts without a `prompt_type` are embedded as queries.
        """
        texts = [str(text) for batch in inputs for text in batch["text"]]
        side = str(getattr(options.get("prompt_type"), "value", options.get("prompt_type")))
        role = Role.PASSAGE if side in ("document", "passage") else Role.QUERY
        return self._embedder.embed(texts, _TASKS.get(str(task_metadata.name), Task.NL2CODE), role)

    def similarity(self, first: Floats, second: Floats) -> Floats:
        """Return the cosine of each unit vector of `first` with each of `second`, float32 (n, m)."""
        return np.asarray(np.asarray(first) @ np.asarray(second).T, dtype=np.float32)

    def similarity_pairwise(self, first: Floats, second: Floats) -> Floats:
        """Return the cosine of each pair of unit vectors, float32 (n,); both have n rows."""
        return np.asarray(np.vecdot(np.asarray(first), np.asarray(second)), dtype=np.float32)

    @property
    def mteb_model_meta(self) -> Any:
        """Return the model's metadata in mteb's class, for its reports. Raises ImportError without mteb."""
        from mteb.models.model_meta import ModelMeta

        embedder = self._embedder
        metadata = {"name": f"codekin/{embedder.model}", "revision": embedder.fingerprint, "embed_dim": embedder.dim}
        return ModelMeta.create_empty(metadata)
