"""What a question in words asks for, and how well names answer it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.words import split_words
from codekin.search.query_terms import QueryTerms, word_similarity

COMMON = {"request": 400, "the": 900, "handle": 120, "produce": 9}


def asked(question: str) -> QueryTerms:
    return QueryTerms(question, lambda word: COMMON.get(word, 0), 1000)


@pytest.mark.parametrize(
    ("first_word", "second_word"),
    [
        ("route", "routes"),
        ("config", "configuration"),
        ("auth", "authentication"),
        ("serialize", "serializer"),
        ("validate", "validation"),
        ("router", "routing"),
        ("parsing", "parser"),
        ("caching", "cache"),
        ("logger", "logging"),
    ],
)
def test_a_word_and_its_abbreviation_or_inflection_are_related(first_word: str, second_word: str):
    assert 0 < word_similarity(first_word, second_word) == word_similarity(second_word, first_word) < 1


@pytest.mark.parametrize(
    ("first_word", "second_word"),
    [("cat", "dog"), ("form", "from"), ("is", "issue"), ("state", "static"), ("user", "using")],
)
def test_words_that_only_look_alike_are_not_related(first_word: str, second_word: str):
    assert word_similarity(first_word, second_word) == 0


def test_a_name_that_says_what_is_asked_and_no_more_answers_best():
    question = asked("how to handle the produce request")
    best = question.match_name(split_words("handleProduceRequest"))
    assert best.cover == best.precision == 1
    for name in ("handleRequest", "ProduceRequest", "handleProduceRequestWithTimeout", "request", "close"):
        assert question.match_name(split_words(name)).strength < best.strength


def test_a_rare_word_says_more_than_a_common_one():
    question = asked("produce request")
    assert question.match_name(["produce"]).cover > question.match_name(["request"]).cover


def test_what_a_question_says_first_counts_most_of_equally_rare_words():
    question = asked("mutex and semaphore for synchronizing coroutines")
    covers = [question.match_name([word]).cover for word in ("mutex", "semaphore", "synchronizing", "coroutines")]
    assert covers == sorted(covers, reverse=True)
    assert covers[0] > covers[-1] > 0


def test_the_last_words_of_a_long_question_still_count():
    words = [4 * letter for letter in "abcdefghijklmnopqrstuvwxyz"]
    question = asked(" ".join(words))
    assert question.match_name([words[-1]]).cover == pytest.approx(0.3 * question.match_name([words[0]]).cover)


def test_where_a_word_stands_says_nothing_about_how_much_is_known():
    assert asked("handle elephants").known_share == asked("elephants handle").known_share


def test_neighbouring_words_ask_for_a_name_that_joins_them():
    question = asked("thread pool size")
    assert question.match_name(["threadpool"]).precision == 1
    assert {"threadpool", "thread_pool"} <= set(question.symbols)


def test_idle_words_ask_for_nothing_unless_they_are_all_there_is():
    assert asked("how does the request handle it").words == ["request", "handle"]
    assert asked("to be or not to be").words == ["to", "be", "or", "not"]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Store.open", ("Store", "open")),
        ("std::vector", ("std", "vector")),
        ("open()", ("open",)),
        ("append(", ("append",)),
        ("empty?", ("empty",)),
        ("open the store", ()),
        ("???", ()),
    ],
)
def test_a_question_that_is_nothing_but_a_name_is_known_as_one(question: str, name: tuple[str, ...]):
    assert asked(question).name == name


def test_of_a_name_the_whole_comes_before_other_case_and_that_before_a_part():
    question = asked("Store.open")
    whole_match, cased, part, other_match = (
        question.match_single_name(name, qualified)
        for name, qualified in [
            ("open", "index.Store.open"),
            ("Open", "store.Open"),
            ("reopen", "Store.reopen"),
            ("close", "Store.close"),
        ]
    )
    assert 1 == whole_match > cased > part > other_match == 0


def test_words_of_which_the_workspace_knows_a_form_are_known():
    assert asked("handling requests").known_share == 1
    assert asked("purple elephants").known_share == 0
    assert 0 < asked("handling elephants").known_share < 1


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=6))
def test_any_question_has_bounded_answers(question: str, parts: list[str]):
    query_terms = asked(question)
    match = query_terms.match_name(parts)
    assert 0 <= match.cover <= 1 + 1e-9
    assert 0 <= match.precision <= 1
    assert 0 <= match.strength <= 2 + 1e-9
    assert 0 <= query_terms.known_share <= 1 + 1e-9
    assert query_terms.match_name(list(dict.fromkeys(split_words(question)))).cover <= 1 + 1e-9


@given(st.text(max_size=60), st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=6))
def test_names_match_a_question_the_same_together_and_alone(question: str, names: list[list[str]]):
    query_terms = asked(question)
    together = query_terms.match_names(names)
    alone = [query_terms.match_name(parts) for parts in names]
    assert together.cover.tolist() == pytest.approx([match.cover for match in alone])
    assert together.precision.tolist() == pytest.approx([match.precision for match in alone])
    assert together.strength.tolist() == pytest.approx([match.strength for match in alone])


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("choose which file gets merged by nextLevel", "nextLevel"),
        ("choose which file gets merged by next_level", "next_level"),
        ("choose which file gets merged by HTTPMerger", "HTTPMerger"),
        ("choose which file the next function merges", "next"),
        ("choose which file the class Merger merges", "Merger"),
        ("choose which file is merged by `Level.next`", "next"),
        ("choose which file is merged by Level.next()", "next"),
        ("where is next defined", "next"),
        ("next", "next"),
    ],
)
def test_an_identifier_and_what_is_called_a_function_are_meant_as_names(question: str, name: str):
    assert asked(question).match_definition(name) == 1
    assert asked(question).match_definition(name.swapcase()) == 0.5


def test_a_plain_word_is_meant_as_a_name_as_far_as_it_is_the_question():
    question = asked("choose which level gets merged next")
    assert 0 < question.match_definition("next") < 0.5
    assert question.match_definition("Next") == question.match_definition("next") / 2
    assert question.match_definition("merge") == 0
    assert asked("merge next").match_definition("next") > question.match_definition("next")
    assert asked("produce request").match_definition("produce") > asked("produce request").match_definition("request")


@given(st.text())
def test_no_name_is_surer_than_surely_meant(question: str):
    terms = asked(question)
    assert all(0 <= terms.match_definition(token) <= 1 for token in terms.tokens)
