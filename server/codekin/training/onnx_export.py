"""Export a trained encoder as an ONNX graph of int8 weights: `codekin train onnx`. The server runs it without torch."""

import json
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from codekin.embed.local.checkpoint import read_checkpoint
from codekin.embed.local.checkpoint_files import ENCODERS, ONNX_FILE
from codekin.embed.local.onnx_encoder import INPUT_NAMES, OUTPUT_NAME
from codekin.errors import ModelError
from codekin.settings import ModelSettings
from codekin.training.backbone import EmbedderBuild, TextEncoder

logger = logging.getLogger(__name__)
_OPSET_VERSION = 17  # what ONNX Runtime has run since 1.12
_DESCRIPTION_PATTERNS = ("*.json", "*/config.json", "README.md")  # of the model's files, beside its weights


class _PooledGraph(nn.Module):
    """Computes pooled vectors of padded token ids: what the graph holds."""

    def __init__(self, encoder: TextEncoder) -> None:
        super().__init__()
        self.backbone, self.pooling = encoder.backbone, encoder.pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the pooled vectors (n, d) of padded token ids (n, t)."""
        hidden_states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.pooling(hidden_states, attention_mask)


def export_onnx(model_folder: Path, out: Path, is_quantized: bool = True) -> None:
    """Write the embedder in `model_folder` to `out`, replacing it, its weights as an ONNX graph, by default in int8.

    `is_quantized` makes the weights int8, those of products with a scale for each output; else they are float32. Raises
    ModelError for a model that is no BERT encoder whose vectors are the mean of all tokens.
    """
    checkpoint = read_checkpoint(ModelSettings(name=str(model_folder)))
    is_mean = checkpoint.pooling == "mean" and checkpoint.includes_prompt
    if not is_mean or checkpoint.config["model_type"] != ENCODERS[0] or checkpoint.weights[0].name == ONNX_FILE:
        raise ModelError(
            f"{model_folder} can't be exported. Name the folder of a BERT encoder, as `train small` writes."
        )
    encoder = TextEncoder(EmbedderBuild(str(model_folder), "mean")).eval()
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for path in (path for pattern in _DESCRIPTION_PATTERNS for path in model_folder.glob(pattern)):
        target = partial / path.relative_to(model_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    tokenizer = partial / "tokenizer.json"  # compact: no tool takes a line of it for a text
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text("utf-8")), separators=(",", ":")), "utf-8")
    _write_graph(_PooledGraph(encoder), partial / ONNX_FILE)
    if is_quantized:
        _quantize_graph(partial / ONNX_FILE)
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    logger.info("%s: %.1f MB", out, (out / ONNX_FILE).stat().st_size / 1e6)


def _write_graph(module: nn.Module, graph_path: Path) -> None:
    """Write the module as an ONNX graph to `graph_path`, for any number of texts and tokens, with float32 weights."""
    example_ids = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 0]])
    axes: dict[str, Any] = {name: {0: "texts", 1: "tokens"} for name in INPUT_NAMES}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about tracing: the axes named here are all that changes
        torch.onnx.export(
            module,
            (example_ids, (example_ids > 0).long()),
            str(graph_path),
            input_names=list(INPUT_NAMES),
            output_names=[OUTPUT_NAME],
            dynamic_axes=axes | {OUTPUT_NAME: {0: "texts"}},
            opset_version=_OPSET_VERSION,
            dynamo=False,
        )


def _quantize_graph(graph_path: Path) -> None:
    """Replace the graph's weights by int8 ones, in place; activations are quantized when it runs."""
    quantized_path = graph_path.with_suffix(".int8")
    quantize_dynamic(str(graph_path), str(quantized_path), per_channel=True, weight_type=QuantType.QInt8)
    quantized_path.replace(graph_path)
