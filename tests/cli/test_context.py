"""What `codekin context` prints."""

from pathlib import Path

from .command import Codekin


def test_the_code_of_a_task_is_printed_with_its_places_within_the_budget(codekin: Codekin):
    done = codekin("context", "dates are parsed wrongly", "--max-tokens", "400")
    assert done.returncode == 0
    assert "--- src/dates.py:" in done.stdout
    assert "def parse_date" in done.stdout
    assert "tokens" in done.stderr


def test_json_has_the_code_and_the_tokens(codekin: Codekin):
    answer = codekin.json("context", "count the words of a file", "--max-tokens", "300")
    first = answer["entries"][0]
    assert (first["name"], first["whole"], first["path"]) == ("count_words", True, "src/reading.py")
    assert first["code"].startswith("def count_words")
    assert answer["tokens"] <= 300
    assert answer["coverage"] == 1


def test_a_task_is_read_from_standard_input(codekin: Codekin):
    task = "How often does each word occur?\n\nCount the words of a file.\n"
    assert codekin.json("context", "-", stdin=task) == codekin.json("context", task)
    done = codekin("context", "-", stdin=" ")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no task on standard input." in done.stderr


def test_an_empty_task_is_refused(codekin: Codekin):
    done = codekin("context", " ")
    assert done.returncode == 2
    assert "task is empty" in done.stderr


def test_a_workspace_without_code_has_no_context(codekin: Codekin, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = codekin("context", "count words", "--root", str(empty))
    assert (done.stdout, done.returncode) == ("", 1)
    assert f"Nothing in {empty} is about this task." in done.stderr
