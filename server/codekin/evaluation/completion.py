"""Measure completion: leave one function out, with its near duplicates, cut it before a statement, and ask.

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

from codekin.completion.completer import Cursor
from codekin.completion.insertion import faults
from codekin.engine import Engine
from codekin.evaluation.copying import LongestSuffix, suggest_by_bm25
from codekin.evaluation.hold_out import Cut, CutCorpus, strip_blanks
from codekin.index.pool import map_in_workers
from codekin.settings import CacheSettings, Settings
from codekin.types import Completion

CUTS = 150  # per repository
FLOORS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
COVERAGE = 0.3  # at which the systems are compared


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """What one system showed at one cut."""

    score: float
    first_line: bool  # whether its first line is the function's own
    similarity: float  # 1 - edit distance as a share of the longer, of all that was shown
    saved: int  # characters of the leading lines that are right
    shown: int  # characters


@dataclass(frozen=True, slots=True)
class CompletionResult:
    """One repository; None is silence."""

    name: str
    snippets: int
    ours: tuple[ShownSuggestion | None, ...]
    suffix: tuple[ShownSuggestion | None, ...]
    bm25: tuple[ShownSuggestion | None, ...]
    seconds: tuple[float, ...]
    unclean: int  # insertions after which the file parsed worse


def measure_completion(root: Path, settings: Settings, count: int = CUTS, seed: int = 0) -> CompletionResult:
    """One repository, indexed anew in a temporary folder."""
    with open_temporary_engine(root, settings) as (engine, corpus):
        cuts = list(corpus.choose_cuts(count, seed))
        wanted = replace(settings.completion, floor=0.0, limit=1)
        completer, ours, seconds, unclean = engine.completer, list[ShownSuggestion | None](), [], 0
        for cut in cuts:
            without = frozenset(corpus.hashes[number] for number in cut.without)
            whole = corpus.documents[cut.path].text  # as it stood in the editor before: its other functions are known
            completer.complete(replace(_cursor(cut), text=whole), wanted, Event(), without)
            started = time.perf_counter()
            found = completer.complete(_cursor(cut), wanted, Event(), without)
            seconds.append(time.perf_counter() - started)
            ours.append(_shown(cut, found[0].confidence, found[0].text.split("\n")) if found else None)
            unclean += bool(found) and _is_worse(cut, found[0])
        copies = LongestSuffix(corpus)
        suffix = [_shown(cut, copy.score, copy.lines) if (copy := copies.suggest(cut)) else None for cut in cuts]
        words = [
            _shown(cut, copy.score, copy.lines) for cut, copy in zip(cuts, suggest_by_bm25(corpus, cuts), strict=True)
        ]
        snippets = len(corpus.codes)
    return CompletionResult(root.name, snippets, tuple(ours), tuple(suffix), tuple(words), tuple(seconds), unclean)


def _cursor(cut: Cut) -> Cursor:
    return Cursor(cut.path, cut.text, cut.language, cut.row, cut.column)


@contextmanager
def open_temporary_engine(root: Path, settings: Settings) -> Iterator[tuple[Engine, CutCorpus]]:
    """The repository, indexed anew in a temporary folder."""
    with TemporaryDirectory(prefix="codekin-evaluate-") as folder:
        apart = replace(settings, cache=CacheSettings(directory=folder))
        with closing(Engine([root], apart)) as engine:
            engine.refresh(lambda _: None, Event(), workers=1)
            yield engine, CutCorpus(engine.workspace)


def _is_worse(cut: Cut, completion: Completion) -> bool:
    lines = cut.text.split("\n")
    line = lines[cut.row]
    changed = [*lines[: cut.row], line[: cut.column] + completion.text + line[cut.column :], *lines[cut.row + 1 :]]
    return faults("\n".join(changed).split("\n"), cut.language) > faults(lines, cut.language)


def _shown(cut: Cut, score: float, lines: Sequence[str]) -> ShownSuggestion:
    theirs, truth = [line.strip() for line in lines], [line.strip() for line in cut.truth[: len(lines)]]
    saved = 0
    for one, other in zip(theirs, truth, strict=False):
        if strip_blanks(one) != strip_blanks(other):
            break
        saved += len(one)
    text, own = "\n".join(theirs), "\n".join(truth)
    return ShownSuggestion(
        score,
        strip_blanks(theirs[0]) == strip_blanks(truth[0]),
        compute_similarity(text, own),
        saved,
        sum(map(len, theirs)),
    )


def compute_similarity(one: str, other: str) -> float:
    """1 - Levenshtein's distance as a share of the longer text."""
    if not one or not other:
        return float(one == other)
    a, b = np.frombuffer(one.encode("utf-32-le"), np.uint32), np.frombuffer(other.encode("utf-32-le"), np.uint32)
    row = np.arange(len(b) + 1)
    steps = np.arange(len(b) + 1)
    for i, char in enumerate(a, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (b != char))
        # What an insertion from the left costs runs on along the row: the least of all before, plus the steps since.
        row = np.minimum.accumulate(np.concatenate(([i], best)) - steps) + steps
    return 1 - float(row[-1]) / max(len(a), len(b))


