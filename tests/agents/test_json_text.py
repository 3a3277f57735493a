"""Edits of JSON with comments: what is set is read, and all else stays as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.agents.install.json_text import append_item, parse_json_text, read_value, remove_value, set_value
from codekin.errors import QueryError

from .json_texts import JSON_TEXTS, JSON_VALUES


@given(JSON_TEXTS, JSON_VALUES)
def test_a_value_that_is_set_is_read_and_all_others_stay(text: str, value: Any):
    changed = set_value(text, ("mcpServers", "codekin"), value)
    assert read_value(changed, ("mcpServers", "codekin")) == value
    others = read_value(changed, ())
    others.pop("mcpServers")
    assert others == read_value(text, ())


@given(JSON_TEXTS, JSON_VALUES)
def test_a_member_that_is_removed_leaves_the_text_that_was(text: str, value: Any):
    changed = set_value(text, ("new",), value) if "new" not in read_value(text, ()) else text
    removed = remove_value(changed, ("new",))
    assert read_value(removed, ()) == {key: it for key, it in read_value(text, ()).items() if key != "new"}


@given(JSON_TEXTS, st.lists(JSON_VALUES, min_size=1, max_size=4))
def test_items_come_in_the_order_in_which_they_are_appended(text: str, items: list[Any]):
    for item in items:
        text = append_item(text, ("hooks", "list"), item)
    assert read_value(text, ("hooks", "list")) == items


@given(st.text(st.sampled_from('{}[]",:/* \n\\ab1'), max_size=30))
def test_any_text_is_parsed_or_refused(text: str):
    try:
        parse_json_text(text)
    except QueryError as error:
        assert "Fix the file" in str(error)


@pytest.mark.parametrize("text", ["{" * 500, "[" * 100_000, '{"a": }', "{,}", '{"a" 1}', "nul", '"\\q"x'])
def test_hostile_texts_are_refused(text: str):
    with pytest.raises(QueryError):
        parse_json_text(text)
