"""The real `codekin`, in a process of its own, on a small workspace of real code: what it prints, how it exits."""

import io
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from codekin import __version__
from codekin.cli.arguments import address, file_and_line, folder_within, root_around
from codekin.errors import QueryError
from codekin.index.home import home
from codekin.settings import CacheSettings, Settings

CODEKIN = shutil.which("codekin", path=str(Path(sys.executable).parent)) or "codekin"
REPOSITORY = Path(__file__).parents[1]
COMMANDS = ("index", "similar", "search", "embed", "status", "duplicates", "doctor", "evaluate", "train", "serve")

FILES = {
    "src/dates.py": '''"""Dates in and out of text."""

from datetime import date


def parse_date(text: str) -> date:
    """Read a date such as 2024-05-01."""
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))


def format_date(value: date) -> str:
    """Write a date such as 2024-05-01."""
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


class Calendar:
    """Days and what is on them."""

    def __init__(self) -> None:
        self.entries: dict[date, list[str]] = {}

    def add_entry(self, day: date, entry: str) -> None:
        """Note an entry for a day."""
        self.entries.setdefault(day, []).append(entry)
''',
    "src/reading.py": '''def read_date(source: str):
    """Read a date such as 2024-05-01 from text."""
    year, month, day = source.split("-")
    return int(year), int(month), int(day)


def count_words(path):
    """How often each word occurs in a file."""
    counts = {}
    with open(path) as stream:
        for word in stream.read().split():
            counts[word] = counts.get(word, 0) + 1
    return counts
''',
    "web/dates.js": """/** Read a date such as 2024-05-01. */
export function parseDate(text) {
  const [year, month, day] = text.split("-").map(Number);
  return new Date(year, month - 1, day);
}
""",
    "copies/dates.py": '''def parse_date(text: str) -> date:
    """Read a date such as 2024-05-01."""
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))
''',
}
HIT = {"path", "start_line", "end_line", "name", "kind", "language", "score", "kinship", "why"}
REPORT = {"files", "snippets", "embedded", "reused", "skipped", "seconds", "store_bytes"}


def write(root: Path, files: Mapping[str, str] = FILES) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


class Codekin:
    """The command with a cache of its own."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache = cache
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CODEKIN_")},
            "CODEKIN_CACHE_DIRECTORY": str(cache),
            "CODEKIN_CONFIG": str(cache / "config.toml"),
            "PYTHONIOENCODING": "utf-8",
        }

    def __call__(
        self, *words: str | Path, stdin: str | bytes = b"", folder: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [CODEKIN, *map(str, words)],
            cwd=folder or self.folder,
            env=self.environment | environment,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        out, err = done.stdout.decode().replace("\r\n", "\n"), done.stderr.decode().replace("\r\n", "\n")
        assert "Traceback" not in err or "--debug" in words, err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def json(self, *words: str | Path, status: int = 0, **options: Any) -> dict[str, Any]:
        done = self(*words, "--json", **options)
        assert done.returncode == status, done.stderr
        document = json.loads(done.stdout)
        assert isinstance(document, dict)
        return document


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write(tmp_path_factory.mktemp("w") / "project")
    (root / "pyproject.toml").write_text("")
    (root / "binary.py").write_bytes(b"\x7fELF\0\0\0\1" * 100)
    (root / "notes.txt").write_text("no source")
    return root


@pytest.fixture(scope="module")
def codekin(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Codekin:
    """On a workspace that nobody changes."""
    return Codekin(tmp_path_factory.mktemp("cache"), workspace)


@pytest.fixture
def fresh(tmp_path: Path) -> Codekin:
    """On a workspace of one test's own."""
    root = write(tmp_path / "project")
    (root / "pyproject.toml").write_text("")
    return Codekin(tmp_path / "cache", root)


