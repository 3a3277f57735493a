"""Claims about clones made by edits: they parse, they are what their type says, and those of Python do the same."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from codekin.code.parsing import encode_source, load_syntax, parse_source
from codekin.evaluation.mutations import (
    FULLY_EDITED_LANGUAGES,
    LANGUAGES,
    CloneType,
    make_mutant,
    make_single_edit_mutants,
)
from codekin.evaluation.mutations.similarity import abstract_tokens, compute_token_ratio, list_tokens
from codekin.evaluation.mutations.source import parse_function

from .functions import EXAMPLES, PYTHON

PRESERVING_TYPES = (CloneType.LAYOUT, CloneType.RENAMED, CloneType.EDITED, CloneType.REWRITTEN)


def run(text: str, name: str, calls: list[tuple[Any, ...]]) -> list[Any]:
    """What the one function of `text` answers to each call."""
    scope: dict[str, Any] = {"print": lambda *_: None}
    exec(compile(text, name, "exec"), scope)
    function: Callable[..., Any] = next(value for key, value in scope.items() if key not in ("print", "__builtins__"))
    return [function(*call) for call in calls]


def parses(text: str, language: str) -> bool:
    syntax = load_syntax(language)
    assert syntax is not None
    for before, after in (("", ""), ("class A {\n", "\n}"), ("<?php class A {\n", "\n}")):
        root = parse_source(encode_source((before + text + after).split("\n")), syntax)
        if root is not None and not root.has_error:
            return True
    return False


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_every_edit_gives_a_text_that_parses(language: str, text: str) -> None:
    mutant = [mutant for seed in range(3) for mutant in make_single_edit_mutants(text, language, Random(seed)).items()]
    assert mutant
    for name, after in mutant:
        assert after != text
        assert parses(after, language), f"{name}\n{after}"


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_every_type_that_a_language_has_is_made_of_an_ordinary_function(language: str, text: str) -> None:
    types = [CloneType.LAYOUT, CloneType.RENAMED, *([CloneType.EDITED] if language in FULLY_EDITED_LANGUAGES else [])]
    for type_ in types:
        clones = [make_mutant(text, language, type_, Random(seed)) for seed in range(3)]
        assert any(clone is not None and parses(clone.text, language) for clone in clones)


@pytest.mark.parametrize("name", PYTHON)
def test_an_edited_function_of_python_does_what_it_did(name: str) -> None:
    """Every edit alone, and every mix of them, that claims to keep the meaning; the calls say whether it does."""
    text, calls = PYTHON[name]
    before = run(text, name, calls)
    completed = set()
    for seed in range(6):
        for edit, after in make_single_edit_mutants(text, "python", Random(seed)).items():
            if edit not in ("literals changed", "statement removed"):
                assert run(after, edit, calls) == before, f"{edit}\n{after}"
                completed.add(edit)
        for type_ in PRESERVING_TYPES:
            mutant = make_mutant(text, "python", type_, Random(seed))
            if mutant is not None and mutant.keeps_meaning:
                assert run(mutant.text, name, calls) == before, f"{mutant.edits}\n{mutant.text}"
    assert {"locals renamed", "function renamed", "indentation", "statement added"} <= completed


def test_together_the_examples_of_python_show_every_edit() -> None:
    completed = {
        edit
        for text, _ in PYTHON.values()
        for seed in range(6)
        for edit in make_single_edit_mutants(text, "python", Random(seed))
    }
    assert completed >= {
        "comments removed", "comments added", "blank lines", "indentation", "lists wrapped", "quotes",
        "locals renamed", "function renamed", "literals changed",
        "statement added", "statement removed", "statements swapped", "variable extracted", "variable inlined",
        "condition inverted", "for made while", "while made other",
        "comprehension unrolled", "loop comprehended", "ternary branched", "guard given else", "iteration by hand",
    }  # fmt: skip


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_a_clone_of_the_first_type_has_the_same_tokens(language: str, text: str) -> None:
    for seed in range(3):
        mutant = make_mutant(text, language, CloneType.LAYOUT, Random(seed))
        if mutant is not None:
            assert list_tokens(mutant.text, language) == list_tokens(text, language), mutant.edits


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_a_clone_of_the_second_type_has_other_names_and_the_same_shape(language: str, text: str) -> None:
    for seed in range(3):
        mutant = make_mutant(text, language, CloneType.RENAMED, Random(seed))
        assert mutant is not None
        assert abstract_tokens(mutant.text, language) == abstract_tokens(text, language), mutant.text
        assert list_tokens(mutant.text, language) != list_tokens(text, language)


def test_names_that_are_not_the_functions_own_stay() -> None:
    text = """def publish(self, topic, **options):
    global sent
    sent = self.client.send(topic, retries=options, topic=topic)
    return sent.topic
"""
    mutant = make_single_edit_mutants(text, "python", Random(1))["locals renamed"]
    for kept in ("self.client.send(", "retries=", ", topic=", "sent.topic", "global sent"):
        assert kept in mutant
    assert "options" not in mutant


def test_a_shorthand_property_keeps_its_name() -> None:
    mutant = make_single_edit_mutants(
        "function f(a, b) {\n  const c = a;\n  return { b, c: c };\n}", "javascript", Random(1)
    )
    assert "{ b, c: " in mutant["locals renamed"]


def test_the_same_seed_gives_the_same_clone() -> None:
    for language, text in EXAMPLES:
        for type_ in CloneType:
            assert make_mutant(text, language, type_, Random(5)) == make_mutant(text, language, type_, Random(5))


def test_what_does_not_parse_has_no_clones() -> None:
    assert make_mutant("def f(:\n  retur", "python", CloneType.LAYOUT, Random(1)) is None
    assert make_mutant("x = 1", "python", CloneType.LAYOUT, Random(1)) is None
    assert make_mutant("anything", "cobol", CloneType.LAYOUT, Random(1)) is None
    assert parse_function("def f(:", "python") is None


def test_every_language_with_a_form_has_an_example() -> None:
    assert {language for language, _ in EXAMPLES} | {"tsx"} == LANGUAGES


def test_the_token_ratio_is_one_for_the_same_tokens_and_zero_for_none() -> None:
    assert compute_token_ratio("a = b(1)", "a=b( 1 )") == 1
    assert compute_token_ratio("a b", "c d") == 0
