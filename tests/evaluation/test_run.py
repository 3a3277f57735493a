"""Claims about measuring: sets are read as they stand, own texts are left out, and our model beats a hashed bag."""

import json
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from codekin.code.words import words
from codekin.embed.embedder import MODELS
from codekin.evaluation.benchmarks import Benchmark, BenchmarkError, load_benchmark
from codekin.evaluation.bm25 import bm25_scores
from codekin.evaluation.run import evaluate, fused, measure, static_model, table
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


def _hashed_bag(texts: tuple[str, ...], dim: int = 256) -> np.ndarray:
    vectors = np.zeros((len(texts), dim), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in words(text):
            vectors[row, crc32(word.encode()) % dim] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)


def test_the_shipped_model_beats_a_hashed_bag_of_words() -> None:
    benchmark = _labelled()
    scorer, signature = static_model(MODELS)
    ours = measure("static", benchmark, scorer(benchmark), signature)
    bag = _hashed_bag(benchmark.queries) @ _hashed_bag(benchmark.passages).T
    assert ours.ndcg10 > measure("bag", benchmark, bag, "hashed").ndcg10 + 0.1


def _write_set(folder: Path, task: str) -> None:
    folder.mkdir()
    rows = {"d1": "int add(int a, int b)", "d2": "close the stream", "d3": "add two numbers"}
    corpus = [{"_id": name, "text": text} for name, text in rows.items()]
    queries = [{"_id": "q1", "text": "int add(int a, int b)"}, {"_id": "q9", "text": "unjudged"}]
    for name, content in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t1\n")
    (folder / "meta.json").write_text(json.dumps({"name": "x", "task": task}))


def test_a_set_is_read_and_unjudged_queries_are_left_out(tmp_path: Path) -> None:
    _write_set(tmp_path / "x", "NL2Code")
    found = load_benchmark(tmp_path / "x")
    assert found.queries == ("int add(int a, int b)",)
    assert found.relevance == ({2: 1.0},)
    assert found.own == (None,)


def test_a_code2code_query_does_not_find_itself(tmp_path: Path) -> None:
    _write_set(tmp_path / "x", "Code2Code")
    found = load_benchmark(tmp_path / "x")
    assert found.own == (0,)
    assert measure("bm25", found, bm25_scores(found.queries, found.passages), "").ndcg10 == 1


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="qrels"):
        load_benchmark(tmp_path)


def test_the_table_has_each_model_alone_and_fused_and_its_signature(tmp_path: Path) -> None:
    _write_set(tmp_path / "x", "NL2Code")
    rows = evaluate([tmp_path / "x"], {"static": static_model(MODELS)})
    assert [row.model for row in rows] == ["bm25", "static", "static+bm25"]
    text = table(rows)
    assert "| static+bm25 |" in text
    assert "codekin-static" in text


def test_fusion_ignores_scale_and_offset_of_either_side() -> None:
    random = np.random.default_rng(0)
    dense, lexical = random.random((3, 9)).astype(np.float32), random.random((3, 9)).astype(np.float32)
    assert np.allclose(fused(dense, lexical), fused(dense * 7 + 3, lexical * 0.1 - 2), atol=1e-4)
