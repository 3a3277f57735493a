"""What a model's folder says, where its parts decide, and what is said when they are not what they should be."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codekin.embed.embedder import is_static_model, load_embedder
from codekin.embed.local.checkpoint import find_checkpoint, read_checkpoint
from codekin.embed.tasks import PREFIXES
from codekin.errors import ModelError
from codekin.evaluation.conformance import measure_conformance
from codekin.settings import ModelSettings
from codekin.types import Role, Task

HUB = "jinaai/jina-code-embeddings-0.5b"


@pytest.fixture
def folder(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "model"))


@pytest.fixture
def hub(tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache in which the tiny model lies under Jina's name."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = tmp_path / "hub" / f"models--{HUB.replace('/', '--')}"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0123abc\n")
    shutil.copytree(tiny_checkpoint, cached / "snapshots" / "0123abc")
    return cached


def change(path: Path, **values: Any) -> None:
    config = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


class TestFinding:
    @pytest.mark.parametrize("name", ["jina-0.5b", HUB, "jina-code-embeddings-0.5b"])
    def test_a_model_of_the_hub_s_cache_is_found_by_each_of_its_names(self, hub: Path, name: str):
        assert find_checkpoint(name) == hub / "snapshots" / "0123abc"
        assert read_checkpoint(ModelSettings(name)).name == "jina-code-embeddings-0.5b"
        assert "not for commercial use" in read_checkpoint(ModelSettings(name)).licence

    def test_a_folder_is_found(self, folder: Path):
        assert read_checkpoint(ModelSettings(str(folder))).name == "model"

    @pytest.mark.parametrize("name", ["jina-1.5b", "somebody/something"])
    def test_what_is_not_here_is_never_downloaded_but_told_how_to_get(self, hub: Path, name: str):
        with pytest.raises(ModelError, match=f"codekin model pull {name}"):
            find_checkpoint(name)

    @pytest.mark.parametrize("name", ["nonesuch", "../up", "a/b/c", "", "~nobody-at-all/model", "x" * 5000])
    def test_other_names_are_refused_with_those_there_are(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ModelError, match=r"jina-0\.5b.*hub id"):
            find_checkpoint(name)
        assert not is_static_model(ModelSettings(name))

    def test_finding_and_reading_need_no_torch(self, folder: Path):
        code = f"""
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.settings import ModelSettings
read_checkpoint(ModelSettings({str(folder)!r}))
import sys; print([name for name in ("torch", "transformers", "numpy", "huggingface_hub") if name in sys.modules])
"""
        completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert completed.stdout.strip() == "[]"


class TestPrefixes:
    def test_the_checkpoint_s_prompts_for_a_task_decide(self, folder: Path):
        change(
            folder / "config_sentence_transformers.json",
            prompts={"qa_query": "Ask: ", "query": "web: ", "document": ""},
        )
        checkpoint = read_checkpoint(
            ModelSettings(str(folder), prompts=("nl2code_query=code: ", "document=d: "))
        ).prefixes
        assert checkpoint[Task.QA, Role.QUERY] == "Ask: "
        assert checkpoint[Task.NL2CODE, Role.QUERY] == "code: "
        assert checkpoint[Task.CODE2NL, Role.QUERY] == "web: "
        assert checkpoint[Task.QA, Role.PASSAGE] == "d: "

    def test_a_preset_knows_the_tasks_better_than_a_prompt_for_all_queries(self, hub: Path):
        change(hub / "snapshots" / "0123abc" / "config_sentence_transformers.json", prompts={"query": "web search: "})
        assert read_checkpoint(ModelSettings("jina-0.5b")).prefixes == PREFIXES

    def test_a_prompt_without_a_name_is_refused(self, folder: Path):
        with pytest.raises(ModelError, match="NAME=TEXT"):
            read_checkpoint(ModelSettings(str(folder), prompts=("search: ",)))


class TestPooling:
    @pytest.mark.parametrize(("mode", "expected"), [("lasttoken", "last"), ("mean", "mean"), ("cls", "cls")])
    def test_old_and_new_files_say_it(self, folder: Path, mode: str, expected: str):
        pooling_config = folder / "1_Pooling" / "config.json"
        pooling_config.write_text(json.dumps({"embedding_dimension": 64, "pooling_mode": mode}))
        assert read_checkpoint(ModelSettings(str(folder), pooling="cls")).pooling == expected
        old = {"lasttoken": "lasttoken", "mean": "mean_tokens", "cls": "cls_token"}[mode]
        pooling_config.write_text(json.dumps({f"pooling_mode_{old}": True, "pooling_mode_max_tokens": False}))
        assert read_checkpoint(ModelSettings(str(folder))).pooling == expected

    def test_without_files_the_setting_decides_and_else_the_kind(self, folder: Path):
        (folder / "modules.json").unlink()
        assert read_checkpoint(ModelSettings(str(folder))).pooling == "last"
        for pooling in ("last", "mean", "cls"):
            assert read_checkpoint(ModelSettings(str(folder), pooling=pooling)).pooling == pooling


class TestSpaces:
    def test_whatever_determines_vectors_determines_the_fingerprint(self, folder: Path):
        settings = ModelSettings(str(folder))
        fingerprints = {
            read_checkpoint(settings).fingerprint,
            read_checkpoint(replace(settings, max_tokens=100)).fingerprint,
        }
        fingerprints.add(read_checkpoint(replace(settings, precision="int8")).fingerprint)
        change(folder / "1_Pooling" / "config.json", pooling_mode_lasttoken=False, pooling_mode_mean_tokens=True)
        fingerprints.add(read_checkpoint(settings).fingerprint)
        weights = bytearray((folder / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (folder / "model.safetensors").write_bytes(weights)
        fingerprints.add(read_checkpoint(settings).fingerprint)
        assert len(fingerprints) == 5

    def test_where_a_model_lies_and_what_it_is_called_does_not(self, folder: Path, tiny_checkpoint: Path):
        assert (
            read_checkpoint(ModelSettings(str(folder))).fingerprint
            == read_checkpoint(ModelSettings(str(tiny_checkpoint))).fingerprint
        )


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def cut_off(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def other_weights(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["layers.1.mlp.down_proj.weight"]
    save_file(tensors, folder / "model.safetensors")


def numbers(value: float, *names: str) -> Callable[[Path], None]:
    """Weights of nothing but `value`: all, or those of the names."""

    def harm(folder: Path) -> None:
        import numpy as np
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors |= {name: np.full_like(tensors[name], value) for name in names or tensors}
        save_file(tensors, folder / "model.safetensors")

    return harm


def cropped(name: str, rows: int) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        save_file(tensors | {name: tensors[name][:rows].copy()}, folder / "model.safetensors")

    return harm


def shard(folder: Path) -> None:
    index = {"weight_map": {"norm.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def step(folder: Path) -> None:
    steps = json.loads((folder / "modules.json").read_text())
    steps[1]["type"] = "their_code.Pooler"
    (folder / "modules.json").write_text(json.dumps(steps))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda at: (at / "model.safetensors").unlink(), "lacks model.safetensors.*codekin model pull"),
    "no config": (lambda at: (at / "config.json").unlink(), r"no config\.json"),
    "no tokenizer": (lambda at: (at / "tokenizer.json").unlink(), "tokenizer.json.*AutoTokenizer"),
    "unsound tokenizer": (lambda at: (at / "tokenizer.json").write_text("{}"), "can't be read.*again"),
    "unsound config": (lambda at: (at / "config.json").write_text("{"), "can't be read.*again"),
    "config of another sort": (lambda at: (at / "config.json").write_text("[]"), "can't be read.*again"),
    "a config that says nothing": (
        lambda at: (at / "config.json").write_text('{"model_type": "qwen2"}'),
        "complete.*again",
    ),
    "a width that is none": (lambda at: change(at / "config.json", hidden_size="wide"), "complete model.*again"),
    "steps without kinds": (lambda at: (at / "modules.json").write_text('[{"idx": 0}]'), "complete model.*again"),
    "prompts of another sort": (
        lambda at: (at / "config_sentence_transformers.json").write_text('{"prompts": ["query"]}'),
        "complete model.*again",
    ),
    "an index of nothing": (
        lambda at: (at / "model.safetensors.index.json").write_text('{"a": 1}'),
        "complete model.*again",
    ),
    "pickles": (pickled, r"may run code.*model\.safetensors"),
    "cut off": (cut_off, "not a valid safetensors file.*again"),
    "not safetensors": (lambda at: (at / "model.safetensors").write_bytes(b"PK" * 50), "valid safetensors.*again"),
    "empty": (lambda at: (at / "model.safetensors").write_bytes(b""), "valid safetensors.*again"),
    "a tensor missing": (other_weights, r"layers\.1\.mlp\.down_proj\.weight.*not whole"),
    "a shard missing": (shard, "lacks model-00001-of-00002.*codekin model pull"),
    "own code": (
        lambda at: change(at / "config.json", model_type="theirs", auto_map={"AutoModel": "m.M"}),
        "never runs",
    ),
    "another kind": (lambda at: change(at / "config.json", model_type="nonesuch"), "newer transformers.*endpoint"),
    "a translator": (lambda at: change(at / "config.json", model_type="t5", is_encoder_decoder=True), "no embedder"),
    "a step of their own": (step, r"their_code\.Pooler"),
    "another activation": (lambda at: change(at / "config.json", hidden_act="xielu"), "xielu"),
    "another rope": (lambda at: change(at / "config.json", rope_scaling={"rope_type": "yarn"}), "yarn"),
    "two poolings": (
        lambda at: change(at / "1_Pooling" / "config.json", pooling_mode_mean_tokens=True),
        "pools by mean and lasttoken",
    ),
    "a width beyond all": (lambda at: change(at / "config.json", hidden_size=float("inf")), "complete model.*again"),
    "a bottomless config": (lambda at: (at / "config.json").write_text('{"a":' * 100_000), "can't be read.*again"),
    "a longest text of less than nothing": (
        lambda at: change(at / "config.json", max_position_embeddings=-1),
        "complete model.*again",
    ),
    "dimensions that are none": (
        lambda at: change(at / "config.json", matryoshka_dims=["a"]),
        "complete model.*again",
    ),
    "no heads": (lambda at: change(at / "config.json", num_attention_heads=None), "num_attention_heads.*again"),
    "no layers": (lambda at: change(at / "config.json", num_hidden_layers=0), "one model.*again"),
    "layers that are no number": (lambda at: change(at / "config.json", num_hidden_layers="two"), "one model.*again"),
    "a rope of another sort": (lambda at: change(at / "config.json", rope_parameters="x"), "one model.*again"),
    "NaN": (numbers(float("nan")), "unsound weights.*NaN.*again"),
    "NaN in one place": (numbers(float("nan"), "layers.0.input_layernorm.weight"), "unsound weights.*NaN.*again"),
    "nothing but zeros": (numbers(0.0), "unsound weights.*zero.*again"),
    "a layer that is cropped": (cropped("layers.1.mlp.down_proj.weight", 60), "one model.*again"),
    "fewer words than the tokenizer's": (cropped("embed_tokens.weight", 300), "none of the model's.*again"),
    "sizes that do not fit": (lambda at: change(at / "config.json", num_attention_heads=5), "another model's weights"),
}


@pytest.mark.parametrize(("harm", "remedy"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_folder_is_said_with_its_remedy(
    folder: Path, harm: Callable[[Path], object], remedy: str
) -> None:
    harm(folder)
    with pytest.raises(ModelError, match=f"(?s){remedy}"):
        load_embedder(ModelSettings(str(folder), device="cpu"))


def test_a_limit_that_the_instruction_alone_reaches_is_refused_for_all_texts_would_be_alike(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"Raise model\.max_tokens"):
        load_embedder(ModelSettings(str(folder), device="cpu", max_tokens=16))


@pytest.mark.parametrize(
    ("failure", "remedy"),
    [
        ("ModuleNotFoundError('no torch', name='torch')", "pip install 'codekin[transformers]'"),
        ("ImportError('libtorch.so: failed to map segment')", "failed to map segment). Is there memory for it?"),
        ("OSError('libtorch_cpu.so: cannot open shared object file')", "pip install --force-reinstall torch"),
    ],
)
def test_without_torch_the_remedy_is_named(folder: Path, tmp_path: Path, failure: str, remedy: str) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "torch.py").write_text(f"raise {failure}\n")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path / "shadow")!r})
from codekin.embed.embedder import is_static_model, load_embedder
from codekin.settings import ModelSettings
from codekin.errors import ModelError
try: load_embedder(ModelSettings({str(folder)!r}))
except ModelError as error: print(error)
"""
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert remedy in completed.stdout


def test_a_model_that_is_not_what_its_name_says_does_not_conform(hub: Path) -> None:
    conformance = measure_conformance("jina-0.5b", ModelSettings(device="cpu", precision="float32"))
    assert not conformance.is_within_tolerance
    assert conformance.measured.shape == (2, 2)
