"""Texts that were never meant to be parsed end soon, and in fewer snippets."""

import random
import threading

import pytest

from codekin.code.extract import MAX_TEXT, extract
from codekin.code.grammars import GRAMMARS
from codekin.code.repeats import without_repeats
from codekin.types import Snippet


def test_a_file_of_50_000_lines() -> None:
    text = "\n".join(f"def f{number}(x):\n    y = x + {number}\n    return y\n" for number in range(12_500))
    snippets = extract(text, "python")
    assert len(snippets) == 12_500
    assert snippets[-1].name == "f12499"


def test_a_minified_file_of_one_line_is_one_bounded_snippet() -> None:
    text = "".join(
        f"function a{number}(b){{return b+1}}var c={{x:function(){{return 2}}}};" for number in range(10_000)
    )
    snippets = extract(text, "javascript")
    assert [(s.span.start, s.span.end, len(s.text)) for s in snippets] == [(0, 1, MAX_TEXT)]


@pytest.mark.parametrize("language", sorted(GRAMMARS))
@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + ")" * 10_000,
        "[\n" * 10_000,
        "{\na\n" * 5_000 + "}\n" * 5_000,
        "a=>" * 7_000,
        "a<" * 7_000,
        "a|" * 7_000,
        '"' * 20_000,
        "`" * 20_000,
        "#" * 20_000,
        "<a " * 7_000,
        "/*" * 10_000,
        "for(;" * 5_000,
    ],
    ids=lambda text: text[:6],
)
def test_endless_repetition_ends(text: str, language: str) -> None:
    assert isinstance(extract(text, language), list)


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_a_binary_file_read_as_latin_1(language: str) -> None:
    text = random.Random(0).randbytes(10_000).decode("latin-1")
    assert extract(text, language)


@pytest.mark.parametrize(
    ("language", "opening", "closing"),
    [
        ("python", "{pad}def f{n}():", ""),
        ("javascript", "function f{n}() {{", "}"),
        ("java", "class A{n} {{", "}"),
        ("cpp", "namespace a{n} {{", "}"),
        ("c", "if (a{n}) {{", "}"),
        ("javascript", "if (a{n}) {{ }} else", ""),
    ],
)
def test_deep_nesting_neither_overflows_nor_loses_lines(language: str, opening: str, closing: str) -> None:
    lines = [opening.format(n=number, pad=" " * number) for number in range(1_000)] + [closing] * 1_000
    snippets = extract("\n".join(lines), language)
    covered = {line for s in snippets for line in range(s.span.start, s.span.end)}
    assert covered >= set(range(1_000))


def test_long_functions_nested_in_long_functions() -> None:
    text = "\n".join(f"function f{number}() {{\n" + "go();\n" * 70 for number in range(100)) + "}\n" * 100
    names = {snippet.name for snippet in extract(text, "javascript")}
    assert {"f0", "f20"} <= names


def test_repetition_is_blanked_in_the_same_length() -> None:
    before, after = b"int a;\nint b[] = {", b"};\nint c;\n"
    source = before + b"0x00,\n" * 500 + after
    blanked = without_repeats(source)
    assert (len(blanked), blanked.count(b"\n")) == (len(source), source.count(b"\n"))
    assert blanked.startswith(before)
    assert blanked.endswith(after)
    assert b"0x00,\n" * 2 not in blanked


def test_threads_extract_at_the_same_time() -> None:
    texts = ["".join(f"def f{number}_{n}():\n    return {n}\n" for n in range(50)) for number in range(8)]
    found: dict[int, list[Snippet]] = {}

    def work(number: int) -> None:
        for _ in range(20):
            found[number] = extract(texts[number], "python")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert [snippet.name for snippet in found[number]] == [f"f{number}_{n}" for n in range(50)]
