"""The features of places: names are split into the same words, however they are cached."""

from hypothesis import given
from hypothesis import strategies as st

from codekin.search.rank_features import list_qualified_words, list_words

PARTS = st.text(st.sampled_from("aB_9.:\\ é\u0301"), max_size=8)


@given(PARTS, PARTS)
def test_a_qualified_name_has_the_words_of_its_parts_in_order(class_name: str, name: str):
    for qualified_name in (class_name + name, class_name):
        assert list_qualified_words(qualified_name, name) == list_words(qualified_name)
