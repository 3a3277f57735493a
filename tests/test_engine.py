"""The engine: what a person gets, whatever happens to the workspace, the disk and the processes around it."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.settings import CacheSettings, ModelSettings, Settings
from codekin.types import Answer, Filter, Hit, Kinship, Span

NEVER = threading.Event()

ORDERS = '''\
"""Orders."""

def total_price(orders, tax_rate):
    """Sum the prices of all orders and add the tax."""
    total = 0
    for order in orders:
        total += order.price * order.quantity
    return total * (1 + tax_rate)


def cancel(order):
    """Mark an order as cancelled and give the stock back."""
    order.state = "cancelled"
    for line in order.lines:
        line.product.stock += line.quantity
'''
INVOICES = '''\
def invoice_sum(orders, tax_rate):
    """Sum up the prices of the invoice's orders, tax included."""
    amount = 0
    for order in orders:
        amount += order.price * order.quantity
    return amount * (1 + tax_rate)



def named(engine: Engine, name: str, k: int) -> list[Hit]:
    """The hits for a name that have it."""
    return [hit for hit in engine.search(name, k).hits if name.lower() in hit.place.qualified_name.lower()]


class Archive:
    def read_lines(self, path):
        """Read a text file line by line."""
        with open(path) as stream:
            for line in stream:
                yield line.rstrip()
