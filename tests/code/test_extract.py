"""What is a snippet, and what belongs to it."""

from textwrap import dedent

import pytest

from codekin.code.extract import MAX_CHARS, MAX_LINES, WINDOW_LINES, extract_snippets, find_snippet
from codekin.types import Snippet, SnippetKind


def _cut(text: str, language: str = "python") -> list[Snippet]:
    return extract_snippets(dedent(text).strip("\n"), language)


def _spans(snippets: list[Snippet]) -> list[tuple[str, int, int]]:
    return [(snippet.qualified_name, snippet.span.start, snippet.span.end) for snippet in snippets]


def test_comments_and_decorators_directly_above_belong_to_a_definition() -> None:
    snippets = _cut("""
        # apart

        # about f
        @cached
        def f():
            return 1
        """)
    assert _spans(snippets) == [("", 0, 1), ("f", 2, 6)]
    assert (snippets[1].doc, snippets[1].name_line) == ("about f", 4)


def test_a_comment_that_trails_a_statement_belongs_to_the_statement() -> None:
    assert _spans(_cut("x = 1  # one\ndef f():\n    return x\n")) == [("", 0, 1), ("f", 1, 3)]


@pytest.mark.parametrize(
    ("language", "text", "doc"),
    [
        ("python", 'def f():\n    r"""Adds.\n\n    More.\n    """\n', "Adds.\n\nMore."),
        ("python", "# One\n# two.\ndef f(): pass\n", "One\ntwo."),
        ("javascript", "/**\n * Adds.\n * @returns x\n */\nfunction f() {}\n", "Adds.\n@returns x"),
        ("go", "package a\n\n// F adds.\n// More.\nfunc F() {}\n", "F adds.\nMore."),
        ("rust", "/// Adds.\n#[inline]\nfn f() {}\n", "Adds."),
        ("csharp", "class A {\n  /// <summary>Adds <c>x</c>.</summary>\n  void F() {}\n}\n", "Adds x."),
        ("java", "class A {\n  /** Adds. */\n  @Override void f() {}\n}\n", "Adds."),
        ("lua", "--- Adds.\n-- More.\nfunction f() end\n", "Adds.\nMore."),
        ("lua", "--[[ Adds.\n  More. ]]\nfunction f() end\n", "Adds.\nMore."),
        ("ruby", "# Adds.\n#\n# More.\ndef f; end\n", "Adds.\n\nMore."),
        ("c", "/*****************\n * Adds.\n ****************/\nint f(void) { return 1; }\n", "Adds."),
        ("cpp", "//! Adds.\n//  More.\nint f() { return 1; }\n", "Adds.\nMore."),
        ("php", "<?php\n/**\n * Adds.\n */\nfunction f() {}\n", "Adds."),
        ("bash", "# Adds.\nf() {\n  :\n}\n", "Adds."),
    ],
)
def test_a_doc_comment_is_its_words_without_marks(language: str, text: str, doc: str) -> None:
    snippets = [snippet for snippet in extract_snippets(text, language) if snippet.doc]
    assert [snippet.doc for snippet in snippets] == [doc]


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("python", "f = lambda x: x\n", "f"),
        ("javascript", "const f = async () => {\n};\n", "f"),
        ("javascript", "exports.f = function () {\n};\n", "f"),
        ("javascript", "module.exports.f = function () {\n};\n", "f"),
        ("javascript", "Foo.prototype.f = function () {\n};\n", "Foo.f"),
        ("javascript", "const f = memo((props) => {\n  return props;\n});\n", "f"),
        ("javascript", "const o = {\n  f: () => 1,\n};\n", "o.f"),
        ("javascript", "export default () => {\n  go();\n};\n", "default"),
        ("typescript", "class A {\n  private f = (x: number): void => {\n  };\n}\n", "A.f"),
        ("typescript", "const o = {\n  f() {},\n} as const;\n", "o.f"),
        ("go", "var f = func() int {\n\treturn 1\n}\n", "f"),
        ("rust", "static F: fn(i32) -> i32 = |x| {\n    x\n};\n", "F"),
        ("java", "class A {\n  Runnable f = () -> {\n    go();\n  };\n}\n", "A.f"),
        ("java", "class A {\n  Foo foo = new Foo() {\n    public void f() {}\n  };\n}\n", "A.foo.f"),
        ("kotlin", "val f = { x: Int ->\n  x\n}\n", "f"),
        ("scala", "object A {\n  val f = (x: Int) => {\n    x\n  }\n}\n", "A.f"),
        ("swift", "let f = { (x: Int) in\n  x\n}\n", "f"),
        ("ruby", "f = ->(x) do\n  x\nend\n", "f"),
        ("php", "<?php\n$f = function () {\n};\n", "f"),
        ("lua", "M.f = function()\nend\n", "M.f"),
        ("cpp", "auto f = [](int x) {\n  return x;\n};\n", "f"),
        ("csharp", "class A {\n  Action f = () => {\n    Go();\n  };\n}\n", "A.f"),
    ],
)
def test_a_closure_takes_the_name_it_is_assigned_to(language: str, text: str, name: str) -> None:
    kinds = (SnippetKind.FUNCTION, SnippetKind.METHOD)
    assert [s.qualified_name for s in extract_snippets(text, language) if s.kind in kinds] == [name]


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("python", "def test_it(): pass\n", "test_it"),
        ("javascript", 'it("adds", () => {});\n', "adds"),
        ("javascript", 'test.only("adds", async function () {});\n', "adds"),
        ("javascript", 'describe("sum", () => {\n  it("adds", () => {});\n});\n', "sum.adds"),
        ("go", "func TestIt(t *testing.T) {}\n", "TestIt"),
        ("rust", "#[test]\nfn adds() {}\n", "adds"),
        ("java", "class A {\n  @Test\n  void adds() {}\n}\n", "A.adds"),
        ("kotlin", "class A {\n  @Test fun adds() {}\n}\n", "A.adds"),
        ("csharp", "class A {\n  [Fact]\n  void Adds() {}\n}\n", "A.Adds"),
        ("ruby", 'describe Sum do\n  it "adds" do\n    go\n  end\nend\n', "Sum.adds"),
        ("php", "<?php\nit('adds', function () {\n});\n", "adds"),
        ("swift", "class SumTests {\n  func testAdds() {}\n}\n", "SumTests.testAdds"),
        ("cpp", "TEST_F(Sum, Adds) {\n}\n", "Sum.Adds"),
        ("cpp", 'TEST_CASE("adds (two)", "[sum]") {\n}\n', "adds (two)"),
        ("scala", 'class A {\n  "a sum" should "add" in {\n    go()\n  }\n}\n', "A.a sum should add"),
        ("lua", 'it("adds", function()\nend)\n', "adds"),
        ("bash", "test_adds() {\n  :\n}\n", "test_adds"),
    ],
)
def test_tests_are_known(language: str, text: str, name: str) -> None:
    assert [s.qualified_name for s in extract_snippets(text, language) if s.kind is SnippetKind.TEST] == [name]


