"""How text is split into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.words import MAX_TOKEN_CHARACTERS, find_compound_identifiers, split_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camelCase", "camel case"),
        ("snake_case __init__", "snake case init"),
        ("HTTPServer parseURLsFrom userIDs", "http server parse urls from user ids"),
        ("utf8 sha256 x2y", "utf 8 sha 256 x 2 y"),
        ("SCREAMING_CASE", "screaming case"),
        ("a.b->c(d)", "a b c d"),
        ("größeWert ÄpfelBaum", "größe wert äpfel baum"),
        ("ПриветМир", "привет мир"),
        ("计算总和", "计算 算总 总和"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("don't", "don t"),
        ("_ __ $ ()", ""),
    ],
)
def test_identifiers_are_split_where_their_authors_joined_them(text: str, expected: str) -> None:
    assert split_words(text) == expected.split()


def test_encoded_data_is_no_word() -> None:
    assert split_words("x" * (MAX_TOKEN_CHARACTERS + 1)) == []


def test_compound_identifiers_are_kept_whole_however_they_are_joined() -> None:
    assert find_compound_identifiers("getUserName get_user_name GetUserName name") == ["getusername"] * 3


@given(st.text())
def test_words_are_lower_case_and_without_blanks(text: str) -> None:
    for word in split_words(text):
        assert word
        assert not any(character.isspace() for character in word)
        assert word == word.lower()
