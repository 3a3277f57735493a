"""Collect a benchmark of questions from Git directories: which file or function does this commit or page speak of?

The result has the layout that `codekin evaluate --repos` measures (repositories.py): questions to the newest revision,
in the categories of `HARVEST_CATEGORIES`. Repositories, not questions, are split into those that weights may be fitted
to and those they are judged by. The same directories give the same benchmark.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from codekin.errors import QueryError
from codekin.evaluation import markdown
from codekin.evaluation.harvest.definitions import ask_definitions
from codekin.evaluation.harvest.documentation import ask_documentation
from codekin.evaluation.harvest.git_repository import Commit, GitRepository
from codekin.evaluation.harvest.messages import make_question, make_report
from codekin.evaluation.harvest.source_tree import (
    SourceTree,
    count_languages,
    cut_file,
    find_changed_definitions,
    is_source_path,
)
from codekin.evaluation.repositories import Question, Repository, Target
from codekin.indexing.pool import map_in_workers

HARVEST_CATEGORIES = ("commit", "addition", "report", "documentation", "definition")

_MAX_COMMITS = 12_000  # of a history, newest first
_MAX_SOURCE_FILES = 3  # that a commit changed: those of wider ones have little to do with its subject
_MAX_CHANGED_FILES = 12  # of any kind
_MAX_QUESTIONS_PER_FILE = 12  # of a category: else a few large files would answer most questions
_TEST_SHARE = 0.3  # of the repositories


@dataclass(frozen=True, slots=True)
class HarvestSource:
    """A repository to collect questions from."""

    name: str  # owner/name
    git_directory: Path


@dataclass(frozen=True, slots=True)
class _CommitQuestion:
    """A commit that gives a question, and the source files that answer it."""

    commit: Commit
    category: str
    text: str
    paths: tuple[str, ...]


def parse_source(argument: str) -> HarvestSource:
    """Return the source of an argument `owner/name=DIRECTORY`. Raises QueryError for another form, or no folder."""
    name, _, directory = argument.partition("=")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or not Path(directory).is_dir():
        raise QueryError(f"{argument!r} names no repository. Pass OWNER/NAME=DIR, with DIR its Git directory.")
    return HarvestSource(name, Path(directory).absolute())


def harvest_repositories(sources: Sequence[HarvestSource], max_questions: int, workers: int) -> Iterator[Repository]:
    """Yield each source's repository in turn, collected in worker processes. Raises GitRepositoryError."""
    yield from map_in_workers(partial(harvest_repository, max_questions=max_questions), sources, workers)


def harvest_repository(source: HarvestSource, max_questions: int) -> Repository:
    """Read a Git directory; return its repository with up to `max_questions` questions a category.

    Raises GitRepositoryError.
    """
    repository = GitRepository(source.git_directory)
    tree = SourceTree(repository, repository.find_head())
    commit_questions = _choose_commits(repository, tree, max_questions)
    questions = [
        *_answer_commits(commit_questions, repository, tree),
        *_limit("documentation", _ask_documentation(tree), max_questions),
        *_limit("definition", ((text, (target,)) for text, target in ask_definitions(tree)), max_questions),
    ]
    languages = count_languages(tree)
    main_language = max(sorted(languages), key=lambda language: languages[language], default="")
    folder_name = source.name.replace("/", "+")
    named_questions = tuple(
        Question(f"{folder_name}/{number}", question.category, question.text, question.targets)
        for number, question in enumerate(questions)
    )
    return Repository(
        folder_name, main_language, f"https://github.com/{source.name}", tree.revision, "", named_questions
    )


