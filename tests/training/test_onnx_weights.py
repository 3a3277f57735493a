"""Claims about weights read back from an exported graph: they are the exported ones, up to the rounding of int8."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
onnx = pytest.importorskip("onnx", reason="an exported graph needs onnx: pip install 'codekin[train]'")
pytest.importorskip("transformers", reason="training needs transformers: pip install 'codekin[train]'")
from codekin.errors import ModelError  # noqa: E402 -- what follows needs torch, which the core does without
from codekin.training.backbone import EmbedderBuild, TextEncoder, load_trained_weights  # noqa: E402
from codekin.training.onnx_export import export_onnx  # noqa: E402
from codekin.training.small_backbone import make_small_build, prepare_small_backbone  # noqa: E402

from ..embed.encoders import write_encoder  # noqa: E402


@pytest.fixture
def build(tmp_path: Path) -> EmbedderBuild:
    """A small model on a tiny backbone."""
    return make_small_build(prepare_small_backbone(str(write_encoder(tmp_path / "encoder")), tmp_path / "backbone"), 32)


@pytest.mark.parametrize(("is_quantized", "tolerance"), [(False, 1e-6), (True, 0.02)])
def test_a_training_starts_from_an_exported_graph(
    build: EmbedderBuild, tmp_path: Path, is_quantized: bool, tolerance: float
) -> None:
    trained = TextEncoder(build)
    with torch.no_grad():
        for weight in trained.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    trained.save(tmp_path / "trained", {})
    export_onnx(tmp_path / "trained", tmp_path / "graph", is_quantized)
    started = TextEncoder(build)
    load_trained_weights(started, str(tmp_path / "graph"))
    expected = trained.backbone.state_dict()
    for name, weight in started.backbone.state_dict().items():
        atol = tolerance * float(expected[name].abs().max())
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=atol)


def _write_graph(graph_path: Path, weight: onnx.TensorProto) -> None:
    """Write a graph that has this weight, which the product of a layer reads, and nothing else."""
    product = onnx.helper.make_node("MatMul", ["x"], ["y"], name="/backbone/layer/MatMul")
    graph = onnx.helper.make_graph([product], "damaged", [], [], [weight])
    graph_path.write_bytes(onnx.helper.make_model(graph).SerializeToString())


def test_a_damaged_graph_is_refused(build: EmbedderBuild, tmp_path: Path) -> None:
    encoder, graph_path = TextEncoder(build), tmp_path / "model.onnx"
    without_scale = onnx.numpy_helper.from_array(np.ones((2, 2), np.int8), "backbone.layer_quantized")
    of_no_type = onnx.TensorProto(name="backbone.layer", data_type=99, dims=[2])
    elsewhere = onnx.TensorProto(name="backbone.layer", data_type=1, dims=[2], data_location=1)
    elsewhere.external_data.add(key="location", value="../../etc/passwd")
    graph_path.write_bytes(b"no graph")
    with pytest.raises(ModelError, match="can't be loaded"):
        load_trained_weights(encoder, str(tmp_path))
    for weight in (without_scale, of_no_type, elsewhere, onnx.numpy_helper.from_array(np.ones(2), "backbone.layer")):
        _write_graph(graph_path, weight)
        with pytest.raises(ModelError, match="can't be loaded"):
            load_trained_weights(encoder, str(tmp_path))


def test_a_folder_without_weights_is_refused(build: EmbedderBuild, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Name the folder"):
        load_trained_weights(TextEncoder(build), str(tmp_path / "nowhere"))
