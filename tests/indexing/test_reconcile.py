"""Bringing the store up to date: nothing is embedded twice, nothing is lost, nothing is half there."""

import dataclasses
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from codekin.indexing.reconcile import reconcile
from codekin.settings import IndexSettings
from codekin.types import IndexReport, Progress

from .indexes import Dump, dump_store, index_paths, index_tree, make_order, start_indexing


def dump_fresh_index(tree: Path, tmp_path: Path) -> Dump:
    """Index the tree as it is in one go, in a cache of its own; return what the store holds."""
    index_tree(tree, tmp_path / "fresh")
    return dump_store(index_paths(tree, tmp_path / "fresh"))


def test_a_second_run_embeds_and_reads_nothing(indexed_tree: tuple[Path, Path], real_index: tuple[IndexReport, Dump]):
    first = real_index[0]
    assert first.embedded > 1000
    again = index_tree(*indexed_tree)
    assert (again.embedded, again.reused) == (0, 0)
    assert (again.files, again.snippets) == (first.files, first.snippets)


@pytest.mark.skipif(os.name == "nt", reason="such names can't be made there")
def test_a_path_that_is_no_text_stops_nothing(indexed_tree: tuple[Path, Path], real_index: tuple[IndexReport, Dump]):
    tree, cache = indexed_tree
    file_count = real_index[0].files
    try:
        for name in (b"/\xff.py", b"/\xfe/inner.py"):
            odd = Path(os.fsdecode(os.fsencode(tree) + name))
            odd.parent.mkdir(exist_ok=True)
            odd.write_text("def one():\n    return 1\n")
    except OSError:
        pytest.skip("this file system has no such names")
    for _ in range(2):
        report = index_tree(tree, cache)
        assert report.files == file_count
        assert sum("not valid UTF-8" in item.reason for item in report.skipped) == 2


def test_renames_and_moves_embed_nothing(
    indexed_tree: tuple[Path, Path], real_index: tuple[IndexReport, Dump], tmp_path: Path
):
    tree, cache = indexed_tree
    (tree / "json").rename(tree / "jason")
    (tree / "email" / "header.py").rename(tree / "headers_moved.py")
    after = index_tree(tree, cache)
    assert after.embedded == 0
    assert after.snippets == real_index[0].snippets
    assert dump_store(index_paths(tree, cache)) == dump_fresh_index(tree, tmp_path)


def test_a_branch_switch_and_back_embeds_nothing(indexed_tree: tuple[Path, Path], tmp_path: Path):
    tree, cache = indexed_tree

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tree, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    for path in (tree / "http").rglob("*.py"):
        path.write_text(path.read_text().replace("self", "this"))
    shutil.rmtree(tree / "xml")
    git("commit", "-qam", "two")
    assert index_tree(tree, cache).embedded > 0
    for branch in ("main", "other", "main"):
        git("checkout", "-q", branch)
        assert index_tree(tree, cache).embedded == 0
    worktree = tmp_path / "second worktree"
    git("worktree", "add", "-q", "--detach", str(worktree), "other")
    assert index_tree(worktree, cache).embedded == 0


def test_only_changed_functions_are_embedded(indexed_tree: tuple[Path, Path]):
    tree, cache = indexed_tree
    path = tree / "json" / "decoder.py"
    text = path.read_text()
    path.write_text(text.replace("def raw_decode(self, s, idx=0):", "def raw_decode(self, s, idx=1):"))
    assert index_tree(tree, cache).embedded == 1
    path.write_text(text)
    assert index_tree(tree, cache).embedded == 0


def test_lost_or_unsound_vectors_are_made_again(indexed_tree: tuple[Path, Path], real_index: tuple[IndexReport, Dump]):
    first, where = real_index[0], index_paths(*indexed_tree)
    where.vectors.unlink()
    assert index_tree(*indexed_tree).embedded == first.embedded
    for suffix in ("-wal", "-shm"):
        where.vectors.with_name(where.vectors.name + suffix).unlink(missing_ok=True)
    where.vectors.write_bytes(os.urandom(100_000))
    assert index_tree(*indexed_tree).embedded == first.embedded


