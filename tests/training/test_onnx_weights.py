"""Claims about weights read back from an exported graph: they are the exported ones, up to the rounding of int8."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
pytest.importorskip("transformers", reason="training needs transformers: pip install 'codekin[train]'")
from codekin.errors import ModelError  # noqa: E402 -- what follows needs torch, which the core does without
from codekin.training.backbone import TextEncoder, load_trained_weights  # noqa: E402
from codekin.training.onnx_export import export_onnx  # noqa: E402
from codekin.training.small_backbone import make_small_build, prepare_small_backbone  # noqa: E402

from ..embed.encoders import write_encoder  # noqa: E402


@pytest.mark.parametrize(("is_quantized", "tolerance"), [(False, 1e-6), (True, 0.02)])
def test_a_training_starts_from_an_exported_graph(tmp_path: Path, is_quantized: bool, tolerance: float) -> None:
    build = make_small_build(
        prepare_small_backbone(str(write_encoder(tmp_path / "encoder")), tmp_path / "backbone"), 32
    )
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


def test_a_damaged_graph_is_refused(tmp_path: Path) -> None:
    build = make_small_build(
        prepare_small_backbone(str(write_encoder(tmp_path / "encoder")), tmp_path / "backbone"), 32
    )
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="can't be gone on from"):
        load_trained_weights(TextEncoder(build), str(tmp_path))
