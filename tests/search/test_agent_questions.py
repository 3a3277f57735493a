"""What is asked before code is written: outlines, contexts, existing code, tests, and search by words alone."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.code.extract import extract_snippets
from codekin.code.token_estimate import cut_to_tokens, estimate_tokens
from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.search.context import pack_context
from codekin.search.existing import ExistenceVerdict, judge_description
from codekin.search.outline import make_outline
from codekin.settings import CacheSettings, Settings
from codekin.types import Answer, Filter, Hit, Location, SnippetKind, Span

from ..code.strategies import mutated_samples
from ..shop import write_files

JAVA = """class A {
  /** Adds. More. */
  @Override
  public int add(int a,
      int b) {
    return a + b;
  }
}
"""
GO = """// Foo does x.
func (s *S) Foo(a int,
 b int) (int, error) {
\treturn 1, nil
}
"""
RUST = """/// Adds
pub fn add<T>(a: T) -> T
where
    T: Ord,
{
    a
}
"""
TYPESCRIPT = """export async function go(x: number): Promise<void> {
  await x;
}
"""
PYTHON = """@cache
def f(a: int,
      b: int = 2) -> str:
    '''Do it. And more.'''
    return a
"""
SAMPLES = {
    "java": (JAVA, "public int add(int a, int b)"),
    "go": (GO, "func (s *S) Foo(a int, b int) (int, error)"),
    "rust": (RUST, "pub fn add<T>(a: T) -> T where T: Ord,"),
    "typescript": (TYPESCRIPT, "export async function go(x: number): Promise<void>"),
    "python": (PYTHON, "def f(a: int, b: int = 2) -> str"),
}
COUNT_WORDS = """def count(path):
    counts = {}
    for word in open(path):
        counts[word] = counts.get(word, 0) + 1
    return counts
"""
TEST_OF_TAX = """from app.money import add_tax


def test_tax_is_added():
    assert add_tax(100, 0.2) == 120
"""


@pytest.fixture
def engine(tree: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a real tree that nothing has indexed."""
    with closing(Engine([tree], Settings(cache=CacheSettings(directory=str(tmp_path / "cache"))))) as opened:
        yield opened


@pytest.fixture
def indexed(engine: Engine) -> Engine:
    """The same, indexed."""
    engine.refresh(lambda _: None, threading.Event(), 1)
    return engine


class TestOutline:
    @pytest.mark.parametrize("language", SAMPLES)
    def test_a_signature_is_the_head_of_a_definition_on_one_line(self, language: str):
        text, signature = SAMPLES[language]
        entries = make_outline(extract_snippets(text, language))
        assert entries[-1].signature == signature

    @pytest.mark.parametrize("body", ["", "    return 1\n"], ids=["head alone", "whole"])
    def test_a_head_with_a_parameter_a_line_is_complete(self, body: str):
        parameters = [f"p{number}: int" for number in range(12)]
        head = "def f(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + ") -> str:\n"
        (entry,) = make_outline(extract_snippets(head + body, "python"))
        assert entry.signature == f"def f({', '.join(parameters)}) -> str"

    def test_a_remark_that_a_declaration_begins_with_is_no_signature(self):
        pattern = (
            '    // This matches host:port\n    private static final Pattern HOST = Pattern.compile(\n        "x");\n'
        )
        entries = make_outline(
            extract_snippets(f"public class A {{\n{pattern}\n    int f() {{ return 1; }}\n}}\n", "java")
        )
        assert not any(entry.signature.startswith("//") for entry in entries)

    @given(mutated_samples())
    def test_any_text_has_an_outline_in_order_with_signatures_of_one_line(self, sample: tuple[str, str]):
        language, text = sample
        entries = make_outline(extract_snippets(text, language))
        assert [entry.span.start for entry in entries] == sorted(entry.span.start for entry in entries)
        assert not any("\n" in entry.signature + entry.summary for entry in entries)


def make_hit(number: int, text: str) -> Hit:
    """A hit of that text in a file of its own."""
    span = Span(0, text.count("\n") + 1)
    place = Location(
        Path(f"/{number}.py"), span, f"f{number}", f"f{number}", SnippetKind.FUNCTION, "python", 0, 0, number
    )
    return Hit(place, 1 / (number + 1), "", None, text)


class TestContext:
    @given(st.lists(st.text(max_size=600), max_size=20), st.integers(1, 3000))
    def test_a_budget_is_never_exceeded(self, texts: list[str], max_tokens: int):
        pack = pack_context([make_hit(number, text) for number, text in enumerate(texts)], max_tokens)
        assert pack.token_count <= max_tokens
        assert sum(estimate_tokens(entry.text) for entry in pack.entries) <= pack.token_count

    def test_copies_are_counted_rather_than_repeated(self):
        renamed = COUNT_WORDS.replace("counts", "totals").replace("word", "token")
        pack = pack_context(
            [make_hit(0, COUNT_WORDS), make_hit(1, renamed), make_hit(2, "def other():\n    return 1\n")], 2000
        )
        assert [(entry.hit.place.name, entry.copy_count) for entry in pack.entries] == [("f0", 1), ("f2", 0)]

    def test_what_does_not_fit_is_shown_by_its_signature(self):
        long = "def long_one(a, b):\n    '''Do it all.'''\n" + "    print(a, b)\n" * 200
        (entry,) = pack_context([make_hit(0, long)], 500).entries
        assert not entry.is_whole
        assert entry.text == "def long_one(a, b)  # Do it all."

    def test_a_task_s_functions_are_in_it(self, indexed: Engine):
        pack = indexed.pack_context("decode a json string with escape sequences", 3000)
        assert any(entry.hit.place.path.name in ("decoder.py", "scanner.py") for entry in pack.entries)
        assert pack.token_count <= 3000

    def test_there_is_no_context_for_what_no_code_is_about(self, indexed: Engine):
        for task in ("bake a pizza with mozzarella", "who won the football world cup", "asdf qwerty zxcv"):
            assert indexed.pack_context(task, 3000).entries == (), task