def choose_split(repository_name: str) -> str:
    """Return "train" or, for three of ten names, "test"; depends on nothing but the name."""
    draw = int(sha256(repository_name.lower().encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return "test" if draw < _TEST_SHARE else "train"


def write_benchmark(repositories: Sequence[Repository], folder: Path) -> None:
    """Write `repos.json`, with each repository's split, and `queries.jsonl` to the folder, created if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "name": repository.name,
            "language": repository.language,
            "repository": repository.url.partition("github.com/")[2],
            "revision": repository.revision,
            "root": repository.root,
            "split": choose_split(repository.name),
        }
        for repository in repositories
    ]
    (folder / "repos.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    lines = [
        json.dumps(_to_row(repository, question)) for repository in repositories for question in repository.questions
    ]
    (folder / "queries.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")


def format_counts(repositories: Sequence[Repository]) -> str:
    """Return a Markdown table: how many repositories, languages, and questions by category, train and test have."""
    rows = []
    for split in ("train", "test"):
        chosen = [repository for repository in repositories if choose_split(repository.name) == split]
        counts = Counter(question.category for repository in chosen for question in repository.questions)
        languages = {repository.language for repository in chosen}
        cells = [len(chosen), len(languages), *(counts[category] for category in HARVEST_CATEGORIES), counts.total()]
        rows.append([split, *(f"{cell:,}" for cell in cells)])
    return markdown.format_table(["split", "repositories", "languages", *HARVEST_CATEGORIES, "questions"], rows)


def _to_row(repository: Repository, question: Question) -> dict[str, object]:
    """Return a question as a dict, a row of queries.jsonl, with 1-based inclusive lines."""
    places = [
        {"path": target.path}
        | ({"start_line": target.span.start + 1, "end_line": target.span.end} if target.span else {})
        for target in question.targets
    ]
    fields = {"_id": question.name, "repo": repository.name, "category": question.category, "text": question.text}
    return fields | {"relevant": places, "secondary": []}


def _choose_commits(repository: GitRepository, tree: SourceTree, max_questions: int) -> list[_CommitQuestion]:
    """Return the newest commits' questions, up to `max_questions` a category, on 1 to 3 files that still exist.

    Each text is taken once, and no file too often.
    """
    chosen: list[_CommitQuestion] = []
    category_counts: Counter[str] = Counter()
    file_counts: Counter[tuple[str, str]] = Counter()
    texts: set[str] = set()
    for commit in repository.list_commits(tree.revision, _MAX_COMMITS):
        question = _read_commit(commit)
        if question is None or question.text.lower() in texts or not set(question.paths) <= tree.snippets.keys():
            continue
        keys = [(question.category, path) for path in question.paths]
        if category_counts[question.category] >= max_questions or _MAX_QUESTIONS_PER_FILE in map(file_counts.get, keys):
            continue
        texts.add(question.text.lower())
        category_counts[question.category] += 1
        file_counts.update(keys)
        chosen.append(question)
    return chosen


def _read_commit(commit: Commit) -> _CommitQuestion | None:
    """Return the commit's question; None if it asks for no code, or changed no source file or too many files."""
    changed_files = (*commit.added, *commit.modified)
    paths = tuple(path for path in changed_files if is_source_path(path))
    if not 1 <= len(paths) <= _MAX_SOURCE_FILES or len(changed_files) > _MAX_CHANGED_FILES:
        return None
    added_paths = tuple(path for path in paths if path in commit.added)
    report = make_report(commit.subject, commit.body)
    if report and not added_paths and int(commit.revision[:8], 16) % 2:  # every second one asks by its subject alone
        return _CommitQuestion(commit, "report", report, paths)
    question = make_question(commit.subject)
    if not question:
        return None
    category = "addition" if added_paths else "commit"
    return _CommitQuestion(commit, category, question, added_paths or paths)


def _answer_commits(
    commit_questions: Sequence[_CommitQuestion], repository: GitRepository, tree: SourceTree
) -> Iterator[Question]:
    """Yield the commits' questions, answered by the definitions that they changed or the files that they added."""
    modifying = [question for question in commit_questions if question.category != "addition"]
    changed_lines = repository.list_changed_lines([question.commit.revision for question in modifying])
    places = [(question.commit.revision, path) for question in modifying for path in question.paths]
    texts = repository.read_files(places)
    for question in commit_questions:
        targets: list[Target] = []
        for path in question.paths:
            place = (question.commit.revision, path)
            spans = changed_lines.get(question.commit.revision, {}).get(path, [])
            names = find_changed_definitions(cut_file(path, texts[place]), spans) if place in texts else []
            targets += tree.locate(path, names)
        yield Question("", question.category, question.text, tuple(targets))


def _ask_documentation(tree: SourceTree) -> Iterator[tuple[str, tuple[Target, ...]]]:
    """Yield the questions of documentation with whole files as targets."""
    for text, paths in ask_documentation(tree):
        yield text, tuple(Target(path) for path in paths)


def _limit(category: str, asked: Iterable[tuple[str, tuple[Target, ...]]], max_questions: int) -> Iterator[Question]:
    """Yield up to `max_questions` of the (text, targets) as questions, each text once and few for each file."""
    texts: set[str] = set()
    file_counts: Counter[str] = Counter()

    def is_wanted(text: str, targets: Sequence[Target]) -> bool:
        """Return whether the question is new and its files have room for one more; if so, count it."""
        paths = {target.path for target in targets}
        if text.lower() in texts or _MAX_QUESTIONS_PER_FILE in map(file_counts.get, paths):
            return False
        texts.add(text.lower())
        file_counts.update(paths)
        return True

    wanted = ((text, targets) for text, targets in asked if is_wanted(text, targets))
    for text, targets in islice(wanted, max_questions):
        yield Question("", category, text, targets)
