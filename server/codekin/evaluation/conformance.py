"""Do the Jina models compute here what their authors say they compute? For whoever has the weights.

Source: the models' cards: task nl2code, float32, two queries and two passages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codekin.embed.embedder import load
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
    """The similarities that were found, beside those that are told."""

    model: str
    device: str
    expected: NDArray[np.float64]  # (queries, passages)
    found: NDArray[np.float64]
    tolerance: float

    @property
    def max_difference(self) -> float:
        """The largest difference."""
        return float(np.abs(self.found - self.expected).max())

    @property
    def is_within_tolerance(self) -> bool:
        """Whether all differ by no more than the numbers computed with explain."""
        return self.max_difference <= self.tolerance


def measure_conformance(name: str, settings: ModelSettings) -> Conformance:
    """Of the model of that short name, in the settings' precision, whole vectors. Raises ModelError where it is not
    on this machine."""
    embedder = load(replace(settings, name=name, dim=0))
    vectors = [embedder.embed(QUERIES, Task.NL2CODE, Role.QUERY), embedder.embed(PASSAGES, Task.NL2CODE, Role.PASSAGE)]
    found = np.asarray(vectors[0] @ vectors[1].T, dtype=np.float64)
    numbers = embedder.device.rpartition(", ")[2]
    tolerance = TOLERANCES.get(numbers, TOLERANCES["bfloat16"])
    return Conformance(embedder.model, embedder.device, np.array(REFERENCES[name]), found, tolerance)
