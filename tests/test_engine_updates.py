"""The engine keeps up with what happens to documents, the disk and other processes."""

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from codekin.engine import Engine
from codekin.errors import QueryError
from codekin.settings import CacheSettings, Settings
from codekin.types import Span

from .engines import INVOICES, NEW, ORDERS, TIMEOUT_S, list_names, open_engine, search_by_name, write_project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a project of three files into a folder whose name has a blank; return the folder."""
    return write_project(tmp_path / "work space")


class TestFreshness:
    def test_a_hit_that_moved_is_shown_where_it_is_now(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            path = root / "shop" / "invoices.py"
            path.write_text("import os\n\n\n" + INVOICES)  # and the index does not know
            (hit,) = [h for h in engine.search("sum up the invoice", 5).hits if h.place.name == "invoice_sum"]
            assert (hit.place.span.start, hit.place.name_line) == (3, 3)

    def test_changed_and_deleted_code_is_no_answer(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (engine, _):
            (root / "shop" / "invoices.py").write_text(INVOICES.replace("invoice_sum", "other"))
            (root / "service.go").unlink()
            assert {"invoice_sum", "TotalPrice"}.isdisjoint(
                list_names(engine.search("sum of order prices with tax", 9))
            )
            assert {hit.place.name for hit in search_by_name(engine, "sum", 9)} == set()


class TestKeepingUp:
    def test_unsaved_text_is_searchable_and_forgotten_when_closed(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            path = root / "shop" / "orders.py"
            engine.open_document(path, ORDERS + "\n\ndef refund_customer(card):\n    card.credit(1)\n")
            until(lambda: "refund_customer" in [hit.place.name for hit in search_by_name(engine, "refund", 5)])
            assert engine.status().embedded <= 20
            assert list_names(engine.search("refund the customer's card", 3))[0] == "refund_customer"
            engine.close_document(path)
            until(lambda: not search_by_name(engine, "refund", 5))
            assert search_by_name(engine, "total_price", 5)

    def test_unsaved_text_that_a_file_could_not_have_is_left_out_and_told(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            path, kept = root / "shop" / "orders.py", engine.status().files
            until(lambda: engine.status().state == "ready")
            engine.open_document(path, "def pasted(a):\n    return a\n\n" * 50_000)
            until(lambda: engine.status().skipped == 1 and not search_by_name(engine, "cancel", 5))
            assert engine.make_report().skip_reasons == (("larger than index.max_file_bytes", 1),)
            engine.reindex()
            until(lambda: engine.status().state == "ready" and engine.status().skipped == 1)
            assert not search_by_name(engine, "cancel", 5), "the disk's text is not what the document says"
            assert engine.list_snippets(path) == []
            with pytest.raises(QueryError, match="max_file_bytes"):
                engine.find_similar(path, Span(0, 1), 5)
            with pytest.raises(QueryError, match="max_file_bytes"):
                engine.complete(path, 1, 4, text="def pasted(a):\n    return a\n\n" * 50_000)
            engine.open_document(path, ORDERS)
            until(lambda: engine.status().skipped == 0 and search_by_name(engine, "cancel", 5) != [])
            assert engine.status().files == kept

    def test_undo_embeds_nothing(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            path = root / "shop" / "orders.py"
            engine.open_document(path, ORDERS.replace("cancel", "void"))
            until(lambda: search_by_name(engine, "void", 5))
            before = engine.status().embedded
            engine.open_document(path, ORDERS)
            until(lambda: search_by_name(engine, "cancel", 5) and not search_by_name(engine, "void", 5))
            assert engine.status().embedded == before

    def test_what_happens_on_the_disk_is_followed(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            (root / "new.py").write_text("def brand_new(): pass\n")
            until(lambda: search_by_name(engine, "brand_new", 5))
            embedded = engine.status().embedded
            (root / "new.py").rename(root / "renamed.py")
            until(lambda: [h.place.path.name for h in search_by_name(engine, "brand_new", 5)] == ["renamed.py"])
            shutil.move(root / "shop", root / "store")
            until(lambda: {h.place.path.parent.name for h in search_by_name(engine, "total_price", 5)} == {"store"})
            assert engine.status().embedded == embedded
            (root / "renamed.py").unlink()
            until(lambda: not search_by_name(engine, "brand_new", 5) and engine.status().files == 3)

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
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            assert engine.status().files == 3
            git("checkout", "-q", "many")
            until(lambda: engine.status().files == 2003 and engine.status().state == "ready")
            embedded = engine.status().embedded
            git("checkout", "-q", "main")
            until(lambda: engine.status().files == 3 and engine.status().state == "ready")
            git("checkout", "-q", "many")
            until(lambda: engine.status().files == 2003 and engine.status().state == "ready")
            assert engine.status().embedded == embedded

    def test_an_ignore_rule_takes_effect(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            (root / ".codekinignore").write_text("shop/\n")
            until(lambda: engine.status().files == 1)
            (root / ".codekinignore").unlink()
            until(lambda: engine.status().files == 3)

    def test_pause_stops_and_resume_goes_on(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c", start=True) as (engine, until):
            engine.pause()
            assert engine.status().state == "paused"
            engine.reindex()
            assert not search_by_name(engine, "total", 5)
            engine.resume()
            until(lambda: search_by_name(engine, "total", 5) and engine.status().state == "ready")
            assert engine.status().embedded <= 20


class TestSeveralProcesses:
    def test_a_pause_does_not_wait_for_another_process_that_is_writing(self, root: Path, tmp_path: Path):
        with (
            open_engine(root, cache=tmp_path / "c", start=True) as (engine, until),
            open_engine(root, cache=tmp_path / "c") as (other_engine, until_other),
        ):
            other_engine.start()
            other_engine.open_document(root / "shop" / "orders.py", ORDERS + NEW.format("unsaved"))
            until_other(lambda: search_by_name(other_engine, "unsaved", 5))
            (store_path,) = (tmp_path / "c").glob("workspaces/*.sqlite")
            with closing(sqlite3.connect(store_path, isolation_level=None)) as writer:
                writer.execute("BEGIN IMMEDIATE")
                engine.resume()  # a rescan, which first drops the other's unsaved text
                until(lambda: not engine._indexer._state.is_rescan_requested)
                pausing = threading.Thread(target=engine.pause)
                pausing.start()
                pausing.join(20)
                assert not pausing.is_alive()
                writer.execute("ROLLBACK")
            engine.resume()
            until(lambda: engine.status().state == "ready")

    def test_of_two_on_one_workspace_one_writes_both_answer_and_the_other_takes_over(self, root: Path, tmp_path: Path):
        with open_engine(root, cache=tmp_path / "c") as (second_engine, until_other):
            with open_engine(root, cache=tmp_path / "c", start=True) as (writer, _):
                second_engine.start()
                until_other(lambda: second_engine.status().state == "standing by")
                assert list_names(second_engine.search("cancel an order", 3)) == list_names(
                    writer.search("cancel an order", 3)
                )
                (root / "new.py").write_text("def brand_new(): pass\n")
                until_other(lambda: search_by_name(second_engine, "brand_new", 5))
                assert second_engine.status().state == "standing by"
            until_other(lambda: second_engine.status().state == "ready")
            (root / "newer.py").write_text("def still_newer(): pass\n")
            until_other(lambda: search_by_name(second_engine, "still_newer", 5))

    def test_of_two_with_different_models_each_has_all_vectors(self, root: Path, tmp_path: Path):
        """So are two versions of codekin, where one window was open_engine before an upgrade."""

        def has_all(engine: Engine, name: str) -> bool:
            return engine.coverage() == 1.0 and bool(search_by_name(engine, name, 5)) and known(engine) == known(writer)

        def known(engine: Engine) -> tuple[str, list[int]]:
            engine._index.follow_for_completions()
            return engine.status().dense, sorted(engine._index.continuation_vectors.labels.tolist())

        with open_engine(root, cache=tmp_path / "c", start=True) as (writer, until_writer):
            with open_engine(root, cache=tmp_path / "c", dim=64) as (asked_once, _):
                assert has_all(asked_once, "total_price")
                before = len(known(writer)[1])
            with open_engine(root, cache=tmp_path / "c", dim=128) as (second_engine, until_other):
                second_engine.start()
                until_other(
                    lambda: second_engine.status().state == "standing by" and has_all(second_engine, "total_price")
                )
                (root / "new.py").write_text(NEW.format("brand_new"))
                until_other(lambda: has_all(second_engine, "brand_new"))
                second_engine.open_document(root / "newer.py", NEW.format("still_newer"))
                until_other(lambda: search_by_name(second_engine, "still_newer", 5))
                (root / "newer.py").write_text(NEW.format("still_newer"))
                second_engine.close_document(root / "newer.py")
                until_writer(lambda: has_all(writer, "still_newer") and has_all(second_engine, "still_newer"))
                assert len(known(writer)[1]) == before + 2 > 3

    def test_a_killed_indexing_process_is_started_again(self, root: Path, tmp_path: Path):
        for i in range(600):
            (root / f"m{i}.py").write_text("".join(f"def f{i}_{j}(a):\n    return a + {j}\n\n" for j in range(20)))
        with open_engine(root, cache=tmp_path / "c") as (_, _):
            pass
        shutil.rmtree(tmp_path / "c")
        changed = threading.Event()
        engine = Engine([root], Settings(cache=CacheSettings(directory=str(tmp_path / "c"))), on_change=changed.set)
        engine.start()
        try:
            killed = False
            deadline = time.monotonic() + TIMEOUT_S
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
        with open_engine(root, cache=tmp_path / "c", start=True):
            pass
        assert set(psutil.Process().children(recursive=True)) <= before
