"""Texts of every kind and length, and how near their vectors by two implementations are."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codekin.settings import ModelSettings

CODE = Path(__file__).with_name("test_transformer.py").read_text("utf-8")
TEXTS = [
    "def add(a, b):\n    return a + b",
    "\n\n    # begins with what joins the instruction's newline",
    "   indented(first)",
    "",
    "x",
    "🦊🦊 кошка 猫 \ud800",
    "for row in rows:\n    print(row)\n" * 40,
    CODE,  # longer than the limit
    *CODE.split("\n\n")[:8],
]
SETTINGS = ModelSettings(precision="float32", device="cpu")


def rows_of(vectors: Any) -> NDArray[np.float32]:
    """Return the vectors as unit rows of float32."""
    rows = np.asarray(vectors, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def least(our_vectors: NDArray[np.float32], their_vectors: NDArray[np.float32]) -> float:
    """Return the least cosine of a row of ours with the same row of theirs."""
    return float((our_vectors * their_vectors).sum(1).min())
