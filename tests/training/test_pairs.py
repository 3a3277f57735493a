"""Claims about training pairs: what each kind asks and answers, and that the answer does not hold the question."""

import gzip
from pathlib import Path
from random import Random

import pytest

from codekin.code.extract import extract_snippets
from codekin.training.corpus import BlockList, to_plain_name
from codekin.training.cross_language_pairs import pair_across_languages
from codekin.training.decontamination import BenchmarkTexts
from codekin.training.docs_pages import (
    TextPair,
    extract_example_pairs,
    extract_examples,
    extract_section_pairs,
    find_page_suffix,
)
from codekin.training.download import write_all_pairs
from codekin.training.pairs import (
    extract_comment_pairs,
    extract_package_pairs,
    make_function_pairs,
    remove_doc,
    write_pairs,
)
from codekin.training.prose import add_context, extract_summary, split_name, to_question
from codekin.training.shards import read_pairs

PYTHON = '''def count_lines(path, strip=False):
    """Count the lines of a text file.

    >>> count_lines("a.txt", strip=True) + count_lines("b.txt")
    12
    """
    total = 0
    with open(path) as stream:
        for line in stream:
            if line.strip() or not strip:
                total += 1
    return total
'''
JAVASCRIPT = """/**
 * Counts the lines of a text file.
 * @param {string} path where it is
 * @example
 * const total = countLines("a.txt") + countLines("b.txt");
 */
function countLines(path) {
  const text = fs.readFileSync(path, "utf-8");
  return text.split("\\n").length;
}
"""


def _function(text: str, language: str):
    return next(snippet for snippet in extract_snippets(text, language) if snippet.name)


@pytest.mark.parametrize(("text", "language"), [(PYTHON, "python"), (JAVASCRIPT, "javascript")])
def test_a_function_without_its_doc_keeps_all_its_code(text: str, language: str) -> None:
    code = remove_doc(_function(text, language))
    assert "ount" in code
    assert "text file" not in code
    assert "return" in code


@pytest.mark.parametrize(("text", "language"), [(PYTHON, "python"), (JAVASCRIPT, "javascript")])
def test_a_documented_function_gives_doc_half_and_example_pairs(text: str, language: str) -> None:
    pairs = list(make_function_pairs(_function(text, language), Random(0)))
    kinds = {pair.kind: pair for pair in pairs}
    assert {"doc", "example"} <= set(kinds)
    assert kinds["doc"].query.endswith("the lines of a text file.")
    assert "text file" not in kinds["doc"].passage
    assert "b.txt" in kinds["example"].passage
    for pair in pairs:
        if pair.kind == "half":
            assert f"{pair.query}\n{pair.passage}" == kinds["doc"].passage
        if pair.kind == "name":
            assert "ountLines" not in pair.passage
            assert "count_lines" not in pair.passage


def test_pairs_are_the_same_for_the_same_seed() -> None:
    snippet = _function(PYTHON, "python")
    assert list(make_function_pairs(snippet, Random(3))) == list(make_function_pairs(snippet, Random(3)))


def test_a_line_comment_asks_for_the_lines_below_it() -> None:
    text = "x = 1\n# skip the rows that have no header\nfor row in rows:\n    use(row.header, keep)\n\ny = 2\n"
    (pair,) = extract_comment_pairs(text, "python")
    assert pair.query == "skip the rows that have no header"
    assert pair.passage.startswith("for row in rows:")
    assert "y = 2" not in pair.passage


def test_licence_headers_and_directives_are_no_questions() -> None:
    for comment in (
        "# Copyright 2020 the authors of it",
        "// eslint-disable-next-line no-console",
        "# TODO: mend this soon",
    ):
        assert not list(extract_comment_pairs(f"{comment}\nvalue = compute(first, second, third)\n", "python"))


def test_a_documentation_section_asks_for_its_code_block() -> None:
    code = "with open(path) as stream:\n    lines = stream.readlines()\n"
    page = f"# Reading files\n\nOpen the file and read all lines:\n\n```python\n{code}```\n"
    pairs = list(extract_example_pairs(page, ".md"))
    assert any(pair.query == "Open the file and read all lines" for pair in pairs)
    assert all(pair.passage.startswith("with open") for pair in pairs)


def test_a_section_answers_its_heading() -> None:
    section_text = (
        "Groups whose name is missing are left out by default, unless `dropna=False` is given to the function."
    )
    page = (
        f"# Grouping\n\nShort.\n\n## Missing names\n\n{section_text}\n\n"
        "    frame.groupby(level=0, dropna=False)\n\n## End\n"
    )
    (pair,) = extract_section_pairs(page)
    assert pair.query == "Grouping: Missing names"
    assert "dropna=False is given" in pair.passage
    assert "frame.groupby" in pair.passage


def test_a_page_without_headings_has_no_sections() -> None:
    assert not list(extract_section_pairs("Some words that stand by themselves and belong to no heading at all.\n"))


def test_the_sources_of_sphinx_pages_are_pages() -> None:
    assert find_page_suffix(Path("html/_sources/groupby.rst.txt")) == ".rst"
    assert find_page_suffix(Path("notes.txt")) == ""


