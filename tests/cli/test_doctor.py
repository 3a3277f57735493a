"""What `codekin doctor` looks at."""

import re
import shutil
import sqlite3
from pathlib import Path

from filelock import FileLock

from .command import Codekin


def test_finds_a_sound_index_sound(codekin: Codekin):
    codekin.json("index")
    report = codekin.json("doctor")
    assert report["sound"] is True
    levels = {finding["check"]: finding["level"] for finding in report["findings"]}
    expected = ("python", "system", "codekin", "settings", "libraries", "grammars", "sqlite", "model", "cache")
    assert set(expected) <= set(levels)
    assert levels["index"] == "ok"
    assert "find themselves" in next(f["detail"] for f in report["findings"] if f["check"] == "index")
    assert all(set(finding) == {"check", "level", "detail", "remedy"} for finding in report["findings"])


def test_a_workspace_that_is_not_indexed_is_a_warning_with_its_remedy(own_codekin: Codekin):
    completed = own_codekin("doctor")
    assert completed.returncode == 0
    assert re.search(r"^warn index .* codekin index", completed.stdout, re.MULTILINE)


def test_vectors_that_find_nothing_are_a_failure(own_codekin: Codekin):
    own_codekin.json("index")
    shutil.rmtree(own_codekin.cache / "workspaces" / "nothing", ignore_errors=True)
    for path in own_codekin.cache.glob("vectors.sqlite*"):
        path.unlink()
    completed = own_codekin("doctor")
    assert completed.returncode == 2
    assert re.search(r"^fail index .* do not find themselves: .* codekin index", completed.stdout, re.MULTILINE)


def test_an_index_that_is_being_made_is_no_failure(own_codekin: Codekin):
    own_codekin.json("index")
    for path in own_codekin.cache.glob("vectors.sqlite*"):
        path.unlink()
    (store,), (lock,) = (own_codekin.cache.glob(f"workspaces/*{ending}") for ending in (".sqlite", ".lock"))
    with sqlite3.connect(store) as connection:  # a file is yet to come
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'pending'")
    with FileLock(lock):  # as by an editor's server
        completed = own_codekin("doctor")
    assert completed.returncode == 0
    assert re.search(
        r"^warn index .* another codekin is indexing.* when it has finished", completed.stdout, re.MULTILINE
    )


def test_a_cache_that_can_not_be_written_is_a_failure(codekin: Codekin, tmp_path: Path):
    (tmp_path / "file").write_text("")
    report = codekin.json("doctor", status=2, CODEKIN_CACHE_DIRECTORY=str(tmp_path / "file" / "cache"))
    (cache,) = [finding for finding in report["findings"] if finding["check"] == "cache"]
    assert cache["level"] == "fail"
    assert "cache.directory" in cache["remedy"]


def test_a_wrong_setting_is_a_warning(codekin: Codekin):
    report = codekin.json("doctor", CODEKIN_INDEX_WORKERS="many")
    (settings,) = [finding for finding in report["findings"] if finding["check"] == "settings"]
    assert settings["level"] == "warn"
    assert "workers" in settings["detail"]
