"""Tokens carry the white space before them, so that what they predict can be written."""

import re

from hypothesis import given
from hypothesis import strategies as st

from codekin.code.lexicon import LEXICONS
from codekin.completion.line_tokens import (
    IS_CALL,
    IS_CAPITALIZED,
    IS_MEMBER_MARK,
    KIND_BITS,
    LINE_END,
    LONG_LITERAL,
    MARK,
    NAME,
    NUMBER,
    STRING,
    TokenVocabulary,
    read_line_tokens,
    write_symbols,
)

CODE = """\
def total(items, rate=1.5):
    # what it costs

    price = items[0].price * rate  # net
    return f"{price}"
"""


def read(text: str, language: str = "python") -> tuple[list[str], TokenVocabulary]:
    vocabulary = TokenVocabulary()
    tokens = read_line_tokens(text, language, vocabulary)
    assert tokens is not None
    return [vocabulary.texts[symbol >> 1] for symbol in tokens.symbols.tolist()], vocabulary


def test_comments_and_blank_lines_are_left_out():
    texts, _ = read(CODE)
    assert texts == [
        *("def", "total", "(", "items", ",", "rate", "=", "1.5", ")", ":", "\n"),
        *("price", "=", "items", "[", "0", "]", ".", "price", "*", "rate", "\n"),
        *("return", 'f"{price}"', "\n"),
    ]


def test_a_line_is_written_as_it_was():
    vocabulary = TokenVocabulary()
    for line in ("price = items[0].price * rate", "foo(a, b)->c", "if not x: return -1"):
        tokens = read_line_tokens(line, "python", vocabulary)
        assert tokens is not None
        assert write_symbols(tokens.symbols.tolist(), vocabulary) == line


def test_rows_and_offsets_are_those_of_the_text():
    vocabulary = TokenVocabulary()
    tokens = read_line_tokens(CODE, "python", vocabulary)
    assert tokens is not None
    for symbol, row, offset in zip(tokens.symbols.tolist(), tokens.rows.tolist(), tokens.offsets.tolist(), strict=True):
        assert CODE.startswith(vocabulary.texts[symbol >> 1], offset)
        assert row == CODE.count("\n", 0, offset)


def test_long_literals_are_one_token_that_is_never_written():
    vocabulary = TokenVocabulary()
    tokens = read_line_tokens(f'key = "{"x" * 200}"\ndoc = """a\nb"""', "python", vocabulary)
    assert tokens is not None
    assert (tokens.symbols >> 1).tolist().count(LONG_LITERAL) == 2


def test_a_language_without_lexical_rules_has_no_tokens():
    assert read_line_tokens("a b", "brainfuck", TokenVocabulary()) is None


@given(st.text(max_size=300), st.sampled_from(sorted(LEXICONS)))
def test_any_text_has_tokens_in_order(text: str, language: str):
    tokens = read_line_tokens(text, language, TokenVocabulary())
    assert tokens is not None
    offsets = tokens.offsets.tolist()
    assert offsets == sorted(set(offsets))
    is_line_end = tokens.symbols >> 1 == LINE_END
    assert not (is_line_end[1:] & is_line_end[:-1]).any()
    assert len(tokens.symbols) <= len(re.findall(r"\S|\n", text)) + 1


def test_a_line_end_says_whether_the_next_line_of_code_begins_further_left():
    source_text = "def f(a):\n    if a:\n        b()\n\n# a comment\n    c()\n\nd()\n"
    tokens = read_line_tokens(source_text, "python", TokenVocabulary())
    assert tokens is not None
    line_ends = [int(symbol) for symbol in tokens.symbols if symbol >> 1 == LINE_END]
    assert line_ends == [0, 0, 1, 1, 0]


def test_traits_say_what_kind_a_token_is_and_where_it_counts():
    vocabulary = TokenVocabulary()
    tokens = [vocabulary[text] for text in ("name", "Name", "::", "(", "7", '"x"')]
    traits = vocabulary.read_traits()[tokens].tolist()
    assert [trait & KIND_BITS for trait in traits] == [NAME, NAME, MARK, MARK, NUMBER, STRING]
    assert [trait & ~KIND_BITS for trait in traits] == [0, IS_CAPITALIZED, IS_MEMBER_MARK, IS_CALL, 0, 0]
