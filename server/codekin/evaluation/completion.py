"""Measure completion: hold out a function with its near-duplicates, cut it before a statement, and complete it.

`python -m codekin.evaluation.completion ROOT …`; every number stands beside those of two plain ways to copy, on the
same cuts.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import numpy as np

from codekin.completion.completer import Completer
from codekin.completion.cursor import Cursor
from codekin.completion.line_words import strip_blanks
from codekin.completion.parse_check import count_parse_errors
from codekin.embed.factory import load_light_model
from codekin.engine import Engine
from codekin.evaluation.benchmarks import BenchmarkError
from codekin.evaluation.copying import CopiedSuggestion, LongestSuffix, suggest_by_bm25
from codekin.evaluation.hold_out import Cut, CutCorpus
from codekin.index.index import Index
from codekin.indexing.pool import map_in_workers
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import locate_index
from codekin.types import Completion, Task
from codekin.vectors.continuation_vectors import continuation_space
from codekin.workspace.workspace import Workspace

CUTS = 150  # per repository
FLOORS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
COVERAGE = 0.3  # at which the systems are compared


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """One system's suggestion at one cut, compared with the true continuation."""

    score: float
    first_line: bool  # whether its first line is the function's own
    similarity: float  # 1 - edit distance as a share of the longer, of all that was shown
    saved: int  # characters of the leading lines that are right
    shown: int  # characters


@dataclass(frozen=True, slots=True)
class CompletionResult:
    """Each system's suggestions for the cuts of one repository; None where a system suggests nothing."""

    name: str
    snippets: int
    codekin_suggestions: tuple[ShownSuggestion | None, ...]
    suffix: tuple[ShownSuggestion | None, ...]
    bm25: tuple[ShownSuggestion | None, ...]
    seconds: tuple[float, ...]
    unclean: int  # insertions after which the file parsed worse


def measure_completion(root: Path, settings: Settings, count: int = CUTS, seed: int = 0) -> CompletionResult:
    """Index a repository in a temporary folder, complete up to `count` cuts; return every system's suggestions, rated.

    Raises BenchmarkError where there is nothing to cut.
    """
    with open_temporary_completer(root, settings) as (completer, corpus):
        cuts = list(corpus.choose_cuts(count, seed))
        if not cuts:
            raise BenchmarkError(f"{root} has no function that is long enough to be cut. Name a larger code base.")
        suggestions, seconds, worse_count = _suggest_by_codekin(completer, corpus, cuts, settings)
        longest_suffix = LongestSuffix(corpus)
        by_suffix = [longest_suffix.suggest(cut) for cut in cuts]
        by_bm25 = list(suggest_by_bm25(corpus, cuts))
        snippets = len(corpus.snippets)
    return CompletionResult(
        root.name,
        snippets,
        tuple(suggestions),
        tuple(_compare_copy(cut, copy) for cut, copy in zip(cuts, by_suffix, strict=True)),
        tuple(_compare_copy(cut, copy) for cut, copy in zip(cuts, by_bm25, strict=True)),
        tuple(seconds),
        worse_count,
    )


def _suggest_by_codekin(
    completer: Completer, corpus: CutCorpus, cuts: Sequence[Cut], settings: Settings
) -> tuple[list[ShownSuggestion | None], list[float], int]:
    """Return codekin's best suggestion (None: none) and seconds per cut, and how many made a file parse worse."""
    without_floor = replace(settings.completion, floor=0.0, limit=1)
    suggestions, seconds, worse_count = list[ShownSuggestion | None](), [], 0
    for cut in cuts:
        excluded = frozenset(corpus.hashes[snippet_number] for snippet_number in cut.excluded)
        # Complete the whole text first: in an editor, the document's other functions are known before the edit.
        full_text = corpus.documents[cut.path].text
        completer.complete(replace(make_cursor(cut), text=full_text), without_floor, Event(), excluded)
        started = time.perf_counter()
        completions = completer.complete(make_cursor(cut), without_floor, Event(), excluded)
        seconds.append(time.perf_counter() - started)
        best = completions[0] if completions else None
        shown = None if best is None else _compare_with_truth(cut, best.confidence, best.text.split("\n"))
        suggestions.append(shown)
        worse_count += best is not None and _is_worse(cut, best)
    return suggestions, seconds, worse_count


def _compare_copy(cut: Cut, copy: CopiedSuggestion | None) -> ShownSuggestion | None:
    """Return a baseline's suggestion compared with the truth; None for none."""
    return None if copy is None else _compare_with_truth(cut, copy.score, copy.lines)