def test_what_is_left_of_a_class_is_runs_of_its_own_lines() -> None:
    snippets = _cut("""
        class A:
            x = 1

            def f(self):
                return 1

            y = 2
            z = 3
        """)
    assert [(s.kind, s.name, s.text) for s in snippets] == [
        (SnippetKind.CLASS, "A", "class A:\n    x = 1"),
        (SnippetKind.METHOD, "f", "def f(self):\n    return 1"),
        (SnippetKind.CLASS, "A", "y = 2\nz = 3"),
    ]


def test_a_class_without_functions_is_one_snippet() -> None:
    snippets = _cut("enum A {\n  ONE,\n\n  TWO;\n}\n", "java")
    assert [(s.kind, s.span.start, s.span.end) for s in snippets] == [(SnippetKind.CLASS, 0, 5)]


def test_a_closing_brace_is_no_snippet_and_in_none_but_its_own() -> None:
    snippets = _cut("class A {\n  void f() {\n  }\n}\n", "java")
    assert _spans(snippets) == [("A", 0, 1), ("A.f", 1, 3)]


def test_definitions_that_share_a_line_are_one_snippet_with_the_first_name() -> None:
    snippets = _cut("function a() {\n  x();\n} function b() {\n  y();\n}\n", "javascript")
    assert _spans(snippets) == [("a", 0, 5)]


