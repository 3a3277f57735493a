"""Fingerprints: what leaves the code the same leaves them the same, whatever the language, the text or its length."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codekin.code.components import COMPONENT_LANGUAGES
from codekin.code.extract import extract_snippets
from codekin.code.fingerprints import (
    SKETCH_BYTES,
    Fingerprints,
    hash_runs,
    list_features,
    make_fingerprints,
    make_sketch,
    unpack_fingerprints,
)
from codekin.code.grammars import GRAMMARS
from codekin.code.languages import LANGUAGES, detect_language
from codekin.code.lexicon import LEXICONS
from codekin.code.tokens import NAME, STRING, tokenize

SAMPLES = sorted(path for path in (Path(__file__).parent / "samples").rglob("*") if path.is_file())
SNIPPETS = [
    (snippet.text, snippet.language)
    for path in SAMPLES
    if (language := detect_language(path)) in LEXICONS
    for snippet in extract_snippets(path.read_text("utf-8"), language)
    if make_fingerprints(snippet.text, language) is not None
]
COMMENTS = {"lua": "--", "haskell": "--"} | dict.fromkeys(
    ("python", "ruby", "bash", "elixir", "julia", "powershell", "terraform"), "#"
)
HOSTILE = {
    "nested": "f(" * 20_000,
    "one long line": "x = 1; " * 150_000,
    "an open string": "s = '" + "a" * 100_000,
    "an open comment": "/* " + "b * " * 100_000,
    "quotes": "'\"`" * 50_000,
    "heredocs": "cat <<A\n" * 5_000,
    "slashes": "=/a[" * 20_000,
    "NULs": "\0" * 100_000,
    "surrogates": "\ud800 x = 1\n" * 1000,
    "blank": " \n\t" * 50_000,
    "names": "a" * 200_000,
    "indented": "\n".join(" " * i + "x" for i in range(1500)),
}

quick = settings(max_examples=150)


def test_every_language_with_a_grammar_can_be_compared() -> None:
    assert set(GRAMMARS) <= set(LEXICONS) <= LANGUAGES
    assert {language for _, language in SNIPPETS} == set(GRAMMARS) | COMPONENT_LANGUAGES


@quick
@given(st.sampled_from(SNIPPETS), st.randoms())
def test_formatting_and_comments_leave_the_exact_fingerprint(snippet: tuple[str, str], random) -> None:
    text, language = snippet
    mark = COMMENTS.get(language, "//")
    safe = not any(_spans_lines(token) for token in tokenize(text, language).texts)  # else a line may be in a literal
    lines = []
    for line in text.split("\n"):
        if not safe or language in ("python", "bash", "ruby", "lua", "php") or _holds_a_literal(line):
            lines.append(line)
        else:
            lines.append(line.replace(" ", random.choice([" ", "  ", " \t"])))
    if safe:
        row_number = random.randrange(len(lines) + 1)
        if not (row_number and lines[row_number - 1].endswith("\\")):
            lines.insert(row_number, f"{mark} {random.choice(['it', 'so be x', '1 + 1'])}")
            lines.insert(row_number, "")
    changed = make_fingerprints("\n".join(lines), language)
    assert changed is not None
    assert changed.exact == make_fingerprints(text, language).exact
    assert changed.pack() == make_fingerprints(text, language).pack()


@quick
@given(st.sampled_from(SNIPPETS), st.integers(0, 10**6))
def test_a_consistent_renaming_leaves_the_renamed_fingerprint(snippet: tuple[str, str], salt: int) -> None:
    text, language = snippet
    tokens = tokenize(text, language)
    names = [token for token, kind in zip(tokens.texts, tokens.kinds.tolist(), strict=True) if kind == NAME]
    plain = sorted({name for name in names if re.fullmatch(r"[A-Za-z_]\w*", name)})
    inside = [token for token, kind in zip(tokens.texts, tokens.kinds.tolist(), strict=True) if kind == STRING]
    sigils = {re.sub(r"\W", "", name) for name in names if not re.fullmatch(r"[A-Za-z_]\w*", name)}
    identifier = next(
        (name for name in plain if name not in sigils and not any(name in token for token in inside)), None
    )
    if identifier is None:
        return
    renamed = make_fingerprints(re.sub(rf"(?<!\w){identifier}(?!\w)", f"renamed_{salt}", text), language)
    original = make_fingerprints(text, language)
    assert renamed is not None
    assert renamed.renamed == original.renamed
    assert renamed.exact != original.exact


@quick
@given(st.sampled_from(SNIPPETS), st.sampled_from(SNIPPETS))
def test_the_sketch_estimates_the_jaccard_similarity(
    first_sample: tuple[str, str], second_sample: tuple[str, str]
) -> None:
    """Within five standard errors, of which the least is that of one byte in 64, and what is equal by chance."""
    sets = []
    for text, language in (first_sample, second_sample):
        tokens = tokenize(text, language)
        sets.append(list_features(tokens, hash_runs(tokens)))
    if not all(map(len, sets)):
        return
    true = len(np.intersect1d(*sets)) / len(np.union1d(*sets))
    estimate = float(np.mean(make_sketch(sets[0]) == make_sketch(sets[1])))
    assert abs(estimate - true) <= 5 * np.sqrt(max(true * (1 - true), 1 / SKETCH_BYTES) / SKETCH_BYTES) + 1 / 256


@quick
@given(st.text(max_size=400), st.sampled_from(sorted(LANGUAGES)))
def test_any_text_has_fingerprints_or_none(text: str, language: str) -> None:
    fingerprints = make_fingerprints(text, language)
    assert fingerprints is None or (len(fingerprints.exact) == 8 and len(fingerprints.renamed) in (0, 8))
    if fingerprints is not None:
        again = unpack_fingerprints(fingerprints.pack())
        assert (again.exact, again.renamed, again.sketch) == (
            fingerprints.exact,
            fingerprints.renamed,
            fingerprints.sketch,
        )


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_compared_like_any_other(kind: str) -> None:
    """A scanner that goes back and forth would take minutes for these."""
    for language in LEXICONS:
        fingerprints = make_fingerprints(HOSTILE[kind], language)
        assert fingerprints is None or isinstance(fingerprints, Fingerprints)


@pytest.mark.parametrize(
    ("language", "first_text", "second_text"),
    [
        (
            "python",
            "def f(a, b):\n    if a:\n        g(b)\n    return h(a)",
            "def f(a, b):\n    if a:\n        g(b)\n        return h(a)",
        ),
        ("python", "def f(a):\n    return g('abc', a)", "def f(a):\n    return g('abd', a)"),
        ("javascript", "function f(a, b) { return a + b }", "function f(a, b) { return a - b }"),
        ("c", "int f(int a) { return a == '1'; }", 'int f(int a) { return a == "1"; }'),
    ],
)
def test_what_means_something_else_is_not_exactly_the_same(language: str, first_text: str, second_text: str) -> None:
    assert make_fingerprints(first_text, language).exact != make_fingerprints(second_text, language).exact


@pytest.mark.parametrize(
    ("language", "first_text", "second_text"),
    [
        (
            "python",
            "def f(a):\n    '''Doc.'''\n    return g('x', [\n        a,\n    ])",
            'def f(a):\n  return g("x", [a])  # c',
        ),
        (
            "rust",
            "fn f<'a>(x: &'a str) -> char { let c = 'x'; c }",
            "fn f<'a>(x: &'a str) -> char {\n  // c's\n  let c = 'x';\n  c\n}",
        ),
        (
            "lua",
            "local function f(a) --[==[ ]] ]==] return a['x'] end",
            'local function f(a)\n return a["x"] -- c\nend',
        ),
        ("bash", 'f() { x=${1#a}; echo "$x" # c\n}', 'f() {\n  x=${1#a};\n  echo "$x"\n}'),
        (
            "javascript",
            'function f(a) { return a.replace(/\\/\\/"/g, "x") }',
            "function f(a) {\n  // \"\n  return a.replace(/\\/\\/\"/g, 'x')\n}",
        ),
        ("cpp", 'int f() { return g(R"d(a)")d") + 1\'000; }', 'int f() { /* " */ return g(R"d(a)")d") + 1\'000; }'),
        (
            "php",
            "function f($a) { # c\n return g(<<<A\n it's\nA, $a); }",
            "function f($a) { return g(<<<A\n it's\nA, $a); }",
        ),
        ("csharp", 'string F(string a) { return @"\\" + a; }', 'string F(string a) {\n  return @"\\" + a; // "\n}'),
    ],
)
def test_what_a_formatter_changes_is_exactly_the_same(language: str, first_text: str, second_text: str) -> None:
    assert make_fingerprints(first_text, language).exact == make_fingerprints(second_text, language).exact


def _holds_a_literal(line: str) -> bool:
    return bool(re.search(r"[\"'`/#]|<<", line))


def _spans_lines(token: str) -> bool:
    return "\n" in token and not token.isspace()