class TestIndex:
    def test_says_what_it_did_and_the_second_time_embeds_nothing(self, fresh: Codekin):
        first = fresh.json("index", fresh.folder)
        assert set(first) == REPORT
        assert first["files"] == len(FILES)
        assert first["snippets"] >= 8
        assert 0 < first["embedded"] < first["snippets"]  # one of two equal functions
        assert first["store_bytes"] > 0
        second = fresh.json("index")
        assert (second["files"], second["snippets"]) == (first["files"], first["snippets"])
        assert second["embedded"] == 0

    def test_a_rename_and_a_copy_embed_nothing(self, fresh: Codekin):
        fresh.json("index")
        (fresh.folder / "src" / "dates.py").rename(fresh.folder / "src" / "days.py")
        shutil.copytree(fresh.folder / "src", fresh.folder / "more")
        report = fresh.json("index")
        assert (report["files"], report["embedded"]) == (len(FILES) + 2, 0)
        assert report["reused"] > 0

    @pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
    def test_another_worktree_of_the_repository_embeds_nothing(self, fresh: Codekin, tmp_path: Path):
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

    def test_tells_which_files_are_skipped_and_why(self, codekin: Codekin):
        (skipped,) = codekin.json("index")["skipped"]
        assert skipped["path"] == "binary.py"
        assert "binary" in skipped["reason"]

    def test_a_folder_without_source_is_nothing_found(self, fresh: Codekin, tmp_path: Path):
        (tmp_path / "empty").mkdir()
        report = fresh.json("index", tmp_path / "empty", status=1)
        assert report["files"] == report["snippets"] == 0

    def test_without_json_it_is_a_line(self, codekin: Codekin):
        done = codekin("index")
        assert done.returncode == 0
        assert re.fullmatch(r".*project: 4 files, \d+ snippets; .* 1 file skipped; .*\n", done.stdout)
        assert "binary.py" in done.stderr


class TestSimilar:
    def test_hits_have_the_promised_shape_best_first(self, codekin: Codekin, workspace: Path):
        answer = codekin.json("similar", "src/dates.py:7")
        assert set(answer) == {"hits", "coverage", "seconds"}
        assert answer["coverage"] == 1
        assert all(set(hit) == HIT for hit in answer["hits"])
        scores = [hit["score"] for hit in answer["hits"]]
        assert scores == sorted(scores, reverse=True)
        first = answer["hits"][0]
        assert (first["path"], first["start_line"], first["end_line"]) == ("copies/dates.py", 1, 4)
        assert (first["name"], first["kind"], first["language"]) == ("parse_date", "function", "python")
        assert first["score"] == 1
        assert "identical" in first["why"]
        assert "read_date" in [hit["name"] for hit in answer["hits"][:3]]
        assert all(hit["path"] != "src/dates.py" or hit["name"] != "parse_date" for hit in answer["hits"])

    def test_code_on_standard_input_needs_no_file(self, codekin: Codekin):
        code = 'def parse(s):\n    year, month, day = s.split("-")\n    return date(int(year), int(month), int(day))\n'
        answer = codekin.json("similar", "-", "--language", "python", stdin=code)
        assert {hit["language"] for hit in answer["hits"]} == {"python"}
        assert answer["hits"][0]["name"] in ("parse_date", "read_date")

    @pytest.mark.parametrize("code", [b"\xff\xfe\x00x = 1", b"\xef\xbb\xbfx = 1\r\n", "名前 = 1".encode(), b"(" * 5000])
    def test_any_bytes_on_standard_input_are_answered(self, codekin: Codekin, code: bytes):
        assert codekin("similar", "-", stdin=code).returncode in (0, 1)

    def test_k_language_and_folder_limit_the_hits(self, codekin: Codekin):
        assert len(codekin.json("similar", "src/dates.py:7", "-k", "2")["hits"]) == 2
        for language in ("javascript", "js"):
            hits = codekin.json("similar", "src/dates.py:7", "--language", language)["hits"]
            assert {hit["path"] for hit in hits} == {"web/dates.js"}
        hits = codekin.json("similar", "src/dates.py:7", "--folder", "copies")["hits"]
        assert {hit["path"] for hit in hits} == {"copies/dates.py"}

    def test_the_file_is_seen_from_here_and_hits_from_the_root(self, codekin: Codekin, workspace: Path):
        answer = codekin.json("similar", "dates.py:7:3", folder=workspace / "src")
        assert answer["hits"][0]["path"] == "copies/dates.py"
        done = codekin("similar", "dates.py:7", folder=workspace / "src")
        assert done.stdout.startswith(str(Path("../copies/dates.py")) + ":1: 1.00 function parse_date")

    def test_on_a_line_without_code_it_says_which_code_it_answers_for(self, codekin: Codekin):
        between = codekin("similar", "src/dates.py:10")
        assert between.returncode == 0
        assert between.stderr == f"Line 10 has no code of its own. Like parse_date ({Path('src/dates.py')}:6-9):\n"
        assert between.stdout == codekin("similar", "src/dates.py:7").stdout
        assert codekin("similar", "src/dates.py:7").stderr == ""
        beyond = codekin("similar", "src/dates.py:99")
        assert (beyond.returncode, beyond.stderr.count("\n")) == (2, 1)

    def test_with_root_the_workspace_is_another(self, codekin: Codekin, workspace: Path):
        hits = codekin.json("similar", "src/dates.py:7", "--root", workspace / "src")["hits"]
        assert {hit["path"] for hit in hits} <= {"dates.py", "reading.py"}

    def test_a_change_on_the_disk_is_seen_at_once(self, fresh: Codekin):
        fresh.json("index")
        (fresh.folder / "new.py").write_text(FILES["copies/dates.py"].replace("parse_date", "newest"))
        assert "newest" in [hit["name"] for hit in fresh.json("similar", "src/dates.py:7")["hits"]]
        (fresh.folder / "new.py").unlink()
        assert "newest" not in [hit["name"] for hit in fresh.json("similar", "src/dates.py:7")["hits"]]

    def test_in_a_fresh_checkout_it_indexes_first(self, fresh: Codekin):
        assert fresh.json("similar", "src/dates.py:7")["hits"]