class TestDescribedCode:
    @pytest.mark.parametrize(
        ("score", "verdict"),
        [
            (0.31, ExistenceVerdict.LIKELY),
            (0.05, ExistenceVerdict.POSSIBLE),
            (0.04, ExistenceVerdict.NO),
            (None, ExistenceVerdict.NO),
        ],
    )
    def test_a_verdict_is_no_only_where_nothing_found_is_worth_a_look(
        self, score: float | None, verdict: ExistenceVerdict
    ):
        hits = () if score is None else (replace(make_hit(1, COUNT_WORDS), score=score),)
        existence = judge_description(Answer(hits, 1.0, 0.0))
        assert (existence.verdict, existence.matches) == (verdict, () if verdict is ExistenceVerdict.NO else hits)

    def test_tests_are_found_where_only_tests_are_asked_for(self, tmp_path: Path):
        files = {"app/money.py": "def add_tax(price, rate):\n    return price * (1 + rate)\n"}
        tests = "".join(
            f"def test_price_{number}_has_its_tax():\n    assert add_tax({number}, 0.2) == {number} * 1.2\n\n\n"
            for number in range(4)
        )
        root = write_files(tmp_path / "shop", files | {"tests/test_money.py": tests})
        with closing(Engine([root], Settings(cache=CacheSettings(directory=str(tmp_path / "cache"))))) as engine:
            engine.refresh(lambda _: None, threading.Event(), 1)
            for hit_filter in (Filter(tests=True), Filter(kinds=(SnippetKind.TEST,)), Filter(folder=root / "tests")):
                hits = engine.search("is the price taxed", 5, hit_filter=hit_filter).hits
                assert hits, hit_filter
                assert {hit.place.path.name for hit in hits} == {"test_money.py"}


class TestTokenEstimate:
    @given(st.text(max_size=500), st.integers(0, 300))
    def test_a_cut_text_fits_and_is_a_beginning(self, text: str, max_tokens: int):
        cut = cut_to_tokens(text, max_tokens)
        assert text.startswith(cut)
        assert estimate_tokens(cut) <= max(max_tokens, 0)

    @given(st.text(max_size=300), st.text(max_size=300))
    def test_more_text_never_has_fewer_tokens(self, text: str, more: str):
        assert estimate_tokens(text) <= estimate_tokens(f"{text}\n{more}") + 1


class TestExistingCode:
    def test_every_function_of_the_tree_exists_and_its_own_place_is_no_match(self, indexed: Engine, tree: Path):
        path = tree / "json" / "decoder.py"
        code = path.read_text("utf-8")
        elsewhere = indexed.find_existing_code(code, language="python")
        long_ones = [
            it for it in elsewhere if it.name in ("JSONDecoder.decode", "JSONDecoder.raw_decode", "py_scanstring")
        ]
        assert {it.verdict for it in long_ones} == {ExistenceVerdict.YES}
        replaced = indexed.find_existing_code(code, language="python", path=path)
        own_names = {
            it.name: {hit.place.qualified_name for hit in it.matches if hit.place.path == path} for it in replaced
        }
        assert not any(name in found for name, found in own_names.items())

    def test_the_language_is_guessed(self, indexed: Engine):
        (existence,) = indexed.find_existing_code(
            "def bake(dough, oven):\n    oven.heat(220)\n    return oven.bake(dough)\n"
        )
        assert existence.name == "bake"

    def test_without_any_code_the_remedy_is_named(self, indexed: Engine):
        with pytest.raises(QueryError, match="Pass a function"):
            indexed.find_existing_code("", language="python")


class TestWordScan:
    def test_a_tree_that_was_never_indexed_is_searched(self, engine: Engine):
        answer = engine.search_by_words("quote a url", 5)
        assert answer.coverage == 0
        assert any(hit.place.path.parent.name == "urllib" for hit in answer.hits)
        assert all("words only" in hit.why for hit in answer.hits)

    def test_asking_the_team_limits_nothing_here(self, engine: Engine):
        assert engine._index.allowed_contents(Filter(team=True)) is None

    def test_filters_hold(self, engine: Engine, tree: Path):
        hit_filter = replace(engine.search_by_words.__kwdefaults__["hit_filter"], folder=tree / "email")
        answer = engine.search_by_words("quote a url header", 9, hit_filter=hit_filter)
        assert answer.hits
        assert all(hit.place.path.is_relative_to(tree / "email") for hit in answer.hits)


class TestRelatedTests:
    def test_callers_come_first(self, tmp_path: Path):
        files = {
            "app/money.py": "def add_tax(price, rate):\n    return price * (1 + rate)\n",
            "tests/test_money.py": TEST_OF_TAX,
            "tests/test_other.py": "def test_nothing_of_the_kind():\n    assert 1 + 1 == 2\n",
        }
        for name, text in files.items():
            (tmp_path / "w" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "w" / name).write_text(text)
        with closing(Engine([tmp_path / "w"], Settings(cache=CacheSettings(directory=str(tmp_path / "c"))))) as engine:
            engine.refresh(lambda _: None, threading.Event(), 1)
            function, tests = engine.find_tests(tmp_path / "w" / "app" / "money.py", 1, 5)
        assert function.name == "add_tax"
        assert [hit.place.name for hit in tests] == ["test_tax_is_added"]
        assert "calls add_tax" in tests[0].why
        assert "named after its file" in tests[0].why