def test_twins_are_functions_of_one_name_in_two_languages() -> None:
    shared = "\n  for (line of lines.split(separator)) {\n    total += line.length;\n  }"
    halves = [
        TextPair("half", "def count_all_lines(text):", shared, "python"),
        TextPair("half", "function countAllLines(text) {", shared, "javascript"),
        TextPair("half", "int otherThing(int x) {", shared, "java"),
    ]
    pairs = list(pair_across_languages(halves, Random(0)))
    assert {pair.language for pair in pairs} == {"python", "javascript"}
    assert all("ines" in pair.query and "ines" in pair.passage for pair in pairs)


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        ("Returns the {@link Foo} of it.\n\n@param x no", "Returns the Foo of it."),
        ("Sort the items in place.\n:param items: what", "Sort the items in place."),
        ("@return nothing", ""),
        ("TODO: write this", ""),
        ("Copyright (c) 2020 somebody and others", ""),
        ("короткий текст не по английски", ""),
    ],
)
def test_a_summary_is_the_first_english_paragraph_before_any_tag(doc: str, expected: str) -> None:
    assert extract_summary(doc) == expected


def test_a_question_says_what_it_is_about() -> None:
    random = Random(0)
    questions = {add_context("Sort the rows by a column.", "sql", "sqlalchemy", random) for _ in range(200)}
    assert {"sort the rows by a column in MySQL", "sqlalchemy: sort the rows by a column"} <= questions
    assert all("sort the rows by a column" in question and "." not in question for question in questions)
    assert add_context("Sort the rows.", "text", "", random) == "Sort the rows."


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("pypi-numpy", "numpy"),
        ("npm-@babel+core", "core"),
        ("debian-python-sqlalchemy-doc", "sqlalchemy"),
        ("debian-golang-github-gorilla-mux", "gorilla-mux"),
        ("debian-libevent", "libevent"),
    ],
)
def test_a_package_is_called_what_people_call_it(folder: str, name: str) -> None:
    assert to_plain_name(folder) == name


def test_a_summary_is_asked_in_a_persons_words() -> None:
    questions = {to_question("Returns the sum of both.", "php", Random(seed)) for seed in range(60)}
    assert "How do I return the sum of both in PHP?" in questions
    assert all("the sum of both" in question for question in questions)


def test_a_name_of_one_word_says_too_little() -> None:
    assert split_name("getUserName") == "get user name"
    assert split_name("update") == ""


def test_examples_are_fenced_doctests_or_tagged() -> None:
    assert list(extract_examples("Text\n```js\nconst total = sum(first, second);\n```\n"))
    assert not list(extract_examples("no code here"))


def test_a_pair_that_quotes_a_benchmark_is_known() -> None:
    text = "def add_all(numbers, start):\n    for number in numbers:\n        start += number\n    return start\n"
    leaks = BenchmarkTexts([text, "Sum all of the given numbers."])
    other_source = "class Reader:\n    def close(self):\n        self.stream.close()\n        self.stream = None\n"
    assert leaks.contains(
        TextPair("doc", "anything else at all here", text.replace("\n", "  ").replace("(", " ( "), "python")
    )
    assert leaks.contains(TextPair("doc", "sum all of the given NUMBERS", other_source, "python"))
    assert not leaks.contains(TextPair("doc", "closes the stream of the reader", other_source, "python"))


def test_a_package_gives_each_pair_once(tmp_path: Path) -> None:
    blocked = tmp_path / "never-train.txt"
    blocked.write_text("pallets/click\n")
    tree = tmp_path / "package" / "tree" / "pkg"
    tree.mkdir(parents=True)
    (tree / "a.py").write_text(PYTHON)
    (tree / "b.js").write_text(JAVASCRIPT)
    (tree / "c.py").write_text("# from https://github.com/pallets/click\n" + PYTHON.replace("count", "blocked"))
    pairs = list(extract_package_pairs(tmp_path / "package", BlockList(blocked), 0))
    assert {"python", "javascript"} <= {pair.language for pair in pairs}
    assert not any("blocked" in pair.passage for pair in pairs)
    assert write_pairs(pairs + pairs, tmp_path / "pairs.jsonl.gz") == len(set(pairs))


def test_the_steps_from_sources_to_pairs_are_taken_up_where_they_stopped(tmp_path: Path) -> None:
    blocked = tmp_path / "never-train.txt"
    blocked.write_text("pallets/click\n")
    for name, text in (("first", PYTHON), ("second", PYTHON.replace("count", "drop"))):
        tree = tmp_path / "sources" / name / "tree"
        tree.mkdir(parents=True)
        (tree / "a.py").write_text(text)
        (tree.parent / "harvested.json").write_text("{}")
    out = tmp_path / "pairs"
    out.mkdir()
    (out / "second.jsonl.gz").write_bytes(gzip.compress(b'["doc", "kept as it was", "x = 1", "python"]\n'))
    write_all_pairs(tmp_path / "sources", blocked, out, processes=1)
    assert {path.name for path in out.iterdir()} == {"first.jsonl.gz", "second.jsonl.gz", "twins.jsonl.gz"}
    assert [pair.query for pair in read_pairs(out / "second.jsonl.gz")] == ["kept as it was"]
    assert any("count_lines" in pair.passage for pair in read_pairs(out / "first.jsonl.gz"))
