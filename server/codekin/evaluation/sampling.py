"""Choose the functions to make clones of: whole ones that parse by themselves, the same for the same seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from codekin.code.extract import extract_snippets
from codekin.evaluation.mutations import LANGUAGES
from codekin.evaluation.mutations.similarity import list_tokens
from codekin.settings import Settings
from codekin.types import Snippet
from codekin.workspace.workspace import Document, SourceFile, Workspace

MIN_LINES, MIN_TOKENS = 5, 40  # without comments; shorter functions have twins everywhere
_MAX_PER_FILE = 2


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """What to sample and measure in a clone benchmark."""

    sample: int = 100  # functions per language, and strangers per language
    seed: int = 1
    strangers: tuple[Path, ...] = ()  # roots of code bases that have nothing to do with the workspace
    pairs: Path | None = None  # a retrieval set of the same jobs in several languages; its passages join the workspace
    alone: bool = False  # whether the retrievers are also measured one by one
    workers: int = 2


@dataclass(frozen=True, slots=True)
class SampledFunction:
    """A function of some code base, and its file."""

    path: Path
    snippet: Snippet

    @property
    def display_place(self) -> str:
        """Return the function's path and 1-based lines: `src/a.py:3-9`."""
        return f"{self.path}:{self.snippet.span.start + 1}-{self.snippet.span.end}"


def sample_functions(roots: Sequence[Path], plan: SamplingPlan, settings: Settings) -> Iterator[SampledFunction]:
    """Yield up to `plan.sample` functions per language, at most two per file; the same by seed and files."""
    workspace = Workspace(roots, settings.index)
    files = [
        candidate
        for candidate in workspace.walk()
        if isinstance(candidate, SourceFile) and candidate.language in LANGUAGES
    ]
    files.sort(key=lambda candidate: candidate.path)
    Random(plan.seed).shuffle(files)  # noqa: S311 -- sampling, not secrets
    remaining = dict.fromkeys(LANGUAGES, plan.sample)
    for source_file in files:
        if remaining[source_file.language] <= 0:
            continue
        document = workspace.read_document(source_file.path)
        if isinstance(document, Document):
            all_snippets = extract_snippets(document.text, document.language)
            snippets = [
                candidate for candidate in all_snippets if candidate.language in LANGUAGES and is_measurable(candidate)
            ]
            random = Random(f"{plan.seed} {len(document.text)} {document.language}")  # noqa: S311 -- sampling, not secrets
            for snippet in random.sample(snippets, min(_MAX_PER_FILE, len(snippets), remaining[source_file.language])):
                remaining[source_file.language] -= 1
                yield SampledFunction(source_file.path, snippet)


def is_measurable(snippet: Snippet) -> bool:
    """Return whether the snippet is a whole function of at least 5 lines and 40 tokens that parses by itself."""
    line_count = snippet.span.end - snippet.span.start
    if not snippet.kind.is_function or snippet.part or line_count < MIN_LINES:
        return False
    return len(list_tokens(snippet.text, snippet.language) or ()) >= MIN_TOKENS