class TestSearch:
    def test_finds_code_by_what_it_does(self, codekin: Codekin):
        answer = codekin.json("search", "count the words of a file")
        assert answer["hits"][0]["name"] == "count_words"
        assert all(set(hit) == HIT for hit in answer["hits"])

    def test_nothing_found_says_so_and_what_to_try(self, codekin: Codekin):
        done = codekin("search", "a date", "--language", "kotlin")
        assert (done.returncode, done.stdout) == (1, "")
        assert "--language" in done.stderr
        assert codekin.json("search", "a date", "--language", "kotlin", status=1)["hits"] == []

    def test_lines_can_be_grepped_and_have_no_escape_codes(self, codekin: Codekin):
        done = codekin("search", "read a date", FORCE_COLOR="")
        assert done.returncode == 0
        assert done.stderr == ""
        for line in done.stdout.splitlines():
            assert re.fullmatch(r"[^:\x1b]+:\d+: [01]\.\d\d \w+ \S+ \([^\x1b]+\)", line)

    def test_while_another_codekin_keeps_the_index_it_answers_from_what_is_there(self, fresh: Codekin):
        fresh.json("index")
        (fresh.folder / "new.py").write_text("def newest():\n    return 'never seen'\n")
        lock = home([fresh.folder], Settings(cache=CacheSettings(str(fresh.cache)))).lock
        with FileLock(lock):
            hits = fresh.json("search", "count words")["hits"]
        assert "count_words" in [hit["name"] for hit in hits]
        assert "newest" not in [hit["name"] for hit in hits]

    def test_what_is_not_characters_drives_no_terminal(self, fresh: Codekin):
        evil = "def evil_marker():\n    return '\x1b]0;owned\x07\x1b[31m \x9b31m'\n"
        (fresh.folder / "evil\x1b[31m.py").write_text(evil, "utf-8")
        (fresh.folder / "evil.py").write_text(evil, "utf-8")
        outputs = [fresh("search", "evil marker").stdout, fresh("search", "evil marker", "--json").stdout]
        assert all("evil_marker" in output for output in outputs)
        assert not any(set(output) & set("\x1b\x07\x9b") for output in outputs)


