"""Candidates with one line are votes for it; lines are weighed against each other and against all others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.completion.candidates import LineCandidate
from codekin.completion.features import FEATURES
from codekin.completion.line_scorer import LineScore, LineScorer, NameUse, WrittenLine
from codekin.completion.line_weights import LINE_MIXER
from codekin.completion.ranking import MAX_VOTED_LINES, extract_line_features, rank_lines, select_lines
from codekin.completion.sources import SourceSnippet
from codekin.types import SnippetKind

SOURCE = SourceSnippet(Path("/a.py"), 0, ("x",), "f", SnippetKind.FUNCTION, -1)
GOOD = {"rarity": 3.0, "aligned": 1.0, "stands": 1.0, "words": 0.6, "kind": 1.0, "bracket": 1.0, "known": 1.0}


def make_candidate(line: str, **features: float) -> LineCandidate:
    """A candidate whose other features are 0."""
    return LineCandidate(SOURCE, 0, 0, 0.0, line=line, features=dict.fromkeys(FEATURES, 0.0) | features)


CANDIDATES = st.lists(
    st.builds(
        lambda line, rarity, words: make_candidate(line, rarity=rarity, words=words),
        st.sampled_from(["go()", "go ()", "stop()", "wait(1)", "a = 1", "b = 2", "c = 3", "}"]),
        st.floats(0, 3),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=40,
)


@given(CANDIDATES)
def test_the_probabilities_of_all_lines_and_none_sum_to_one(candidates: list[LineCandidate]):
    ranked = rank_lines(candidates, None)
    assert 0 < len(ranked) <= MAX_VOTED_LINES
    assert all(0 <= line.probability <= 1 for line in ranked)
    assert sum(line.probability for line in ranked) < 1 + 1e-9
    assert [line.probability for line in ranked] == sorted((line.probability for line in ranked), reverse=True)


@given(CANDIDATES, st.randoms())
def test_the_order_of_candidates_does_not_matter(candidates: list[LineCandidate], chance):
    shuffled = list(candidates)
    chance.shuffle(shuffled)
    ranked, again = rank_lines(candidates, None), rank_lines(shuffled, None)
    assert {"".join(line.line.split()) for line in ranked} == {"".join(line.line.split()) for line in again}
    assert sorted(line.probability for line in ranked) == pytest.approx(sorted(line.probability for line in again))


def test_candidates_that_differ_in_white_space_are_votes_for_one_line():
    (line,) = rank_lines([make_candidate("go( 1 )"), make_candidate("go(1)", **GOOD), make_candidate("go(1 )")], None)
    assert line.line == "go(1)"
    assert len(line.candidates) == 3


def test_a_well_supported_line_is_more_probable():
    ranked = rank_lines(
        [make_candidate("stop()"), make_candidate("go()", **GOOD), make_candidate("go()", **GOOD)], None
    )
    assert [line.line for line in ranked] == ["go()", "stop()"]


def test_nothing_is_ranked_where_there_are_no_candidates():
    assert rank_lines([], None) == []


def test_the_mixer_has_a_weight_for_each_feature():
    features = extract_line_features(select_lines([make_candidate("go()")], None), None)
    assert features.shape == (2, len(LINE_MIXER.means))
    assert features[-1].tolist() == [0.0] * (features.shape[1] - 1) + [1.0]


class KnownLines(LineScorer):
    """A scorer that has read one document, in which each line is likely."""

    def __init__(self, read_path: Path) -> None:
        self._read_path = read_path

    def has_read(self, document_path: Path) -> bool:
        return document_path == self._read_path

    def score(self, line: str) -> LineScore:
        return LineScore(-2.0, -1.0, -0.5, 4)

    def find_name_use(self, line: str) -> NameUse:
        return NameUse(0, uses_last_line=False, leaves_last_line=False, is_repeated=False)

    def write_lines(self, max_count: int) -> list[WrittenLine]:
        return [WrittenLine("go ()", (6, 8)), WrittenLine("more()", (10, 12))]


def test_of_lines_in_unread_documents_the_ngram_model_says_nothing():
    groups = select_lines([make_candidate("go()", **GOOD)], None)
    unread = extract_line_features(groups, KnownLines(Path("/other.py")))
    assert unread.tolist() == extract_line_features(groups, None).tolist()
    assert unread.tolist() != extract_line_features(groups, KnownLines(SOURCE.path)).tolist()


def test_lines_are_weighed_that_no_candidate_proposes():
    voted, unvoted = select_lines([make_candidate("go()", **GOOD)], KnownLines(SOURCE.path))
    assert (voted.line, voted.symbols, len(voted.candidates)) == ("go()", (6, 8), 1)  # one line, blanks aside
    assert (unvoted.line, unvoted.symbols, unvoted.candidates) == ("more()", (10, 12), ())
    ranked = rank_lines([], KnownLines(SOURCE.path))
    assert {line.line for line in ranked} == {"go ()", "more()"}
    assert 0 < sum(line.probability for line in ranked) < 1
