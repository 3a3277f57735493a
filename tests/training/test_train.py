"""Claims about training: it learns, it is taken up where it stopped, and what it writes is what the runtime reads."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
from codekin.cli.train import train as command  # noqa: E402
from codekin.embed.embedder import Embedder  # noqa: E402 -- what follows needs torch, which the core does without
from codekin.embed.static import StaticEncoder  # noqa: E402
from codekin.embed.tasks import PREFIXES, find_prefix  # noqa: E402
from codekin.embed.vocabulary import Vocabulary  # noqa: E402
from codekin.errors import QueryError  # noqa: E402
from codekin.training.decontamination import BenchmarkTexts  # noqa: E402
from codekin.training.static_model import export_model, quantize_rows  # noqa: E402
from codekin.training.static_recipe import StaticRecipe, parse_recipe  # noqa: E402
from codekin.training.train import (  # noqa: E402
    StaticBatches,
    compute_learning_rate,
    learn_positions,
    prepare_pairs,
    train_tables,
)
from codekin.types import Role, Task  # noqa: E402

VERBS = {"open": "fopen", "close": "fclose", "read": "fread", "write": "fwrite", "delete": "unlink", "sort": "qsort"}
NOUNS = {"file": "handle", "socket": "sock", "list": "items", "table": "rows", "image": "pixels", "user": "account"}
RECIPE = StaticRecipe(
    vocabulary=400, phrases=64, dims=(8, 16), batch=16, steps=120, cycle=120, warm_up=5, learning_rate=0.05
)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    lines = [
        json.dumps(["doc", f"{verb} the {noun} now", f"def f(x):\n    {VERBS[verb]}({NOUNS[noun]}, x)", "python"])
        for verb in VERBS
        for noun in NOUNS
    ]
    for name in ("a", "b", "c"):
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return folder


def test_a_trained_model_finds_what_it_was_taught(pairs: Path, tmp_path: Path) -> None:
    tokenizer, shards = prepare_pairs(pairs, tmp_path / "work", RECIPE, BenchmarkTexts([]))
    model = train_tables(tokenizer, shards, tmp_path / "work", RECIPE)
    export_model(model, tokenizer, RECIPE.phrases, tmp_path / "out", {})
    embedder = Embedder(StaticEncoder(tmp_path / "out"))
    queries = embedder.embed(["sort the rows now", "open the socket now"], Task.NL2CODE, Role.QUERY)
    passages = embedder.embed(["qsort(items)", "fopen(sock, x)", "unlink(account)"], Task.NL2CODE, Role.PASSAGE)
    assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 1]


def test_training_taken_up_from_a_checkpoint_ends_like_training_in_one_go(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codekin.training.train.CHECKPOINT_STEPS", 20)
    long = replace(RECIPE, steps=25)
    longer = replace(RECIPE, steps=40)
    tokenizer, shards = prepare_pairs(pairs, tmp_path / "work", RECIPE, BenchmarkTexts([]))
    whole_folder, parts = tmp_path / "whole", tmp_path / "parts"
    whole_folder.mkdir()
    parts.mkdir()
    train_tables(tokenizer, shards, parts, long)
    assert (parts / "checkpoint.pt").exists()
    resumed = train_tables(tokenizer, shards, parts, longer)
    at_once = train_tables(tokenizer, shards, whole_folder, longer)
    assert torch.allclose(resumed.tables[0], at_once.tables[0], atol=1e-4)


def test_leaks_are_not_trained_on(pairs: Path, tmp_path: Path) -> None:
    _, shards = prepare_pairs(pairs, tmp_path / "work", RECIPE, BenchmarkTexts(["Open the file, now!"]))
    assert len(shards["doc"]) == len(VERBS) * len(NOUNS) - 1


def test_the_cache_is_of_the_same_pairs_seed_and_benchmark_texts(pairs: Path, tmp_path: Path) -> None:
    def count_pairs(recipe: StaticRecipe, *benchmark_texts: str) -> int:
        _, shards = prepare_pairs(pairs, tmp_path / "work", recipe, BenchmarkTexts(benchmark_texts))
        return len(shards["doc"])

    assert count_pairs(RECIPE) == len(VERBS) * len(NOUNS)
    made_files = {*(tmp_path / "work").iterdir()}
    assert count_pairs(RECIPE, "Open the file, now!") == len(VERBS) * len(NOUNS) - 1
    assert count_pairs(replace(RECIPE, steps=7)) == len(VERBS) * len(NOUNS)
    assert len({*(tmp_path / "work").iterdir()} - made_files) == 1, "other steps change nothing of the pairs"
    assert count_pairs(replace(RECIPE, seed=RECIPE.seed + 1)) == len(VERBS) * len(NOUNS)
    assert len({*(tmp_path / "work").iterdir()} - made_files) == 3, "another vocabulary, and pairs by it"
    more = json.dumps(["doc", "walk the tree now", "def f(x):\n    os.walk(x)", "python"])
    (pairs / "d.jsonl.gz").write_bytes(gzip.compress(more.encode()))
    assert count_pairs(RECIPE) == len(VERBS) * len(NOUNS) + 1


def test_training_on_other_pairs_begins_anew(pairs: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=4)
    tokenizer, shards = prepare_pairs(pairs, tmp_path / "work", recipe, BenchmarkTexts([]))
    train_tables(tokenizer, shards, tmp_path / "work", recipe)
    other = prepare_pairs(pairs, tmp_path / "other", recipe, BenchmarkTexts(["Open the file, now!"]))
    resumed = train_tables(*other, tmp_path / "work", recipe)
    (tmp_path / "fresh").mkdir()
    at_once = train_tables(*other, tmp_path / "fresh", recipe)
    assert torch.equal(resumed.tables[0], at_once.tables[0])


def test_batches_depend_on_seed_and_step_alone(pairs: Path, tmp_path: Path) -> None:
    _, shards = prepare_pairs(pairs, tmp_path / "work", RECIPE, BenchmarkTexts([]))
    for step in range(5):
        first, second = (
            StaticBatches(shards, RECIPE).choose_batch(step),
            StaticBatches(shards, RECIPE).choose_batch(step),
        )
        assert (first.kind, first.task, first.is_swapped) == (second.kind, second.task, second.is_swapped)
        assert np.array_equal(first.rows, second.rows)


def test_the_learning_rate_falls_in_each_cycle_and_starts_the_next_at_half() -> None:
    rates = [compute_learning_rate(RECIPE, step) for step in range(240)]
    assert max(rates[:120]) <= RECIPE.learning_rate
    assert rates[119] < 0.02 * RECIPE.learning_rate
    assert max(rates[120:]) == pytest.approx(max(rates[:120]) / 2)


def test_quantised_rows_are_within_half_a_step() -> None:
    table = np.random.default_rng(0).normal(size=(2, 50, 16)).astype(np.float32)
    rows, scales = quantize_rows(table)
    assert rows.dtype == np.int8
    assert np.abs(rows * scales[..., None] - table).max() <= scales.max() / 2 + 1e-6
    assert np.array_equal(quantize_rows(np.zeros((1, 2, 4), dtype=np.float32))[0], np.zeros((1, 2, 4)))


def test_weights_by_place_are_learned_last_and_leave_tables_and_completion_alone(pairs: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=20, place_steps=20)
    tokenizer, shards = prepare_pairs(pairs, tmp_path / "work", recipe, BenchmarkTexts([]))
    model = train_tables(tokenizer, shards, tmp_path / "work", recipe)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert not before["places"].any()
    learn_positions(model, shards, recipe)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items() if name != "places")
    heads = {name: model.shape.prefixes.index(find_prefix(*name)) for name in PREFIXES}
    assert model.places[heads[Task.NL2CODE, Role.PASSAGE]].any()
    assert not model.places[heads[Task.CODE2COMPLETION, Role.QUERY]].any()


def test_the_runtime_weighs_places_as_training_did(pairs: Path, tmp_path: Path) -> None:
    tokenizer, shards = prepare_pairs(pairs, tmp_path / "work", RECIPE, BenchmarkTexts([]))
    model = train_tables(tokenizer, shards, tmp_path / "work", replace(RECIPE, steps=2))
    with torch.no_grad():
        model.places.normal_()
    export_model(model, tokenizer, RECIPE.phrases, tmp_path / "out", {"spoken_phrases": 1.0})
    encoder, head = StaticEncoder(tmp_path / "out"), find_prefix(Task.NL2CODE, Role.PASSAGE)
    text = " ".join(f"{verb} {noun} {i}" for i in range(40) for verb in VERBS for noun in NOUNS)
    many, few = (
        Vocabulary(tmp_path / "out" / "tokenizer.json", RECIPE.phrases).find_token_ids(t) for t in (text, "sort rows")
    )
    ids, starts = torch.tensor(many + few), torch.tensor([0, len(many)])
    learned = model(ids, starts, head).detach().numpy()
    np.testing.assert_allclose(encoder.encode([text, "sort rows"], head), learned, atol=0.02 * np.abs(learned).max())


@pytest.mark.parametrize(
    "head", [find_prefix(Task.CODE2COMPLETION, Role.PASSAGE), find_prefix(Task.NL2CODE, Role.PASSAGE)]
)
def test_marks_count_where_the_language_is_half_the_answer_and_nowhere_else(
    head: str, pairs: Path, tmp_path: Path
) -> None:
    tokenizer, shards = prepare_pairs(pairs, tmp_path / "work", RECIPE, BenchmarkTexts([]))
    model = train_tables(tokenizer, shards, tmp_path / "work", replace(RECIPE, steps=2))
    with torch.no_grad():
        model.places.normal_()
    export_model(model, tokenizer, RECIPE.phrases, tmp_path / "out", {"spoken_phrases": 1.0})
    encoder, vocabulary = (
        StaticEncoder(tmp_path / "out"),
        Vocabulary(tmp_path / "out" / "tokenizer.json", RECIPE.phrases),
    )
    texts = ["sort rows", "sort rows {", "sort ($rows);"]
    several = [vocabulary.find_token_ids(text) + vocabulary.find_mark_ids(text) for text in texts]
    assert [len(ids) - len(vocabulary.find_token_ids(text)) for ids, text in zip(several, texts, strict=True)] == [
        0,
        1,
        2,
    ]
    starts = torch.tensor([0, *np.cumsum([len(ids) for ids in several[:-1]])])
    learned = model(torch.tensor([number for ids in several for number in ids]), starts, head).detach().numpy()
    encoded = encoder.encode(texts, head)
    np.testing.assert_allclose(encoded, learned, atol=0.02 * np.abs(learned).max())
    assert np.array_equal(encoded[0], encoded[1]) != (head == find_prefix(Task.CODE2COMPLETION, Role.PASSAGE))


def test_one_command_leads_from_a_manifest_to_a_model_and_can_be_run_again(tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    package = ["pypi", "tools", "1.0", "MIT"]
    tree = work / "sources" / "pypi-tools"  # as if fetched
    (tree / "tree").mkdir(parents=True)
    (tree / "harvested.json").write_text(json.dumps(package))
    functions = [
        f'def {verb}_{noun}(path, {noun}):\n    """Do {verb} the {noun} at a path."""\n'
        f"    handle = {VERBS[verb]}(path)\n    {NOUNS[noun]} = handle.all({noun})\n    return {NOUNS[noun]}\n"
        for verb in VERBS
        for noun in NOUNS
    ]
    (tree / "tree" / "tools.py").write_text("\n\n".join(functions))
    (tmp_path / "manifest.json").write_text(json.dumps([package]))
    (tmp_path / "blocked.txt").write_text("owner/other\n")
    words = ["--manifest", tmp_path / "manifest.json", "--block-list", tmp_path / "blocked.txt", "--work", work]
    knobs = ["--vocabulary", 300, "--phrases", 64, "--batch", 16, "--steps", 3, "--warm-up", 1]
    for _ in range(2):
        result = CliRunner().invoke(command, ["embedded", *map(str, [*words, "--out", out, *knobs])])
        assert result.exit_code == 0, result.output
    assert StaticEncoder(out).encode(["open the file"], find_prefix(Task.NL2CODE, Role.QUERY)).any()


def test_a_knob_that_the_recipe_lacks_is_refused_by_name() -> None:
    assert parse_recipe(["--steps", "7", "--learning-rate", "0.1"]) == replace(
        StaticRecipe(), steps=7, learning_rate=0.1
    )
    with pytest.raises(QueryError, match="--layers is no option"):
        parse_recipe(["--layers", "3"])
    with pytest.raises(QueryError, match="Give a number"):
        parse_recipe(["--steps", "many"])
