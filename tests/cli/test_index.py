"""What `codekin index` does and says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .command import FILES, REPORT, Codekin


def test_says_what_it_did_and_the_second_time_embeds_nothing(fresh: Codekin):
    first = fresh.json("index", fresh.folder)
    assert set(first) == REPORT
    assert first["files"] == len(FILES)
    assert first["snippets"] >= 8
    assert 0 < first["embedded"] < first["snippets"]  # one of two equal functions
    assert first["store_bytes"] > 0
    second = fresh.json("index")
    assert (second["files"], second["snippets"]) == (first["files"], first["snippets"])
    assert second["embedded"] == 0


def test_a_rename_and_a_copy_embed_nothing(fresh: Codekin):
    fresh.json("index")
    (fresh.folder / "src" / "dates.py").rename(fresh.folder / "src" / "days.py")
    shutil.copytree(fresh.folder / "src", fresh.folder / "more")
    report = fresh.json("index")
    assert (report["files"], report["embedded"]) == (len(FILES) + 2, 0)
    assert report["reused"] > 0


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_another_worktree_of_the_repository_embeds_nothing(fresh: Codekin, tmp_path: Path):
    def git(*words: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", *identity, *words], cwd=fresh.folder, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    git("worktree", "add", "-q", str(tmp_path / "tree"))
    assert fresh.json("index")["embedded"] > 0
    report = fresh.json("index", tmp_path / "tree")
    assert (report["files"], report["embedded"]) == (len(FILES), 0)


def test_tells_which_files_are_skipped_and_why(codekin: Codekin):
    (skipped,) = codekin.json("index")["skipped"]
    assert skipped["path"] == "binary.py"
    assert "binary" in skipped["reason"]


def test_a_folder_without_source_is_nothing_found(fresh: Codekin, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    report = fresh.json("index", tmp_path / "empty", status=1)
    assert report["files"] == report["snippets"] == 0


def test_without_json_it_is_a_line(codekin: Codekin):
    done = codekin("index")
    assert done.returncode == 0
    assert re.fullmatch(r".*project: 4 files, \d+ snippets; .* 1 file skipped; .*\n", done.stdout)
    assert "binary.py" in done.stderr
