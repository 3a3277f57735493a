"""Check whether the Jina models compute here what their authors publish; for people who have the weights.

Source: the models' cards: task nl2code, float32, two queries and two passages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.types import Role, Task

QUERIES = ("print hello world in python", "initialize array of 5 zeros in c++")
PASSAGES = ("print('Hello World!')", "int arr[5] = {0, 0, 0, 0, 0};")
REFERENCES: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "jina-0.5b": ((0.8168, 0.1236), (0.1204, 0.5525)),
    "jina-1.5b": ((0.7647, 0.1115), (0.0930, 0.6606)),
}
TOLERANCES: Mapping[str, float] = {"float32": 0.001, "bfloat16": 0.02, "int8": 0.05}


@dataclass(frozen=True, slots=True)
class Conformance:
    """A model's measured similarities beside those on its model card."""

    model: str
    device: str
    expected: NDArray[np.float64]  # (queries, passages)
    measured: NDArray[np.float64]
    tolerance: float

    @property
    def max_difference(self) -> float:
        """Return the largest absolute difference between measured and published similarities."""
        return float(np.abs(self.measured - self.expected).max())

    @property
    def is_within_tolerance(self) -> bool:
        """Return whether no similarity differs from the card's by more than rounding at the precision computed with."""
        return self.max_difference <= self.tolerance


def measure_conformance(model_name: str, settings: ModelSettings) -> Conformance:
    """Compute a model card's similarities with that model, in the settings' precision and device. Raises ModelError.

    Raises ModelError where the model is not on this machine; KeyError for one not in REFERENCES.
    """
    embedder = load_embedder(replace(settings, name=model_name, dim=0))
    vectors = [embedder.embed(QUERIES, Task.NL2CODE, Role.QUERY), embedder.embed(PASSAGES, Task.NL2CODE, Role.PASSAGE)]
    measured = np.asarray(vectors[0] @ vectors[1].T, dtype=np.float64)
    precision = embedder.device.rpartition(", ")[2]
    tolerance = TOLERANCES.get(precision, TOLERANCES["bfloat16"])
    return Conformance(embedder.model, embedder.device, np.array(REFERENCES[model_name]), measured, tolerance)
