"""Claims about making an embedder out of a language model: gradients are those that sentence-transformers computes,
what is interrupted goes on exactly, and the result is read by others.
"""

import inspect
import json
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
pytest.importorskip("transformers", reason="training a decoder needs transformers: pip install 'codekin[train]'")
from codekin.embed.embedder import MODELS_FOLDER, load_embedder  # noqa: E402 -- what follows needs torch, which the core does without
from codekin.embed.tasks import PREFIXES  # noqa: E402
from codekin.errors import DimensionError, ModelError  # noqa: E402
from codekin.settings import ModelSettings  # noqa: E402
from codekin.training import causal, contrastive, gradient_cache, jsonl  # noqa: E402
from codekin.training.backbone import EmbedderBuild, TextEncoder  # noqa: E402
from codekin.training.jsonl import PairFile, TaskPair  # noqa: E402
from codekin.training.losses import LossConfig, matryoshka_loss  # noqa: E402
from codekin.training.pair_sampling import gather_pairs  # noqa: E402
from codekin.training.training_loop import TrainingFolders, TrainingPlan, TrainingTask, run_training  # noqa: E402
from codekin.types import Role, Task  # noqa: E402

VERBS = {"open": "fopen", "close": "fclose", "read": "fread", "write": "fwrite", "delete": "unlink", "sort": "qsort"}
NOUNS = {"file": "handle", "socket": "sock", "list": "items", "table": "rows", "image": "pixels", "user": "account"}
PAIRS = [
    TaskPair(Task.NL2CODE, f"{verb} the {noun} now", f"def f(x):\n    {VERBS[verb]}({NOUNS[noun]}, x)")
    for verb in VERBS
    for noun in NOUNS
]
SHAPE = causal.DecoderShape(vocabulary=600, layers=2, width=32, heads=4, shared=2, wide=48, positions=64)
RECIPE = contrastive.ContrastiveRecipe(batch=18, bf16=False)
ALL = np.arange(len(PAIRS))
PLAN = TrainingPlan(200, 5e-3, 3, watch_steps=200, checkpoint_steps=1000)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of the pairs' text, and of a module's that does not change."""
    root = tmp_path_factory.mktemp("backbone")
    (root / "source").mkdir()
    (root / "source" / "a.py").write_text(inspect.getsource(textwrap))
    (root / "source" / "b.py").write_text("".join(f"{pair.query}\n{pair.passage}\n" for pair in PAIRS * 40))
    recipe = causal.CausalRecipe(batch=4, block=32, bf16=False)
    plan = TrainingPlan(60, 1e-2, 3, watch_steps=30, checkpoint_steps=10)
    causal.train_causal(
        causal.CausalCorpus(root / "source", None), SHAPE, recipe, plan, TrainingFolders(root / "work", root / "model")
    )
    return root / "model"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    jsonl.write_task_pairs(PAIRS, tmp_path / "pairs.jsonl")
    return tmp_path / "pairs.jsonl"


def _trained(pairs: Path, build: EmbedderBuild, plan: TrainingPlan, root: Path) -> Path:
    folders = TrainingFolders(root / "work", root / "out")
    contrastive.train_contrastive(contrastive.ContrastiveCorpus(pairs, pairs), build, RECIPE, plan, folders)
    return folders.out


def test_a_language_model_of_code_learns_to_go_on_with_it(backbone: Path) -> None:
    curve = json.loads((backbone / "training.json").read_text())["curve"]
    assert curve[-1]["held"] < curve[0]["held"] < np.log(SHAPE.vocabulary)


def test_a_name_is_the_same_tokens_however_it_is_written(backbone: Path) -> None:
    tokens = TextEncoder(EmbedderBuild(str(backbone))).tokenize(["openFile", "open_file", "OPEN  file", "OpenFile"])
    assert tokens[0] == tokens[1] == tokens[2] == tokens[3]


def test_a_decoder_that_begins_with_the_embedded_model_s_words_finds_code_before_it_is_trained(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text(Path(__file__).read_text("utf-8"))
    shape = causal.DecoderShape(layers=1, width=256, wide=16, positions=64, rows=str(MODELS_FOLDER))
    folders = TrainingFolders(tmp_path / "work", tmp_path / "model")
    plan = TrainingPlan(0, 1e-3, 0)
    causal.train_causal(
        causal.CausalCorpus(tmp_path / "source", None), shape, causal.CausalRecipe(batch=1, block=8), plan, folders
    )
    encoder = TextEncoder(EmbedderBuild(str(folders.out))).eval()
    questions = ["sort numbers", "connect to a server", "read json from a file", "how many words a text has"]
    code = ["xs.sort(key=int)", "socket.create_connection((host, port))", "json.load(stream)", "len(text.split())"]
    with torch.no_grad():
        queries, passages = (
            torch.nn.functional.normalize(encoder(encoder.tokenize(side)), dim=1) for side in (questions, code)
        )
    assert (queries @ passages.T).argmax(dim=1).tolist() == [0, 1, 2, 3]
    with pytest.raises(ModelError, match="--width 64 or 128"):
        causal.initialize_model(
            causal._make_config(SHAPE, causal.load_static_tokenizer(str(MODELS_FOLDER))), str(MODELS_FOLDER)
        )


def test_a_trained_embedder_finds_what_it_was_taught_and_codekin_reads_it(
    backbone: Path, pairs: Path, tmp_path: Path
) -> None:
    build, plan = EmbedderBuild(str(backbone), dims=(8, 16, 32), max_tokens=64), replace(PLAN, steps=400)
    out = _trained(pairs, build, plan, tmp_path)
    training_record = json.loads((out / "training.json").read_text())
    assert training_record["curve"][-1]["nl2code"] > max(0.8, training_record["bm25"]["nl2code"])
    embedder = load_embedder(ModelSettings(name=str(out)))
    assert embedder.dim == 32
    assert load_embedder(ModelSettings(name=str(out), dim=8)).dim == 8
    queries = embedder.embed([pair.query for pair in PAIRS], Task.NL2CODE, Role.QUERY)
    passages = embedder.embed([pair.passage for pair in PAIRS], Task.NL2CODE, Role.PASSAGE)
    assert ((queries @ passages.T).argmax(axis=1) == np.arange(len(PAIRS))).mean() > 0.8


def test_a_teacher_s_vectors_are_come_near_to_while_it_teaches(backbone: Path, pairs: Path, tmp_path: Path) -> None:
    teacher = _trained(pairs, EmbedderBuild(str(backbone), max_tokens=64), PLAN, tmp_path / "teacher")
    texts = [pair.passage for pair in PAIRS]
    teacher_vectors = load_embedder(ModelSettings(name=str(teacher))).embed(texts, Task.NL2CODE, Role.PASSAGE)

    def nearness(teacher_steps: int) -> float:
        recipe = replace(RECIPE, teacher=str(teacher), teacher_steps=teacher_steps)
        trainer = contrastive.ContrastiveObjective(
            EmbedderBuild(str(backbone), max_tokens=64), recipe, PairFile(pairs), ALL, 0
        )
        run_training(
            trainer.model,
            replace(PLAN, steps=120),
            TrainingTask(trainer.backward, dict, {}),
            tmp_path / str(teacher_steps),
        )
        got = trainer.encode([PREFIXES[Task.NL2CODE, Role.PASSAGE] + text for text in texts])
        return float(np.mean(np.sum(got * teacher_vectors, axis=1) / np.linalg.norm(got, axis=1)))

    assert nearness(1) < 0.3 < 0.5 < nearness(10_000)
    with pytest.raises(DimensionError, match="no vectors of 32"):
        contrastive.ContrastiveObjective(
            EmbedderBuild(str(backbone)), replace(RECIPE, teacher="embedded"), PairFile(pairs), ALL, 0
        )


def test_sentence_transformers_reads_it_and_computes_the_same_vectors(backbone: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    texts = [pair.passage for pair in PAIRS]
    for way in ("last", "mean"):
        encoder = TextEncoder(EmbedderBuild(str(backbone), way, max_tokens=64))
        encoder.save(tmp_path / way, {})
        model = library.SentenceTransformer(str(tmp_path / way), device="cpu")
        their_result = model.encode(texts, prompt_name="nl2code_document")
        our_result = encoder(encoder.tokenize([PREFIXES[Task.NL2CODE, Role.PASSAGE] + text for text in texts])).detach()
        np.testing.assert_allclose(their_result, torch.nn.functional.normalize(our_result, dim=1).numpy(), atol=1e-5)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("cached", [False, True])
def test_gradients_are_those_of_sentence_transformers(
    backbone: Path, tmp_path: Path, cached: bool, both_ways: bool
) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses

    encoder = TextEncoder(EmbedderBuild(str(backbone), dims=(8, 16, 32), max_tokens=64))
    encoder.save(tmp_path / "model", {})
    some = PAIRS[:10]
    texts = [PREFIXES[Task.NL2CODE, Role.QUERY] + pair.query for pair in some]
    texts += [PREFIXES[Task.NL2CODE, Role.PASSAGE] + pair.passage for pair in some]
    objective = LossConfig((8, 16, 32), 0.05, both_ways)

    def loss_of(vectors: Any) -> Any:
        return matryoshka_loss(vectors[:10], vectors[10:], objective)

    our_result = gradient_cache.backward_in_parts(
        encoder, encoder.tokenize(texts), loss_of, gradient_cache.PartSize(100 if cached else 10_000)
    )

    model = library.SentenceTransformer(str(tmp_path / "model"), device="cpu").train()
    ways = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"} if both_ways else {}
    if cached:
        inner = losses.CachedMultipleNegativesRankingLoss(model, scale=20, mini_batch_size=4, **ways)
    else:
        inner = losses.MultipleNegativesRankingLoss(model, scale=20, **ways)
    outer = losses.MatryoshkaLoss(model, inner, list(objective.dims), [1 / 3] * 3)
    their_result = outer([model.tokenize(texts[:10]), model.tokenize(texts[10:])], torch.zeros(10))
    their_result.backward()
    assert our_result == pytest.approx(their_result.item(), rel=1e-4)
    expected = {name.rpartition("model.")[2]: value.grad for name, value in model.named_parameters()}
    for name, value in encoder.backbone.named_parameters():
        torch.testing.assert_close(value.grad, expected[name.rpartition("model.")[2]], rtol=1e-3, atol=1e-5)


def test_the_gradient_cache_changes_neither_loss_nor_gradients_even_with_dropout(backbone: Path) -> None:
    gradients_found = []
    for budget in (60, 60, 100_000):
        encoder = TextEncoder(EmbedderBuild(str(backbone), "latent", max_tokens=64)).train()
        torch.manual_seed(5)
        for name, value in encoder.pooling.named_parameters():
            value.data = torch.randn(value.shape, generator=torch.Generator().manual_seed(len(name))) * 0.1
        ids = encoder.tokenize([pair.query for pair in PAIRS[:8]] + [pair.passage for pair in PAIRS[:8]])
        drop = torch.nn.Dropout(0.5 if budget == 60 and len(gradients_found) < 2 else 0.0)
        loss = gradient_cache.backward_in_parts(
            lambda part, model=encoder, drop=drop: drop(model(part)),
            ids,
            lambda v: matryoshka_loss(v[:8], v[8:], LossConfig((32,))),
            gradient_cache.PartSize(budget),
        )
        gradients_found.append((loss, [value.grad.clone() for value in encoder.parameters()]))
    assert gradients_found[0][0] == gradients_found[1][0]
    assert all(torch.equal(a, b) for a, b in zip(gradients_found[0][1], gradients_found[1][1], strict=True))
    plain = TextEncoder(EmbedderBuild(str(backbone), "last", max_tokens=64))
    ids = plain.tokenize([pair.query for pair in PAIRS[:8]] + [pair.passage for pair in PAIRS[:8]])
    gradients = []
    for budget in (40, 100_000):
        plain.zero_grad(set_to_none=True)
        gradient_cache.backward_in_parts(
            plain,
            ids,
            lambda v: matryoshka_loss(v[:8], v[8:], LossConfig((32,))),
            gradient_cache.PartSize(budget),
        )
        gradients.append([value.grad.clone() for value in plain.parameters()])
    for part, whole_gradient in zip(*gradients, strict=True):
        torch.testing.assert_close(part, whole_gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("lora", [0, 4])
def test_what_was_interrupted_ends_exactly_like_what_was_not(
    backbone: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: int
) -> None:
    if lora:
        pytest.importorskip("peft", reason="LoRA needs peft: pip install 'codekin[train]'")
    build = EmbedderBuild(str(backbone), max_tokens=64, lora=lora)
    plan = replace(PLAN, steps=8, warm_up=2, checkpoint_steps=3, watch_steps=4)
    uninterrupted = _trained(pairs, build, plan, tmp_path / "whole")
    backward = contrastive.ContrastiveObjective.backward

    def dies(self: contrastive.ContrastiveObjective, step: int) -> float:
        if step == 5:
            raise KeyboardInterrupt
        return backward(self, step)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(contrastive.ContrastiveObjective, "backward", dies)
        _trained(pairs, build, plan, tmp_path / "parts")
    parts = _trained(pairs, build, plan, tmp_path / "parts")
    assert (uninterrupted / "model.safetensors").read_bytes() == (parts / "model.safetensors").read_bytes()
    assert (uninterrupted / "training.json").read_bytes() == (parts / "training.json").read_bytes()
    with pytest.raises(ModelError, match="another temperature"):
        contrastive.train_contrastive(
            contrastive.ContrastiveCorpus(pairs, pairs),
            build,
            replace(RECIPE, temperature=0.1),
            plan,
            TrainingFolders(tmp_path / "parts" / "work", tmp_path / "out"),
        )


def test_adapters_train_a_small_part_and_change_the_whole(backbone: Path, pairs: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="LoRA needs peft: pip install 'codekin[train]'")
    from safetensors.torch import load_file

    encoder = TextEncoder(EmbedderBuild(str(backbone), lora=2))
    learned = sum(value.numel() for value in encoder.parameters() if value.requires_grad)
    assert 0 < learned < 0.5 * sum(value.numel() for value in encoder.parameters())
    build = EmbedderBuild(str(backbone), max_tokens=64, lora=2)
    out = _trained(pairs, build, replace(PLAN, steps=2, warm_up=1), tmp_path)
    before, after = load_file(backbone / "model.safetensors"), load_file(out / "model.safetensors")
    name = next(name for name in after if "layers.0.self_attn.q_proj.weight" in name)
    assert not torch.equal(after[name], before[f"model.{name}"])


def test_codekin_says_that_it_does_not_pool_by_latent_attention(backbone: Path, tmp_path: Path) -> None:
    TextEncoder(EmbedderBuild(str(backbone), "latent")).save(tmp_path / "out", {})
    with pytest.raises(ModelError, match="LatentAttention"):
        load_embedder(ModelSettings(name=str(tmp_path / "out")))


@pytest.mark.parametrize("dims", [(16,), (32, 16), (8, 8, 32), (0, 32), (16, 64)])
def test_dimensions_must_ascend_to_the_width(backbone: Path, dims: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="ascending"):
        TextEncoder(EmbedderBuild(str(backbone), dims=dims))


def test_pairs_are_harvested_from_a_source_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    body = '    """Count how often each word occurs in the text."""\n    counts = {}\n    for word in text.split():\n'
    (tree / "words.py").write_text(f"def count_words(text):\n{body}        counts[word] = 1\n    return counts\n")
    path = gather_pairs(tree, tmp_path / "pairs.jsonl", 0)
    harvested_pairs = PairFile(path).read_rows(range(len(PairFile(path))))
    assert any("Count how often" in pair.query + pair.passage for pair in harvested_pairs)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="gives no pairs"):
        gather_pairs(tmp_path / "empty", tmp_path / "none.jsonl", 0)
