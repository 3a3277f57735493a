"""What all code of a language has in common says nothing about what it does."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codekin.engine import Engine
from codekin.search.calibrate import calibrate_similarity
from codekin.search.language_means import LanguageMeans
from codekin.settings import CacheSettings, Settings
from codekin.types import Kinship, Span

# (language, job) as directions: languages 0 and 1, jobs 2 and 3.
LANGUAGE, JOB = np.eye(4, dtype=np.float32)[:2], np.eye(4, dtype=np.float32)[2:]


def vector(language: int, job: int) -> np.ndarray:
    mixed = 2 * LANGUAGE[language] + JOB[job]
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


MEANS = LanguageMeans(
    {"go": np.array([1, 2]), "rust": np.array([3, 4])},
    {name: np.mean([vector(row, 0), vector(row, 1)], axis=0) for row, name in enumerate(("go", "rust"))},
    np.zeros(4, np.float32),
)


def test_the_same_job_in_another_language_is_nearer_than_another_job_in_the_same():
    contents = np.array([2, 3])
    vectors = np.stack([vector(0, 1), vector(1, 0)])
    assert np.argmax(vectors @ vector(0, 0)) == 0
    cosines = MEANS.compute_cosines(MEANS.center_query(vector(0, 0), "go"), contents, vectors)
    assert cosines[1] > 0.99
    assert cosines[0] < 0


def test_a_query_of_no_known_language_keeps_its_direction_and_a_mean_alone_has_none():
    assert MEANS.center_query(vector(0, 0), None) == pytest.approx(vector(0, 0))
    assert not MEANS.center_query(MEANS.means["go"], "go").any()


def test_a_function_is_found_in_the_other_language(tmp_path: Path):
    jobs = {
        "count the words of a text": ("counts", "text", "words = {}", "word in text.split()"),
        "sum the prices of an order": ("total", "order", "price = 0", "line in order.lines"),
    }
    python, ruby = [], []
    for number in range(40):
        python.append(
            f"def helper_{number}(value):\n    if value is None:\n        return {number}\n    return value\n"
        )
        ruby.append(f"def helper_{number}(value)\n  return {number} if value.nil?\n  value\nend\n")
    for doc, (name, argument, start, loop) in jobs.items():
        python.append(f'def {name}({argument}):\n    """{doc}"""\n    {start}\n    for {loop}:\n        add({name})\n')
        ruby.append(f"# {doc}\ndef {name}({argument})\n  {start}\n  for {loop} do\n    add({name})\n  end\nend\n")
    (tmp_path / "a.py").write_text("\n\n".join(python))
    (tmp_path / "b.rb").write_text("\n".join(ruby))
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")))
    with closing(Engine([tmp_path], settings)) as engine:
        engine.refresh(lambda _: None, threading.Event(), 1)
        line = next(row for row, text in enumerate("\n\n".join(python).split("\n")) if text.startswith("def total"))
        hits = engine.find_similar(tmp_path / "a.py", Span(line, line + 1), 10).hits
    assert [hit.place.name for hit in hits][:1] == ["total"]
    assert hits[0].place.language == "ruby"
    assert all(hit.score >= max(0.1, 0.2 * hits[0].score) for hit in hits)


def test_scores_agree_with_labels():
    for score in (0.0, 0.3, 1.0):
        assert calibrate_similarity(score, Kinship.IDENTICAL) == 1
        assert 0.5 <= calibrate_similarity(score, Kinship.EDITED) < 0.985  # is printed as 98 % at most
        assert 0.5 <= calibrate_similarity(score, Kinship.RENAMED) < 0.995
        assert calibrate_similarity(score, Kinship.SIMILAR) <= 0.9
