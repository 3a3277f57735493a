"""What a person asks of an index is answered from what is there."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from filelock import FileLock

from codekin.engine import Engine
from codekin.settings import CacheSettings, IndexSettings, Settings
from codekin.status.process_memory import measure_processes
from codekin.status.report import to_json
from codekin.storage.error_log import ErrorLog

CODE = "def brew_coffee(beans, water):\n    cup = beans.ground() + water\n    return cup\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    index = IndexSettings(max_file_bytes=1000)
    return replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")), index=index)


@pytest.fixture
def engine(tmp_path: Path, settings: Settings) -> Iterator[Engine]:
    root = tmp_path / "root"
    root.mkdir()
    for name in ("a.py", "b.py"):
        (root / name).write_text(CODE.replace("coffee", name[0]))
    (root / "c.go").write_text("package main\n\nfunc Brew() int {\n\treturn 1\n}\n")
    (root / "notes.sql").write_text("select 1;\n")
    (root / "large.py").write_text("x = 1\n" * 1000)
    (root / "larger.py").write_text("x = 1\n" * 2000)
    (root / "binary.py").write_bytes(b"\0\1\2\3" * 10)
    new_engine = Engine([root], settings)
    new_engine.refresh(lambda _: None, Event(), 0)
    yield new_engine
    new_engine.close()


def test_what_is_indexed_and_what_is_not_and_why(engine: Engine) -> None:
    report = engine.make_report()
    functions = {
        language_count.name: (language_count.files, language_count.functions) for language_count in report.languages
    }
    assert functions["python"] == (2, 2)
    assert functions["go"] == (1, 1)
    assert functions["sql"] == (1, 0)
    assert dict(report.skip_reasons) == {"larger than index.max_file_bytes": 2, "binary": 1}
    assert [item.path.name for item in report.skipped] == ["binary.py", "large.py", "larger.py"]


def test_what_it_takes_on_the_disk(engine: Engine) -> None:
    sizes = {stored_file.purpose: stored_file.size_bytes for stored_file in engine.make_report().stored_files}
    assert sizes["index"] > 0
    assert sizes["vectors of all workspaces"] > 0
    assert (sizes["graph"], sizes["image of the memory"]) == (0, 0)  # of a small workspace


@pytest.mark.skipif(sys.platform != "linux", reason="told in /proc")
def test_memory_is_of_this_process_and_of_all_below_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        own_process, *other_processes = measure_processes()
        assert child.stdin is not None
        child.stdin.close()
    assert own_process.purpose == "this process"
    assert own_process.resident_bytes > own_process.private_bytes > 1_000_000
    assert any(process.purpose.startswith("python") for process in other_processes)


def test_who_keeps_the_index(engine: Engine) -> None:
    assert engine.make_report().owner == "nobody"
    with FileLock(engine._paths.lock):
        assert engine.make_report().owner == "another process"
    engine.start()
    deadline = time.monotonic() + 60
    while engine.status().state != "ready":
        assert time.monotonic() < deadline
    assert engine.make_report().owner == "this process"


def test_troubles_are_told_with_their_time_by_any_process_that_is_asked_later(engine: Engine, settings) -> None:
    engine._note_problem("The disk is full. Make room.")
    second_engine = Engine(engine._workspace.roots, settings)
    (trouble,) = second_engine.make_report().errors
    assert trouble.message == "The disk is full. Make room."
    assert abs(trouble.when - time.time()) < 600
    assert to_json(second_engine.make_report())["troubles"][0]["when"].endswith("+00:00")
    second_engine.close()


def test_of_troubles_the_last_are_kept_each_once(engine: Engine) -> None:
    troubles = ErrorLog(engine._index.store)
    for number in [*range(30), 29, 10]:
        troubles.record(f"trouble {number}")
    messages = [logged_error.message for logged_error in ErrorLog(engine._index.store).list_errors()]
    assert len(messages) == len(set(messages)) == 20
    assert messages[-2:] == ["trouble 29", "trouble 10"]


def test_nothing_is_covered_of_what_an_upgrade_has_to_read_again(engine: Engine) -> None:
    with closing(sqlite3.connect(engine.status().store)) as upgrade:  # as migrations do it
        upgrade.execute("DELETE FROM snippets")
        upgrade.execute("DELETE FROM files")
        upgrade.commit()
    engine.follow()
    assert engine.coverage() == 0


def test_nothing_is_covered_while_everything_is_indexed_anew(engine: Engine) -> None:
    assert engine.coverage() == 1
    engine._index.store.clear()
    engine.follow()
    assert engine.status().files == 0
    assert engine.coverage() == 0
    engine.refresh(lambda _: None, Event(), 0)
    assert engine.coverage() == 1


def test_a_file_that_costs_too_much_to_parse_is_counted_and_named(tmp_path: Path, settings: Settings) -> None:
    root = tmp_path / "hostile"
    root.mkdir()
    hostile = "".join(f"a{number}=>\n" for number in range(5000))
    (root / "hostile.c").write_text(hostile)
    (root / "sound.c").write_text("int add(int a, int b) {\n    return a + b;\n}\n")
    (root / "notes.sql").write_text("select 1;\n")  # no grammar: windows of lines are all that there is
    sources = [{"cell_type": "code", "source": source} for source in (f"%%perl\n{CODE}", CODE)]
    (root / "sound.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": sources}))
    settings = replace(settings, index=IndexSettings())
    with closing(Engine([root], settings)) as engine:
        engine.refresh(lambda _: None, Event(), 0)
        report = engine.make_report()
    assert report.unparsed_count == 1
    assert [(file.path.name, "takes too much" in file.reason) for file in report.unparsed] == [("hostile.c", True)]
    document = to_json(report)
    assert document["unparsed"] == 1
    assert document["unparsedFiles"] == [{"path": str(root / "hostile.c"), "reason": report.unparsed[0].reason}]
