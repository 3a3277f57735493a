"""Completion is measured on functions that are left out, with their near duplicates, beside two plain ways to copy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.parsing import encode_source, load_syntax, parse_source
from codekin.evaluation.completion import (
    ShownSuggestion,
    compute_precision,
    compute_similarity,
    format_table,
    measure_completion,
)
from codekin.evaluation.copying import LongestSuffix, suggest_by_bm25
from codekin.evaluation.hold_out import CutCorpus
from codekin.evaluation.weight_fitting import fit_weights
from codekin.settings import IndexSettings, Settings
from codekin.workspace.workspace import Workspace


@pytest.fixture(name="corpus")
def _corpus(shop: Path) -> CutCorpus:
    return CutCorpus(Workspace([shop], IndexSettings()))


def test_a_cut_document_still_closes_the_blocks_in_which_it_is_cut(corpus: CutCorpus):
    for cut in corpus.choose_cuts(100, 3):
        assert cut.text.split("\n")[cut.row].strip() == ""
        assert cut.truth[0].strip()
        assert not parse_source(encode_source(cut.text.split("\n")), load_syntax("go")).has_error


def test_a_function_and_its_near_duplicates_are_left_out(corpus: CutCorpus):
    for cut in corpus.choose_cuts(100, 3):
        left_out = {corpus.snippets[number].path.name for number in cut.excluded}
        assert cut.path.name in left_out
        assert ("twin.go" in left_out) == (cut.path.name in ("order.go", "twin.go"))
        suffix = LongestSuffix(corpus).suggest(cut)
        assert suffix is not None
        assert suffix.score >= 1


def test_the_same_seed_cuts_the_same(corpus: CutCorpus):
    assert list(corpus.choose_cuts(4, 9)) == list(corpus.choose_cuts(4, 9))
    assert len(list(corpus.choose_cuts(4, 9))) == 4


def test_the_baselines_copy_statements(corpus: CutCorpus):
    cuts = list(corpus.choose_cuts(6, 1))
    for cut, copy in zip(cuts, suggest_by_bm25(corpus, cuts), strict=True):
        assert copy.lines[0].strip()
        assert copy.score > 0
        suffix = LongestSuffix(corpus).suggest(cut)
        assert suffix is not None
        assert suffix.lines[0].strip()


def test_a_repository_is_measured_and_told(shop: Path):
    measured = measure_completion(shop, Settings(), 6)
    assert len(measured.codekin_suggestions) == len(measured.suffix) == len(measured.bm25) == len(measured.seconds) == 6
    assert measured.unclean == 0
    assert any(suggestion and suggestion.first_line for suggestion in measured.codekin_suggestions)
    assert f"| {shop.name} |" in format_table([measured])


@given(st.text(max_size=30), st.text(max_size=30))
def test_similarity_is_one_for_equal_texts_only_and_the_same_both_ways(first_text: str, second_text: str):
    assert compute_similarity(first_text, first_text) == 1
    assert compute_similarity(first_text, second_text) == compute_similarity(second_text, first_text)
    assert 0 <= compute_similarity(first_text, second_text) <= 1
    assert (compute_similarity(first_text, second_text) == 1) == (first_text == second_text)


def test_similarity_is_levenshtein_s():
    assert compute_similarity("kitten", "sitting") == 1 - 3 / 7


def test_precision_counts_the_surest_and_silence_as_no_answer():
    right, wrong = ShownSuggestion(0.9, True, 1, 1, 1), ShownSuggestion(0.5, False, 0, 0, 1)
    assert compute_precision([right, wrong, None, None], 0.25) == 1
    assert compute_precision([right, wrong, None, None], 0.5) == 0.5
    assert compute_precision([right, None, None, None], 0.5) == 0.5


def test_fitting_learns_what_tells_right_candidates(corpus: CutCorpus):
    from codekin.completion.features import FEATURES

    good = {name: float(name == "aligned") for name in FEATURES}
    bad = dict.fromkeys(FEATURES, 0.0)
    weights = fit_weights([((good, True), (bad, False))] * 20)
    assert weights["aligned"] > 0
    assert weights.keys() == {*FEATURES, "bias"}
