"""Which functions are asked for: whole ones that parse by themselves, a fixed choice of the code bases'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from codekin.code.extract import extract
from codekin.evaluation.mutations import LANGUAGES
from codekin.evaluation.mutations.similarity import list_tokens
from codekin.index.workspace import Document, SourceFile, Workspace
from codekin.settings import Settings
from codekin.types import Kind, Snippet

LEAST_LINES, LEAST_TOKENS = 5, 40  # without comments; shorter functions have twins everywhere
_KINDS = (Kind.FUNCTION, Kind.METHOD, Kind.CONSTRUCTOR, Kind.TEST)
_PER_FILE = 2


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """What is measured."""

    sample: int = 100  # functions per language, and strangers per language
    seed: int = 1
    strangers: tuple[Path, ...] = ()  # roots of code bases that have nothing to do with the workspace
    pairs: Path | None = None  # a retrieval set of the same jobs in several languages; its passages join the workspace
    alone: bool = False  # whether the retrievers are also measured one by one
    workers: int = 2


@dataclass(frozen=True, slots=True)
class SampledFunction:
    """A function of some code base."""

    path: Path
    snippet: Snippet

    @property
    def display_place(self) -> str:
        """Where it stands, its lines counted from 1."""
        return f"{self.path}:{self.snippet.span.start + 1}-{self.snippet.span.end}"


def sample_functions(roots: Sequence[Path], plan: SamplingPlan, settings: Settings) -> Iterator[SampledFunction]:
    """Up to `plan.sample` functions of each language, at most two of a file; the same for the same seed and files."""
    workspace = Workspace(roots, settings.index)
    files = [one for one in workspace.walk() if isinstance(one, SourceFile) and one.language in LANGUAGES]
    files.sort(key=lambda one: one.path)
    Random(plan.seed).shuffle(files)  # noqa: S311 -- sampling, not secrets
    left = dict.fromkeys(LANGUAGES, plan.sample)
    for file in files:
        if left[file.language] <= 0:
            continue
        document = workspace.read(file.path)
        if isinstance(document, Document):
            cut = extract(document.text, document.language)
            snippets = [one for one in cut if one.language in LANGUAGES and is_measurable(one)]
            rng = Random(f"{plan.seed} {len(document.text)} {document.language}")  # noqa: S311 -- sampling, not secrets
            for snippet in rng.sample(snippets, min(_PER_FILE, len(snippets), left[file.language])):
                left[file.language] -= 1
                yield SampledFunction(file.path, snippet)


def is_measurable(snippet: Snippet) -> bool:
    """Whether it is a whole function that parses by itself and is long enough to be told from others."""
    lines = snippet.span.end - snippet.span.start
    if snippet.kind not in _KINDS or snippet.part or lines < LEAST_LINES:
        return False
    return len(list_tokens(snippet.text, snippet.language) or ()) >= LEAST_TOKENS
