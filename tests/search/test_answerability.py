"""Whether a workspace answers a question: more evidence makes it likelier, more words and a larger workspace do not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.answerability import MIN_ANSWER_LOGIT, AnswerEvidence

share = st.floats(0, 1)
evidence = st.builds(
    AnswerEvidence,
    score=st.floats(-30, 40),
    known_share=share,
    word_count=st.integers(0, 2_000),
    known_word_count=st.integers(0, 2_000),
    cosine=share,
    share=share,
    covered=share,
    said=share,
    content_count=st.integers(0, 10_000_000),
)


@given(evidence, st.sampled_from(["score", "known_share", "known_word_count", "cosine", "share", "covered", "said"]))
def test_more_evidence_never_makes_an_answer_less_likely(any_evidence: AnswerEvidence, name: str):
    more = replace(any_evidence, **{name: getattr(any_evidence, name) + 1})
    assert more.compute_logit() > any_evidence.compute_logit()


@given(evidence, st.sampled_from(["word_count", "content_count"]))
def test_the_same_evidence_of_more_words_or_contents_says_less(any_evidence: AnswerEvidence, name: str):
    more = replace(any_evidence, **{name: 2 * getattr(any_evidence, name) + 1})
    assert more.compute_logit() <= any_evidence.compute_logit()


def test_nothing_known_is_no_answer():
    nothing = AnswerEvidence(0.0, 0.0, 3, 0, 0.1, 0.0, 0.0, 0.0, 1_000)
    everything = AnswerEvidence(10.0, 1.0, 3, 3, 0.6, 0.5, 0.9, 1.0, 1_000)
    assert nothing.compute_logit() < MIN_ANSWER_LOGIT < everything.compute_logit()


def test_one_known_word_and_names_that_begin_like_the_others_are_no_answer():
    bees = AnswerEvidence(4.3, 0.57, 3, 1, 0.17, 0.65, 0.15, 0.2, 491)  # "how do bees make honey" of a web framework
    assert bees.compute_logit() < MIN_ANSWER_LOGIT
    all_known = replace(bees, known_share=1.0, known_word_count=3, cosine=0.3, said=0.7)
    assert all_known.compute_logit() > MIN_ANSWER_LOGIT
