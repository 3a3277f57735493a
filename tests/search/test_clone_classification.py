"""Kinship: what is claimed of two texts is true of them, and can be read off them."""

import random
import re
from pathlib import Path

import pytest

from codekin.code.extract import extract_snippets
from codekin.code.languages import detect_language
from codekin.code.lexicon import LEXICONS
from codekin.search.clone_classification import TokenProfile, classify
from codekin.types import Kinship

TOTAL = """\
def total_price(orders, rate):
    \"\"\"The price of all orders with tax.\"\"\"
    total = 0
    for order in orders:
        if order.cancelled:
            continue
        total += order.price * order.quantity
    log("priced", total)
    return round(total * (1 + rate), 2)
"""
SAMPLES = [
    (snippet.text, snippet.language, snippet.name)
    for path in sorted((Path(__file__).parents[1] / "code" / "samples").rglob("*"))
    if path.is_file() and (language := detect_language(path)) in LEXICONS
    for snippet in extract_snippets(path.read_text("utf-8"), language)
]


def told(text: str, candidate_text: str, name: str = "", language: str = "python"):
    return classify(TokenProfile(text, language), TokenProfile(candidate_text, language, name))


def test_a_text_is_identical_to_itself() -> None:
    for text, language, name in SAMPLES:
        classification = told(text, text, name, language)
        assert (classification.kinship, classification.why) == (Kinship.IDENTICAL, "identical text")


def test_comments_and_formatting_leave_code_identical() -> None:
    laid_out = TOTAL.replace("    ", "  ").replace('("priced"', "(  # told\n 'priced'")
    laid_out = laid_out.replace('"""The price of all orders with tax."""', "# Tax comes last.")
    classification = told(TOTAL, laid_out)
    assert (classification.kinship, classification.why) == (
        Kinship.IDENTICAL,
        "identical but for formatting or comments",
    )
    assert told(TOTAL, TOTAL.replace(" = 0", "=0")).why == "identical but for formatting"


def test_new_names_are_told_but_for_the_definition_s_own() -> None:
    renamed = TOTAL.replace("total_price", "sum_up").replace("orders", "items").replace("rate", "tax")
    classification = told(TOTAL, renamed, "sum_up")
    assert (classification.kinship, classification.share) == (Kinship.RENAMED, 1.0)
    assert classification.why == "same structure, 2 identifiers renamed: orders→items, rate→tax"
    only = told(TOTAL, TOTAL.replace("total_price", "sum_up"), "sum_up")
    assert only.why == "same structure, another name"


def test_twins_share_names_too_unless_their_structure_is_the_same() -> None:
    names = ("total_price", "orders", "rate", "total", "order", "cancelled", "price", "quantity", "log", "round")
    renamed_text = TOTAL
    for number, name in enumerate(names):
        renamed_text = re.sub(rf"\b{name}\b", f"other_{number}", renamed_text)
    assert told(TOTAL, renamed_text).is_near_duplicate  # renamed, and nothing else
    longer = "    check(orders, rate)\n"
    assert told(TOTAL, TOTAL + longer).is_near_duplicate
    foreign = told(TOTAL, (renamed_text + longer.replace("orders", "rows")).replace('"priced"', '"b"'))
    assert foreign.kinship is Kinship.EDITED
    assert not foreign.is_near_duplicate


def test_new_literals_are_told() -> None:
    classification = told(TOTAL, TOTAL.replace('"priced"', '"summed"').replace(", 2)", ", 3)"))
    assert classification.kinship is Kinship.RENAMED
    assert classification.why == 'same structure, 2 literals changed: "priced"→"summed", 2→3'


def test_names_that_were_exchanged_inconsistently_are_no_renaming() -> None:
    assert told(TOTAL, TOTAL.replace("total += order", "orders += order")).kinship is Kinship.EDITED


def test_an_edit_is_told_with_the_share_of_the_structure_and_the_names() -> None:
    edited = TOTAL.replace('    log("priced", total)\n', "").replace("rate", "tax")
    classification = told(TOTAL, edited)
    assert classification.kinship is Kinship.EDITED
    assert (
        classification.why == f"{round(100 * classification.share)}% of the structure, 1 identifier renamed: rate→tax"
    )
    assert 0.7 < classification.share < 1


@pytest.mark.parametrize(
    ("first_text", "second_text"),
    [
        ("def name(self):\n    return self._name", "def size(self):\n    return self._size"),
        ("def __init__(self, a):\n    self.a = a\n", "def __init__(self, path):\n    self.path = path\n"),
    ],
)
def test_small_functions_built_alike_are_not_called_kin(first_text: str, second_text: str) -> None:
    assert told(first_text, second_text) is None


def test_code_in_no_known_language_is_identical_or_nothing() -> None:
    assert classify(TokenProfile(TOTAL, None), TokenProfile(TOTAL, "python")).kinship is Kinship.IDENTICAL
    assert classify(TokenProfile(TOTAL, None), TokenProfile(TOTAL + "\n# more", "python")) is None


def test_kinship_is_mutual() -> None:
    rng = random.Random(7)
    for _ in range(300):
        (first_text, first_language, _), (second_text, second_language, _) = rng.choice(SAMPLES), rng.choice(SAMPLES)
        forwards = classify(TokenProfile(first_text, first_language), TokenProfile(second_text, second_language))
        backwards = classify(TokenProfile(second_text, second_language), TokenProfile(first_text, first_language))
        assert (forwards and (forwards.kinship, forwards.share)) == (backwards and (backwards.kinship, backwards.share))


@pytest.mark.parametrize(
    ("file_name", "name", "language"),
    [("app.vue", "loadUsers", "typescript"), ("progress.svelte", "advance", "javascript")],
)
def test_a_clone_inside_a_component_is_renamed_though_the_module_exports_it(
    file_name: str, name: str, language: str
) -> None:
    component = (Path(__file__).parents[1] / "code" / "samples" / file_name).read_text("utf-8")
    component_language = file_name.rpartition(".")[2]
    inside = next(snippet for snippet in extract_snippets(component, component_language) if snippet.name == name)
    exported = "export " + inside.text.replace(name, "start").replace("response", "answer").replace("remaining", "rest")
    inside_profile = TokenProfile(inside.text, component_language)
    assert classify(TokenProfile(exported, language), inside_profile).kinship is Kinship.RENAMED
    same = classify(TokenProfile("export " + inside.text, language), inside_profile)
    assert (same.kinship, same.why) == (Kinship.EDITED, "identical except for `export`")