class TestEmbed:
    def embed(self, codekin: Codekin, lines: str, tmp_path: Path, *more: str, status: int = 0) -> Any:
        (tmp_path / "texts.jsonl").write_text(lines, "utf-8")
        words = ("embed", "--task", "nl2code", "--role", "passage", "--output", str(tmp_path / "v.npy"))
        done = codekin(*words, "--input", str(tmp_path / "texts.jsonl"), *more)
        assert done.returncode == status, done.stderr
        return done

    def test_writes_unit_rows_in_order_and_nothing_beside_them(self, codekin: Codekin, tmp_path: Path):
        texts = ["def add(a, b): return a + b", "", "\ud800", "def add(a, b): return a + b", "x" * 100_000]
        self.embed(codekin, "".join(json.dumps({"text": text}) + "\n" for text in texts), tmp_path)
        vectors = np.load(tmp_path / "v.npy", allow_pickle=False)
        assert vectors.dtype == np.float32
        assert vectors.shape[0] == len(texts)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        assert (vectors[0] == vectors[3]).all()
        assert {path.name for path in tmp_path.iterdir()} == {"texts.jsonl", "v.npy"}

    def test_a_dimension_of_the_model_gives_the_first_numbers(self, codekin: Codekin, tmp_path: Path):
        line = json.dumps({"text": "parse a date"}) + "\n"
        self.embed(codekin, line, tmp_path)
        whole = np.load(tmp_path / "v.npy")
        done = self.embed(codekin, line, tmp_path, "--dim", "64", "--json")
        part = np.load(tmp_path / "v.npy")
        assert part.shape == (1, 64)
        np.testing.assert_allclose(part[0], whole[0, :64] / np.linalg.norm(whole[0, :64]), rtol=1e-4, atol=1e-6)
        document = json.loads(done.stdout)
        assert set(document) == {"count", "dim", "model", "task", "role", "output"}
        assert (document["count"], document["dim"]) == (1, 64)

    def test_query_and_passage_differ_by_their_instruction_only_where_the_model_says_so(
        self, codekin: Codekin, tmp_path: Path
    ):
        for task in ("nl2code", "qa", "code2code", "code2nl", "code2completion"):
            for role in ("query", "passage"):
                words = ("embed", "--task", task, "--role", role, "--input", "-", "--output", tmp_path / "v.npy")
                assert codekin(*words, stdin='{"text": "parse a date"}\n').returncode == 0

    def test_no_lines_give_no_rows(self, codekin: Codekin, tmp_path: Path):
        self.embed(codekin, "", tmp_path)
        assert np.load(tmp_path / "v.npy").shape == (0, 384)

    @pytest.mark.parametrize("line", ["not json", '{"txt": 1}', '{"text": 1}', "[1]", "null", '{"text": "a"'])
    def test_a_wrong_line_is_told_by_number_and_no_file_is_written(self, codekin: Codekin, tmp_path: Path, line: str):
        done = self.embed(codekin, '{"text": "a"}\n' + line, tmp_path, status=2)
        assert "Line 2" in done.stderr
        assert not (tmp_path / "v.npy").exists()

    def test_wrong_model_dimension_and_output_name_the_remedy(self, codekin: Codekin, tmp_path: Path):
        line = '{"text": "a"}\n'
        assert "embedded" in self.embed(codekin, line, tmp_path, "--model", "nope", status=2).stderr
        assert "64, 128, 256, 384" in self.embed(codekin, line, tmp_path, "--dim", "65", status=2).stderr
        nowhere = ("--output", str(tmp_path / "no" / "v.npy"))
        assert "--output" in self.embed(codekin, line, tmp_path, *nowhere, status=2).stderr


