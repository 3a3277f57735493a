"""Claims about `codekin train small`: it begins with an encoder of English, is resumed exactly, learns nothing that is
blocked, and exports the mean of both models' weights that held-out pairs choose.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
pytest.importorskip("transformers", reason="training needs transformers: pip install 'codekin[train]'")
from click.testing import CliRunner  # noqa: E402 -- what follows needs torch, which the core does without
from safetensors.torch import load_file  # noqa: E402

from codekin.cli.train_small import small  # noqa: E402
from codekin.embed.embedder import load_embedder  # noqa: E402
from codekin.embed.local.checkpoint import read_checkpoint  # noqa: E402
from codekin.errors import ModelError, QueryError  # noqa: E402
from codekin.settings import ModelSettings  # noqa: E402
from codekin.training import contrastive, gradient_cache, jsonl  # noqa: E402
from codekin.training.backbone import TOKEN_PREFIXES, TextEncoder  # noqa: E402
from codekin.training.decontamination import BenchmarkTexts  # noqa: E402
from codekin.training.jsonl import PairFile, TaskPair  # noqa: E402
from codekin.training.losses import LossConfig, matryoshka_loss, similarity_loss  # noqa: E402
from codekin.training.pair_sampling import gather_pairs  # noqa: E402
from codekin.training.small_backbone import make_small_build, prepare_small_backbone  # noqa: E402
from codekin.training.training_loop import TrainingFolders, TrainingPlan, TrainingTask, run_training  # noqa: E402
from codekin.training.weight_average import average_with_backbone, mix_weights  # noqa: E402
from codekin.types import Role, Task  # noqa: E402

from ..embed.encoders import write_encoder  # noqa: E402

VERBS = {"open": "fopen", "close": "fclose", "read": "fread", "write": "fwrite", "delete": "unlink", "sort": "qsort"}
NOUNS = {"file": "handle", "socket": "sock", "list": "items", "table": "rows", "image": "pixels", "user": "account"}
PAIRS = [
    TaskPair(Task.NL2CODE, f"{verb} the {noun} now", f"def f(x):\n    {VERBS[verb]}({NOUNS[noun]}, x)")
    for verb in VERBS
    for noun in NOUNS
]
RECIPE = contrastive.ContrastiveRecipe(
    batch=18, both_ways=True, bf16=False, budget=512, cached=False, shares=(0.0, 0.5, 1.0)
)
PLAN = TrainingPlan(8, 5e-3, 2, watch_steps=4, checkpoint_steps=3)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    jsonl.write_task_pairs(PAIRS, tmp_path / "pairs.jsonl")
    return tmp_path / "pairs.jsonl"


def _train(encoder_folder: Path, pairs: Path, plan: TrainingPlan, root: Path) -> Path:
    build = make_small_build(prepare_small_backbone(str(encoder_folder), root / "work" / "backbone"), 32)
    build = replace(build, backbone=str(encoder_folder.parent / "prepared"))  # the same name in each training
    prepare_small_backbone(str(encoder_folder), Path(build.backbone))
    folders = TrainingFolders(root / "work", root / "out")
    contrastive.train_contrastive(contrastive.ContrastiveCorpus(pairs, pairs), build, RECIPE, plan, folders)
    return folders.out


def test_names_are_split_into_words_and_an_instruction_is_one_token(encoder_folder: Path, tmp_path: Path) -> None:
    encoder = TextEncoder(make_small_build(prepare_small_backbone(str(encoder_folder), tmp_path / "backbone"), 32))
    texts = ["getElementById", "get_element_by_id", "get element by id", "GetElementBYId"]
    token_lists = encoder.tokenize(texts)
    assert token_lists[0] == token_lists[1] == token_lists[2] == token_lists[3]
    bare_tokens = encoder.tokenize(["read the file"])[0]
    openings = {prefix: encoder.tokenize([prefix + "read the file"])[0] for prefix in TOKEN_PREFIXES.values()}
    assert all(len(opening) == len(bare_tokens) + 1 for opening in openings.values())
    assert len({opening[1] for opening in openings.values()}) == len(openings) == 9


def test_nl2code_and_code2code_share_their_passages() -> None:
    assert TOKEN_PREFIXES[Task.NL2CODE, Role.PASSAGE] == TOKEN_PREFIXES[Task.CODE2CODE, Role.PASSAGE]


def test_an_encoder_without_unused_pieces_is_refused(tmp_path: Path) -> None:
    write_encoder(tmp_path / "encoder", unused_pieces=3)
    with pytest.raises(ModelError, match=r"no piece \[unused3\]"):
        prepare_small_backbone(str(tmp_path / "encoder"), tmp_path / "backbone")


def test_an_interrupted_training_ends_exactly_like_an_uninterrupted_one(
    encoder_folder: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _train(encoder_folder, pairs, PLAN, tmp_path / "whole")
    backward = contrastive.ContrastiveObjective.backward

    def die(self: contrastive.ContrastiveObjective, step: int) -> float:
        if step == 5:
            raise KeyboardInterrupt
        return backward(self, step)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(contrastive.ContrastiveObjective, "backward", die)
        _train(encoder_folder, pairs, PLAN, tmp_path / "parts")
    parts = _train(encoder_folder, pairs, PLAN, tmp_path / "parts")
    assert (whole / "model.safetensors").read_bytes() == (parts / "model.safetensors").read_bytes()
    assert (whole / "training.json").read_bytes() == (parts / "training.json").read_bytes()


def test_a_training_that_ends_after_its_minutes_is_continued_exactly(
    encoder_folder: Path, pairs: Path, tmp_path: Path
) -> None:
    whole = _train(encoder_folder, pairs, PLAN, tmp_path / "whole")
    for _ in range(3):  # a step each
        _train(encoder_folder, pairs, replace(PLAN, minutes=1e-9), tmp_path / "parts")
    checkpoint = torch.load(tmp_path / "parts" / "work" / "checkpoint.pt", weights_only=True)
    assert checkpoint["step"] == 3
    parts = _train(encoder_folder, pairs, PLAN, tmp_path / "parts")
    assert (whole / "model.safetensors").read_bytes() == (parts / "model.safetensors").read_bytes()


def test_the_exported_share_is_the_best_on_held_out_pairs_and_codekin_reads_the_model(
    encoder_folder: Path, pairs: Path, tmp_path: Path
) -> None:
    out = _train(encoder_folder, pairs, replace(PLAN, steps=150, watch_steps=150), tmp_path)
    record = json.loads((out / "training.json").read_text())
    shares = record["shares"]
    best_share = shares.pop("best")["share"]
    assert set(shares) == {"0", "0.5", "1"}
    assert shares[f"{best_share:g}"]["mean"] == max(measures["mean"] for measures in shares.values())
    assert shares["1"]["mean"] > shares["0"]["mean"] + 0.1
    before = load_file(encoder_folder.parent / "prepared" / "model.safetensors")
    trained = torch.load(tmp_path / "work" / "checkpoint.pt", weights_only=True)["learned"]
    name = "encoder.layer.0.output.dense.weight"
    expected = torch.lerp(before[name], trained[f"backbone.{name}"], best_share)
    torch.testing.assert_close(load_file(out / "model.safetensors")[name], expected)
    embedder = load_embedder(ModelSettings(name=str(out), precision="float32", device="cpu"))
    queries = embedder.embed([pair.query for pair in PAIRS], Task.NL2CODE, Role.QUERY)
    passages = embedder.embed([pair.passage for pair in PAIRS], Task.NL2CODE, Role.PASSAGE)
    assert ((queries @ passages.T).argmax(axis=1) == np.arange(len(PAIRS))).mean() > 0.8


def _train_objective(
    encoder_folder: Path, pairs: Path, recipe: contrastive.ContrastiveRecipe, work: Path
) -> TextEncoder:
    build = make_small_build(prepare_small_backbone(str(encoder_folder), work / "backbone"), 32)
    objective = contrastive.ContrastiveObjective(build, recipe, PairFile(pairs), np.arange(len(PAIRS)), 0)
    run_training(objective.model, replace(PLAN, steps=40), TrainingTask(objective.backward, dict, {}), work)
    return objective.model.eval()


def test_the_sentence_loss_keeps_sentences_as_similar_as_they_were(
    encoder_folder: Path, pairs: Path, tmp_path: Path
) -> None:
    sentences = [pair.query for pair in PAIRS]

    def compute_drift(weight: float) -> float:
        recipe = replace(RECIPE, sentence_weight=weight)
        model = _train_objective(encoder_folder, pairs, recipe, tmp_path / str(weight))
        original = TextEncoder(model.build).eval()
        prefix = TOKEN_PREFIXES[Task.NL2CODE, Role.QUERY]
        with torch.no_grad():
            trained_vectors = model(model.tokenize([prefix + sentence for sentence in sentences]))
            return float(similarity_loss(trained_vectors, original(original.tokenize(sentences))))

    assert compute_drift(100.0) < compute_drift(0.0) / 4


def test_a_training_goes_on_from_the_weights_of_another(encoder_folder: Path, pairs: Path, tmp_path: Path) -> None:
    first = _train(encoder_folder, pairs, PLAN, tmp_path / "first")
    build = make_small_build(encoder_folder.parent / "prepared", 32)
    recipe = replace(RECIPE, start=str(first))
    objective = contrastive.ContrastiveObjective(build, recipe, PairFile(pairs), np.arange(len(PAIRS)), 0)
    exported = load_file(first / "model.safetensors")
    assert all(torch.equal(weight, exported[name]) for name, weight in objective.model.backbone.state_dict().items())
    with pytest.raises(ModelError, match="can't be loaded"):
        contrastive.ContrastiveObjective(
            build, replace(RECIPE, start=str(tmp_path)), PairFile(pairs), np.arange(len(PAIRS)), 0
        )


def test_half_of_both_is_the_mean_of_the_weights() -> None:
    mixed = mix_weights({"a": torch.tensor([0.0, 4.0])}, {"a": torch.tensor([2.0, 8.0])}, 0.5)
    assert mixed["a"].tolist() == [1.0, 6.0]


def test_of_equal_shares_the_first_is_exported(encoder_folder: Path, tmp_path: Path) -> None:
    build = make_small_build(prepare_small_backbone(str(encoder_folder), tmp_path / "backbone"), 32)
    model = TextEncoder(build)
    name = "backbone.embeddings.word_embeddings.weight"
    before = model.state_dict()[name].clone()
    with torch.no_grad():
        model.state_dict()[name].add_(1.0)
    shares = average_with_backbone(model, (0.25, 0.75), lambda: {"mean": 0.5})
    assert shares["best"] == {"share": 0.25}
    torch.testing.assert_close(model.state_dict()[name], before + 0.25)


def test_without_measures_the_weights_stay_as_trained(encoder_folder: Path, tmp_path: Path) -> None:
    model = TextEncoder(make_small_build(prepare_small_backbone(str(encoder_folder), tmp_path / "backbone"), 32))
    weight = model.state_dict()["backbone.embeddings.word_embeddings.weight"]
    with torch.no_grad():
        weight.add_(1.0)
    before = weight.clone()
    assert average_with_backbone(model, (0.0, 0.5), dict) == {}
    assert torch.equal(weight, before)


def test_padding_to_equal_shapes_changes_no_vector(encoder_folder: Path, tmp_path: Path) -> None:
    model = TextEncoder(make_small_build(prepare_small_backbone(str(encoder_folder), tmp_path / "b"), 32)).eval()
    token_lists = model.tokenize([pair.passage for pair in PAIRS] + ["x"])
    with torch.no_grad():
        together = model(token_lists)
        alone = torch.cat([model([token_list]) for token_list in token_lists])
    assert together.shape == (len(PAIRS) + 1, 32)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_vectors_computed_once_have_the_gradients_of_the_cache(encoder_folder: Path, tmp_path: Path) -> None:
    build = make_small_build(prepare_small_backbone(str(encoder_folder), tmp_path / "backbone"), 32)
    gradients = []
    for is_cached in (True, False):
        model = TextEncoder(build)
        token_lists = model.tokenize([pair.query for pair in PAIRS[:8]] + [pair.passage for pair in PAIRS[:8]])
        gradient_cache.backward_in_parts(
            model,
            token_lists,
            lambda vectors: matryoshka_loss(vectors[:8], vectors[8:], LossConfig((32,))),
            gradient_cache.PartSize(64),
            is_cached,
        )
        gradients.append([weight.grad.clone() for weight in model.parameters() if weight.grad is not None])
    for cached_gradient, plain_gradient in zip(*gradients, strict=True):
        torch.testing.assert_close(cached_gradient, plain_gradient, rtol=1e-3, atol=1e-6)


def test_a_text_of_a_benchmark_is_in_no_pair(tmp_path: Path) -> None:
    body = (
        '    """{}"""\n    counts = {{}}\n    for word in text.split():\n        counts[word] = 1\n    return counts\n'
    )
    secret, plain = (
        "Count how often each word of a sentence occurs there",
        "Tell in which order the words are to be read",
    )
    (tmp_path / "tree").mkdir()
    for name, sentence in (("secret", secret), ("plain", plain)):
        (tmp_path / "tree" / f"{name}.py").write_text(f"def {name}_words(text):\n{body.format(sentence)}")
    benchmark_texts = BenchmarkTexts([secret])
    path = gather_pairs(tmp_path / "tree", tmp_path / "pairs.jsonl", 0, benchmark_texts)
    assert secret not in path.read_text("utf-8")
    assert plain in path.read_text("utf-8")


def test_the_command_asks_for_a_block_list_before_it_downloads(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="--block-list"):
        CliRunner().invoke(
            small,
            ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")],
            catch_exceptions=False,
            standalone_mode=False,
        )


def test_one_command_from_pairs_to_a_model(encoder_folder: Path, pairs: Path, tmp_path: Path) -> None:
    options = ["--pairs", str(tmp_path / "sources"), "--held", str(pairs), "--backbone", str(encoder_folder)]
    options += ["--miner", "embedded"]
    sizes = ["--batch", "4", "--steps", "2", "--warm-up", "1", "--max-tokens", "32", "--threads", "1", "--float32"]
    (tmp_path / "sources").mkdir()
    code = "\n\n".join(
        f'def {verb}_{noun}(text):\n    """{verb} the {noun} of a text, up to its limit."""\n    result = []\n'
        f"    for {noun} in text:\n        result.append({verb}({noun}))\n    return result\n"
        for verb in VERBS
        for noun in NOUNS
    )
    (tmp_path / "sources" / "texts.py").write_text(code)
    folders = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    completed = CliRunner().invoke(small, options + sizes + folders, catch_exceptions=False, standalone_mode=False)
    assert completed.return_value == 0
    record = json.loads((tmp_path / "out" / "training.json").read_text())
    assert set(record["shares"]) == {"0", "0.25", "0.5", "0.75", "1", "best"}
    assert record["recipe"]["instructions"] == "tokens"
    (mined_path,) = (tmp_path / "work").glob("mined-*.jsonl")
    mined_file = PairFile(mined_path)
    assert any(pair.negative for pair in mined_file.read_rows(range(len(mined_file))))
    assert read_checkpoint(ModelSettings(name=str(tmp_path / "out"))).licence == "apache-2.0"
    assert json.loads((tmp_path / "out" / "sentence_bert_config.json").read_text())["max_seq_length"] == 256