def test_functions_in_a_short_function_stay_inside_it() -> None:
    assert _spans(_cut("def f():\n    def g():\n        return 1\n    return g\n")) == [("f", 0, 4)]


def test_a_long_function_with_functions_is_opened() -> None:
    body = "".join(f"    x{number} = {number}\n" for number in range(MAX_LINES))
    snippets = extract_snippets(f"def f():\n    def g():\n        return 1\n{body}", "python")
    assert [(s.qualified_name, s.part) for s in snippets][:2] == [("f", 1), ("f.g", 0)]
    assert {s.name for s in snippets if s.part} == {"f"}


def test_a_long_function_is_cut_between_statements_into_balanced_parts() -> None:
    block = "    if a:\n        b()\n        c()\n    else:\n        d()\n"
    snippets = extract_snippets("def f():\n" + block * 30, "python")
    sizes = [s.span.end - s.span.start for s in snippets]
    assert [s.part for s in snippets] == [1, 2, 3]
    assert max(sizes) - min(sizes) <= 10
    assert all(s.text.startswith(("def f", "if a")) for s in snippets)


def test_a_long_statement_is_opened() -> None:
    entries = "".join(f'    "key{number}": [\n        {number},\n    ],\n' for number in range(60))
    snippets = extract_snippets("x = {\n" + entries + "}\n", "python")
    assert len(snippets) > 1
    assert all(s.text.lstrip().startswith(("x", '"key')) for s in snippets)


@pytest.mark.parametrize("line", ["word " * 50, "x = 1"])
@pytest.mark.parametrize("language", ["python", "cobol"])
def test_no_snippet_of_several_lines_is_longer_than_its_bound(line: str, language: str) -> None:
    most = MAX_LINES if language == "python" else WINDOW_LINES
    for snippet in extract_snippets("\n".join([line] * 500), language):
        assert snippet.span.end - snippet.span.start <= most
        assert len(snippet.text) <= MAX_CHARS + snippet.span.end - snippet.span.start


def test_without_a_grammar_windows_are_cut_at_blank_lines() -> None:
    paragraph = "main = do\n  one\n  two\n\n"
    snippets = extract_snippets(paragraph * 30, "cobol")
    assert all(s.kind is SnippetKind.LINES and s.text.startswith("main") for s in snippets)


def test_broken_code_gives_what_is_whole() -> None:
    names = {s.name for s in _cut("def f():\n    return 1\n\ndef (:\n\nclass A:\n    def g(self):\n        return 2\n")}
    assert {"f", "g"} <= names


def test_macros_do_not_hide_what_stands_behind_them() -> None:
    snippets = _cut(
        """
        class API_EXPORT Panel : public Base {
          Q_OBJECT
          void paint() override { update(); }
        };
        BEGIN_NAMESPACE
        API_EXPORT int area(int a) { return a; }
        """,
        "cpp",
    )
    assert [s.qualified_name for s in snippets if s.kind is not SnippetKind.MODULE] == ["Panel", "Panel.paint", "area"]


def test_a_line_belongs_to_its_snippet_or_to_the_one_above() -> None:
    snippets = _cut("class A {\n\n  void f() {\n  }\n\n}\n\n", "java")
    assert [(find_snippet(snippets, line) or snippets[0]).name for line in range(8)] == list("AAffffff")
    assert find_snippet(_cut("\n\nx = 1\n"), 0) is not None
    assert find_snippet([], 0) is None


@pytest.mark.parametrize("language", ["cobol", "python"])
def test_an_edit_in_a_long_run_changes_the_pieces_next_to_it_and_no_others(language: str) -> None:
    lines = [f"value_{number} = {number * number}" for number in range(3_000)]
    before = {snippet.text for snippet in extract_snippets("\n".join(lines), language)}
    for edited_row in (0, 1_000, 2_500):
        edited = [*lines[:edited_row], "inserted = 1", *lines[edited_row:]]
        after = {snippet.text for snippet in extract_snippets("\n".join(edited), language)}
        assert len(after - before) <= 5