class TestStatus:
    def test_says_what_is_indexed(self, codekin: Codekin, workspace: Path):
        codekin.json("index")
        status = codekin.json("status")
        assert status["roots"] == [str(workspace.resolve())]
        assert (status["files"], status["skipped"], status["coverage"]) == (4, 1, 1)
        assert status["snippets"] > 0
        assert status["state"] == "ready"
        assert Path(status["store"]).is_file()
        assert set(status) >= {"model", "device", "dense", "store_bytes", "embedded", "watching", "problems"}
        assert [each["path"] for each in status["skippedFiles"]]
        assert sum(each["files"] for each in status["languages"]) == 4
        assert status["keeper"] == "nobody"

    def test_indexes_nothing(self, fresh: Codekin):
        status = fresh.json("status")
        assert (status["files"], status["coverage"]) == (0, 0)

    def test_without_json_it_is_a_fact_a_line(self, codekin: Codekin):
        lines = codekin("status").stdout.splitlines()
        assert [line.split()[0] for line in lines] == [
            *("workspace", "state", "indexed", "languages", "keeper", "skipped", "model", "search", "store", "disk")
        ]


class TestDuplicates:
    TWICE = """def {}(day, entries):
    found = []
    for each in entries:
        if each.day == day:
            found.append(each)
    return found
"""

    def test_tells_each_pair_once_but_not_those_that_are_meant_to_be(self, tmp_path: Path):
        names = {"src/one.py": "on_day", "src/two.py": "at_day"}
        root = write(tmp_path / "project", {path: self.TWICE.format(name) for path, name in names.items()})
        codekin = Codekin(tmp_path / "cache", root)
        (pair,) = codekin.json("duplicates", "--root", root)["duplicates"]
        assert [(each["path"], each["name"]) for each in pair["functions"]] == list(names.items())
        assert pair["kinship"] == "renamed"
        line = "src/one.py:1: on_day = src/two.py:1 at_day (same structure, another name)"
        assert codekin("duplicates", "--root", root).stdout.splitlines() == [line]
        entry = '[[ignored]]\nfunctions = ["src/two.py::at_day", "src/one.py::on_day"]\n[model]\n'
        (root / ".codekin.toml").write_text(entry)
        assert codekin.json("duplicates", "--root", root, status=1)["duplicates"] == []
        told = codekin("duplicates", "--root", root).stderr
        assert "line 3: there is no 'model' here" in told
        assert f"No function of at least 5 lines stands in {root} twice." in " ".join(told.split())


class TestDoctor:
    def test_finds_a_sound_index_sound(self, codekin: Codekin):
        codekin.json("index")
        report = codekin.json("doctor")
        assert report["sound"] is True
        levels = {finding["check"]: finding["level"] for finding in report["findings"]}
        expected = ("python", "system", "codekin", "settings", "libraries", "grammars", "sqlite", "model", "cache")
        assert set(expected) <= set(levels)
        assert levels["index"] == "ok"
        assert "find themselves" in next(f["detail"] for f in report["findings"] if f["check"] == "index")
        assert all(set(finding) == {"check", "level", "detail", "remedy"} for finding in report["findings"])

    def test_a_workspace_that_is_not_indexed_is_a_warning_with_its_remedy(self, fresh: Codekin):
        done = fresh("doctor")
        assert done.returncode == 0
        assert re.search(r"^warn index .* codekin index", done.stdout, re.MULTILINE)

    def test_vectors_that_find_nothing_are_a_failure(self, fresh: Codekin):
        fresh.json("index")
        shutil.rmtree(fresh.cache / "workspaces" / "nothing", ignore_errors=True)
        for path in fresh.cache.glob("vectors.sqlite*"):
            path.unlink()
        done = fresh("doctor")
        assert done.returncode == 2
        assert re.search(r"^fail index .* do not find themselves: .* codekin index", done.stdout, re.MULTILINE)

    def test_an_index_that_is_being_made_is_no_failure(self, fresh: Codekin):
        fresh.json("index")
        for path in fresh.cache.glob("vectors.sqlite*"):
            path.unlink()
        (store,), (lock,) = (fresh.cache.glob(f"workspaces/*{ending}") for ending in (".sqlite", ".lock"))
        with sqlite3.connect(store) as connection:  # a file is yet to come
            connection.execute("UPDATE meta SET value = '1' WHERE key = 'pending'")
        with FileLock(lock):  # as by an editor's server
            done = fresh("doctor")
        assert done.returncode == 0
        assert re.search(
            r"^warn index .* another codekin is indexing.* when it has finished", done.stdout, re.MULTILINE
        )

    def test_a_cache_that_can_not_be_written_is_a_failure(self, codekin: Codekin, tmp_path: Path):
        (tmp_path / "file").write_text("")
        report = codekin.json("doctor", status=2, CODEKIN_CACHE_DIRECTORY=str(tmp_path / "file" / "cache"))
        (cache,) = [finding for finding in report["findings"] if finding["check"] == "cache"]
        assert cache["level"] == "fail"
        assert "cache.directory" in cache["remedy"]

    def test_a_wrong_setting_is_a_warning(self, codekin: Codekin):
        report = codekin.json("doctor", CODEKIN_INDEX_WORKERS="many")
        (settings,) = [finding for finding in report["findings"] if finding["check"] == "settings"]
        assert settings["level"] == "warn"
        assert "workers" in settings["detail"]


