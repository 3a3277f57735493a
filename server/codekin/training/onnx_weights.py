"""Read the weights back from an ONNX graph that `codekin train onnx` wrote, so that a training can start from them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

_PREFIX = "backbone."  # of the names of weights in the graph
_PRODUCTS = {"MatMul", "MatMulInteger"}


def read_onnx_weights(graph_path: Path) -> dict[str, Tensor]:
    """Return name → float32 weight of the backbone in an exported graph; int8 weights keep their rounding errors.

    Reads the whole file. Raises OSError, or ValueError for a file that is no such graph.
    """
    try:
        weights = _read_weights(onnx.load(str(graph_path)).graph)
    except OSError:
        raise
    except Exception as error:  # protobuf's and onnx' own differ by version; a damaged graph may lack anything
        raise ValueError(f"{graph_path} is no ONNX graph that codekin wrote: {error}") from error
    return {name: torch.from_numpy(np.ascontiguousarray(weight)) for name, weight in weights.items()}


def _read_weights(graph: Any) -> dict[str, NDArray[np.float32]]:
    """Return name → float32 weight of the backbone. Raises various errors, such as KeyError, for an unsound graph."""
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    weights = {
        name.removeprefix(_PREFIX).removesuffix("_quantized"): _restore(name, arrays)
        for name in arrays
        if name.startswith(_PREFIX) and not name.endswith(("_scale", "_zero_point"))
    }
    for node in graph.node:
        # A linear layer's weight is stored transposed, under a number; the node's name is the layer's path.
        if node.op_type in _PRODUCTS and node.input[1] in arrays:
            layer = ".".join(node.name.strip("/").split("/")[1:-1])
            weights[f"{layer}.weight"] = _restore(node.input[1], arrays).T
    return weights


def _restore(name: str, arrays: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return the weight of that name in float32: (value - zero point) × scale where it is quantized."""
    values = arrays[name].astype(np.float32)
    if not name.endswith("_quantized"):
        return values
    stem = name.removesuffix("_quantized")
    zero_points = arrays[f"{stem}_zero_point"].astype(np.float32)
    return np.asarray((values - zero_points) * arrays[f"{stem}_scale"], dtype=np.float32)
