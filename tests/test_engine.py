"""The engine answers what a person asks, however odd, and says what is wrong with a question."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.types import Filter, Kinship, SnippetKind, Span

from .engines import ORDERS, find_line, list_names, open_engine, search_by_name, write_project
from .shop import define_total


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a project of three files into a folder whose name has a blank; return the folder."""
    return write_project(tmp_path / "work space")


class TestQuestions:
    def test_kin_come_before_the_rest_and_the_snippet_itself_never(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            path = root / "shop" / "orders.py"
            answer = engine.find_similar(path, find_line(path, "total += order"), 5)
            assert set(list_names(answer)[:2]) == {"invoice_sum", "TotalPrice"}
            assert "total_price" not in list_names(answer)
            assert answer.coverage == 1.0
            assert all(0 <= hit.score <= 1 for hit in answer.hits)

    def test_the_same_text_elsewhere_is_identical_and_best(self, root: Path, tmp_path: Path):
        copy = root / "copied.py"
        copy.write_text("class Copied:\n" + "".join(f"    {line}\n" for line in ORDERS.split("\n")[2:8]))
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            answer = engine.find_similar(copy, find_line(copy, "total = 0"), 5)
            assert answer.hits[0].place.path == root / "shop" / "orders.py"
            assert answer.hits[0].kinship is Kinship.IDENTICAL
            assert answer.hits[0].score == 1.0

    def test_code_that_is_not_in_the_workspace_finds_its_kin(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            code = "def price_of(things, rate):\n    s = 0\n    for t in things:\n        s += t.price * t.quantity\n"
            assert set(list_names(engine.find_similar_to_code(code, 3))) >= {"total_price", "invoice_sum"}

    def test_words_find_the_code_that_does_it(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            assert list_names(engine.search("read a file line by line", 3))[0] == "read_lines"
            assert list_names(engine.search("cancel an order and restore the stock", 3))[0] == "cancel"

    def test_filters_apply_before_ranking(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            only_go = engine.search("sum the prices of all orders", 1, hit_filter=Filter(languages=("go",)))
            assert list_names(only_go) == ["TotalPrice"]
            in_shop = engine.search("sum the prices of all orders", 9, hit_filter=Filter(folder=root / "shop"))
            assert {hit.place.path.parent for hit in in_shop.hits} == {root / "shop"}

    @pytest.mark.parametrize(
        ("hit_filter", "left"),
        [
            (Filter(languages=("go", "python"), paths=("tool", "shop/orders.py")), {"shop/orders.py", "tool/price.go"}),
            (Filter(paths=("shop/",)), {"shop/orders.py", "shop/invoices.py"}),
            (Filter(paths=("*.go", "/shop/inv*")), {"shop/invoices.py", "tool/price.go"}),
            (Filter(excluded_paths=("shop", "*.go")), {"test/test_total.py"}),
            (Filter(paths=("shop/",), excluded_paths=("orders.py",)), {"shop/invoices.py"}),
            (Filter(tests=True), {"test/test_total.py"}),
            (Filter(tests=False), {"shop/orders.py", "shop/invoices.py", "tool/price.go"}),
            (Filter(tests=False, languages=("go",)), {"tool/price.go"}),
        ],
    )
    def test_patterns_and_tests_filter_questions_and_code(self, tmp_path: Path, hit_filter: Filter, left: set[str]):
        """A folder above the root is called test, too: only what is below the root counts."""
        root = tmp_path / "test" / "root"
        total = define_total("total_price")
        files = {"shop/orders.py": total, "shop/invoices.py": total, "test/test_total.py": total}
        files["tool/price.go"] = "package tool\n\nfunc TotalPrice(items []Item) int { return sum(items) }\n"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            answers = [engine.search("total price of items", 9, hit_filter=hit_filter)]
            answers.append(engine.find_similar_to_code(total, 9, language="python", hit_filter=hit_filter))
        for answer in answers:
            assert {hit.place.path.relative_to(root).as_posix() for hit in answer.hits} == left

    def test_hits_are_of_the_kinds_asked_for(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            hit_filter = Filter(kinds=(SnippetKind.METHOD, SnippetKind.CLASS))
            hits = engine.search("read", 9, hit_filter=hit_filter).hits
            assert hits
            assert {hit.place.kind for hit in hits} <= set(hit_filter.kinds)

    def test_symbols_are_found_by_any_part_of_their_name(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            assert [hit.place.qualified_name for hit in search_by_name(engine, "archive.read", 5)] == [
                "Archive.read_lines"
            ]
            assert {hit.place.name for hit in search_by_name(engine, "TOTAL", 5)} == {"total_price", "TotalPrice"}

    def test_duplicates_are_told_with_few_words_changed_and_unlike_code_is_not(self, root: Path, tmp_path: Path):
        (root / "copied.py").write_text(ORDERS.replace("tax_rate", "rate"))
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            path = root / "shop" / "orders.py"
            total, cancel = (s for s in engine.list_snippets(path) if s.name in ("total_price", "cancel"))
            assert [hit.place.path.name for hit in engine.find_duplicates(path, cancel)] == ["copied.py"]
            assert "copied.py" in [hit.place.path.name for hit in engine.find_duplicates(path, total)]
            assert all(hit.place.name != "read_lines" for hit in engine.find_duplicates(path, total))

    def test_of_copies_that_are_alike_in_structure_the_nearest_in_words_is_first(self, root: Path, tmp_path: Path):
        def written(verb: str, noun: str, result_name: str) -> str:
            listed = f"    {result_name} = []\n    for {noun} in {noun}s:\n        if {noun}.{verb}(path):\n"
            taken = f"            {result_name}.append({noun}.name)\n    return sorted({result_name})\n"
            return f"def {verb}_{noun}(path, {noun}s):\n{listed}{taken}"

        for name, noun in {"a": "invoice", "b": "parcel", "m": "ticket", "z": "planet"}.items():
            (root / f"{name}.py").write_text(written("visit", noun, "found"))
        (root / "asked.py").write_text(written("reach", "planet", "result"))
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            hits = engine.find_similar(root / "asked.py", Span(0, 6), 4).hits
            assert {hit.kinship for hit in hits} == {Kinship.RENAMED}
            assert [hit.score == hits[0].score for hit in hits] == [True] * 4
            assert hits[0].place.path.name == "z.py"

    def test_a_long_function_is_no_kin_of_itself_and_one_hit_among_others(self, root: Path, tmp_path: Path):
        """However many parts it is cut into; a selection in it is its own, too. One of the same name is another."""
        step = "    if order.{0} is None:\n        order.{0} = load_{0}(order)\n    total += order.{0} * rate\n"
        steps = [step.format(f"{what}_{i}") for i in range(12) for what in ("price", "tax", "discount")]
        long = root / "long.py"
        late = "".join(steps).replace("rate", "late").replace("order.", "parcel.")
        long.write_text("def total(order, rate):\n    total = 0\n" + "".join(steps) + "    return total\n")
        (root / "other.py").write_text(f"def late(order, late):\n    total = 1\n{late}" * 2)
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            parts = engine.list_snippets(long)
            assert [part.part for part in parts] == [1, 2]
            assert [part.part for part in engine.list_snippets(root / "other.py")] == [1, 2, 1, 2]
            for lines in (parts[0].span, parts[1].span, Span(70, 71), Span(70, 74)):
                similar = engine.find_similar(long, lines, 9).hits
                other_hits = [hit for hit in similar if hit.place.path.name in ("long.py", "other.py")]
                assert [(hit.place.path.name, hit.place.part > 0) for hit in other_hits] == [("other.py", True)] * 2
                first, second = sorted(hit.place.span.start for hit in other_hits)
                assert first < 110 <= second

    @pytest.mark.parametrize(
        "question",
        ["", " ", "?", "a", "\0", "🦄🦄", "\ud800", "日本語のテキスト", '"', "x " * 5000, "SELECT * FROM a; --"],
    )
    def test_odd_questions_are_answered_without_an_error(self, root: Path, tmp_path: Path, question: str):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            engine.search(question, 5)
            engine.find_similar_to_code(question, 5)
            search_by_name(engine, question, 5)

    @pytest.mark.parametrize("k", [0, -1])
    def test_whoever_wants_no_hits_gets_none(self, root: Path, tmp_path: Path, k: int):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            assert engine.find_similar(root / "shop" / "orders.py", Span(2, 3), k).hits == ()
            assert engine.search("cancel an order", k).hits == ()

    def test_a_question_about_no_code_says_what_is_wrong(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            with pytest.raises(QueryError, match="no line 1000"):
                engine.find_similar(root / "service.go", Span(999, 1000), 5)
            with pytest.raises(QueryError, match="There is no file"):
                engine.find_similar(root / "gone.py", Span(0, 1), 5)

    def test_a_cancelled_question_stops(self, root: Path, tmp_path: Path):
        cancelled = threading.Event()
        cancelled.set()
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            assert engine.search("orders", 5, cancel_event=cancelled).hits == ()


class TestLongQuestions:
    LONG = ("x", "ä_", "%", "a.b ", '" OR * ( ', "parse_Date ")

    @pytest.fixture
    def engine(self, root: Path, tmp_path: Path) -> Iterator[Engine]:
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            yield engine

    @pytest.mark.parametrize("part", LONG)
    def test_a_question_is_answered_up_to_its_limit_which_is_named(self, engine: Engine, part: str):
        engine.search((part * 100_000)[:100_000], 5)
        with pytest.raises(QueryError, match=r"at most 100,000 .* codekin similar -"):
            engine.search("x" * 100_001, 5)

    def test_a_question_of_8_000_characters_is_read_to_its_end(self, engine: Engine):
        question = " " * 7_900 + "mark an order as cancelled"
        assert "cancel" in list_names(engine.search(f"the{question}", 5))

    def test_code_is_compared_up_to_its_limit_which_is_named(self, engine: Engine):
        code = f"{ORDERS}\n" + "x = 1\n" * 150_000
        assert len(code) < 1_000_000
        engine.find_similar_to_code(code, 5, language="python")
        with pytest.raises(QueryError, match=r"at most 1,000,000 .* one function"):
            engine.find_similar_to_code(code + code, 5)

    @pytest.mark.parametrize(
        "hit_filter",
        [Filter(languages=("x" * 5_000,)), Filter(folder=Path("/" + "x" * 5_000))],
    )
    def test_no_folder_or_language_is_so_long(self, engine: Engine, hit_filter: Filter):
        with pytest.raises(QueryError, match=r"at most 4,096 .* Name "):
            engine.search("cancel", 5, hit_filter=hit_filter)

    @pytest.mark.parametrize("folder", ["/a\0b", "/a\udcff"])
    def test_a_folder_that_no_path_can_name_is_refused(self, engine: Engine, folder: str):
        with pytest.raises(QueryError, match="valid UTF-8"):
            engine.search("cancel", 5, hit_filter=Filter(folder=Path(folder)))

    def test_any_number_of_hits_may_be_asked_for(self, engine: Engine):
        assert search_by_name(engine, "cancel", 10**30)
