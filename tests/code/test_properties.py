"""What holds for every text in every language."""

import re

from hypothesis import given, settings

from codekin.code.extract import MAX_TEXT, extract_snippets, find_snippet, split_lines, to_canonical_text
from codekin.code.lines import is_bare
from codekin.code.words import split_words
from codekin.types import Snippet

from .strategies import texts


def _checked(language: str, text: str) -> list[Snippet]:
    lines, snippets, end = split_lines(text), extract_snippets(text, language), 0
    for snippet in snippets:
        assert end <= snippet.span.start < snippet.span.end <= len(lines), "in order, disjoint, in range"
        end = snippet.span.end
        assert snippet.span.start <= snippet.name_line < end
        assert snippet.text == to_canonical_text(lines[snippet.span.start : end])
        assert len(snippet.text) <= MAX_TEXT
        assert snippet.language == language
        for snippet_text in (snippet.text, snippet.doc, snippet.name, snippet.qualified_name):
            snippet_text.encode()
    return snippets


@settings(max_examples=400)
@given(texts)
def test_spans_are_in_range_disjoint_and_ordered_and_texts_canonical(case: tuple[str, str]) -> None:
    _checked(*case)


@settings(max_examples=400)
@given(texts)
def test_every_line_with_a_word_is_in_a_snippet_unless_it_only_divides(case: tuple[str, str]) -> None:
    language, text = case
    covered = {
        line for snippet in extract_snippets(text, language) for line in range(snippet.span.start, snippet.span.end)
    }
    for number, line in enumerate(split_lines(text)):
        assert number in covered or is_bare(line) or not re.search(r"\w", line)


@settings(max_examples=100)
@given(texts)
def test_extraction_depends_on_nothing_but_its_arguments(case: tuple[str, str]) -> None:
    language, text = case
    assert extract_snippets(text, language) == extract_snippets(text, language)


@settings(max_examples=100)
@given(texts)
def test_every_line_of_a_document_belongs_to_a_snippet_where_there_is_one(case: tuple[str, str]) -> None:
    language, text = case
    snippets = extract_snippets(text, language)
    for line in range(len(split_lines(text))):
        snippet_found = find_snippet(snippets, line)
        assert (snippet_found is None) == (not snippets)
        inside = [snippet for snippet in snippets if snippet.span.start <= line < snippet.span.end]
        assert not inside or snippet_found == inside[0]


@settings(max_examples=100)
@given(texts)
def test_words_of_every_snippet_can_be_read(case: tuple[str, str]) -> None:
    language, text = case
    for snippet in extract_snippets(text, language):
        assert all(word.islower() or word == word.lower() for word in split_words(snippet.text))