WRONG = {
    "no line": (("similar", "src/dates.py"), "FILE:LINE"),
    "line 0": (("similar", "src/dates.py:0"), "from 1"),
    "a line beyond the end": (("similar", "src/dates.py:999"), "no line 999"),
    "to go on beyond the end": (("complete", "src/dates.py:999:9"), "no line 999"),
    "a missing file": (("similar", "src/none.py:1"), "no file"),
    "a folder": (("similar", "src:1"), "folder"),
    "a binary file": (("similar", "binary.py:1"), "binary"),
    "a file that is no source": (("similar", "notes.txt:1"), "source file"),
    "a file outside the root": (("similar", "src/dates.py:7", "--root", "web"), "--root"),
    "no code": (("similar", "-"), "standard input"),
    "an empty query": (("search", ""), "nothing to search"),
    "a blank query": (("search", " \n"), "nothing to search"),
    "an unknown language": (("search", "a date", "--language", "klingon"), "kotlin"),
    "an unknown folder": (("search", "a date", "--folder", "none"), "no folder none"),
    "a folder outside the root": (("search", "a date", "--folder", ".."), "no folder"),
    "an unknown root": (("search", "a date", "--root", "none"), "none"),
    "a file for a root": (("index", "src/dates.py"), "src/dates.py"),
    "k of 0": (("search", "a date", "-k", "0"), "-k"),
    "an unknown task": (
        ("embed", "--task", "x", "--role", "query", "--input", "-", "--output", "v.npy"),
        "code2completion",
    ),
    "an unknown command": (("find", "x"), "find"),
    "an unknown option": (("search", "x", "--fast"), "--fast"),
    "an address without a port": (("serve", "--tcp", "localhost"), "HOST:PORT"),
    "a port that is none": (("serve", "--tcp", "localhost:99999"), "HOST:PORT"),
}


