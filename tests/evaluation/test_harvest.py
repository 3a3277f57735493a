"""Claims about questions collected from a small repository's history, documentation and names."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from codekin.cli.evaluate import evaluate
from codekin.evaluation.harvest.block_list import BlockedRepositoryError, check_repositories
from codekin.evaluation.harvest.git_repository import GitRepositoryError
from codekin.evaluation.harvest.harvest import (
    HarvestSource,
    choose_split,
    harvest_repository,
    write_benchmark,
)
from codekin.evaluation.harvest.messages import make_question, make_report
from codekin.evaluation.repositories import Question, Repository, Target, load_repositories
from codekin.types import Span

STORE = '''class Store:
    """Keeps values."""

    def read(self, key):
        return self.values[key]

    def write(self, key, value):
        self.values[key] = value


class StoreError(Exception):
    pass


class StoreReader(Store):
    pass
'''
PAGE = """# Manual

## Keeping values between runs

Make a `Store` and call `write`; it may raise `StoreError`.

## Something else altogether

Nothing here names code.
"""
BODY = "A key that nobody wrote raised a KeyError, which callers had to catch one by one. " * 3


class History:
    """A Git repository that grows by one commit at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run("init", "-q", "-b", "main", str(folder))

    def commit(self, message: str, **files: str) -> None:
        for path, text in files.items():
            place = self.folder / path.replace("__", "/").replace("_DOT_", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
        self._run("-C", str(self.folder), "add", "-A")
        identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        self._run("-C", str(self.folder), *identity, "commit", "-q", "--allow-empty", "-m", message)

    @property
    def source(self) -> HarvestSource:
        return HarvestSource("owner/small", self.folder / ".git")

    @staticmethod
    def _run(*arguments: str) -> None:
        environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", *arguments], check=True, env=environment, capture_output=True)


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path / "small")
    history.commit("feat: add a store that keeps values (#1)", src__store_DOT_py=STORE.replace("[key]", "[ key]"))
    return history


def ask(repository: Repository, category: str) -> list[Question]:
    return [question for question in repository.questions if question.category == category]


def test_a_commit_asks_for_the_functions_that_it_changed(history: History) -> None:
    history.commit("fix(store): return the value that was written last (#12)", src__store_DOT_py=STORE)
    (question,) = ask(harvest_repository(history.source, 10), "commit")
    assert question.text == "return the value that was written last"
    assert question.targets == (Target("src/store.py", Span(3, 5)), Target("src/store.py", Span(6, 8)))


def test_a_message_with_the_characters_that_part_commits_asks_like_any_other(history: History) -> None:
    history.commit("return the value that was written last\n\nby \x01hand\x02", src__store_DOT_py=STORE)
    (question,) = ask(harvest_repository(history.source, 10), "commit")
    assert question.text == "return the value that was written last"


def test_a_function_is_an_answer_where_it_stands_now(history: History) -> None:
    history.commit("return the value that was written last", src__store_DOT_py=STORE)
    history.commit("say what this is", src__store_DOT_py="import os\nimport sys\n\n\n" + STORE)
    question = next(
        question for question in ask(harvest_repository(history.source, 10), "commit") if "last" in question.text
    )
    assert question.targets == (Target("src/store.py", Span(7, 9)), Target("src/store.py", Span(10, 12)))


def test_a_commit_that_adds_a_file_asks_for_the_file(history: History) -> None:
    (question,) = ask(harvest_repository(history.source, 10), "addition")
    assert (question.text, question.targets) == ("add a store that keeps values", (Target("src/store.py"),))


def test_tests_and_files_that_are_gone_answer_nothing(history: History) -> None:
    history.commit("check that values are kept over night", tests__test_store_DOT_py="def test_it(): pass\n")
    history.commit("add a cache in front of everything", src__cache_DOT_py="def cache(): pass\n")
    (history.folder / "src" / "cache.py").unlink()
    history.commit("drop the cache from the front again")
    repository = harvest_repository(history.source, 10)
    assert {target.path for question in repository.questions for target in question.targets} == {"src/store.py"}
    assert not any("cache" in question.text for question in repository.questions)


def test_a_commit_of_many_files_asks_nothing(history: History) -> None:
    files = {f"src__part{number}_DOT_py": f"def part{number}(): pass\n" for number in range(4)}
    history.commit("split the whole thing into parts", **files)
    assert not any("parts" in question.text for question in harvest_repository(history.source, 10).questions)


