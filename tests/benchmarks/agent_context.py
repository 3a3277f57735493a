"""How many tokens an agent reads until it has the code that it needs: `codekin context` beside `rg`. No language model.

    python tests/benchmarks/agent_context.py BENCH CHECKOUTS [--rg RG] [--tasks 60] [--only NAME,NAME]

BENCH has `queries.jsonl` and `repos.json` (evaluation/README.md), CHECKOUTS a folder for each repository. Tasks come
evenly from the repositories that are there. What an agent without an index does is made as good as it can be without
knowing the answer: `rg` for the three rarest words of the question that the repository has, five lines around each of
at most ten matches a file, files with most of the words (then most matches) first. Both sides are counted by the same
estimate of tokens. A place is found when a line of the right file, and within its lines where they are known, has been
read: of `rg` the first such line counts, of a context the whole entry that it is in.
"""

import argparse
import platform
import re
import statistics
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from codekin.code.token_estimate import estimate_tokens
from codekin.code.words import split_words
from codekin.engine import Engine
from codekin.evaluation.repositories import Question, Repository, Target, load_repositories
from codekin.evaluation.signature import describe_codekin, format_signature
from codekin.search.query_terms import QueryTerms
from codekin.settings import CacheSettings, Settings
from codekin.types import Span

BUDGETS = (2_000, 8_000)
AROUND = 5  # lines of context on each side of a match
PER_FILE = 10  # matches that are read of each file, or one file would take the whole budget
RAREST = 3
_MATCH_LINE = re.compile(r"(?P<line>\d+)[:-](?P<text>.*)")


def read_context(engine: Engine, checkout: Path, text: str, budget: int) -> Iterator[tuple[Target, int]]:
    """Pack a task's context; yield each place in it, with the number of tokens up to its end."""
    used = 0
    for entry in engine.pack_context(text, budget).entries:
        place = entry.hit.place
        path = place.path.relative_to(checkout).as_posix()
        span = place.span if entry.is_whole else Span(place.name_line, place.name_line + 1)
        used += estimate_tokens(f"--- {path}:{place.span.start + 1}-{place.span.end}\n{entry.text}\n")
        yield Target(path, span), used


class Grep:
    """`rg` in one folder of a checkout."""

    def __init__(self, program: str, checkout: Path, folder: str) -> None:
        self.program, self.checkout, self.folder = program, checkout, folder

    def run(self, *arguments: str) -> list[str]:
        """Run ripgrep, ignoring case, and return the lines of its output."""
        command = [self.program, "--no-config", "--no-messages", "-i", *arguments, "--", self.folder or "."]
        done = subprocess.run(command, cwd=self.checkout, capture_output=True, check=False)
        return done.stdout.decode("utf-8", "replace").splitlines()

    def count_matches(self, word: str) -> dict[str, int]:
        """Return file → number of its lines that have the word."""
        counts = (line.rpartition(":") for line in self.run("-c", "-e", re.escape(word)))
        return {path.removeprefix("./"): int(count) for path, _, count in counts}

    def read(self, text: str) -> Iterator[tuple[Target, int]]:
        """Yield each line that ripgrep shows, and the tokens up to it: files with most of the rarest words first."""
        words = QueryTerms(text, lambda _: 1, 1).words or split_words(text)
        counts = {word: found for word in words if (found := self.count_matches(word))}
        rarest = sorted(counts, key=lambda word: sum(counts[word].values()))[:RAREST]
        distinct = Counter(path for word in rarest for path in counts[word])
        matches = Counter[str]()
        for word in rarest:
            matches.update(counts[word])
        used = 0
        pattern = "|".join(map(re.escape, rarest))
        for path in sorted(distinct, key=lambda path: (-distinct[path], -matches[path], path)):
            used += estimate_tokens(f"{path}\n")
            command = [
                self.program,
                "--no-config",
                "-i",
                "-n",
                "-m",
                str(PER_FILE),
                "-C",
                str(AROUND),
                "-e",
                pattern,
                "--",
                path,
            ]
            done = subprocess.run(command, cwd=self.checkout, capture_output=True, check=False)
            for line in done.stdout.decode("utf-8", "replace").splitlines():
                used += estimate_tokens(line) + 1
                if match := _MATCH_LINE.match(line):
                    row = int(match["line"]) - 1
                    yield Target(path, Span(row, row + 1)), used
            if used > 4 * max(BUDGETS):
                return


def find_tokens(places: Iterator[tuple[Target, int]], question: Question) -> int | None:
    """Return the number of tokens up to the end of the first right place; None where there is none."""
    return next((used for place, used in places if any(target.matches(place) for target in question.targets)), None)


def choose_tasks(repositories: list[Repository], count: int) -> list[tuple[Repository, Question]]:
    """Return tasks, evenly from all repositories and from all of each one's questions."""
    tasks = []
    for number, repository in enumerate(repositories):
        wanted = count // len(repositories) + (number < count % len(repositories))
        step = max(len(repository.questions) / max(wanted, 1), 1)
        chosen = dict.fromkeys(int(i * step) for i in range(wanted))
        tasks += [(repository, repository.questions[i]) for i in chosen if i < len(repository.questions)]
    return tasks


def format_row(name: str, results: dict[int, list[int | None]]) -> str:
    """Return a row of the table."""
    cells = [name]
    for budget in BUDGETS:
        found = [tokens for tokens in results[budget] if tokens is not None and tokens <= budget]
        median = f"{statistics.median(found):,.0f}" if found else "–"
        cells += [f"{len(found)} of {len(results[budget])}", median]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure both ways on the tasks and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bench", type=Path)
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("--rg", default="rg")
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    wanted = set(filter(None, options.only.split(",")))
    repositories = [
        repository
        for repository in load_repositories(options.bench)
        if (options.checkouts / repository.name).is_dir() and (not wanted or repository.name in wanted)
    ]
    by_context: dict[int, list[int | None]] = {budget: [] for budget in BUDGETS}
    by_grep: dict[int, list[int | None]] = {budget: [] for budget in BUDGETS}
    with tempfile.TemporaryDirectory() as cache:
        for repository in repositories:
            checkout = (options.checkouts / repository.name).resolve()
            grep = Grep(options.rg, checkout, repository.root)
            with closing(
                Engine([checkout / repository.root], Settings(cache=CacheSettings(directory=cache)))
            ) as engine:
                engine.refresh(lambda _: None, threading.Event(), 1)
                for _, question in (
                    task for task in choose_tasks(repositories, options.tasks) if task[0] is repository
                ):
                    grep_tokens = find_tokens(grep.read(question.text), question)
                    for budget in BUDGETS:
                        places = read_context(engine, checkout, question.text, budget)
                        by_context[budget].append(find_tokens(places, question))
                        by_grep[budget].append(grep_tokens)
    print("| | found in 2,000 | median tokens | found in 8,000 | median tokens |\n|---|---|---|---|---|")
    print(format_row("rg, three rarest words", by_grep))
    print(format_row("codekin context", by_context))
    names = ", ".join(repository.name for repository in repositories)
    print(format_signature({**describe_codekin(), "repositories": names, "processor": platform.machine()}))


if __name__ == "__main__":
    main()
