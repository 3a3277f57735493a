"""What `codekin similar` finds and prints."""

from pathlib import Path

import pytest

from .command import FILES, HIT, Codekin


def test_hits_have_the_promised_shape_best_first(codekin: Codekin, workspace: Path):
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


def test_code_on_standard_input_needs_no_file(codekin: Codekin):
    code = 'def parse(s):\n    year, month, day = s.split("-")\n    return date(int(year), int(month), int(day))\n'
    answer = codekin.json("similar", "-", "--language", "python", stdin=code)
    assert {hit["language"] for hit in answer["hits"]} == {"python"}
    assert answer["hits"][0]["name"] in ("parse_date", "read_date")


@pytest.mark.parametrize("code", [b"\xef\xbb\xbfx = 1\r\n", "名前 = 1".encode(), b"(" * 5000])
def test_any_bytes_on_standard_input_are_answered(codekin: Codekin, code: bytes):
    assert codekin("similar", "-", stdin=code).returncode in (0, 1)


def test_k_language_and_folder_limit_the_hits(codekin: Codekin):
    assert len(codekin.json("similar", "src/dates.py:7", "-k", "2")["hits"]) == 2
    for language in ("javascript", "js"):
        hits = codekin.json("similar", "src/dates.py:7", "--language", language)["hits"]
        assert {hit["path"] for hit in hits} == {"web/dates.js"}
    hits = codekin.json("similar", "src/dates.py:7", "--folder", "copies")["hits"]
    assert {hit["path"] for hit in hits} == {"copies/dates.py"}


def test_the_file_is_seen_from_here_and_hits_from_the_root(codekin: Codekin, workspace: Path):
    answer = codekin.json("similar", "dates.py:7:3", folder=workspace / "src")
    assert answer["hits"][0]["path"] == "copies/dates.py"
    completed = codekin("similar", "dates.py:7", folder=workspace / "src")
    assert completed.stdout.startswith(str(Path("../copies/dates.py")) + ":1: 1.00 function parse_date")


def test_on_a_line_without_code_it_says_which_code_it_answers_for(codekin: Codekin):
    between = codekin("similar", "src/dates.py:10")
    assert between.returncode == 0
    assert between.stderr == f"Line 10 has no code of its own. Like parse_date ({Path('src/dates.py')}:6-9):\n"
    assert between.stdout == codekin("similar", "src/dates.py:7").stdout
    assert codekin("similar", "src/dates.py:7").stderr == ""
    beyond = codekin("similar", "src/dates.py:99")
    assert (beyond.returncode, beyond.stderr.count("\n")) == (2, 1)


def test_with_root_the_workspace_is_another(codekin: Codekin, workspace: Path):
    hits = codekin.json("similar", "src/dates.py:7", "--root", workspace / "src")["hits"]
    assert {hit["path"] for hit in hits} <= {"dates.py", "reading.py"}


def test_a_change_on_the_disk_is_seen_at_once(own_codekin: Codekin):
    own_codekin.json("index")
    (own_codekin.folder / "new.py").write_text(FILES["copies/dates.py"].replace("parse_date", "newest"))
    assert "newest" in [hit["name"] for hit in own_codekin.json("similar", "src/dates.py:7")["hits"]]
    (own_codekin.folder / "new.py").unlink()
    assert "newest" not in [hit["name"] for hit in own_codekin.json("similar", "src/dates.py:7")["hits"]]


def test_in_a_fresh_checkout_it_indexes_first(own_codekin: Codekin):
    assert own_codekin.json("similar", "src/dates.py:7")["hits"]


@pytest.mark.parametrize("data", [bytes(range(256)) * 8, b"\0" + b"def f(): pass\n" * 40], ids=["bytes", "NUL"])
def test_what_is_no_text_is_compared_with_nothing(codekin: Codekin, data: bytes):
    done = codekin("similar", "-", stdin=data)
    assert (done.stdout, done.returncode) == ("", 2)
    assert "no text in UTF-8" in done.stderr


def test_an_empty_place_is_said_to_be_empty(codekin: Codekin):
    assert "The place is empty. Write FILE:LINE" in codekin("similar", "").stderr
