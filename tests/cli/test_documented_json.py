"""README says the JSON of every command, as the commands print it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from codekin.cli.commands import codekin as program

from ..documented_json import check_documented, list_keys, read_shapes
from ..shop import write_files
from .command import FILES, Codekin

# Measured elsewhere on what they need, with `check_documented`: tests/evaluation, tests/team and test_model.
ELSEWHERE = {"model pull", "evaluate", "evaluate clones", "evaluate completion"} | {
    f"team {name}" for name in ("ingest", "status", "doctor", "forget", "drop")
}
# Keys that need another model, a team's index, a failure, or another process at work.
RARE = {
    "index": {"heavy", "heavy.model", "heavy.embedded", "heavy.share", "heavy.from_team"},
    "similar": {"hits[].repository", "hits[].link", "hits[].file"},
    "status": {
        *("progress.done", "progress.total", "progress.seconds_left", "progress.models"),
        *("unparsedFiles[].path", "unparsedFiles[].reason", "troubles[].when", "troubles[].message"),
    },
}
RARE["search"] = RARE["similar"]
NOTEBOOK = """{"cells": [{"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "execution_count": null,
"source": ["def read_cell(text: str) -> date:\\n", "    year, month, day = text.split(\\"-\\")\\n",
"    return date(int(year), int(month), int(day))\\n",
"\\n", "def weigh_parcels(parcels):\\n", "    total = sum(parcel.weight for parcel in parcels)\\n",
"    return round(total, 2)\\n",
"\\n", "def weigh_letters(letters):\\n", "    total = sum(letter.weight for letter in letters)\\n",
"    return round(total, 2)\\n",
"\\n", "def weigh_boxes(boxes):\\n", "    total = sum(box.weight for box in boxes)\\n",
"    return round(total, 2)\\n",
"\\n", "def weigh_books(books):\\n", "    total = sum(book.weight for book in books)\\n",
"    return round(total, 2)\\n"]}],
"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}"""
NEW_CODE = FILES["src/reading.py"].partition("\n\n\n")[2].replace("count_words", "tally")
COPY = FILES["copies/dates.py"].replace("year", "first")


@pytest.fixture(scope="module")
def busy_codekin(tmp_path_factory: pytest.TempPathFactory) -> Codekin:
    """On a repository with a notebook, a file in a language without grammar, and a copy that was changed alone."""
    root = write_files(tmp_path_factory.mktemp("w") / "project", FILES | {"a.ipynb": NOTEBOOK, "b.cmd": "echo hello\n"})
    (root / "binary.py").write_bytes(b"\x7fELF\0\0\0\1" * 100)
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    begun = {
        "web/begun.js": "function again(text) {\n  const [year, month, day]",
        "parcels.py": "def weigh(parcels):\n    total = sum(parcel.weight for parcel in parcels)\n    ",
    }
    write_files(root, {"copies/dates.py": COPY} | begun)
    codekin = Codekin(tmp_path_factory.mktemp("cache"), root)
    codekin("index")  # status says what an earlier command has indexed, and each command may be the first
    return codekin


def list_json_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield each command that has --json."""
    if isinstance(command, click.Group):
        for name, subcommand in command.commands.items():
            yield from list_json_commands(subcommand, (*path, name))
    if any("--json" in parameter.opts for parameter in command.params):
        yield " ".join(path)


def test_every_command_that_prints_json_is_documented_and_no_other():
    documented = {name.partition(" --")[0] for name in read_shapes()} - {"error"}
    assert documented == set(list_json_commands(program))


DUPLICATES = ("duplicates", "--min-lines", "2")
RUNS: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "index": [(("index",), "")],
    "similar": [(("similar", "src/dates.py:7"), "")],
    "search": [(("search", "read a cell"), "")],
    "duplicates": [(DUPLICATES, ""), ((*DUPLICATES, "--base-ref", "HEAD"), "")],
    "context": [(("context", "read a date"), "")],
    "guard": [(("guard", "--path", "src/new.py"), NEW_CODE)],
    "complete": [(("complete", "web/begun.js:2:28"), ""), (("complete", "parcels.py:3:5"), "")],
    "status": [(("status",), "")],
    "doctor": [(("doctor",), "")],
    "model list": [(("model", "list"), "")],
    "error": [(("search", ""), "")],
}


@pytest.mark.parametrize("command", RUNS)
def test_the_keys_are_those_that_readme_says(busy_codekin: Codekin, command: str):
    seen: set[str] = set()
    for words, source in RUNS[command]:
        seen |= check_documented(command, json.loads(busy_codekin(*words, "--json", stdin=source).stdout))
    assert list_keys(read_shapes()[command]) - seen == RARE.get(command, set())


def test_embed_says_what_readme_says(busy_codekin: Codekin, tmp_path: Path):
    words = ("embed", "--task", "nl2code", "--role", "query", "--input", "-", "--output", tmp_path / "vectors.npy")
    check_documented("embed", busy_codekin.json(*words, stdin='{"text": "a date"}\n'))


def test_each_command_is_checked_somewhere():
    assert {*RUNS, "embed", *ELSEWHERE} == {name.partition(" --")[0] for name in read_shapes()}
