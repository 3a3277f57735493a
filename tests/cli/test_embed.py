"""The vectors that `codekin embed` prints."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .command import Codekin


def embed(codekin: Codekin, lines: str, tmp_path: Path, *more: str, status: int = 0) -> Any:
    (tmp_path / "texts.jsonl").write_text(lines, "utf-8")
    words = ("embed", "--task", "nl2code", "--role", "passage", "--output", str(tmp_path / "v.npy"))
    completed = codekin(*words, "--input", str(tmp_path / "texts.jsonl"), *more)
    assert completed.returncode == status, completed.stderr
    return completed


def test_writes_unit_rows_in_order_and_nothing_beside_them(codekin: Codekin, tmp_path: Path):
    texts = ["def add(a, b): return a + b", "", "\ud800", "def add(a, b): return a + b", "x" * 100_000]
    embed(codekin, "".join(json.dumps({"text": text}) + "\n" for text in texts), tmp_path)
    vectors = np.load(tmp_path / "v.npy", allow_pickle=False)
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == len(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert (vectors[0] == vectors[3]).all()
    assert {path.name for path in tmp_path.iterdir()} == {"texts.jsonl", "v.npy"}


def test_a_dimension_of_the_model_gives_the_first_numbers(codekin: Codekin, tmp_path: Path):
    line = json.dumps({"text": "parse a date"}) + "\n"
    embed(codekin, line, tmp_path)
    full_vectors = np.load(tmp_path / "v.npy")
    completed = embed(codekin, line, tmp_path, "--dim", "64", "--json")
    part = np.load(tmp_path / "v.npy")
    assert part.shape == (1, 64)
    np.testing.assert_allclose(
        part[0], full_vectors[0, :64] / np.linalg.norm(full_vectors[0, :64]), rtol=1e-4, atol=1e-6
    )
    document = json.loads(completed.stdout)
    assert set(document) == {"count", "dim", "model", "task", "role", "output"}
    assert (document["count"], document["dim"]) == (1, 64)


def test_query_and_passage_differ_by_their_instruction_only_where_the_model_says_so(codekin: Codekin, tmp_path: Path):
    for task in ("nl2code", "qa", "code2code", "code2nl", "code2completion"):
        for role in ("query", "passage"):
            words = ("embed", "--task", task, "--role", role, "--input", "-", "--output", tmp_path / "v.npy")
            assert codekin(*words, stdin='{"text": "parse a date"}\n').returncode == 0


def test_no_lines_give_no_rows(codekin: Codekin, tmp_path: Path):
    embed(codekin, "", tmp_path)
    assert np.load(tmp_path / "v.npy").shape == (0, 384)


@pytest.mark.parametrize("line", ["not json", '{"txt": 1}', '{"text": 1}', "[1]", "null", '{"text": "a"'])
def test_a_wrong_line_is_told_by_number_and_no_file_is_written(codekin: Codekin, tmp_path: Path, line: str):
    completed = embed(codekin, '{"text": "a"}\n' + line, tmp_path, status=2)
    assert "Line 2" in completed.stderr
    assert not (tmp_path / "v.npy").exists()


def test_wrong_model_dimension_and_output_name_the_remedy(codekin: Codekin, tmp_path: Path):
    line = '{"text": "a"}\n'
    assert "embedded" in embed(codekin, line, tmp_path, "--model", "nope", status=2).stderr
    assert "64, 128, 256, 384" in embed(codekin, line, tmp_path, "--dim", "65", status=2).stderr
    nowhere = ("--output", str(tmp_path / "no" / "v.npy"))
    assert "--output" in embed(codekin, line, tmp_path, *nowhere, status=2).stderr