class TestErrors:
    @pytest.mark.parametrize("case", WRONG)
    def test_wrong_words_are_one_clear_line_and_status_2(self, codekin: Codekin, case: str):
        words, expected = WRONG[case]
        done = codekin(*words)
        assert (done.returncode, done.stdout) == (2, "")
        last = done.stderr.splitlines()[-1]
        assert last.startswith("Error: ")
        assert expected in last

    @pytest.mark.parametrize("case", ["line 0", "an unknown language", "an unknown option", "an unknown root"])
    def test_with_json_the_error_is_a_document_too(self, codekin: Codekin, case: str):
        words, expected = WRONG[case]
        document = codekin.json(*words, status=2)
        assert set(document) == {"error"}
        assert expected in document["error"]

    def test_a_cache_that_can_not_be_written_names_the_setting(self, codekin: Codekin, tmp_path: Path):
        (tmp_path / "file").write_text("")
        for words in (("index",), ("search", "a date"), ("status",)):
            done = codekin(*words, CODEKIN_CACHE_DIRECTORY=str(tmp_path / "file" / "cache"))
            assert done.returncode == 2
            assert "cache.directory" in done.stderr

    @pytest.mark.parametrize("text", ["not = [toml", "\0\xff", "[index]\nworkers = 'x'\n[nonsense]\na = 1\n"])
    def test_wrong_settings_are_told_and_do_without(self, fresh: Codekin, text: str):
        fresh.cache.mkdir()
        (fresh.cache / "config.toml").write_text(text, "latin-1")
        done = fresh("search", "a date", "--json")
        assert done.returncode == 0
        assert "Warning: " in done.stderr
        assert "config.toml" in done.stderr
        assert json.loads(done.stdout)["hits"]

    def test_a_fault_is_a_line_and_its_trace_is_there_for_the_asking(self, codekin: Codekin, tmp_path: Path):
        (tmp_path / "platformdirs.py").write_text("raise RuntimeError('no such luck')\n")
        done = codekin("search", "a date", PYTHONPATH=str(tmp_path))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "no such luck" in done.stderr
        assert "--debug" in done.stderr
        done = codekin("search", "a date", "--debug", PYTHONPATH=str(tmp_path))
        assert done.returncode == 1
        assert "Traceback" in done.stderr

    def test_an_unsound_store_is_made_again(self, fresh: Codekin):
        fresh.json("index")
        for store in (fresh.cache / "workspaces").glob("*.sqlite"):
            store.write_bytes(b"nonsense" * 1000)
        assert fresh.json("search", "count words")["hits"]


