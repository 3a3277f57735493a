"""Which language a file is written in."""

from pathlib import Path, PurePath

import pytest

from codekin.code.grammars import GRAMMARS
from codekin.code.languages import detect_language, find_language, has_grammar, list_syntax_languages
from codekin.code.parsing import load_syntax
from codekin.errors import QueryError


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a/b.py", "python"),
        ("A.PY", "python"),
        ("a.pyi", "python"),
        ("a.mjs", "javascript"),
        ("a.d.ts", "typescript"),
        ("a.tsx", "tsx"),
        ("a.h", "c"),
        ("a.cu", "cpp"),
        ("Dockerfile", "dockerfile"),
        ("Dockerfile.dev", "dockerfile"),
        ("Makefile", "make"),
        ("CMakeLists.txt", "cmake"),
        ("Rakefile", "ruby"),
        ("BUILD", "starlark"),
        ("a.hs", "haskell"),
        ("a.vue", "vue"),
        ("README.md", "markdown"),
        ("a.txt", None),
        ("a.json", None),
        ("a.lock", None),
        ("a.svg", None),
        ("build", None),
        ("LICENSE", None),
    ],
)
def test_a_file_name_says_its_language(name: str, language: str | None) -> None:
    assert detect_language(PurePath(name)) == language


@pytest.mark.parametrize(
    ("first_line", "language"),
    [
        ("#!/usr/bin/env python3", "python"),
        ("#!/usr/bin/python3.11 -u", "python"),
        ("#!/bin/sh", "bash"),
        ("#!/usr/bin/env -S node --flag", "javascript"),
        ("#! /usr/local/bin/ruby", "ruby"),
        ("#!/usr/bin/unknown", None),
        ("plain text", None),
        ("", None),
    ],
)
def test_a_shebang_says_the_language_of_a_file_without_an_extension(first_line: str, language: str | None) -> None:
    assert detect_language(PurePath("bin/tool"), first_line) == language
    assert detect_language(PurePath("notes.txt"), first_line) is None


def test_a_header_is_cpp_where_its_text_is() -> None:
    assert detect_language(PurePath("a.h"), text="#include <vector>\nint f(void);\n") == "cpp"
    assert detect_language(PurePath("a.h"), text="namespace a {\n}\n") == "cpp"
    assert detect_language(PurePath("a.h"), text="inline bool is_dark(const QColor &color) {\n}\n") == "cpp"
    assert detect_language(PurePath("a.h"), text="Money operator+(Money one, Money other);\n") == "cpp"
    assert detect_language(PurePath("a.h"), text="inline int limit() { return Limits::most; }\n") == "cpp"
    assert detect_language(PurePath("a.h"), text="/* see Limits::most\n * or operator+ */\nint f(int);\n") == "c"
    assert detect_language(PurePath("a.h"), text="#include <stdio.h>\nint f(void);\n") == "c"


def test_a_header_is_objective_c_where_its_text_is() -> None:
    assert detect_language(PurePath("a.h"), text="@interface Cart : NSObject\n@end\n") == "objective-c"
    assert detect_language(PurePath("a.h"), text="@class Cart, Item;\nvoid f(Cart *cart);\n") == "objective-c"
    assert detect_language(PurePath("a.h"), text="/**\n@class Cart\n@endcode\n*/\nint f(void);\n") == "c"


def test_translations_of_qt_are_no_typescript() -> None:
    assert detect_language(PurePath("app_de.ts"), text='\ufeff<?xml version="1.0"?>\n<!DOCTYPE TS>\n') is None
    assert detect_language(PurePath("app_de.ts"), text="const a = <T>(b: T) => b;\n") == "typescript"


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_every_grammar_can_be_loaded_and_knows_the_node_types_it_names(language: str) -> None:
    syntax = load_syntax(language)
    assert has_grammar(language)
    assert syntax is not None
    node_kinds = {syntax.language.node_kind_for_id(kind) for kind in range(syntax.language.node_kind_count)}
    named = {name for names in syntax.grammar.node_types.values() for name in names.split()}
    shared = {"typescript", "tsx", "javascript", "c", "cpp"}  # tables that serve several grammars
    assert named & node_kinds
    assert language in shared or named <= node_kinds


def test_a_person_calls_a_language_by_its_id_or_an_ending() -> None:
    names = ("python", "PY", ".py", "c++", "rs", "ts", "Bash")
    assert [find_language(name) for name in names] == ["python"] * 3 + ["cpp", "rust", "typescript", "bash"]


@pytest.mark.parametrize(
    ("name", "suggestion"), [("pyhton", "Do you mean python"), ("", "codekin status"), ("q" * 9_999, "codekin status")]
)
def test_a_language_that_is_none_is_refused_in_few_words_with_those_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(QueryError) as refused:
        find_language(name)
    assert suggestion in str(refused.value)
    assert len(str(refused.value)) < 160


def test_the_readme_lists_the_languages_that_are_cut_along_their_syntax() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    listed = " ".join(readme.partition("<!-- languages -->\n")[2].partition("<!-- end -->")[0].split())
    languages = list_syntax_languages()
    assert listed == f"Cut along their syntax: {', '.join(languages)}."
    assert f"reads {len(languages)}\nlanguages along their syntax" in readme