@pytest.mark.parametrize("harm", ["truncate", "garbage pages", "garbage all", "empty"])
def test_an_unsound_store_is_made_again_and_embeds_nothing(
    indexed_tree: tuple[Path, Path], real_index: tuple[IndexReport, Dump], harm: str
):
    where = index_paths(*indexed_tree)
    data = bytearray(where.store.read_bytes())
    match harm:
        case "truncate":
            data = data[: len(data) // 2]
        case "garbage pages":
            data[4096 * 8 : 4096 * 40] = os.urandom(4096 * 32)
        case "garbage all":
            data = bytearray(os.urandom(len(data)))
        case "empty":
            data = bytearray()
    where.store.write_bytes(data)
    for path in indexed_tree[0].rglob("*.py"):  # so that every file's rows are touched
        path.touch()
    assert index_tree(*indexed_tree).embedded == 0
    assert dump_store(where) == real_index[1]


class CancelledSoon:
    """Is set once it has been asked so often whether it is."""

    def __init__(self, check_count: int) -> None:
        self.left = check_count

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("check_count", [0, 1, 5, 50, 450])
def test_a_run_can_be_cancelled_in_the_midst_of_a_large_file(tmp_path: Path, check_count: int):
    """As Ctrl-C does: nothing of it is in the index then, and all of it after the next run."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.py").write_text("".join(f"def f{i}(a, b):\n    return a * {i} + b\n\n\n" for i in range(400)))
    where = index_paths(tmp_path / "root", tmp_path / "cache")
    assert reconcile(where, lambda _: None, CancelledSoon(check_count), 0).files in (0, 1)
    assert dump_store(where)["snippets"] == [] or check_count == 450
    assert index_tree(tmp_path / "root", tmp_path / "cache").files == 1
    assert len(dump_store(where)["snippets"]) >= 400


def test_a_cancelled_run_keeps_what_it_has_done(real_tree: Path, tmp_path: Path, real_index: tuple[IndexReport, Dump]):
    cancel_event = threading.Event()

    def stop(progress: Progress) -> None:
        assert 0 < progress.done <= progress.total
        cancel_event.set()

    where = index_paths(real_tree, tmp_path)
    first = reconcile(where, stop, cancel_event, 0)
    assert first.embedded > 0
    second_report = index_tree(real_tree, tmp_path)
    assert second_report.embedded + first.embedded == real_index[0].embedded
    assert dump_store(where) == real_index[1]


def test_a_file_that_can_be_read_again_is_read(many_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Rights and disks come back without a change of the file's time."""
    opened = os.open

    def refuse(path: Any, *second_report: Any, **more: Any) -> int:
        if str(path).endswith("m7.py"):
            raise OSError(5, "Input/output error")
        return opened(path, *second_report, **more)

    monkeypatch.setattr(os, "open", refuse)
    (skipped,) = index_tree(many_files, tmp_path / "cache").skipped
    assert skipped.path.name == "m7.py"
    monkeypatch.undo()
    assert index_tree(many_files, tmp_path / "cache").skipped == ()


def test_killed_at_any_moment_nothing_is_lost_or_half_there(
    real_tree: Path, tmp_path: Path, real_index: tuple[IndexReport, Dump]
):
    where, chance = index_paths(real_tree, tmp_path / "cache"), random.Random(7)
    order = make_order(where, workers=1)
    moments = 0
    while moments < 50:
        if kill_while_indexing(json.dumps(order), chance.uniform(0.2, 1.0)):
            moments += 1
        else:  # it was done before: begin again
            assert dump_store(where) == real_index[1]
            shutil.rmtree(tmp_path / "cache")
        if has_tables(where.store):
            assert group_by_file(dump_store(where)) <= group_by_file(real_index[1])
    index_tree(real_tree, tmp_path / "cache")
    assert dump_store(where) == real_index[1]


def has_tables(store: Path) -> bool:
    """Whether the kill came after the tables were made, in one transaction."""
    if not store.exists():
        return False
    with closing(sqlite3.connect(store)) as connection:
        return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone())


def kill_while_indexing(order: str, seconds: float) -> bool:
    """Kill an indexing process, with all its family, after so many seconds; return False if it had ended before."""
    process = start_indexing(order)
    family = psutil.Process(process.pid)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        for member in [*family.children(recursive=True), family]:
            with suppress(psutil.NoSuchProcess):  # it has ended since they were listed
                member.kill()
        return True
    finally:
        process.communicate()
    return False


def group_by_file(dumped: Dump) -> set[tuple[object, ...]]:
    """Each file with all its snippets."""
    files: dict[object, list[object]] = {row[0]: [] for row in dumped["files"]}
    for row in dumped["snippets"]:
        files[row[0]].append(row)
    return {(path, *rows) for path, rows in files.items()}


def test_only_files_whose_language_was_changed_are_cut_again(tmp_path: Path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.inc").write_text("<?php\nfunction greet($name) {\n  return $name;\n}\n")
    (tree / "b.py").write_text("def greet(name):\n    return name\n")
    where = index_paths(tree, tmp_path / "cache")
    reports = []
    for languages in ({}, {"*.inc": "php"}, {"*.inc": "php"}, {"*.inc": "perl"}, {}):
        settings = dataclasses.replace(where.settings, index=IndexSettings(languages=languages))
        report = reconcile(dataclasses.replace(where, settings=settings), lambda _: None, threading.Event(), 0)
        reports.append((report.files, report.embedded + report.reused))
    assert reports == [(1, 1), (2, 2), (2, 0), (2, 1), (1, 0)]
