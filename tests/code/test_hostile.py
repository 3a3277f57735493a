"""Texts that were never meant to be parsed end soon, and in fewer snippets."""

import contextlib
import json
import random
import subprocess
import sys
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Parser

from codekin.code.budget import ParseBudget, open_reader
from codekin.code.extract import MAX_TEXT, extract_snippets
from codekin.code.grammars import GRAMMARS
from codekin.code.parsing import load_syntax
from codekin.code.repeats import blank_repeats
from codekin.types import Snippet


def test_a_file_of_50_000_lines() -> None:
    text = "\n".join(f"def f{number}(x):\n    y = x + {number}\n    return y\n" for number in range(12_500))
    snippets = extract_snippets(text, "python")
    assert len(snippets) == 12_500
    assert snippets[-1].name == "f12499"


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_parse_keeps_nothing_of_its_source(is_stopped: bool) -> None:
    syntax = load_syntax("python")
    assert syntax is not None
    parser, base = Parser(syntax.language), b"def f(a):\n    return a + 1\n" * 1_500
    tracemalloc.start()
    try:
        for number in range(12):
            with open_reader(base + b"# %d" % number) as read, contextlib.suppress(ValueError):
                parser.parse(read, progress_callback=lambda *_: is_stopped)
            parser.reset()
        assert tracemalloc.get_traced_memory()[0] < 2 * len(base)
    finally:
        tracemalloc.stop()


def test_a_grammar_that_reads_again_and_again_keeps_nothing_for_each_time() -> None:
    syntax = load_syntax("haskell")
    assert syntax is not None
    parser, source = Parser(syntax.language), "".join(f"do a{n}\n" for n in range(4_000)).encode()
    tracemalloc.start()
    try:
        for _ in range(3):
            with open_reader(source) as read:
                parser.parse(read, progress_callback=lambda *_: False)
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_a_minified_file_of_one_line_is_one_bounded_snippet() -> None:
    text = "".join(
        f"function a{number}(b){{return b+1}}var c={{x:function(){{return 2}}}};" for number in range(10_000)
    )
    snippets = extract_snippets(text, "javascript")
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
    assert isinstance(extract_snippets(text, language), list)


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_a_binary_file_read_as_latin_1(language: str) -> None:
    text = random.Random(0).randbytes(10_000).decode("latin-1")
    assert extract_snippets(text, language)


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
    snippets = extract_snippets("\n".join(lines), language)
    covered = {line for s in snippets for line in range(s.span.start, s.span.end)}
    assert covered >= set(range(1_000))


def test_long_functions_nested_in_long_functions() -> None:
    text = "\n".join(f"function f{number}() {{\n" + "go();\n" * 70 for number in range(100)) + "}\n" * 100
    names = {snippet.name for snippet in extract_snippets(text, "javascript")}
    assert {"f0", "f20"} <= names


def test_repetition_is_blanked_in_the_same_length() -> None:
    before, after = b"int a;\nint b[] = {", b"};\nint c;\n"
    source = before + b"0x00,\n" * 500 + after
    blanked = blank_repeats(source)
    assert (len(blanked), blanked.count(b"\n")) == (len(source), source.count(b"\n"))
    assert blanked.startswith(before)
    assert blanked.endswith(after)
    assert b"0x00,\n" * 2 not in blanked


# Found by search: the end of such a text made tree-sitter unwind a stack of all that came before, quadratically.
_PILING = [
    ("c", "a{n}=>\n"),
    ("javascript", "a{n}=&\n"),
    ("javascript", "a{n}=> ?? "),
    ("java", "a{n}=?>final"),
    ("java", "a{n}throw=?> "),
    ("rust", "%w( > case a{n}:"),
    ("cpp", "a{n}%w(\n|\n"),
    ("cpp", '%w(|a{n}"""then\n'),
    ("swift", "a{n}<do%w(a{n}true\n}}\ninfix"),
    ("csharp", "/*\nf{n}(\n+"),
    ("haskell", "f{n}(\n+ do if "),
    ("julia", "f{n}(\n+ do if "),
    ("elixir", "a{n} do\nfn ->"),
    ("groovy", "a{n}=>\n"),
    ("objective-c", "a{n}=>\n"),
    ("zig", "a{n}=>\n"),
    ("powershell", "f{n}(\n{{"),
    ("terraform", "a{n} {{\n"),
    ("vue", "a{n}=>\n"),
    ("lua", "..,{n}macro_rules! m{n} {{~>=;\n"),
    # No fault before the end: these are sound as comparisons and sums.
    ("csharp", "a{n}<"),
    ("csharp", "<a{n} "),
    ("groovy", "a{n}<"),
    ("elixir", "x{n} +\n"),
]
_LIMITED = """
import json, resource, sys
from codekin.code.extract import extract_snippets
language, text = json.load(sys.stdin)
extract_snippets("def f(): pass", language)
with open("/proc/self/statm") as stream:
    used = int(stream.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20), used + (300 << 20)))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
print(len(extract_snippets(text, language)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
@pytest.mark.parametrize(("language", "unit"), _PILING)
def test_near_repetition_takes_little_memory_and_time(language: str, unit: str) -> None:
    count = 100_000 // len(unit)
    text = "".join(unit.format(n=number) + "\n" * (number % 99 == 0) for number in range(count))  # no line is too long
    process = subprocess.run(
        [sys.executable, "-c", _LIMITED],
        input=json.dumps([language, text]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-300:]
    assert int(process.stdout) > 0, "it is read as windows of lines"


_TOKENS = [
    "a{n}",
    "{n}",
    "f(",
    ")",
    "[",
    "]",
    "{{",
    "}}",
    ";",
    ",",
    "=",
    "=>",
    "->",
    ":",
    "::",
    "?",
    "<",
    ">",
    "&",
    "|",
    "!",
    "'",
    '"',
    "`",
    '"s"',
    "/*",
    "*/",
    "//",
    "#",
    "${{",
    "if",
    "else",
    "for",
    "do",
    "end",
    "case",
    "def",
    "class",
    "fn",
    "=?>",
    "=&",
    "%w(",
    "<<E",
    "@",
    "$a{n}",
    "\\",
]


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(GRAMMARS)),
    st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=6),
    st.sampled_from(["", " "]),
)
def test_any_repeated_unit_stays_within_steps_and_memory(language: str, tokens: list[str], separator: str) -> None:
    unit = separator.join(tokens)
    source = blank_repeats("".join(unit.format(n=number) for number in range(6_000 // len(unit))).encode())
    syntax = load_syntax(language)
    assert syntax is not None
    budget = ParseBudget(source, lambda: Parser(syntax.language))
    tracemalloc.start()  # counts what tree-sitter allocates, too
    try:
        with open_reader(source) as read:
            Parser(syntax.language).parse(read, progress_callback=budget.is_spent)
    except ValueError:
        pass  # stopped, as it may be
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert budget.steps <= 200 + len(source) / 10 + 8
    assert peak < 100 << 20


def test_threads_extract_at_the_same_time() -> None:
    texts = ["".join(f"def f{number}_{n}():\n    return {n}\n" for n in range(50)) for number in range(8)]
    snippet_counts: dict[int, list[Snippet]] = {}

    def work(number: int) -> None:
        for _ in range(20):
            snippet_counts[number] = extract_snippets(texts[number], "python")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert [snippet.name for snippet in snippet_counts[number]] == [f"f{number}_{n}" for n in range(50)]