class TestDoor:
    def test_the_version_and_each_command_s_help_are_there(self, codekin: Codekin):
        assert codekin("--version").stdout == f"codekin {__version__}\n"
        overview = codekin("--help")
        assert overview.returncode == 0
        for command in COMMANDS:
            assert command in overview.stdout
            done = codekin(command, "--help")
            assert done.returncode == 0
            assert done.stdout.startswith(f"Usage: codekin {command}")

    def test_it_runs_as_a_module_too(self):
        done = subprocess.run(
            [sys.executable, "-m", "codekin", "--version"], capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith(f"{__version__}\n")

    def test_a_reader_that_leaves_early_is_no_error(self, codekin: Codekin):
        with subprocess.Popen(
            [CODEKIN, "search", "a date"], cwd=codekin.folder, env=codekin.environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert b"Error" not in process.stderr.read()

    def test_serve_ends_with_its_input(self, codekin: Codekin):
        assert codekin("serve").returncode in (0, 1)
        assert codekin("serve", "--stdio").stdout == ""

    def test_a_port_that_is_taken_is_told(self, codekin: Codekin):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = codekin("serve", "--tcp", f"127.0.0.1:{taken.getsockname()[1]}")
        assert done.returncode == 2
        assert "another port" in done.stderr.splitlines()[-1]

    def test_this_very_repository_gives_real_output(self, fresh: Codekin):
        answer = fresh.json("similar", "server/codekin/engine.py:100", folder=REPOSITORY)
        assert answer["hits"]
        assert answer["coverage"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
class TestTerminal:
    def on_terminal(self, codekin: Codekin, *words: str, press: bytes = b"", when: bytes = b"") -> tuple[int, str]:
        """What a terminal of 80 columns shows; `press` is typed as soon as it shows `when`."""
        import pty
        import termios

        parent, child = pty.openpty()
        termios.tcsetwinsize(child, (40, 80))
        environment = codekin.environment | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
        process = subprocess.Popen(
            [sys.executable, "-c", LEADER, CODEKIN, *words], cwd=codekin.folder, env=environment,
            stdin=child, stdout=child, stderr=child, start_new_session=True,
        )  # fmt: skip
        os.close(child)
        shown = io.BytesIO()
        with os.fdopen(parent, "r+b", 0) as terminal:
            for chunk in _chunks(terminal):
                shown.write(chunk)
                if press and when in shown.getvalue():
                    terminal.write(press)
                    press = b""
        return process.wait(60), shown.getvalue().decode()

    def test_hits_are_shown_with_colour_and_code(self, codekin: Codekin):
        codekin.json("index")
        status, shown = self.on_terminal(codekin, "similar", "src/dates.py:7", "-k", "3")
        assert status == 0
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")
        assert plain != shown
        assert "Like parse_date (src/dates.py:6-9):" in plain
        assert "copies/dates.py:1  parse_date\n" in plain
        assert "100%  function, identical text" in plain
        assert '  │     year, month, day = text.split("-")' in plain
        assert all(len(line) <= 80 for line in plain[plain.index("Like ") :].split("\n"))

    def test_it_is_seen_how_far_the_search_for_duplicates_is(self, codekin: Codekin):
        """Of the files that may have functions; what is drawn is taken away again."""
        (codekin.folder / "functionless.css").write_text("a { color: red }\n")
        status, shown = self.on_terminal(codekin, "duplicates")
        assert status == 1
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
        assert re.search(r"Comparing.* of 5, \d s left", plain), plain
        assert "\x1b[2KNo function of at least 5 lines" in shown

    def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(self, fresh: Codekin):
        for number in range(300):
            body = "\n".join(f"def f{number}_{i}(a{i}):\n    return a{i} + {number * i}\n" for i in range(20))
            (fresh.folder / f"many{number}.py").write_text(body)
        status, shown = self.on_terminal(fresh, "index", press=b"\x03", when=b" of 304")
        assert status == 130
        assert "All that is indexed is kept" in shown
        assert "Traceback" not in shown
        done = fresh.json("status")["files"]
        assert 0 < done < 304
        report = fresh.json("index")
        assert report["files"] == 304
        assert 0 < report["embedded"] < 20 * (304 - done) + 100


# A terminal sends Ctrl-C to the processes of its session, which this one has to make first.
LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def _chunks(terminal: Any) -> Iterator[bytes]:
    try:
        while chunk := terminal.read(65_536):
            yield chunk
    except OSError:  # how Linux says that the other side is closed
        return


class TestArguments:
    def test_a_place_is_a_file_and_a_line_whatever_follows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a b.py").write_text("")
        for text in ("a b.py:12", "a b.py:12:5", "a b.py:12:", "./a b.py:12"):
            assert file_and_line(text) == ((tmp_path / "a b.py").resolve(), 11)

    @pytest.mark.skipif(sys.platform == "win32", reason="such a file name is a path there")
    def test_a_drive_s_colon_is_the_path_s(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        name = "C:\\src\\app.py"
        (tmp_path / name).write_text("")
        assert file_and_line(f"{name}:3") == ((tmp_path / name).resolve(), 2)
        assert file_and_line(f"{name}:3:9") == ((tmp_path / name).resolve(), 2)

    def test_the_workspace_is_the_repository_else_the_project_else_the_folder(self, tmp_path: Path):
        inner = tmp_path / "a" / "b" / "c"
        inner.mkdir(parents=True)
        assert root_around(inner) == inner
        (inner / "app.py").write_text("")
        (tmp_path / "a" / "b" / "package.json").write_text("")
        assert root_around(inner / "app.py") == tmp_path / "a" / "b"
        (tmp_path / "a" / ".git").write_text("gitdir: elsewhere")  # as in a worktree
        assert root_around(inner) == tmp_path / "a"

    def test_the_whole_disk_and_the_home_folder_must_be_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        for folder in (Path(tmp_path.anchor), tmp_path):
            with pytest.raises(QueryError, match="--root"):
                root_around(folder)
        (tmp_path / ".git").mkdir()
        (tmp_path / "code").mkdir()
        assert root_around(tmp_path / "code") == tmp_path / "code"

    def test_a_folder_is_seen_from_here_or_from_the_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        root = tmp_path.resolve()
        (root / "a" / "b").mkdir(parents=True)
        monkeypatch.chdir(root / "a")
        assert folder_within(Path("b"), root) == folder_within(Path("a/b"), root) == root / "a" / "b"

    def test_addresses(self):
        assert address("localhost:2087") == ("localhost", 2087)
        assert address("[::1]:2087") == ("::1", 2087)
        assert address(":2087") == address("2087") == ("127.0.0.1", 2087)
