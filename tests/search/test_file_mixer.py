"""The network orders the best files among themselves, and changes nothing else."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codekin.search.file_mixer import MAX_MIXED_FILES, BestFiles, deal_scores
from codekin.search.file_mixer_weights import FILE_MIXER
from codekin.search.query_terms import QueryTerms
from codekin.search.rank import QueryResults
from codekin.types import Candidate, Location, SnippetKind, Span

ROOT = Path("/code")
INPUTS = len(FILE_MIXER.means)


def place(path: str, name: str, content: int, kind: SnippetKind = SnippetKind.FUNCTION) -> Location:
    return Location(ROOT / path, Span(0, 9), name, name, kind, "python", 0, 0, content)


def find(question: str, places: list[Location]) -> QueryResults:
    candidates = [Candidate(found.content, 0.4) for found in places]
    results = QueryResults(QueryTerms(question, lambda word: 90 if word == "session" else 10, 1000), candidates, [])
    results.add_locations(places)
    return results


@given(st.lists(st.floats(-9, 20), min_size=1, max_size=60), st.integers(0, 2**32 - 1))
def test_scores_are_dealt_out_among_the_best_files_alone(scores: list[float], seed: int) -> None:
    sums = np.array(scores)
    rows = np.argsort(-sums, kind="stable")[:MAX_MIXED_FILES]
    inputs = np.random.default_rng(seed).normal(size=(len(rows), INPUTS))
    dealt = deal_scores(sums, BestFiles(rows, inputs))
    assert sorted(dealt) == sorted(sums)
    others = np.setdiff1d(np.arange(len(sums)), rows)
    assert np.array_equal(dealt[others], sums[others])


def test_no_more_files_are_compared_than_the_network_was_fitted_to() -> None:
    places = [place(f"file{number}.py", f"run{number}", number) for number in range(1, 70)]
    sums, best = find("parse settings", places).compare_files([ROOT])
    assert len(sums) == 69
    assert best.inputs.shape == (MAX_MIXED_FILES, INPUTS)
    assert sums[best.rows].tolist() == sorted(sums, reverse=True)[:MAX_MIXED_FILES]


def test_documentation_keeps_its_place() -> None:
    places = [place("readme.md", "Sessions", 1, SnippetKind.SECTION), place("session.py", "open_session", 2)]
    results = find("how are sessions opened", places)
    sums, best = results.compare_files([ROOT])
    assert best.rows.tolist() == [1]
    by_name = {ranked.location.name: ranked.score for ranked in results.rank_locations([ROOT])}
    assert by_name["Sessions"] == sums[0]


def test_nothing_but_documentation_is_ranked_as_well() -> None:
    results = find("how are sessions opened", [place("readme.md", "Sessions", 1, SnippetKind.SECTION)])
    assert [ranked.location.name for ranked in results.rank_locations([ROOT])] == ["Sessions"]


def test_how_often_a_files_name_is_mentioned_is_seen() -> None:
    places = [place("session.py", "a", 1), place("other.py", "b", 2)]
    _, best = find("parse settings", places).compare_files([ROOT])
    mentioned = np.log1p(90)
    assert [mentioned in inputs for inputs in best.inputs] == [row == 0 for row in best.rows]
