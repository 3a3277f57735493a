"""Claims about measuring clones, on a small workspace whose answers are known by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from codekin.cli.evaluate import evaluate
from codekin.evaluation.clone_report import compute_mrr, compute_recall, format_failures, format_table, to_json
from codekin.evaluation.clones import CloneQuery, CloneReport, measure_clones
from codekin.evaluation.mutations import CloneType
from codekin.evaluation.sampling import SamplingPlan, is_measurable, sample_functions
from codekin.settings import CacheSettings, Settings

from ..documented_json import check_documented

STORE = '''
def load_settings(path, defaults):
    """Read the settings file over the defaults."""
    merged = dict(defaults)
    with open(path) as stream:
        for line in stream:
            name, _, value = line.partition("=")
            if name.strip() in merged:
                merged[name.strip()] = value.strip()
    return merged


def tiny():
    return 1
'''
QUEUE = """
export function drainQueue(queue, handler, limit) {
  let handled = 0;
  const failed = [];
  while (queue.length > 0 && handled < limit) {
    const job = queue.shift();
    if (handler(job)) {
      handled += 1;
    } else {
      failed.push(job);
    }
  }
  return { handled, failed };
}
"""
STRANGER = """
def rotate(matrix, turns):
    size = len(matrix)
    for _ in range(turns % 4):
        matrix = [[matrix[size - 1 - column][row] for column in range(size)] for row in range(size)]
    return [tuple(row) for row in matrix if any(row)]
"""


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace of two files, and a code base of one."""
    our_folder, their_folder = tmp_path / "ours", tmp_path / "theirs"
    for folder in (our_folder, their_folder):
        folder.mkdir()
    (our_folder / "store.py").write_text(STORE)
    (our_folder / "queue.js").write_text(QUEUE)
    (their_folder / "matrix.py").write_text(STRANGER)
    return our_folder, their_folder


def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")))


def measured(roots: tuple[Path, Path], tmp_path: Path, seed: int = 1) -> CloneReport:
    plan = SamplingPlan(sample=5, seed=seed, strangers=(roots[1],), alone=True, workers=1)
    return measure_clones([roots[0]], plan, settings(tmp_path), lambda _: None)


def test_clones_of_a_small_workspace_are_found_and_told(roots: tuple[Path, Path], tmp_path: Path) -> None:
    report = measured(roots, tmp_path)
    assert {clone_query.type for clone_query in report.queries} >= {
        CloneType.LAYOUT,
        CloneType.RENAMED,
        CloneType.EDITED,
    }
    assert {clone_query.language for clone_query in report.queries} == {"python", "javascript"}
    assert all(clone_query.rank == 1 and clone_query.peer_rank == 1 for clone_query in report.queries)
    assert all(1 in clone_query.retriever_ranks for clone_query in report.queries)
    assert [claim.asked.rpartition("/")[2] for claim in report.strangers] == ["matrix.py:2-6"]
    assert report.examined_count == 2
    assert report.duplicates == ()
    table = format_table(report)
    assert "| 1 layout | 2 | 1.000 |" in table
    assert "roots ours · corpus 2 files, 3 snippets · seed 1" in table.splitlines()[-1]
    assert "0 of 2" in format_failures(report)


def test_the_same_seed_asks_the_same(roots: tuple[Path, Path], tmp_path: Path) -> None:
    first_report, two, second_report = (measured(roots, tmp_path, seed) for seed in (1, 1, 2))
    assert to_json(first_report) == to_json(two)
    assert [clone_query.query for clone_query in first_report.queries] != [
        clone_query.query for clone_query in second_report.queries
    ]


def test_a_hit_elsewhere_with_the_same_text_is_right(roots: tuple[Path, Path], tmp_path: Path) -> None:
    (roots[0] / "copy.py").write_text(STORE)
    report = measured(roots, tmp_path)
    assert all(clone_query.rank == 1 for clone_query in report.queries)
    assert {(claim.kinship, claim.token_similarity) for claim in report.duplicates} == {("identical", 1.0)}
    assert len(report.duplicates) == 2
    assert "identical" in {claim.kinship for claim in report.neighbours}


def test_short_functions_are_not_asked_for(roots: tuple[Path, Path], tmp_path: Path) -> None:
    originals = list(sample_functions([roots[0]], SamplingPlan(sample=5), settings(tmp_path)))
    assert sorted(original.snippet.name for original in originals) == ["drainQueue", "load_settings"]
    assert all(is_measurable(original.snippet) for original in originals)


def test_the_sample_is_bounded_per_language(roots: tuple[Path, Path], tmp_path: Path) -> None:
    for number in range(6):
        (roots[0] / f"more{number}.py").write_text(STORE)
    assert len(list(sample_functions([roots[0]], SamplingPlan(sample=3), settings(tmp_path)))) == 4


def test_ranks_become_recall_and_mrr() -> None:
    def asked(rank: int | None) -> CloneQuery:
        return CloneQuery(
            CloneType.EDITED, "go", ("statement added", "indentation"), "", "", "", rank, rank, None, None
        )

    rows = [asked(1), asked(2), asked(None), asked(1)]
    assert compute_recall(rows, 1) == 0.5
    assert compute_recall(rows, 10) == 0.75
    assert compute_mrr([row.rank for row in rows]) == (1 + 0.5 + 1) / 4
    assert {row.edit_count for row in rows} == {1}


def test_pairs_are_found_in_another_language(roots: tuple[Path, Path], tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    (pairs / "meta.json").write_text('{"task": "Code2Code"}')
    python = (
        '"_id": "%s1-python", "language": "python", "text": "def triple(n):\\n    tripled = n * 3\\n    return tripled"'
    )
    ruby = '"_id": "d1-ruby", "language": "ruby", "text": "def triple(n)\\n  tripled = n * 3\\n  tripled\\nend"'
    (pairs / "corpus.jsonl").write_text(f"{{{python.replace('%s', 'd')}}}\n{{{ruby}}}\n")
    (pairs / "queries.jsonl").write_text(f"{{{python.replace('%s', 'q')}}}\n")
    (pairs / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1-python\td1-ruby\t1\n")
    report = measure_clones(
        [roots[0]], SamplingPlan(sample=1, pairs=pairs, workers=1), settings(tmp_path), lambda _: None
    )
    (paired,) = report.queries_by_row["4 other language"]
    assert paired.rank == 1
    assert paired.best_hit is not None
    assert paired.best_hit.place.language == "ruby"


def test_it_is_typed(roots: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prints what the report is, and writes what failed."""
    monkeypatch.setenv("CODEKIN_CACHE_DIRECTORY", str(tmp_path / "cache"))
    failed = tmp_path / "failures.md"
    words = [
        "clones",
        "--root",
        str(roots[0]),
        "--strangers",
        str(roots[1]),
        "--sample",
        "1",
        "--failures",
        str(failed),
    ]
    ran = CliRunner().invoke(evaluate, [*words, "--json"], catch_exceptions=False, standalone_mode=False)
    output = json.loads(ran.stdout)
    check_documented("evaluate clones", output)
    assert output["types"]["1 layout"]["recall_at_1"] == 1.0
    assert len(output["strangers"]) == 1
    assert "0 of 2" in failed.read_text("utf-8")
