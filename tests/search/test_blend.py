"""Claims about two models' answers made one: nothing is lost, the scale stays the light one's, agreement decides."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.blend import blend_rankings

COSINES = st.integers(-100, 100).map(lambda percent: percent / 100)
LIGHT = st.dictionaries(st.integers(0, 50), COSINES)


@given(LIGHT, st.dictionaries(st.integers(0, 50), COSINES))
def test_nothing_is_lost_and_the_scores_are_the_light_models(light: dict[int, float], heavy: dict[int, float]) -> None:
    blended = blend_rankings(light, heavy)
    assert {candidate.content for candidate in blended} == light.keys()
    assert sorted(candidate.score for candidate in blended) == sorted(light.values())
    assert [candidate.score for candidate in blended] == sorted(light.values(), reverse=True)


@given(LIGHT, st.dictionaries(st.integers(0, 50), COSINES))
def test_what_the_heavy_model_has_not_read_keeps_its_score(light: dict[int, float], heavy: dict[int, float]) -> None:
    scores = {candidate.content: candidate.score for candidate in blend_rankings(light, heavy)}
    assert all(scores[content] == light[content] for content in light.keys() - heavy.keys())


@given(LIGHT)
def test_models_that_agree_change_nothing(light: dict[int, float]) -> None:
    alone = blend_rankings(light, {})
    assert [candidate.score for candidate in blend_rankings(light, light)] == [candidate.score for candidate in alone]
    assert blend_rankings(light, dict.fromkeys(light, 0.5)) == alone


def test_what_the_heavy_model_prefers_by_far_comes_first() -> None:
    blended = blend_rankings({1: 0.51, 2: 0.50, 3: 0.2, 4: 0.1}, {1: 0.1, 2: 0.9, 3: 0.1, 4: 0.1})
    assert [candidate.content for candidate in blended] == [2, 1, 3, 4]
    assert [candidate.score for candidate in blended] == [0.51, 0.50, 0.2, 0.1]
