"""Claims about measuring: sets are read as they stand, own texts are left out, and our model beats a hashed bag."""

import json
import math
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from codekin.code.words import split_words
from codekin.embed.embedder import Embedder, load_embedder
from codekin.evaluation.benchmarks import Benchmark, BenchmarkError, load_benchmark
from codekin.evaluation.bm25 import compute_bm25_scores
from codekin.evaluation.product import rank_by_product
from codekin.evaluation.retrieval import (
    compute_dense_scores,
    evaluate_benchmark,
    find_sets,
    format_tables,
    fuse_scores,
    measure_rankings,
    rank_passages,
    subtract_language_means,
)
from codekin.settings import ModelSettings, Settings
from codekin.types import Task

# Our own questions and functions, written for this test.
LABELLED = {
    "Check whether a number is prime": "def f(n):\n    return n > 1 and all(n % d for d in range(2, n))",
    "reverse a string": "function f(s) {\n  return s.split('').reverse().join('');\n}",
    "read all lines of a text file": "with open(path) as stream:\n    return stream.readlines()",
    "sum the squares of a list": "int t = 0;\nfor (int x : xs) t += x * x;\nreturn t;",
    "parse a date from text": "return datetime.strptime(value, '%Y-%m-%d')",
    "delete a file if it exists": "if os.path.exists(p):\n    os.remove(p)",
    "send an HTTP request and decode the JSON answer": "resp = urlopen(url)\nreturn json.loads(resp.read())",
    "the largest element of an array": "int m = a[0];\nfor (int i = 1; i < n; i++) if (a[i] > m) m = a[i];",
    "remove duplicates from a list": "seen = set()\nreturn [x for x in xs if not (x in seen or seen.add(x))]",
    "open a TCP connection to a host": "sock = socket.socket()\nsock.connect((address, port))",
    "convert text to upper case": "return s.toUpperCase();",
    "join two tables on a key": "SELECT * FROM a JOIN b ON a.id = b.id",
    "encrypt a password": "return hashlib.pbkdf2_hmac('sha256', secret, salt, 100000)",
    "wait until all threads have finished": "for worker in workers:\n    worker.join()",
    "sort dictionaries by a field": "rows.sort(key=lambda row: row[column])",
    "draw a rectangle on the screen": "ctx.fillStyle = color;\nctx.fillRect(x, y, width, height);",
    "compute the distance between two points": "return math.hypot(x1 - x2, y1 - y2)",
    "find an item by binary search": "while lo < hi:\n    mid = (lo + hi) // 2\n    if a[mid] < x: lo = mid + 1",
    "print an error and exit the program": "fprintf(stderr, \"%s\\n\", message);\nexit(1);",
    "log a warning with the stack trace": "logger.warn(message, exception);",
}  # fmt: skip


def _labelled() -> Benchmark:
    count = len(LABELLED)
    relevance = tuple({row: 1.0} for row in range(count))
    return Benchmark("labelled", Task.NL2CODE, tuple(LABELLED), tuple(LABELLED.values()), relevance, (None,) * count)


def _shipped() -> Embedder:
    return load_embedder(ModelSettings())


def _hashed_bag(texts: tuple[str, ...], dim: int = 256) -> np.ndarray:
    vectors = np.zeros((len(texts), dim), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in split_words(text):
            vectors[row, crc32(word.encode()) % dim] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)


def test_the_shipped_model_beats_a_hashed_bag_of_words() -> None:
    benchmark = _labelled()
    (shipped_model,) = measure_rankings(
        "static", benchmark, rank_passages(benchmark, compute_dense_scores(_shipped(), benchmark)), ""
    )
    scores = _hashed_bag(benchmark.queries) @ _hashed_bag(benchmark.passages).T
    (bag,) = measure_rankings("bag", benchmark, rank_passages(benchmark, scores), "hashed")
    assert shipped_model.ndcg10 > bag.ndcg10 + 0.1


