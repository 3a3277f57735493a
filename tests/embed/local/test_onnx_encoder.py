"""Claims about models that run without torch: an exported graph has the vectors of the model it was exported from,
a text always the same one, and the model server runs it like any other.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="graphs need ONNX Runtime: pip install 'codekin[small]'")
pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'codekin[train]'")
pytest.importorskip("torch", reason="exporting needs PyTorch: pip install 'codekin[train]'")
pytest.importorskip("transformers", reason="exporting needs transformers: pip install 'codekin[train]'")
from click.testing import CliRunner

from codekin.cli.train_small import onnx
from codekin.embed.embedder import load_embedder
from codekin.embed.factory import connect_heavy_model, has_heavy_model
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.embed.local.checkpoint_files import ONNX_FILE
from codekin.errors import ModelError
from codekin.settings import ModelSettings
from codekin.training.backbone import TextEncoder
from codekin.training.onnx_export import export_onnx
from codekin.training.small_backbone import make_small_build, prepare_small_backbone
from codekin.types import Role, Task

from ..encoders import write_encoder

TEXTS = ["def readFile(x): return open(x)", "delete the user", "sort", "x" * 500, "close socket\ud800", ""]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with the layout of `codekin train small`, untrained."""
    folder = tmp_path_factory.mktemp("model")
    encoder_folder = write_encoder(folder / "encoder", hidden_size=128)
    TextEncoder(make_small_build(prepare_small_backbone(str(encoder_folder), folder / "backbone"), 32)).save(
        folder / "model", {}
    )
    return folder / "model"


@pytest.fixture(scope="module")
def graph_folders(model_folder: Path) -> dict[str, Path]:
    """The model's graph, with float32 and with int8 weights."""
    folders = {name: model_folder.parent / name for name in ("float32", "int8")}
    for name, folder in folders.items():
        export_onnx(model_folder, folder, is_quantized=name == "int8")
    return folders


def _embed(folder: Path, texts: list[str], task: Task = Task.NL2CODE) -> np.ndarray:
    settings = ModelSettings(name=str(folder), precision="float32", device="cpu")
    return load_embedder(settings).embed(texts, task, Role.QUERY)


@pytest.mark.parametrize("task", Task)
def test_a_graph_of_float32_has_the_vectors_of_its_model(
    model_folder: Path, graph_folders: dict[str, Path], task: Task
) -> None:
    difference = _embed(graph_folders["float32"], TEXTS, task) - _embed(model_folder, TEXTS, task)
    assert np.abs(difference).max() < 1e-4


def test_a_graph_of_int8_is_near_and_smaller(model_folder: Path, graph_folders: dict[str, Path]) -> None:
    cosines = np.sum(_embed(graph_folders["int8"], TEXTS) * _embed(model_folder, TEXTS), axis=1)
    assert cosines.min() > 0.95
    sizes = {name: (folder / ONNX_FILE).stat().st_size for name, folder in graph_folders.items()}
    assert sizes["int8"] < 0.6 * sizes["float32"]
    assert not (graph_folders["int8"] / "model.safetensors").exists()


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_a_text_has_the_same_vector_in_any_batch(graph_folders: dict[str, Path], name: str) -> None:
    together = _embed(graph_folders[name], TEXTS)
    alone = np.concatenate([_embed(graph_folders[name], [text]) for text in TEXTS])
    assert np.array_equal(together, alone)


def test_each_format_has_a_space_of_its_own(model_folder: Path, graph_folders: dict[str, Path]) -> None:
    folders = [model_folder, *graph_folders.values()]
    assert len({read_checkpoint(ModelSettings(name=str(folder))).fingerprint for folder in folders}) == 3


def test_dimensions_and_instructions_are_the_model_s(model_folder: Path, graph_folders: dict[str, Path]) -> None:
    graph, model = (
        read_checkpoint(ModelSettings(name=str(folder))) for folder in (graph_folders["int8"], model_folder)
    )
    assert (graph.dims, graph.prefixes, graph.max_tokens) == (model.dims, model.prefixes, model.max_tokens)
    assert graph.prefixes[Task.QA, Role.QUERY] == "[unused3]"


def test_the_model_server_runs_it(graph_folders: dict[str, Path], tmp_path: Path) -> None:
    settings = ModelSettings(name=str(graph_folders["int8"]), idle_s=60.0)
    assert has_heavy_model(settings)
    heavy_model = connect_heavy_model(settings, tmp_path / "runtime", None)
    vectors = heavy_model.bulk.embed(TEXTS, Task.NL2CODE, Role.QUERY)
    assert np.array_equal(vectors, _embed(graph_folders["int8"], TEXTS))
    assert "ONNX Runtime" in heavy_model.bulk.device
    heavy_model.close()


def test_it_runs_without_torch_and_says_what_to_install_without_onnx_runtime(
    graph_folders: dict[str, Path], tmp_path: Path
) -> None:
    def run(hidden_module: str) -> subprocess.CompletedProcess[str]:
        code = (
            "import sys\n"
            f"sys.modules[{hidden_module!r}] = None\n"
            "from codekin.embed.embedder import load_embedder\n"
            "from codekin.errors import ModelError\n"
            "from codekin.settings import ModelSettings\n"
            "try:\n"
            f"    print(load_embedder(ModelSettings(name={str(graph_folders['int8'])!r})).device)\n"
            "except ModelError as error:\n"
            "    print(error)\n"
            "print('torch' in sys.modules and sys.modules['torch'] is not None)\n"
        )
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)

    assert run("torch").stdout == "cpu, ONNX Runtime, one thread\nFalse\n"
    assert "pip install 'codekin[small]'" in run("onnxruntime").stdout


def test_a_damaged_graph_is_refused(graph_folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((graph_folders["int8"] / name).read_bytes())
    (tmp_path / ONNX_FILE).write_bytes((graph_folders["int8"] / ONNX_FILE).read_bytes()[:-5000])
    with pytest.raises(ModelError, match="do not make one model"):
        load_embedder(ModelSettings(name=str(tmp_path)))


def test_only_encoders_with_mean_pooling_are_exported(model_folder: Path, tmp_path: Path) -> None:
    for path in model_folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    with pytest.raises(ModelError, match="can't be exported"):
        export_onnx(tmp_path, tmp_path.with_name("out"))


def test_the_command_exports_int8_unless_told_otherwise(
    model_folder: Path, graph_folders: dict[str, Path], tmp_path: Path
) -> None:
    for options, name in (([], "int8"), (["--float32"], "float32")):
        out = tmp_path / name
        words = [str(model_folder), "--out", str(out), *options]
        completed = CliRunner().invoke(onnx, words, catch_exceptions=False, standalone_mode=False)
        assert completed.return_value == 0
        assert (out / ONNX_FILE).stat().st_size == (graph_folders[name] / ONNX_FILE).stat().st_size