def make_cursor(cut: Cut) -> Cursor:
    """Return a cursor where the cut is, in the document as it is cut."""
    return Cursor(cut.path, cut.text, cut.language, cut.row, cut.column)


@contextmanager
def open_temporary_completer(root: Path, settings: Settings) -> Iterator[tuple[Completer, CutCorpus]]:
    """Yield a completer on the repository, indexed anew in a temporary folder, and the corpus to cut."""
    with TemporaryDirectory(prefix="codekin-evaluate-") as folder:
        temporary_settings = replace(settings, cache=CacheSettings(directory=folder))
        with closing(Engine([root], temporary_settings)) as engine:
            engine.refresh(lambda _: None, Event(), workers=1)
        paths = locate_index([root], temporary_settings)
        workspace, embedder = Workspace(paths.roots, settings.index), load_light_model(settings.model)
        spaces = embedder.space(Task.CODE2CODE), continuation_space(embedder)
        with closing(Index(paths, spaces[0], embedder.dim, lambda _: None, spaces[1])) as index:
            index.follow()
            yield Completer(index, workspace, embedder), CutCorpus(workspace)


def _is_worse(cut: Cut, completion: Completion) -> bool:
    """Return whether the file has more parse errors with the completion than without; False without a grammar."""
    lines = cut.text.split("\n")
    cursor_line = lines[cut.row]
    changed_lines = [
        *lines[: cut.row],
        cursor_line[: cut.column] + completion.text + cursor_line[cut.column :],
        *lines[cut.row + 1 :],
    ]
    return count_parse_errors("\n".join(changed_lines).split("\n"), cut.language) > count_parse_errors(
        lines, cut.language
    )


def _compare_with_truth(cut: Cut, score: float, lines: Sequence[str]) -> ShownSuggestion:
    """Return how shown lines (≥ 1) compare with as many true ones; white space does not count in whole lines."""
    shown_lines, true_lines = [line.strip() for line in lines], [line.strip() for line in cut.truth[: len(lines)]]
    saved_characters = 0
    for shown_line, true_line in zip(shown_lines, true_lines, strict=False):
        if strip_blanks(shown_line) != strip_blanks(true_line):
            break
        saved_characters += len(shown_line)
    shown_text, true_text = "\n".join(shown_lines), "\n".join(true_lines)
    return ShownSuggestion(
        score,
        strip_blanks(shown_lines[0]) == strip_blanks(true_lines[0]),
        compute_similarity(shown_text, true_text),
        saved_characters,
        sum(map(len, shown_lines)),
    )


def compute_similarity(left: str, right: str) -> float:
    """Return 1 - Levenshtein distance / length of the longer text, by characters, 0 to 1; 1 for two ""."""
    if not left or not right:
        return float(left == right)
    left_codes, right_codes = (
        np.frombuffer(left.encode("utf-32-le"), np.uint32),
        np.frombuffer(right.encode("utf-32-le"), np.uint32),
    )
    distances = np.arange(len(right_codes) + 1)
    steps = np.arange(len(right_codes) + 1)
    for row_number, character in enumerate(left_codes, 1):
        cheapest = np.minimum(distances[1:] + 1, distances[:-1] + (right_codes != character))
        # An insertion costs one step along the row: take the minimum of all cells to the left, plus the steps since.
        distances = np.minimum.accumulate(np.concatenate(([row_number], cheapest)) - steps) + steps
    return 1 - float(distances[-1]) / max(len(left_codes), len(right_codes))


def select_most_confident(
    suggestions: Iterable[ShownSuggestion | None], coverage: float = COVERAGE
) -> list[ShownSuggestion]:
    """Return the best-scored suggestions, at most the share `coverage` of all cuts, without None."""
    all_suggestions = list(suggestions)
    return sorted(
        (suggestion for suggestion in all_suggestions if suggestion), key=lambda suggestion: -suggestion.score
    )[: int(coverage * len(all_suggestions))]


def compute_precision(suggestions: Iterable[ShownSuggestion | None], coverage: float = COVERAGE) -> float:
    """Return the share of right first lines in the best `coverage` of all cuts, 0 to 1; missing ones are wrong."""
    all_suggestions = list(suggestions)
    most_confident = select_most_confident(all_suggestions, coverage)
    return sum(suggestion.first_line for suggestion in most_confident) / max(int(coverage * len(all_suggestions)), 1)


def to_json(results: Sequence[CompletionResult]) -> dict[str, Any]:
    """Return all results as a dict for JSON; codekin's suggestions are called "ours"."""
    rows = [asdict(result) for result in results]
    return {
        "repositories": [
            {
                "ours" if field_name == "codekin_suggestions" else field_name: field_value
                for field_name, field_value in row.items()
            }
            for row in rows
        ]
    }