def write_set(folder: Path, task: str, *languages: str) -> Path:
    """Three passages and two queries, one of them judged; the passages are in these languages."""
    folder.mkdir(parents=True)
    rows = {"d1": "int add(int a, int b)", "d2": "close the stream", "d3": "add two numbers"}
    corpus = [{"_id": name, "text": text} for name, text in rows.items()]
    corpus = [row | {"language": language} for row, language in zip(corpus, languages or ("",) * 3, strict=True)]
    queries = [{"_id": "q1", "text": "int add(int a, int b)"}, {"_id": "q9", "text": "unjudged"}]
    for name, content in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t1\n")
    (folder / "meta.json").write_text(json.dumps({"name": "x", "task": task}))
    return folder


def test_a_set_is_read_and_unjudged_queries_are_left_out(tmp_path: Path) -> None:
    benchmark = load_benchmark(write_set(tmp_path / "x", "NL2Code"))
    assert benchmark.queries == ("int add(int a, int b)",)
    assert benchmark.relevance == ({2: 1.0},)
    assert benchmark.own_passages == (None,)


def test_a_query_in_words_counts_to_the_language_of_its_answer(tmp_path: Path) -> None:
    benchmark = load_benchmark(write_set(tmp_path / "x", "NL2Code", "c", "en", "java"))
    assert benchmark.languages == ("java",)
    assert benchmark.passage_languages == ("c", "", "java")


def test_a_code2code_query_does_not_find_itself(tmp_path: Path) -> None:
    benchmark = load_benchmark(write_set(tmp_path / "x", "Code2Code"))
    assert benchmark.own_passages == (0,)
    rankings = rank_passages(benchmark, compute_bm25_scores(benchmark.queries, benchmark.passages))
    assert rankings == [[2, 1, 0]]
    assert measure_rankings("bm25", benchmark, rankings, "")[0].ndcg10 == 1


def test_only_a_query_s_own_text_is_left_out_whatever_the_passage_is_called(tmp_path: Path) -> None:
    """Sets of translations number a query and its answer alike."""
    folder = write_set(tmp_path / "x", "Code2Code")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q3", "text": "int add(int a, int b)"}) + "\n")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq3\td3\t1\n")
    benchmark = load_benchmark(folder)
    assert benchmark.own_passages == (None,)
    rankings = rank_passages(benchmark, compute_bm25_scores(("add two numbers",), benchmark.passages))
    assert rankings[0][0] == 2


@pytest.mark.parametrize("file_name", ["queries.jsonl", "corpus.jsonl"])
def test_an_id_that_stands_twice_is_refused(file_name: str, tmp_path: Path) -> None:
    place = write_set(tmp_path / "x", "NL2Code") / file_name
    first_row = json.loads(place.read_text().split("\n")[0])
    place.write_text(place.read_text() + json.dumps(first_row | {"text": "other"}) + "\n")
    with pytest.raises(BenchmarkError, match=f"{file_name} has several texts with the id"):
        load_benchmark(tmp_path / "x")


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="qrels"):
        load_benchmark(tmp_path)
    with pytest.raises(BenchmarkError, match=r"meta\.json"):
        find_sets(tmp_path)


def test_each_model_is_measured_alone_and_fused_with_its_signature(tmp_path: Path) -> None:
    benchmark = load_benchmark(write_set(tmp_path / "x", "NL2Code"))
    rows = [row for way in evaluate_benchmark(benchmark, {"static": _shipped()}, {}) for row in way]
    assert [row.model for row in rows] == ["bm25", "static", "static+bm25"]
    text = format_tables(rows)
    assert "| static+bm25 |" in text
    assert f"fingerprint {_shipped().fingerprint}" in text


def test_other_models_are_fused_with_the_light_one_as_codekin_does_it(tmp_path: Path) -> None:
    benchmark = load_benchmark(write_set(tmp_path / "x", "NL2Code"))
    embedders = {"static": _shipped(), "short": load_embedder(ModelSettings(dim=64))}
    rows = [row for way in evaluate_benchmark(benchmark, embedders, {}, "static") for row in way]
    assert [row.model for row in rows][-1] == "static+short+bm25"
    assert "z-sum" in rows[-1].signature
    assert "static+static+bm25" not in [row.model for row in rows]