def select_most_confident(shown: Iterable[ShownSuggestion | None], coverage: float = COVERAGE) -> list[ShownSuggestion]:
    """What is shown at the surest `coverage` of all cuts."""
    everything = list(shown)
    return sorted((one for one in everything if one), key=lambda one: -one.score)[: int(coverage * len(everything))]


def compute_precision(shown: Iterable[ShownSuggestion | None], coverage: float = COVERAGE) -> float:
    """The share of right first lines among the surest `coverage` of all cuts."""
    everything = list(shown)
    best = select_most_confident(everything, coverage)
    return sum(one.first_line for one in best) / max(int(coverage * len(everything)), 1)


def to_json(measured: Sequence[CompletionResult]) -> dict[str, Any]:
    """All of it for a program."""
    return {"repositories": [asdict(row) for row in measured]}


def format_table(measured: Sequence[CompletionResult]) -> str:
    """Tables in Markdown: by floor, and beside the baselines at the same coverage, a line a repository."""
    ours = [one for row in measured for one in row.ours]
    seconds = [second for row in measured for second in row.seconds]
    lines = ["| floor | coverage | first line | similarity | saved / shown |", "|---|---:|---:|---:|---:|"]
    for floor in FLOORS:
        above = [one for one in ours if one and one.score >= floor]
        if above:
            lines.append(f"| {floor:.1f} | {len(above) / len(ours):.2f} | {_quality(above)} |")
    lines += ["", f"| at {COVERAGE:.0%} coverage | snippets | cuts | codekin | longest suffix | BM25 | p95 ms |"]
    lines.append("|---" + "|---:" * 6 + "|")
    for row in measured:
        scores = " | ".join(f"{compute_precision(system):.2f}" for system in (row.ours, row.suffix, row.bm25))
        late = 1000 * float(np.percentile(row.seconds, 95))
        lines.append(f"| {row.name} | {row.snippets:,} | {len(row.ours)} | {scores} | {late:.1f} |")
    pooled = [[one for row in measured for one in getattr(row, name)] for name in ("ours", "suffix", "bm25")]
    scores = " | ".join(f"{compute_precision(system):.3f}" for system in pooled)
    late, snippets = 1000 * float(np.percentile(seconds, 95)), sum(row.snippets for row in measured)
    lines.append(f"| **all, one floor** | {snippets:,} | {len(ours)} | {scores} | {late:.1f} |")
    lines += ["", "| the same | first line | similarity | saved / shown |", "|---" + "|---:" * 3 + "|"]
    for name, system in zip(("codekin", "longest suffix", "BM25"), pooled, strict=True):
        if best := select_most_confident(system):
            lines.append(f"| {name} | {_quality(best)} |")
    unclean = sum(row.unclean for row in measured)
    return "\n".join([*lines, "", f"{unclean} of {sum(map(bool, ours))} insertions left a file parsing worse."])


def _quality(shown: Sequence[ShownSuggestion]) -> str:
    """Three cells: first lines that are right, similarity, characters saved of those shown."""
    right, alike = (float(np.mean([getattr(one, name) for one in shown])) for name in ("first_line", "similarity"))
    return (
        f"{right:.2f} | {alike:.2f} | {sum(one.saved for one in shown) / max(sum(one.shown for one in shown), 1):.2f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roots", type=Path, nargs="+")
    parser.add_argument("--cuts", type=int, default=CUTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    work = partial(measure_completion, settings=Settings(), count=options.cuts, seed=options.seed)
    measured = list(map_in_workers(work, [root.resolve() for root in options.roots], options.workers))
    sys.stdout.write(format_table(measured) + "\n")
    return 0


if __name__ == "__main__":
    from codekin.evaluation import completion  # its functions are called in workers, which must find them by name

    sys.exit(completion.main())
