"""Scores as probabilities."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.search.calibrate import HitEvidence, calibrate_search, compute_margins
from codekin.types import Location, SnippetKind, Span

share = st.floats(0, 1)
evidence = st.builds(
    HitEvidence,
    known_share=share,
    word_count=st.integers(0, 2_000),
    content_count=st.integers(0, 10_000_000),
    rank=st.integers(0, 200),
    margin=st.floats(-50, 50),
    said=share,
    defined=share,
    defined_alone=share,
)
ranking = st.lists(st.tuples(st.sampled_from("abcd"), st.floats(-30, 30)), min_size=1, max_size=20)


def rank_line(name: str, row: int, score: float) -> tuple[Location, float]:
    location = Location(Path(name), Span(row, row + 1), "", "", SnippetKind.FUNCTION, "python", row, 0, row)
    return location, score


@given(evidence)
def test_a_confidence_is_a_probability(any_evidence: HitEvidence):
    assert 0 <= calibrate_search(any_evidence) <= 1


@given(evidence, st.sampled_from(["known_share", "margin", "said", "defined", "defined_alone"]))
def test_more_evidence_is_never_less_probable(any_evidence: HitEvidence, name: str):
    more = replace(any_evidence, **{name: getattr(any_evidence, name) + 0.5})
    assert calibrate_search(more) >= calibrate_search(any_evidence)


@given(evidence, st.sampled_from(["content_count", "rank"]))
def test_the_best_of_more_and_a_later_one_is_no_more_probable(any_evidence: HitEvidence, name: str):
    more = replace(any_evidence, **{name: 2 * getattr(any_evidence, name)})
    assert calibrate_search(more) <= calibrate_search(any_evidence)


@given(evidence)
def test_a_long_question_is_answered_by_a_place_that_says_as_much_of_it(any_evidence: HitEvidence):
    """Of a pasted report, a tenth of the words is much for one place."""
    longer = replace(any_evidence, word_count=any_evidence.word_count + 10)
    assert calibrate_search(longer) >= calibrate_search(any_evidence)


@given(ranking)
def test_the_best_of_a_ranking_has_the_largest_margin(files_and_scores: list[tuple[str, float]]):
    files_and_scores.sort(key=lambda item: -item[1])
    locations = [rank_line(name, row, score) for row, (name, score) in enumerate(files_and_scores)]
    margins = compute_margins(locations)
    assert max(margins) == margins[0]
    assert compute_margins([]) == []


def test_a_rival_as_good_makes_the_margin_nothing():
    assert compute_margins([rank_line("a", 0, 6.0), rank_line("b", 0, 6.0)]) == [0.0, 0.0]


def test_where_there_is_but_one_file_its_score_is_what_counts():
    good, poor = (compute_margins([rank_line("a", 0, score)])[0] for score in (8.0, 1.0))
    assert good - poor == pytest.approx(7.0)
    assert poor < 0 < good
