"""Claims about vectors: unit length, finite, independent of the batch, cut honestly, told apart by space."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from codekin.embed.embedder import MODELS_FOLDER, Embedder, load_embedder
from codekin.embed.static import StaticEncoder, fingerprint_files
from codekin.embed.tasks import PREFIXES, find_prefix
from codekin.embed.vocabulary import Vocabulary
from codekin.errors import DimensionError, ModelError
from codekin.settings import ModelSettings
from codekin.types import Role, Task

CODE = "def read_lines(path):\n    with open(path) as stream:\n        return stream.read().splitlines()\n"
ODD = ["", " \n\t", "\0\0", "\ud800 lone \udfff", "🦊🦊 кошка 猫", "x", ")", "a" * 100_000, "int x = 1;\n" * 100_000]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(ModelSettings())


def test_a_damaged_model_is_told_with_a_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODELS_FOLDER, folder)
    (folder / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(ModelError, match="Reinstall"):
        StaticEncoder(folder)


@given(st.lists(st.text(max_size=80), min_size=1, max_size=12), st.data())
@settings(max_examples=60)
def test_any_batch_split_gives_identical_vectors(embedder: Embedder, texts: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(texts)))
    full_vectors = embedder.embed(texts, Task.NL2CODE, Role.PASSAGE)
    halves = [embedder.embed(part, Task.NL2CODE, Role.PASSAGE) for part in (texts[:cut], texts[cut:])]
    assert np.array_equal(full_vectors, np.concatenate(halves))


@given(st.text(st.characters(exclude_categories=())))
@settings(max_examples=200)
def test_any_text_has_a_finite_unit_vector(embedder: Embedder, text: str) -> None:
    vector = embedder.embed([text], Task.QA, Role.QUERY)
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("role", Role)
def test_odd_texts_have_unit_vectors_in_every_task(embedder: Embedder, task: Task, role: Role) -> None:
    vectors = embedder.embed(ODD, task, role)
    assert vectors.shape == (len(ODD), embedder.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_without_known_words_gets_the_first_basis_vector(embedder: Embedder) -> None:
    vector = embedder.embed([""], Task.NL2CODE, Role.QUERY)[0]
    assert vector.tolist() == [1.0] + [0.0] * (embedder.dim - 1)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([], Task.NL2CODE, Role.PASSAGE).shape == (0, embedder.dim)


@pytest.mark.parametrize("dim", [64, 128, 256, 384])
def test_a_smaller_dimension_is_the_normalised_start_of_the_whole(embedder: Embedder, dim: int) -> None:
    full_vectors = embedder.embed([CODE, "open a file"], Task.NL2CODE, Role.PASSAGE)[:, :dim]
    cut = load_embedder(ModelSettings(dim=dim)).embed([CODE, "open a file"], Task.NL2CODE, Role.PASSAGE)
    assert np.allclose(cut, full_vectors / np.linalg.norm(full_vectors, axis=1, keepdims=True), atol=1e-6)


def test_an_unknown_dimension_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(DimensionError, match="64, 128, 256, 384"):
        load_embedder(ModelSettings(dim=100))


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="embedded"):
        load_embedder(ModelSettings(name="nonesuch"))


def test_one_function_vector_serves_nl2code_and_code2code(embedder: Embedder) -> None:
    assert embedder.space(Task.NL2CODE) == embedder.space(Task.CODE2CODE)
    first = embedder.embed([CODE], Task.NL2CODE, Role.PASSAGE)
    assert np.array_equal(first, embedder.embed([CODE], Task.CODE2CODE, Role.PASSAGE))


def test_spaces_of_other_passages_or_dimensions_differ(embedder: Embedder) -> None:
    spaces = {embedder.space(task) for task in Task}
    assert len(spaces) == len(Task) - 1
    assert load_embedder(ModelSettings(dim=64)).space(Task.NL2CODE) not in spaces


def test_every_prefix_ends_in_a_newline_and_has_weights_in_the_model() -> None:
    heads = json.loads((MODELS_FOLDER / "model.json").read_text())["heads"]
    assert {head["prefix"] for head in heads} == set(PREFIXES.values())
    assert all(text.endswith(":\n") for text in PREFIXES.values())
    assert len(PREFIXES) == len(Task) * len(Role)


def test_a_foreign_prefix_is_refused() -> None:
    with pytest.raises(ModelError, match="instruction"):
        StaticEncoder(MODELS_FOLDER).encode(["x"], "Say hello:\n")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Reinstall"):
        StaticEncoder(tmp_path)


def test_the_models_fingerprint_is_that_of_its_files() -> None:
    assert StaticEncoder(MODELS_FOLDER).fingerprint == fingerprint_files(MODELS_FOLDER)


def test_the_models_files_fit_in_16_mb() -> None:
    assert sum(path.stat().st_size for path in MODELS_FOLDER.iterdir()) <= 16_000_000


def test_importing_the_embedder_imports_neither_numpy_nor_tokenizers_nor_torch() -> None:
    assert _modules_after("import codekin.embed.embedder") == set()


def test_embedding_imports_numpy_and_tokenizers_but_never_torch() -> None:
    script = """
from codekin.embed.embedder import load_embedder
from codekin.settings import ModelSettings
from codekin.types import Role, Task
load_embedder(ModelSettings()).embed(["x = 1"], Task.QA, Role.QUERY)
"""
    assert _modules_after(script) == {"numpy", "tokenizers"}


def _modules_after(script: str) -> set[str]:
    heavy = ("numpy", "tokenizers", "torch", "transformers", "onnxruntime")
    code = f"{script}\nimport sys\nprint([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(eval(result.stdout))


def test_the_prefix_of_a_task_and_role_is_the_papers() -> None:
    assert find_prefix(Task.QA, Role.PASSAGE) == "Candidate answer:\n"


def test_a_tokenizer_that_is_replaced_is_loaded_anew(tmp_path: Path) -> None:
    path = Path(shutil.copy(MODELS_FOLDER / "tokenizer.json", tmp_path))
    size = len(Vocabulary(path))
    assert len(Vocabulary(path)) == size
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_tokens(["a word of its own"])
    tokenizer.save(str(path))
    assert len(Vocabulary(path)) == size + 1
    path.unlink()
    with pytest.raises(ValueError, match="No such file"):
        Vocabulary(path)
