"""Code that agrees with the cursor's in all but names and literals says what comes next, with the cursor's names."""

from pathlib import Path

import numpy as np
import pytest

from codekin.completion.cursor_line import read_near_code
from codekin.completion.document_tokens import DocumentTokens
from codekin.completion.line_tokens import BOUNDARY, TokenVocabulary, read_line_tokens
from codekin.completion.ngram import NgramModel
from codekin.completion.parallel_code import ParallelCode, ParallelFinder
from codekin.completion.suffix_index import build_suffix_index
from codekin.completion.word_substitution import substitute_words
from codekin.completion.workspace_tokens import TokenSnapshot

SIBLING = "def get_user(client, user_id):\n    user = client.fetch_user(user_id)\n    check(user)\n    return user\n"
CALLED = "client.fetch_order\n"  # the name is known
ABOVE = "def get_order(client, order_id):\n    order = client.fetch_order(order_id)\n"


def read_document(vocabulary: TokenVocabulary, before: str, after: str = "") -> DocumentTokens:
    above, below = (read_line_tokens(text, "python", vocabulary) for text in (before, after))
    assert above is not None and below is not None
    return DocumentTokens(above, below, vocabulary, 0)


def read_code(vocabulary: TokenVocabulary, text: str) -> ParallelCode:
    tokens = read_line_tokens(text, "python", vocabulary)
    assert tokens is not None
    symbols = np.concatenate((np.array([BOUNDARY * 2], np.int32), tokens.symbols))
    return ParallelCode(symbols, vocabulary, is_document=False, origins=np.arange(len(symbols)))


def write_predicted(before: str, count: int) -> str:
    """Each token is the one that the likest parallel code predicts."""
    vocabulary = TokenVocabulary()
    code = read_code(vocabulary, SIBLING + CALLED)
    context = read_document(vocabulary, before).make_context()
    finder = ParallelFinder([code], lambda token: token in code.symbols >> 1)
    words = []
    for _ in range(count):
        token = finder.find_parallels(context)[0].symbol >> 1
        words.append(vocabulary.texts[token])
        context = context.extended(token, vocabulary)
    return " ".join(words)


def test_names_are_those_that_stand_in_their_places_at_the_cursor():
    assert write_predicted(ABOVE + "    ", 4) == "check ( order )"
    assert write_predicted(ABOVE + "    check(order)\n    ", 2) == "return order"


def test_words_that_differ_in_other_names_are_replaced_in_a_member():
    assert write_predicted("def get_order(client, order_id):\n    order = client.", 4) == "fetch_order ( order_id )"


@pytest.mark.parametrize("excluded, expected", [([], "fetch_order"), ([1], "fetch_user")])
def test_no_name_is_made_that_only_the_documents_own_stale_copy_has(excluded: list[int], expected: str):
    vocabulary = TokenVocabulary()
    sibling, copy = (read_code(vocabulary, text) for text in (SIBLING, CALLED))
    document = read_document(vocabulary, "def get_order(client, order_id):\n    order = client.")
    model = NgramModel(document, build_suffix_index([sibling.symbols, copy.symbols]), excluded, sibling)
    candidates = {vocabulary.texts[symbol >> 1] for symbol, _ in model.predict(document.make_context())}
    assert candidates & {"fetch_order"} == {expected} - {"fetch_user"}


def test_code_of_another_shape_predicts_nothing():
    vocabulary = TokenVocabulary()
    context = read_document(vocabulary, "x = [1 + 2] * 3\n").make_context()
    assert ParallelFinder([read_code(vocabulary, SIBLING)], bool).find_parallels(context) == []


def test_what_is_predicted_by_parallel_code_alone_has_its_source():
    vocabulary = TokenVocabulary()
    source = read_code(vocabulary, SIBLING)
    document = read_document(vocabulary, ABOVE + "    check(")
    index = build_suffix_index([source.symbols])
    symbol = vocabulary["order"] * 2
    found = NgramModel(document, index, [], source).find_source(document.make_context(), symbol)
    assert found is not None and not found.is_in_document
    assert index.symbols[found.position] >> 1 == vocabulary["user"]
    assert index.symbols[found.position - 2] >> 1 == vocabulary["check"]


@pytest.mark.parametrize(
    "text, former, new, expected",
    [
        ("fetch_user", "user_id", "order_id", "fetch_order"),
        ("UserStore", "get_user", "get_order", "OrderStore"),
        ("MAX_USER", "user", "order", "MAX_ORDER"),
        ("'/user/1'", "create_user", "create_purchase_order", "'/purchase_order/1'"),
        ("users", "user", "order", None),
        ("fetch", "user", "order", None),
        ("user", "user", "user", None),
        ("user", "user", "", None),
    ],
)
def test_words_are_replaced_as_in_another_name(text: str, former: str, new: str, expected: str | None):
    assert substitute_words(text, former, new) == expected


def test_the_nearest_documents_of_the_same_suffix_are_read_first_without_those_excluded():
    vocabulary = TokenVocabulary()
    paths = tuple(map(Path, ("/w/a/far.py", "/w/b/near.py", "/w/b/other.go", "/w/b/own.py")))
    documents = [read_code(vocabulary, f"{path.stem} = 1\n").symbols for path in paths]
    index = build_suffix_index(documents)
    snapshot = TokenSnapshot(vocabulary, index, paths, (b"",) * 4, (np.zeros(1, np.int32),) * 4)
    code = read_near_code(snapshot, paths[3], [3])
    texts = [vocabulary.texts[symbol >> 1] for symbol in code.symbols.tolist()]
    assert [text for text in texts if text in ("far", "near", "other", "own")] == ["near", "far", "other"]
    assert (index.symbols[code.origins] == code.symbols).all()
    half = snapshot.find_nearest(paths[3], [3], len(documents[1]))
    assert len(half) == len(documents[1])
