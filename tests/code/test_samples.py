"""Each language's sample is cut into exactly the snippets that stand beside it: `kind start-end qualified_name`."""

from pathlib import Path

import pytest

from codekin.code.components import COMPONENT_LANGUAGES
from codekin.code.extract import extract_snippets, split_lines, to_canonical_text
from codekin.code.grammars import GRAMMARS
from codekin.code.languages import detect_language
from codekin.code.prose import PROSE_LANGUAGES

SAMPLES = sorted(
    path for path in Path(__file__).with_name("samples").iterdir() if path.suffix not in (".snippets", ".pyc", "")
)


def _listed(path: Path) -> list[str]:
    return path.with_name(path.name + ".snippets").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_cut_into_the_snippets_that_are_listed_for_it(path: Path) -> None:
    snippets = extract_snippets(path.read_text(encoding="utf-8"), detect_language(path) or "")
    snippet_lines = [f"{s.kind} {s.span.start}-{s.span.end} {s.qualified_name or '-'}" for s in snippets]
    assert snippet_lines == _listed(path)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_name_stands_on_its_name_line(path: Path) -> None:
    lines = split_lines(path.read_text(encoding="utf-8"))
    for snippet in extract_snippets("\n".join(lines), detect_language(path) or ""):
        assert snippet.span.start <= snippet.name_line < snippet.span.end
        if snippet.kind in ("function", "method", "test") and snippet.name != "default":
            assert snippet.name.removeprefix("operator ").lstrip("~").partition(":")[0] in lines[
                snippet.name_line
            ].replace('"', "")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_line_ends_do_not_change_what_is_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    language = detect_language(path) or ""
    assert extract_snippets(text.replace("\n", "\r\n"), language) == extract_snippets(text, language)
    assert extract_snippets(text.replace("\n", "\r"), language) == extract_snippets(text, language)
    assert [s.span for s in extract_snippets("\ufeff" + text, language)] == [
        s.span for s in extract_snippets(text, language)
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_extracting_the_canonical_text_again_gives_the_same_texts(path: Path) -> None:
    language = detect_language(path) or ""
    snippets = extract_snippets(path.read_text(encoding="utf-8"), language)
    again = extract_snippets(to_canonical_text(split_lines(path.read_text(encoding="utf-8"))), language)
    assert [snippet.text for snippet in again] == [snippet.text for snippet in snippets]


def test_every_grammar_has_a_sample() -> None:
    assert {detect_language(path) for path in SAMPLES} == set(GRAMMARS) | COMPONENT_LANGUAGES | {*PROSE_LANGUAGES}
