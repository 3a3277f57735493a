"""What commits added is typed again: characters that a right ghost text saves are no keys."""

import subprocess
from pathlib import Path

import pytest

from codekin.evaluation.harvest.git_repository import GitRepository
from codekin.evaluation.typing_replay import (
    Insertion,
    TypingResult,
    Typist,
    choose_commits,
    find_right_words,
    format_table,
    list_insertions,
    replay_repository,
)
from codekin.settings import CacheSettings, Settings

FUNCTION = """\
def load_{0}(session, {0}_id):
    reply = session.get("/{0}s", params={{"id": {0}_id}})
    reply.raise_for_status()
    return reply.json()["items"]
"""


def commit(root: Path, text: str) -> None:
    (root / "service.py").write_text(text, "utf-8")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for arguments in (("add", "."), ("commit", "-qm", "more")):
        subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    text = "\n\n".join(map(FUNCTION.format, ("user", "order", "parcel")))
    commit(tmp_path, text)
    commit(tmp_path, text + "\n\n" + FUNCTION.format("invoice"))
    return tmp_path


def test_lines_that_others_are_like_take_fewer_keys(root: Path):
    settings = Settings(cache=CacheSettings(directory=str(root / "cache")))
    result = replay_repository(root, settings)
    assert result.lines == 4
    assert result.characters == sum(len(line.strip()) + 1 for line in FUNCTION.format("invoice").splitlines())
    assert result.saved_share > 0.2
    assert "| **all** | 4 |" in format_table([result])


def test_added_lines_are_typed_above_what_was_below_them(root: Path):
    commit(root, "import json\n" + (root / "service.py").read_text("utf-8").replace("user", "person"))
    repository = GitRepository(root / ".git")
    insertions = list_insertions(repository, choose_commits(repository, 1)[0])
    assert insertions[0].added_lines[0] == "import json"
    assert insertions[0].lines_above == []
    assert sum(len(insertion.added_lines) for insertion in insertions) <= 6


@pytest.mark.parametrize(
    "shown, keys, wrong",
    [
        ("(first)", 4 + 1 + 1, 0),  # Tab, and the line end
        ("(second)", 11 + 1, 1),
        ("(first)\n    again()", 4 + 1 + 1, 0),
        ("(first)\n    twice()", 4 + 4 + 1 + 7 + 1, 1),  # its first line by words
    ],
)
def test_tab_accepts_only_what_is_right_altogether(shown: str, keys: int, wrong: int):
    added_lines = ["    call(first)", *(["    again()"] if "\n" in shown else [])]
    result = TypingResult("any")
    typist = Typist(lambda cursor: shown if cursor.text.endswith("\n    call") else "", result)
    typist.type_lines(Path("/a.py"), Insertion("a.py", ["def f(first):"], added_lines, []))
    assert (result.keys, result.wrong, result.shown) == (keys, wrong, 1)


@pytest.mark.parametrize(
    "line, shown, words",
    [
        ("call(first, third)", "call(first, second)", ["call", "(", "first", ","]),
        ("call(first)", "call(second)", []),  # two keys for "call(" and one that is held: nothing gained
        ("configuration.load", "configuration.reload\nnext", ["configuration", "."]),
        ("return    x", "return x", ["return"]),
        ("other", "", []),
    ],
)
def test_the_first_words_are_accepted_where_that_saves_keys(line: str, shown: str, words: list[str]):
    assert find_right_words(line, shown) == words


def test_accepted_words_cost_a_key_each_and_one_that_is_held():
    result = TypingResult("any")
    ghosts = {"call": "(first, second)", "call(first,": " second)"}  # it stays when its first words are accepted
    typist = Typist(lambda cursor: ghosts.get(cursor.text.split("\n")[1].lstrip(), ""), result)
    typist.type_lines(Path("/a.py"), Insertion("a.py", ["def f(first):"], ["    call(first, third)"], []))
    assert result.keys == len("call") + 4 + len(" third)") + 1
    assert (result.shown, result.wrong, result.useless, result.saved_by_words) == (1, 1, 0, 3)