'''
SERVICE = """\
package main

// TotalPrice sums the prices of all orders and adds the tax.
func TotalPrice(orders []Order, taxRate float64) float64 {
	total := 0.0
	for _, order := range orders {
		total += order.Price * float64(order.Quantity)
	}
	return total * (1 + taxRate)
}
"""


NEW = """def {}(orders, rate):
    total = 0
    for order in orders:
        total += order.price * rate
    if total < 0:
        raise ValueError(total)
    return total
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work space"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "orders.py").write_text(ORDERS)
    (folder / "shop" / "invoices.py").write_text(INVOICES)
    (folder / "service.go").write_text(SERVICE)
    return folder.resolve()


@contextmanager
def opened(
    *roots: Path, cache: Path, start: bool = False, dim: int = 0
) -> Iterator[tuple[Engine, Callable[..., None]]]:
    """An engine, and a function that waits until a condition holds."""
    changed = threading.Event()
    settings = Settings(cache=CacheSettings(directory=str(cache)), model=ModelSettings(dim=dim))
    engine = Engine(roots, settings, on_change=changed.set)

    def until(condition: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s in vain; {engine.status()}"
            changed.wait(0.1)
            changed.clear()

    try:
        if start:
            engine.start()
            until(lambda: engine.status().state == "ready")
        else:
            engine.refresh(lambda _: None, NEVER, 0)
        yield engine, until
    finally:
        engine.close()


def names(answer: Answer) -> list[str]:
    return [hit.place.name for hit in answer.hits]


def line_of(path: Path, part: str) -> Span:
    for i, line in enumerate(path.read_text().split("\n")):
        if part in line:
            return Span(i, i + 1)
    raise AssertionError(part)


def named(engine: Engine, name: str, k: int) -> list[Hit]:
    """The hits for a name that have it."""
    return [hit for hit in engine.search(name, k).hits if name.lower() in hit.place.qualified_name.lower()]


class TestQuestions:
    def test_kin_come_before_the_rest_and_the_snippet_itself_never(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            path = root / "shop" / "orders.py"
            answer = engine.find_similar(path, line_of(path, "total += order"), 5)
            assert set(names(answer)[:2]) == {"invoice_sum", "TotalPrice"}
            assert "total_price" not in names(answer)
            assert answer.coverage == 1.0
            assert all(0 <= hit.score <= 1 for hit in answer.hits)

    def test_the_same_text_elsewhere_is_identical_and_best(self, root: Path, tmp_path: Path):
        copy = root / "copied.py"
        copy.write_text("class Copied:\n" + "".join(f"    {line}\n" for line in ORDERS.split("\n")[2:8]))
        with opened(root, cache=tmp_path / "c") as (engine, _):
            answer = engine.find_similar(copy, line_of(copy, "total = 0"), 5)
            assert answer.hits[0].place.path == root / "shop" / "orders.py"
            assert answer.hits[0].kinship is Kinship.IDENTICAL
            assert answer.hits[0].score == 1.0

    def test_code_that_is_not_in_the_workspace_finds_its_kin(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            code = "def price_of(things, rate):\n    s = 0\n    for t in things:\n        s += t.price * t.quantity\n"
            assert set(names(engine.find_similar_to_code(code, 3))) >= {"total_price", "invoice_sum"}

    def test_words_find_the_code_that_does_it(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            assert names(engine.search("read a file line by line", 3))[0] == "read_lines"
            assert names(engine.search("cancel an order and restore the stock", 3))[0] == "cancel"

    def test_filters_apply_before_ranking(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            only_go = engine.search("sum the prices of all orders", 1, within=Filter(language="go"))
            assert names(only_go) == ["TotalPrice"]
            in_shop = engine.search("sum the prices of all orders", 9, within=Filter(folder=root / "shop"))
            assert {hit.place.path.parent for hit in in_shop.hits} == {root / "shop"}

    def test_symbols_are_found_by_any_part_of_their_name(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            assert [hit.place.qualified_name for hit in named(engine, "archive.read", 5)] == ["Archive.read_lines"]
            assert {hit.place.name for hit in named(engine, "TOTAL", 5)} == {"total_price", "TotalPrice"}

    def test_duplicates_are_told_with_few_words_changed_and_unlike_code_is_not(self, root: Path, tmp_path: Path):
        (root / "copied.py").write_text(ORDERS.replace("tax_rate", "rate"))
        with opened(root, cache=tmp_path / "c") as (engine, _):
            path = root / "shop" / "orders.py"
            total, cancel = (s for s in engine.list_snippets(path) if s.name in ("total_price", "cancel"))
            assert [hit.place.path.name for hit in engine.find_duplicates(path, cancel)] == ["copied.py"]
            assert "copied.py" in [hit.place.path.name for hit in engine.find_duplicates(path, total)]
            assert all(hit.place.name != "read_lines" for hit in engine.find_duplicates(path, total))

    def test_of_copies_that_are_alike_in_structure_the_nearest_in_words_is_first(self, root: Path, tmp_path: Path):
        def written(verb: str, noun: str, found: str) -> str:
            listed = f"    {found} = []\n    for {noun} in {noun}s:\n        if {noun}.{verb}(path):\n"
            taken = f"            {found}.append({noun}.name)\n    return sorted({found})\n"
            return f"def {verb}_{noun}(path, {noun}s):\n{listed}{taken}"

        for name, noun in {"a": "invoice", "b": "parcel", "m": "ticket", "z": "planet"}.items():
            (root / f"{name}.py").write_text(written("visit", noun, "found"))
        (root / "asked.py").write_text(written("reach", "planet", "result"))
        with opened(root, cache=tmp_path / "c") as (engine, _):
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
        with opened(root, cache=tmp_path / "c") as (engine, _):
            parts = engine.list_snippets(long)
            assert [part.part for part in parts] == [1, 2]
            assert [part.part for part in engine.list_snippets(root / "other.py")] == [1, 2, 1, 2]
            for lines in (parts[0].span, parts[1].span, Span(70, 71), Span(70, 74)):
                similar = engine.find_similar(long, lines, 9).hits
                found = [hit for hit in similar if hit.place.path.name in ("long.py", "other.py")]
                assert [(hit.place.path.name, hit.place.part > 0) for hit in found] == [("other.py", True)] * 2
                first, second = sorted(hit.place.span.start for hit in found)
                assert first < 110 <= second

    @pytest.mark.parametrize(
        "question",
        ["", " ", "?", "a", "\0", "🦄🦄", "\ud800", "日本語のテキスト", '"', "x " * 5000, "SELECT * FROM a; --"],
    )
    def test_odd_questions_are_answered_without_an_error(self, root: Path, tmp_path: Path, question: str):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            engine.search(question, 5)
            engine.find_similar_to_code(question, 5)
            named(engine, question, 5)

    def test_a_question_about_no_code_says_what_is_wrong(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            with pytest.raises(QueryError, match="no line 1000"):
                engine.find_similar(root / "service.go", Span(999, 1000), 5)
            with pytest.raises(QueryError, match="can't be read"):
                engine.find_similar(root / "gone.py", Span(0, 1), 5)

    def test_a_cancelled_question_stops(self, root: Path, tmp_path: Path):
        cancelled = threading.Event()
        cancelled.set()
        with opened(root, cache=tmp_path / "c") as (engine, _):
            assert engine.search("orders", 5, cancel=cancelled).hits == ()


class TestFreshness:
    def test_a_hit_that_moved_is_shown_where_it_is_now(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            path = root / "shop" / "invoices.py"
            path.write_text("import os\n\n\n" + INVOICES)  # and the index does not know
            (hit,) = [h for h in engine.search("sum up the invoice", 5).hits if h.place.name == "invoice_sum"]
            assert (hit.place.span.start, hit.place.name_line) == (3, 3)

    def test_changed_and_deleted_code_is_no_answer(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (engine, _):
            (root / "shop" / "invoices.py").write_text(INVOICES.replace("invoice_sum", "other"))
            (root / "service.go").unlink()
            assert {"invoice_sum", "TotalPrice"}.isdisjoint(names(engine.search("sum of order prices with tax", 9)))
            assert {hit.place.name for hit in named(engine, "sum", 9)} == set()


class TestKeepingUp:
    def test_unsaved_text_is_searchable_and_forgotten_when_closed(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            path = root / "shop" / "orders.py"
            engine.open_document(path, ORDERS + "\n\ndef refund_customer(card):\n    card.credit(1)\n")
            until(lambda: "refund_customer" in [hit.place.name for hit in named(engine, "refund", 5)])
            assert engine.status().embedded <= 20
            assert names(engine.search("refund the customer's card", 3))[0] == "refund_customer"
            engine.close_document(path)
            until(lambda: not named(engine, "refund", 5))
            assert named(engine, "total_price", 5)

    def test_unsaved_text_that_a_file_could_not_have_is_left_out_and_told(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            path, kept = root / "shop" / "orders.py", engine.status().files
            until(lambda: engine.status().state == "ready")
            engine.open_document(path, "def pasted(a):\n    return a\n\n" * 50_000)
            until(lambda: engine.status().skipped == 1 and not named(engine, "cancel", 5))
            assert engine.make_report().skip_reasons == (("larger than index.max_file_bytes", 1),)
            engine.reindex()
            until(lambda: engine.status().state == "ready" and engine.status().skipped == 1)
            assert not named(engine, "cancel", 5), "the disk's text is not what the document says"
            assert engine.list_snippets(path) == []
            with pytest.raises(QueryError, match="max_file_bytes"):
                engine.find_similar(path, Span(0, 1), 5)
            with pytest.raises(QueryError, match="max_file_bytes"):
                engine.complete(path, 1, 4, text="def pasted(a):\n    return a\n\n" * 50_000)
            engine.open_document(path, ORDERS)
            until(lambda: engine.status().skipped == 0 and named(engine, "cancel", 5) != [])
            assert engine.status().files == kept

    def test_undo_embeds_nothing(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            path = root / "shop" / "orders.py"
            engine.open_document(path, ORDERS.replace("cancel", "void"))
            until(lambda: named(engine, "void", 5))
            before = engine.status().embedded
            engine.open_document(path, ORDERS)
            until(lambda: named(engine, "cancel", 5) and not named(engine, "void", 5))
            assert engine.status().embedded == before

    def test_what_happens_on_the_disk_is_followed(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            (root / "new.py").write_text("def brand_new(): pass\n")
            until(lambda: named(engine, "brand_new", 5))
            embedded = engine.status().embedded
            (root / "new.py").rename(root / "renamed.py")
            until(lambda: [h.place.path.name for h in named(engine, "brand_new", 5)] == ["renamed.py"])
            shutil.move(root / "shop", root / "store")
            until(lambda: {h.place.path.parent.name for h in named(engine, "total_price", 5)} == {"store"})
            assert engine.status().embedded == embedded
            (root / "renamed.py").unlink()
            until(lambda: not named(engine, "brand_new", 5) and engine.status().files == 3)

    def test_a_checkout_of_thousands_of_files_arrives_whole(self, root: Path, tmp_path: Path):
        def git(*words: str) -> None:
            identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
            subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)

        git("init", "-q", "-b", "main")
        git("add", "-A")
        git("commit", "-qm", "one")
        git("checkout", "-qb", "many")
        for i in range(2000):
            folder = root / f"part{i % 40}"
            folder.mkdir(exist_ok=True)
            (folder / f"m{i}.py").write_text(f"def function_{i}(a):\n    return a + {i}\n")
        git("add", "-A")
        git("commit", "-qm", "two")
        git("checkout", "-q", "main")
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            assert engine.status().files == 3
            git("checkout", "-q", "many")
            until(lambda: engine.status().files == 2003 and engine.status().state == "ready", 60)
            embedded = engine.status().embedded
            git("checkout", "-q", "main")
            until(lambda: engine.status().files == 3 and engine.status().state == "ready", 60)
            git("checkout", "-q", "many")
            until(lambda: engine.status().files == 2003 and engine.status().state == "ready", 60)
            assert engine.status().embedded == embedded

    def test_an_ignore_rule_takes_effect(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            (root / ".codekinignore").write_text("shop/\n")
            until(lambda: engine.status().files == 1)
            (root / ".codekinignore").unlink()
            until(lambda: engine.status().files == 3)

    def test_pause_stops_and_resume_goes_on(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c", start=True) as (engine, until):
            engine.pause()
            assert engine.status().state == "paused"
            engine.reindex()
            assert not named(engine, "total", 5)
            engine.resume()
            until(lambda: named(engine, "total", 5) and engine.status().state == "ready")
            assert engine.status().embedded <= 20


class TestSeveralProcesses:
    def test_of_two_on_one_workspace_one_writes_both_answer_and_the_other_takes_over(self, root: Path, tmp_path: Path):
        with opened(root, cache=tmp_path / "c") as (other, until_other):
            with opened(root, cache=tmp_path / "c", start=True) as (writer, _):
                other.start()
                until_other(lambda: other.status().state == "standing by")
                assert names(other.search("cancel an order", 3)) == names(writer.search("cancel an order", 3))
                (root / "new.py").write_text("def brand_new(): pass\n")
                until_other(lambda: named(other, "brand_new", 5))
                assert other.status().state == "standing by"
            until_other(lambda: other.status().state == "ready")
            (root / "newer.py").write_text("def still_newer(): pass\n")
            until_other(lambda: named(other, "still_newer", 5))

    def test_of_two_with_different_models_each_has_all_vectors(self, root: Path, tmp_path: Path):
        """So are two versions of codekin, where one window was opened before an upgrade."""

        def has_all(engine: Engine, name: str) -> bool:
            return engine.coverage() == 1.0 and bool(named(engine, name, 5)) and known(engine) == known(writer)

        def known(engine: Engine) -> tuple[str, set[int]]:
            return engine.status().dense, set(engine._index.continuation_vectors.labels.tolist())

        with opened(root, cache=tmp_path / "c", start=True) as (writer, until_writer):
            with opened(root, cache=tmp_path / "c", dim=64) as (asked_once, _):
                assert has_all(asked_once, "total_price")
                before = len(known(writer)[1])
            with opened(root, cache=tmp_path / "c", dim=128) as (other, until_other):
                other.start()
                until_other(lambda: other.status().state == "standing by" and has_all(other, "total_price"))
                (root / "new.py").write_text(NEW.format("brand_new"))
                until_other(lambda: has_all(other, "brand_new"))
                other.open_document(root / "newer.py", NEW.format("still_newer"))
                until_other(lambda: named(other, "still_newer", 5))
                (root / "newer.py").write_text(NEW.format("still_newer"))
                other.close_document(root / "newer.py")
                until_writer(lambda: has_all(writer, "still_newer") and has_all(other, "still_newer"))
                assert len(known(writer)[1]) == before + 2 > 3

    def test_a_killed_indexing_process_is_started_again(self, root: Path, tmp_path: Path):
        for i in range(600):
            (root / f"m{i}.py").write_text("".join(f"def f{i}_{j}(a):\n    return a + {j}\n\n" for j in range(20)))
        with opened(root, cache=tmp_path / "c") as (_, _):
            pass
        shutil.rmtree(tmp_path / "c")
        changed = threading.Event()
        engine = Engine([root], Settings(cache=CacheSettings(directory=str(tmp_path / "c"))), on_change=changed.set)
        engine.start()
        try:
            killed = False
            deadline = time.monotonic() + 60
            while not (killed and engine.status().state == "ready"):
                assert time.monotonic() < deadline, engine.status()
                for child in psutil.Process().children():
                    if not killed and "codekin.indexing.reconcile_process" in child.cmdline():
                        os.kill(child.pid, signal.SIGKILL)
                        killed = True
                changed.wait(0.02)
                changed.clear()
            assert engine.status().snippets > 12_000
            assert engine.coverage() == 1.0
        finally:
            engine.close()

    def test_closing_leaves_no_process(self, root: Path, tmp_path: Path):
        before = set(psutil.Process().children(recursive=True))
        with opened(root, cache=tmp_path / "c", start=True):
            pass
        assert set(psutil.Process().children(recursive=True)) <= before


class TestLongQuestions:
    LONG = ("x", "ä_", "%", "a.b ", '" OR * ( ', "parse_Date ")

    @pytest.fixture
    def engine(self, root: Path, tmp_path: Path) -> Iterator[Engine]:
        with opened(root, cache=tmp_path / "c") as (engine, _):
            yield engine

    @pytest.mark.parametrize("part", LONG)
    def test_a_question_is_answered_up_to_its_limit_which_is_named(self, engine: Engine, part: str):
        engine.search((part * 100_000)[:100_000], 5)
        with pytest.raises(QueryError, match=r"at most 100,000 .* codekin similar -"):
            engine.search("x" * 100_001, 5)

    def test_a_question_of_8_000_characters_is_read_to_its_end(self, engine: Engine):
        question = " " * 7_900 + "mark an order as cancelled"
        assert "cancel" in names(engine.search(f"the{question}", 5))

    def test_code_is_compared_up_to_its_limit_which_is_named(self, engine: Engine):
        code = f"{ORDERS}\n" + "x = 1\n" * 150_000
        assert len(code) < 1_000_000
        engine.find_similar_to_code(code, 5, language="python")
        with pytest.raises(QueryError, match=r"at most 1,000,000 .* one function"):
            engine.find_similar_to_code(code + code, 5)

    @pytest.mark.parametrize(
        "within",
        [Filter(language="x" * 5_000), Filter(folder=Path("/" + "x" * 5_000))],
    )
    def test_no_folder_or_language_is_so_long(self, engine: Engine, within: Filter):
        with pytest.raises(QueryError, match=r"at most 4,096 .* Name "):
            engine.search("cancel", 5, within=within)

    @pytest.mark.parametrize("folder", ["/a\0b", "/a\udcff"])
    def test_a_folder_that_no_path_can_name_is_refused(self, engine: Engine, folder: str):
        with pytest.raises(QueryError, match="valid UTF-8"):
            engine.search("cancel", 5, within=Filter(folder=Path(folder)))

    def test_any_number_of_hits_may_be_asked_for(self, engine: Engine):
        assert named(engine, "cancel", 10**30)
