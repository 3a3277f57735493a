"""The small transformer that is part of codekin: where it is, whether it can run here, and what it weighs.

It is derived from all-MiniLM-L6-v2 (Apache-2.0); `embed/models/README.md` is its card.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from codekin.embed.local.checkpoint_files import ONNX_FILE
from codekin.types import Task

NAME = "small"  # in model.name
TITLE = "codekin-small"
FOLDER = Path(__file__).parents[1] / "models" / "small"
_RUNTIME = "onnxruntime"

# Its weight beside the embedded model, by task: the best on held-out pairs of packages that neither was trained on.
BLEND_WEIGHTS: Mapping[Task, float] = {
    Task.NL2CODE: 0.6,
    Task.QA: 0.6,
    Task.CODE2NL: 0.6,
    Task.CODE2COMPLETION: 0.3,
    Task.CODE2CODE: 0.0,
}


def is_available() -> bool:
    """Return whether the weights and the library that runs them (codekin[small]) are installed; imports nothing."""
    return (FOLDER / ONNX_FILE).exists() and importlib.util.find_spec(_RUNTIME) is not None