def test_metrics_are_told_for_each_language_of_a_set() -> None:
    relevance = ({0: 1.0}, {1: 1.0}, {2: 1.0})
    benchmark = Benchmark(
        "x", Task.NL2CODE, ("a", "b", "c"), ("d", "e", "f"), relevance, (None,) * 3, ("go", "go", "php")
    )
    rows = measure_rankings("m", benchmark, [[0, 1, 2], [0, 1, 2], [0, 1, 2]], "")
    second, third = 1 / math.log2(3), 1 / 2
    assert {row.language: row.queries for row in rows} == {"": 3, "go": 2, "php": 1}
    expected = {"": (1 + second + third) / 3, "go": (1 + second) / 2, "php": third}
    assert {row.language: row.ndcg10 for row in rows} == pytest.approx(expected, abs=1e-4)
    assert {row.language: row.mrr10 for row in rows} == pytest.approx(
        {"": 11 / 18, "go": 3 / 4, "php": 1 / 3}, abs=1e-4
    )
    assert rows[0].recall100 is None  # no more than ten are ranked
    silent = measure_rankings("m", benchmark, [[0], [], []], "")
    assert {row.language: row.silent for row in silent} == {"": 2, "go": 1, "php": 1}


CODE = {
    "python": 'def area(width, height):\n    """The area of a rectangle."""\n    return width * height\n',
    "javascript": "function area(width, height) {\n  return width * height;\n}\n",
    "go": "func open(path string) (*os.File, error) {\n\treturn os.Open(path)\n}\n",
}


def test_codekin_itself_answers_questions_about_a_set_s_passages() -> None:
    question_texts = ("the area of a rectangle", "open a file by its path")
    benchmark = Benchmark(
        "x",
        Task.NL2CODE,
        question_texts,
        tuple(CODE.values()),
        ({0: 1.0}, {2: 1.0}),
        (None,) * 2,
        passage_languages=tuple(CODE),
    )
    first, second = rank_by_product(benchmark, Settings())
    assert first[0] == 0
    assert second[0] == 2


def test_codekin_itself_leaves_a_query_s_own_passage_out() -> None:
    passages = tuple(CODE.values())
    benchmark = Benchmark("x", Task.CODE2CODE, passages[:1], passages, ({1: 1.0},), (0,), passage_languages=tuple(CODE))
    (ranking,) = rank_by_product(benchmark, Settings())
    assert ranking[0] == 1
    assert 0 not in ranking


def test_fusion_ignores_scale_and_offset_of_either_side() -> None:
    random = np.random.default_rng(0)
    dense, lexical = random.random((3, 9)).astype(np.float32), random.random((3, 9)).astype(np.float32)
    assert np.allclose(fuse_scores(dense, lexical), fuse_scores(dense * 7 + 3, lexical * 0.1 - 2), atol=1e-4)


def test_bm25_takes_a_plural_and_its_singular_for_one_word() -> None:
    scores = compute_bm25_scores(["headers", "glas", "parseheaders"], ["header = 1", "glass = 1", "parseHeaders = 1"])
    assert (scores > 0).tolist() == [[True, False, True], [False, False, False], [False, False, True]]


def test_without_its_languages_mean_code_is_near_the_same_code_in_another_language() -> None:
    vectors = np.array([[0.8, 0.6, 0], [0.8, 0, 0.6], [-0.8, 0.6, 0], [-0.8, 0, 0.6]], np.float32)
    languages = ("go", "go", "lua", "lua")
    assert np.argsort(-(vectors @ vectors[0])).tolist()[1] == 1
    means = {"go": vectors[:2].mean(axis=0), "lua": vectors[2:].mean(axis=0)}
    centered = subtract_language_means(vectors, languages, means)
    assert np.argsort(-(centered @ centered[0])).tolist()[:2] in ([0, 2], [2, 0])
    assert np.allclose(subtract_language_means(vectors, ("", "c", "", "c"), means), vectors)
