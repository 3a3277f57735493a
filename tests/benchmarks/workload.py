"""A real tree, seeded changes to it, and the answers of an index over it, for benchmarks that compare two indexes."""

import random
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client import Client

QUESTIONS = (
    "read a file line by line",
    "parse command line arguments",
    "compute the sha256 of a file",
    "open a socket and connect",
    "walk a directory tree",
    "parse an ISO 8601 date",
    "quote a string for the shell",
    "decode a header value",
    "compare two sequences and report differences",
    "send mail to a server",
)
_MAX_FILE_BYTES = 40_000
_SIMILAR_QUERIES = 15
_SCORE_DIGITS = 6

Answers = dict[str, list[tuple[Any, ...]]]


def copy_standard_library(folder: Path, file_count: int, seed: int) -> Path:
    """Copy that many of the standard library's modules, chosen by `seed`, into a new folder."""
    library = Path(sysconfig.get_path("stdlib"))
    files = [path for path in library.rglob("*.py") if not {"site-packages", "test", "tests"} & {*path.parts}]
    files = sorted(path for path in files if 500 < path.stat().st_size < _MAX_FILE_BYTES)
    files = [path for path in files if "generated" not in path.read_text("utf-8", "replace")[:2000]]  # not indexed
    for path in random.Random(seed).sample(files, min(file_count, len(files))):
        target = folder / path.relative_to(library)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def source_files(root: Path) -> list[Path]:
    """Return the Python files below `root`, in a fixed order."""
    return sorted(path for path in root.rglob("*.py") if ".git" not in path.parts)


def change_tree(root: Path, chance: random.Random, count: int) -> None:
    """Make `count` changes: rewrite, append to, rename, copy or delete a file."""
    for _ in range(count):
        files = source_files(root)
        path, other_path = chance.choice(files), chance.choice(files)
        action = chance.randrange(6)
        if action == 0:
            path.rename(path.with_name(f"renamed_{chance.randrange(10**6)}.py"))
        elif action == 1:
            shutil.copyfile(path, path.with_name(f"copied_{chance.randrange(10**6)}.py"))
        elif action == 2 and len(files) > 20:
            path.unlink()
        elif action == 3:
            path.write_text(path.read_text("utf-8", "replace") + "\n\n" + random_function(chance), "utf-8")
        elif action == 4:
            path.write_text(other_path.read_text("utf-8", "replace"), "utf-8")
        else:
            text = path.read_text("utf-8", "replace")
            path.write_text(re.sub(r"\bself\b", f"self_{chance.randrange(10)}", text), "utf-8")


def random_function(chance: random.Random) -> str:
    """Return a new function that nothing else is equal to."""
    name, number = f"measured_{chance.randrange(10**9)}", chance.randrange(1000)
    return f"def {name}(first, second):\n    total = first * {number}\n    return total + second\n"


def commit_history(root: Path, chance: random.Random, commit_count: int) -> list[str]:
    """Make the tree a Git repository with a history of changes; return its commits, oldest first."""
    run_git(root, "init", "--quiet", "--initial-branch=main")
    commits = []
    for number in range(commit_count):
        run_git(root, "add", "--all")
        identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
        run_git(root, *identity, "commit", "--quiet", "--allow-empty", "--message", f"change {number}")
        commits.append(run_git(root, "rev-parse", "HEAD").strip())
        change_tree(root, chance, 8)
    run_git(root, "checkout", "--quiet", "--force", "main")
    run_git(root, "clean", "--quiet", "--force", "-d")
    return commits


def run_git(root: Path, *arguments: str) -> str:
    """Run Git in `root`; return what it prints."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def locate_functions(root: Path, count: int, seed: int) -> list[tuple[Path, int]]:
    """Choose places (file, 0-based line) at which a function begins."""
    chance, places = random.Random(seed), []
    for path in chance.sample(source_files(root), len(source_files(root))):
        lines = path.read_text("utf-8", "replace").split("\n")
        starts = [number for number, line in enumerate(lines) if line.lstrip().startswith("def ")]
        if starts:
            places.append((path, chance.choice(starts)))
        if len(places) == count:
            break
    return places


def collect_answers(client: Client, root: Path) -> Answers:
    """Ask every question, and for code like some functions; return the hits of each with their scores."""
    answers: Answers = {}
    for question in QUESTIONS:
        answers[question] = _to_rows(client.request("codekin/search", query=question))
    for path, line in locate_functions(root, _SIMILAR_QUERIES, seed=1):
        position = {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": 0}}
        answers[f"{path.name}:{line}"] = _to_rows(client.request("codekin/findSimilar", **position))
    return answers


def _to_rows(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return each hit's place, kinship and rounded score, in order."""
    return [
        (
            hit["location"]["uri"],
            hit["location"]["range"]["start"]["line"],
            hit["kinship"],
            round(hit["score"], _SCORE_DIGITS),
        )
        for hit in answer["hits"]
    ]


def count_differences(first: Answers, second: Answers) -> int:
    """Count the questions that two indexes answer otherwise, be it in order or score."""
    return sum(first.get(question) != second.get(question) for question in {*first, *second})


def collect_fresh_answers(root: Path, cache: Path) -> Answers:
    """Return the answers of an index that is made from nothing, in an empty cache."""
    with Client(root, cache) as client:
        client.wait_until_ready()
        answers = collect_answers(client, root)
        client.close()
    return answers


def find_unsound_databases(cache: Path) -> list[str]:
    """Return what SQLite finds wrong in the files of an index."""
    import sqlite3

    problems: list[str] = []
    for path in sorted(cache.rglob("*.sqlite")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            rows: Sequence[tuple[str]] = connection.execute("PRAGMA integrity_check").fetchall()
        problems += [f"{path.name}: {row[0]}" for row in rows if row[0] != "ok"]
    return problems