@pytest.mark.parametrize(
    ("subject", "question"),
    [
        ("fix(core)!: close the file twice at exit", "close the file twice at exit"),
        ("[parser] accept an empty list of names", "accept an empty list of names"),
        ("net/http: keep the connection open longer (#345)", "keep the connection open longer"),
        ("Fix #12: keep the connection open longer", "keep the connection open longer"),
        ("Keep the connection open longer, fixes #12", "Keep the connection open longer"),
        ("Merge pull request #3 from a/b into main", ""),
        ('Revert "keep the connection open longer"', ""),
        ("Bump actions checkout from 3 to 4", ""),
        ("Fix some typos in the error messages", ""),
        ("Run black and isort over everything here", ""),
        ("Update dependencies of the web server part", ""),
        ("Add more tests for the parser of names", ""),
        ("Fix the build", ""),
    ],
)
def test_subjects_lose_their_prefixes_and_routine_ones_ask_nothing(subject: str, question: str) -> None:
    assert make_question(subject) == question


def test_a_long_body_makes_a_report_without_trailers() -> None:
    report = make_report("fix: read keys that nobody wrote", f"{BODY}\n\nSigned-off-by: a <a@b>\nFixes #12")
    assert report.startswith("read keys that nobody wrote\n\nA key that nobody wrote raised")
    assert "Signed-off-by" not in report
    assert "#12" not in report
    assert make_report("fix: read keys that nobody wrote", "Because.") == ""


def test_documentation_asks_for_the_file_whose_names_a_section_uses(history: History) -> None:
    history.commit("write a manual", docs__manual_DOT_md=PAGE, src__store_DOT_py=STORE)
    (question,) = ask(harvest_repository(history.source, 10), "documentation")
    assert (question.text, question.targets) == ("Keeping values between runs", (Target("src/store.py"),))


def test_a_definition_is_asked_for_whose_name_others_resemble(history: History) -> None:
    history.commit("say it better", src__store_DOT_py=STORE)
    (question,) = ask(harvest_repository(history.source, 10), "definition")
    assert "Store" in question.text.split()
    (target,) = question.targets
    assert target.path == "src/store.py"
    assert target.span is not None
    assert target.span.start == 0


def test_the_same_directory_gives_the_same_benchmark_which_can_be_loaded(history: History, tmp_path: Path) -> None:
    history.commit("return the value that was written last", src__store_DOT_py=STORE, docs__manual_DOT_md=PAGE)
    for name in ("one", "two"):
        write_benchmark([harvest_repository(history.source, 10)], tmp_path / name)
    for file_name in ("repos.json", "queries.jsonl"):
        assert (tmp_path / "one" / file_name).read_bytes() == (tmp_path / "two" / file_name).read_bytes()
    (repository,) = load_repositories(tmp_path / "one")
    assert repository.questions == harvest_repository(history.source, 10).questions
    assert repository.language == "python"


def test_repositories_are_split_by_name_alone() -> None:
    splits = [choose_split(f"owner{number}/name{number}") for number in range(200)]
    assert splits == [choose_split(f"Owner{number}/Name{number}") for number in range(200)]
    assert 40 < splits.count("test") < 80


@pytest.mark.parametrize("name", ["pallets/flask", "Pallets/Flask", "somebody/flask"])
def test_what_is_on_the_block_list_is_refused_and_so_are_its_forks(name: str, tmp_path: Path) -> None:
    block_list = tmp_path / "never-train.txt"
    block_list.write_text("# comment\npallets/flask\ngoogle-research/google-research (mbpp)\n", "utf-8")
    with pytest.raises(BlockedRepositoryError, match="lask"):
        check_repositories(["owner/small", name], block_list)
    with pytest.raises(BlockedRepositoryError, match="google-research"):
        check_repositories(["google-research/google-research"], block_list)
    check_repositories(["owner/small", "owner/flask-login"], block_list)


def test_a_folder_without_git_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitRepositoryError, match="Name a Git directory"):
        harvest_repository(HarvestSource("owner/none", tmp_path), 10)


def test_the_command_writes_the_benchmark_and_refuses_what_is_blocked(history: History, tmp_path: Path) -> None:
    block_list = tmp_path / "never-train.txt"
    block_list.write_text("owner/other\n", "utf-8")
    words = ["harvest", "--block-list", str(block_list), "--output", str(tmp_path / "bench")]
    directory = history.folder / ".git"
    runner = CliRunner()
    done = runner.invoke(evaluate, [*words, f"owner/small={directory}", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert [row["name"] for row in json.loads((tmp_path / "bench" / "repos.json").read_text("utf-8"))] == [
        "owner+small"
    ]
    assert "| questions |" in done.output
    assert runner.invoke(evaluate, [*words, f"fork/other={directory}"]).exit_code != 0
