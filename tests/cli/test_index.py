"""What `codekin index` does and says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .command import FILES, REPORT, Codekin


def test_says_what_it_did_and_the_second_time_embeds_nothing(own_codekin: Codekin):
    first = own_codekin.json("index", own_codekin.folder)
    assert set(first) == REPORT
    assert first["files"] == len(FILES)
    assert first["snippets"] >= 8
    assert 0 < first["embedded"] < first["snippets"]  # one of two equal functions
    assert first["store_bytes"] > 0
    second = own_codekin.json("index")
    assert (second["files"], second["snippets"]) == (first["files"], first["snippets"])
    assert second["embedded"] == 0


def test_a_rename_and_a_copy_embed_nothing(own_codekin: Codekin):
    own_codekin.json("index")
    (own_codekin.folder / "src" / "dates.py").rename(own_codekin.folder / "src" / "days.py")
    shutil.copytree(own_codekin.folder / "src", own_codekin.folder / "more")
    report = own_codekin.json("index")
    assert (report["files"], report["embedded"]) == (len(FILES) + 2, 0)
    assert report["reused"] > 0


def test_a_language_that_the_user_sets_is_cut_along_its_syntax(own_codekin: Codekin):
    (own_codekin.folder / "greeting.inc").write_text("<?php\nfunction greetGondolier($name) {\n  return $name;\n}\n")
    assert own_codekin.json("index")["files"] == len(FILES)
    own_codekin.cache.mkdir(exist_ok=True)
    (own_codekin.cache / "config.toml").write_text('[index]\nlanguages = {"*.inc" = "php"}\n')
    assert own_codekin.json("index")["files"] == len(FILES) + 1
    (hit, *_) = own_codekin.json("search", "greet gondolier")["hits"]
    assert (hit["name"], hit["kind"], hit["language"]) == ("greetGondolier", "function", "php")
    (own_codekin.cache / "config.toml").write_text('[index]\nlanguages = {"*.inc" = "perl"}\n')
    (hit, *_) = own_codekin.json("search", "greet gondolier")["hits"]
    assert (hit["kind"], hit["language"]) == ("lines", "perl")
    (own_codekin.cache / "config.toml").write_text('[index]\nlanguages = {"*.inc" = "phpp"}\n')
    completed = own_codekin("index")
    assert "'phpp' is unknown (do you mean php" in completed.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_another_worktree_of_the_repository_embeds_nothing(own_codekin: Codekin, tmp_path: Path):
    def git(*words: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", *identity, *words], cwd=own_codekin.folder, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    git("worktree", "add", "-q", str(tmp_path / "tree"))
    assert own_codekin.json("index")["embedded"] > 0
    report = own_codekin.json("index", tmp_path / "tree")
    assert (report["files"], report["embedded"]) == (len(FILES), 0)


def test_tells_which_files_are_skipped_and_why(codekin: Codekin):
    (skipped,) = codekin.json("index")["skipped"]
    assert skipped["path"] == "binary.py"
    assert "binary" in skipped["reason"]


def test_a_folder_without_source_is_nothing_found(own_codekin: Codekin, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    report = own_codekin.json("index", tmp_path / "empty", status=1)
    assert report["files"] == report["snippets"] == 0


def test_without_json_it_is_a_line(codekin: Codekin):
    completed = codekin("index")
    assert completed.returncode == 0
    assert re.fullmatch(r".*project: 4 files, \d+ snippets; .* 1 file skipped; .*\n", completed.stdout)
    assert "binary.py" in completed.stderr


def test_settings_in_a_file_of_ignored_duplicates_are_told(own_codekin: Codekin):
    (own_codekin.folder / ".codekin.toml").write_text("[index]\nlanguages = 3\n")
    done = own_codekin("index")
    assert done.returncode == 0
    assert ".codekin.toml, line 1: there is no 'index' here, only [[ignored]]" in done.stderr