def format_table(results: Sequence[CompletionResult]) -> str:
    """Return Markdown tables: by floor, per repository beside baselines, all systems at equal coverage; ≥ 1 cut."""
    suggestions = [suggestion for result in results for suggestion in result.codekin_suggestions]
    pooled = [
        [suggestion for result in results for suggestion in getattr(result, system_name)]
        for system_name in ("codekin_suggestions", "suffix", "bm25")
    ]
    lines = [*_format_floors(suggestions), "", *_format_repositories(results, pooled), ""]
    lines += ["| the same | first line | similarity | saved / shown |", "|---" + "|---:" * 3 + "|"]
    for system_name, system in zip(("codekin", "longest suffix", "BM25"), pooled, strict=True):
        if most_confident := select_most_confident(system):
            lines.append(f"| {system_name} | {_format_quality(most_confident)} |")
    worse_count = sum(result.unclean for result in results)
    shown_count = sum(map(bool, suggestions))
    return "\n".join([*lines, "", f"{worse_count} of {shown_count} insertions left a file parsing worse."])


def _format_floors(suggestions: Sequence[ShownSuggestion | None]) -> list[str]:
    """Return the table's lines: the share of cuts with a suggestion of at least each floor, and how right these are."""
    lines = ["| floor | coverage | first line | similarity | saved / shown |", "|---|---:|---:|---:|---:|"]
    for floor in FLOORS:
        above_floor = [suggestion for suggestion in suggestions if suggestion and suggestion.score >= floor]
        if above_floor:
            coverage = len(above_floor) / len(suggestions)
            lines.append(f"| {floor:.1f} | {coverage:.2f} | {_format_quality(above_floor)} |")
    return lines


def _format_repositories(
    results: Sequence[CompletionResult], pooled: Sequence[Sequence[ShownSuggestion | None]]
) -> list[str]:
    """Return the table's lines: a row per repository, and one for the `pooled` suggestions by system."""
    lines = [f"| at {COVERAGE:.0%} coverage | snippets | cuts | codekin | longest suffix | BM25 | p95 ms |"]
    lines.append("|---" + "|---:" * 6 + "|")
    for result in results:
        systems = (result.codekin_suggestions, result.suffix, result.bm25)
        scores = " | ".join(f"{compute_precision(system):.2f}" for system in systems)
        cut_count, p95_ms = len(result.codekin_suggestions), 1000 * float(np.percentile(result.seconds, 95))
        lines.append(f"| {result.name} | {result.snippets:,} | {cut_count} | {scores} | {p95_ms:.1f} |")
    seconds = [second for result in results for second in result.seconds]
    scores = " | ".join(f"{compute_precision(system):.3f}" for system in pooled)
    p95_ms, snippets = 1000 * float(np.percentile(seconds, 95)), sum(result.snippets for result in results)
    return [*lines, f"| **all, one floor** | {snippets:,} | {len(pooled[0])} | {scores} | {p95_ms:.1f} |"]


def _format_quality(suggestions: Sequence[ShownSuggestion]) -> str:
    """Return three cells as text: shares of first lines right and of shown characters right, similarity between."""
    first_line_share, mean_similarity = (
        float(np.mean([getattr(suggestion, metric_name) for suggestion in suggestions]))
        for metric_name in ("first_line", "similarity")
    )
    saved = sum(suggestion.saved for suggestion in suggestions)
    shown = sum(suggestion.shown for suggestion in suggestions)
    return f"{first_line_share:.2f} | {mean_similarity:.2f} | {saved / max(shown, 1):.2f}"


def parse_cut_options(
    arguments: Sequence[str] | None, description: str | None, cuts: int, *, seed: int
) -> argparse.Namespace:
    """Parse `roots`, `cuts`, `seed` and `workers` from the arguments (None: sys.argv)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("roots", type=Path, nargs="+")
    parser.add_argument("--cuts", type=int, default=cuts)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure completion in the repositories that `arguments` (None: sys.argv) name, print the tables, return 0."""
    options = parse_cut_options(arguments, __doc__, CUTS, seed=0)
    measure_root = partial(measure_completion, settings=Settings(), count=options.cuts, seed=options.seed)
    results = list(map_in_workers(measure_root, [root.resolve() for root in options.roots], options.workers))
    sys.stdout.write(format_table(results) + "\n")
    return 0


if __name__ == "__main__":
    from codekin.evaluation import completion  # its functions are called in workers, which must find them by name

    sys.exit(completion.main())
