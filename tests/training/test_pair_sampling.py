"""A limited number of pairs: kinds by fixed shares, languages by the square root of their counts."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from codekin.training.jsonl import PairFile
from codekin.training.pair_sampling import compute_keep_probabilities, gather_pairs


def write_package(folder: Path, name: str, kind: str, language: str, count: int) -> None:
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
        for number in range(count):
            stream.write(json.dumps([kind, f"{name} question {number}", f"{name} answer {number}", language]) + "\n")


def test_a_rare_language_is_kept_more_often_than_a_plentiful_one() -> None:
    counts = {("doc", "java"): 10_000, ("doc", "lua"): 100, ("half", "java"): 10_000}
    probabilities = compute_keep_probabilities(counts, 1000)
    kept = {key: counts[key] * probability for key, probability in probabilities.items()}
    assert kept["doc", "java"] / kept["doc", "lua"] == pytest.approx(10)
    assert kept["doc", "java"] + kept["doc", "lua"] == pytest.approx(260)
    assert kept["half", "java"] == pytest.approx(200)
    assert compute_keep_probabilities({("twin", "go"): 3}, 1000) == {("twin", "go"): 1.0}


def test_a_limited_draw_has_the_shares_and_says_whose_pairs_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    write_package(folder, "large", "doc", "java", 4000)
    write_package(folder, "small", "doc", "lua", 40)
    write_package(folder, "halves", "half", "go", 4000)
    drawn = PairFile(gather_pairs(folder, tmp_path / "drawn.jsonl", 0, limit=1000))
    groups = Counter(pair.group for pair in drawn.read_rows(range(len(drawn))))
    assert set(groups) == {"java large.jsonl.gz", "lua small.jsonl.gz", "go halves.jsonl.gz"}
    assert 150 < groups["go halves.jsonl.gz"] < 250
    assert 10 < groups["lua small.jsonl.gz"] <= 40
    again = gather_pairs(folder, tmp_path / "again.jsonl", 0, limit=1000)
    assert again.read_bytes() == drawn.path.read_bytes()
    everything = PairFile(gather_pairs(folder, tmp_path / "all.jsonl", 0))
    assert len(everything) > 5500
