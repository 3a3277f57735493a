"""Patterns take linear time on any text: what was quadratic, or worse, stays below a limit of processor time."""

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")  # limits are of Unix systems

PROCESSOR_SECONDS = 20  # what is not linear takes minutes on these texts, what is takes less than two seconds
SCAN = """
import sys
from codekin.code.tokens import tokenize
language, unit = sys.argv[1:]
tokenize((unit * (1 << 20))[: 1 << 20], language)
"""
DETECT_LANGUAGE = """
from pathlib import PurePath
from codekin.code.languages import detect_language
detect_language(PurePath("a.h"), text="\\n" * (1 << 20))
"""
EXTRACT_COMMENT = """
from codekin.code.comments import extract_comment
for unit in " ", "*":
    extract_comment("// " + unit * (1 << 20) + "x")
"""
MAKE_CANONICAL = """
from codekin.code.lines import to_canonical_text
to_canonical_text([" " * (1 << 21) + "x", "y"])
"""
HASH_LINES = """
from codekin.code.line_hashes import hash_content_lines
hash_content_lines('\\\\"' * (1 << 17), "python")
"""
READ_CELL = """
from codekin.code.magics import read_cell
read_cell([" " * (1 << 20) + "x", "%time" + " -11" * 1000], "python")
"""

FIND_SCRIPTS = """
from codekin.code.components import find_scripts
units = ["<script>", "<script ", "<!--", "</script>", "<script a='", '<script "', "---\\n", "<script>\\n</script>\\n"]
for unit in units:
    find_scripts(((unit * (1 << 20))[: 1 << 20]).split("\\n"), "astro")
"""
EXTRACT_SECTIONS = """
from codekin.code.extract import extract_snippets
units = ["[", "[](", "# [a](\\n", "<", "#", "# a\\n", "# a\\nb\\n", "a\\n-\\n", "a\\n--\\n", "- ", "---\\n"]
units += ["```\\n", "# " + "[" * 200 + "\\n"]
for unit in units:
    extract_snippets((unit * (1 << 20))[: 1 << 20], "markdown")
"""
REWRITE = """
from codekin.code.rewrites import rewrite_source
units = ["a! {", "a!{\\nfn a\\n", "proptest! {\\n}\\n", "extension(", "extension\\n<", "if #[", "fn a((in "]
units += ["class_eval <<~RUBY\\n", "class_eval <<~RUBY\\n#{a}\\nRUBY\\n"]
units += ["@property a AAA(", "@property A A A", "#if\\n", "class_eval(<<", "context(a: (", "context((a)(b)"]
units += ["actual a b c d ", ",\\n ", "\\nprivate private ", '\\n"a', "={", " -a b, c, ", "`\\n", "$ "]
units += ["@available(", ")a AAA(b(", ")a AAA ", " cfg_a! {\\n", "extension(a) where b\\n", "extension<a\\n"]
for unit in [*units, " cfg_a! {fn a( in (\\n}\\n"]:
    lines = (unit * 10_000)[:9_000] + "\\n"
    for rewriting in "rust", "csharp", "ruby", "kotlin", "haskell", "objective-c", "powershell":
        rewrite_source((lines * 60)[: 1 << 19].encode() + b"\\n }\\n", rewriting)
"""
BLANK_MACROS = """
from codekin.code.directives import blank_directives
from codekin.code.macros import blank_macros
units = ["UPB_X ", "FOO(a,", "FOO(/*", ") AAA(x) ", "a* AAA(", "AAA a::b ", "AAA a\\n ", "FOO(a)\\n "]
units += ["\\nAAA a(b", "\\nAAA a(b,\\n", "\\nAAA a<b>::", "\\nAAA AAA ", "\\nAAA(a) AAA(b) "]
units += ["\\nAAA a(()", "template<a,AAA(", "template<(a)", "class AAA AAA ", "class AAA a<", "\\n[[a]] ", "a(){};"]
units += [",\\n#undef a\\nAAA\\n", "if (a\\n#if x\\n"]
units += ['#define a \\\\\\n/*', "#if x\\n", "#if x\\n#endif\\n", "#if (\\n#else\\n"]
for unit in units:
    lines = (unit * 10_000)[:9_000] + "\\n"  # the parser is given no longer ones
    blank_macros(blank_directives((lines * 30)[: 1 << 18].encode()))
"""


def run_with_limit(*arguments: str) -> int:
    def limit_processor_time() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))

    command = [sys.executable, "-c", *arguments]
    return subprocess.run(command, preexec_fn=limit_processor_time, check=False).returncode


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("csharp", "$"), ("swift", "#"), ("swift", '#"a'), ("ruby", "<<E"), ("ruby", "<<E\n"), ("bash", "<<E"),
        ("php", "<<<E"),
    ],
)  # fmt: skip
def test_a_scan_ends_within_the_limit(language: str, unit: str) -> None:
    assert run_with_limit(SCAN, language, unit) == 0


@pytest.mark.parametrize(
    "code",
    [
        DETECT_LANGUAGE, EXTRACT_COMMENT, MAKE_CANONICAL, HASH_LINES, READ_CELL, BLANK_MACROS, FIND_SCRIPTS, REWRITE,
        EXTRACT_SECTIONS,
    ],
)  # fmt: skip
def test_a_pattern_ends_within_the_limit(code: str) -> None:
    assert run_with_limit(code) == 0
