"""Read the files of a checkpoint: JSON, the steps from tokens to a vector, and the weights' names. Needs no torch."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codekin.embed.local.checkpoint_fingerprint import MAX_JSON_BYTES
from codekin.errors import ModelError
from codekin.files import read_file

DECODERS = ("qwen2", "qwen3", "llama", "mistral")
ENCODERS = ("bert", "nomic_bert")
ONNX_FILE = "model.onnx"  # weights and graph in one, read where there are no safetensors
LIBRARY = "transformers"  # runs all other architectures
_KNOWN_STEPS = ("Transformer", "Pooling", "Dense", "Normalize")
_ACTIVATIONS = {"Identity": False, "Tanh": True}  # of dense layers: is it tanh?
_PICKLE_PATTERNS = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """A linear layer that sentence-transformers applies to the pooled vector."""

    weights: Path
    out_features: int
    has_tanh: bool


@dataclass(frozen=True, slots=True)
class ModelSteps:
    """The steps from tokens to a vector, as `modules.json` lists them."""

    transformer: str  # folder, relative to the model's; "" is the model's own
    pooling: str | None  # likewise; None where it is not stated
    dense: tuple[str, ...]  # likewise, in order


def read_json(path: Path, expected_type: type = dict) -> Any:
    """Return the parsed content of a JSON file; None without the file. Raises ModelError if of another type."""
    try:
        content = json.loads(read_file(path, MAX_JSON_BYTES).data.decode())
        if not isinstance(content, expected_type):
            raise ValueError(f"it holds a {type(content).__name__}")
        return content
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} can't be read ({error}). Download the model again.") from error


def read_steps(model_root: Path) -> ModelSteps:
    """Return the steps from tokens to a vector that `modules.json` lists. Raises ModelError for an unknown one.

    Without modules.json there is only the transformer, in the folder itself.
    """
    folders: dict[str, list[str]] = {step_type: [] for step_type in _KNOWN_STEPS}
    for step in read_json(model_root / "modules.json", list) or ():
        library, _, step_type = str(step["type"]).rpartition(".")
        if not library.startswith("sentence_transformers") or step_type not in _KNOWN_STEPS:
            remedy = "Serve it with a program that supports it and set model.endpoint, or choose another model."
            raise ModelError(f"{model_root.name} has a step that codekin doesn't support ({step['type']}). {remedy}")
        folders[step_type].append(str(step["path"]))
    poolings, transformers = folders["Pooling"], folders["Transformer"]
    return ModelSteps(
        transformers[-1] if transformers else "", poolings[-1] if poolings else None, tuple(folders["Dense"])
    )


def read_dense_layers(model_root: Path, steps: ModelSteps) -> tuple[DenseLayer, ...]:
    """Return the dense layers in order, each with its size, activation and path of its weights, which stay unread.

    Raises ModelError for an unknown activation or a missing file.
    """
    layers = []
    for folder in steps.dense:
        config = read_json(model_root / folder / "config.json")
        activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
        if activation not in _ACTIVATIONS:
            known = ", ".join(_ACTIVATIONS)
            raise ModelError(f"{model_root.name} has a dense layer with {activation}; codekin supports {known}.")
        weights = find_weights(model_root / folder)[0]
        layers.append(DenseLayer(weights, int(config["out_features"]), _ACTIVATIONS[activation]))
    return tuple(layers)


def find_weights(folder: Path) -> tuple[Path, ...]:
    """Return the paths of the safetensors files, else of the ONNX graph; reads neither.

    Raises ModelError if there are none. Also if one is missing, or all are pickled.
    """
    index = read_json(folder / "model.safetensors.index.json")
    file_names = sorted(set(index["weight_map"].values())) if index else ["model.safetensors"]
    missing_files = [name for name in file_names if not (folder / name).exists()]
    if not missing_files:
        return tuple(folder / name for name in file_names)
    if not index and (folder / ONNX_FILE).exists():
        return (folder / ONNX_FILE,)
    if not index and any(pickle_file for pattern in _PICKLE_PATTERNS for pickle_file in folder.glob(pattern)):
        remedy = "Ask its authors for model.safetensors, or convert it yourself (transformers' save_pretrained)."
        raise ModelError(f"{folder} has only pickled weights, which may run code when read. {remedy}")
    raise ModelError(f"{folder} lacks {', '.join(missing_files)}. Download the model again (codekin model pull).")


def check_architecture(config: Mapping[str, Any], folder: Path) -> None:
    """Raise ModelError if nothing here can run the model's type, or it has no tokenizer.json."""
    model_type = config.get("model_type")
    if model_type not in (*DECODERS, *ENCODERS) and importlib.util.find_spec(LIBRARY) is None:
        own_types = ", ".join((*DECODERS, *ENCODERS))
        remedy = "Run: pip install 'codekin[transformers]'"
        raise ModelError(
            f"{folder} has a model of type {model_type}; without {LIBRARY} codekin runs {own_types}. {remedy}"
        )
    if not (folder / "tokenizer.json").exists():
        remedy = "Create it with transformers: AutoTokenizer.from_pretrained(…).save_pretrained(…)."
        raise ModelError(f"{folder} has no tokenizer.json. {remedy}")
