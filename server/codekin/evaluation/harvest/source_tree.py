"""The source files of one revision, cut into snippets, with an index of the names that they define."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from codekin.code.extract import extract_snippets
from codekin.code.grammars import GRAMMARS
from codekin.code.languages import detect_language
from codekin.evaluation.harvest.git_repository import GitRepository
from codekin.evaluation.repositories import Target
from codekin.search.paths import is_test_path
from codekin.types import Snippet, Span


class SourceTree:
    """The files of a revision; source files are those with a grammar that are neither tests nor examples."""

    def __init__(self, repository: GitRepository, revision: str) -> None:
        """Read all source files at the revision, cut them into snippets, and index the names that they define."""
        self._repository = repository
        self.revision = revision
        self.files = repository.list_files(revision)
        texts = repository.read_files((revision, path) for path in self.files if is_source_path(path))
        self.snippets = {path: cut_file(path, text) for (_, path), text in texts.items()}
        self.definitions: dict[str, list[tuple[str, Snippet]]] = defaultdict(list)
        for path, snippets in self.snippets.items():
            for snippet in snippets:
                if snippet.name and snippet.part < 2:
                    self.definitions[snippet.name].append((path, snippet))

    def read_texts(self, paths: Iterable[str]) -> dict[str, str]:
        """Read and return path → text of those files, at the tree's revision, that exist, are text and not large."""
        texts = self._repository.read_files((self.revision, path) for path in paths)
        return {path: text for (_, path), text in texts.items()}

    def locate(self, path: str, qualified_names: Iterable[str]) -> list[Target]:
        """Return the places of a file's definitions with these qualified names; the whole file if it has none."""
        names = set(qualified_names)
        spans = [snippet.span for snippet in self.snippets[path] if snippet.qualified_name in names]
        return [Target(path, span) for span in spans] or [Target(path)]


def is_source_path(path: str) -> bool:
    """Return whether the path names a file of a language with a grammar, and no test or example."""
    return detect_language(Path(path)) in GRAMMARS and not is_test_path(Path(path), [])


def cut_file(path: str, text: str) -> list[Snippet]:
    """Return the snippets of a source file's text."""
    return extract_snippets(text, detect_language(Path(path)) or "")


def find_changed_definitions(snippets: Iterable[Snippet], changed_lines: Iterable[Span]) -> list[str]:
    """Return the qualified names of the functions and types whose lines were changed, in order."""
    spans = list(changed_lines)
    return [
        snippet.qualified_name
        for snippet in snippets
        if snippet.name and any(snippet.span.start < span.end and span.start < snippet.span.end for span in spans)
    ]


def count_languages(tree: SourceTree) -> Mapping[str, int]:
    """Return language → number of the tree's source files in it."""
    counts: dict[str, int] = defaultdict(int)
    for path in tree.snippets:
        counts[detect_language(Path(path)) or ""] += 1
    return counts
