"""Measure how lines are completed: cut within a line, hide what follows, and ask.

`python -m codekin.evaluation.line_completion ROOT …`
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from codekin.completion.completer import Completer
from codekin.completion.cursor import Cursor
from codekin.completion.line_completer import LineBeginning
from codekin.completion.line_tokens import TokenVocabulary
from codekin.completion.line_words import strip_blanks
from codekin.evaluation.benchmarks import BenchmarkError
from codekin.evaluation.completion import open_temporary_completer, parse_cut_options
from codekin.evaluation.line_cuts import LineCut, choose_line_cuts
from codekin.indexing.pool import map_in_workers
from codekin.settings import Settings

CUTS = 200  # per repository
COVERAGES = (0.1, 0.3, 0.4, 0.5)
FLOORS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True, slots=True)
class LineResult:
    """What was proposed at one cut; confidence 0: nothing."""

    confidence: float
    is_exact: bool  # whether the proposal's first line is the rest of the line
    is_right: bool  # whether it is, or begins as the rest does
    is_partial: bool  # whether it was shown as a beginning only
    saved: int  # characters of the proposal that are right, from its start
    shown: int  # characters
    processor_s: float


def measure_lines(root: Path, settings: Settings, count: int = CUTS, seed: int = 0) -> list[LineResult]:
    """Index a repository in a temporary folder; complete up to `count` cut lines; return how near each came.

    Raises BenchmarkError.
    """
    with open_temporary_completer(root, settings) as (completer, corpus):
        completer.load_tokens()
        cuts = choose_line_cuts(list(corpus.documents.values()), TokenVocabulary(), count, seed)
        results = [_complete_cut(completer, cut, settings) for cut in cuts]
    if not results:
        raise BenchmarkError(f"{root} has no file that is long enough to be cut. Name a larger code base.")
    return results


def _complete_cut(completer: Completer, cut: LineCut, settings: Settings) -> LineResult:
    """Complete the cut line without a floor; return how the best proposal compares with the true rest."""
    cursor = Cursor(cut.path, cut.text, cut.language, cut.row, cut.column)
    without_floor = replace(settings.completion, floor=0.0, limit=1)
    completer.complete(_undo_key(cursor), without_floor, Event())  # in an editor, each key but the first has one before
    started = time.thread_time()
    completions = completer.complete(cursor, without_floor, Event())
    processor_s = time.thread_time() - started
    if not completions:
        return LineResult(0.0, False, False, False, 0, 0, processor_s)
    proposed = completions[0].text.split("\n")[0].strip()
    truth = cut.truth.strip()
    is_exact = strip_blanks(proposed) == strip_blanks(truth)
    pairs = zip(proposed, truth, strict=False)
    common = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(proposed), len(truth)))
    is_right = is_exact or common == len(proposed)
    is_partial = isinstance(completions[0], LineBeginning)
    return LineResult(completions[0].confidence, is_exact, is_right, is_partial, common, len(proposed), processor_s)


def _undo_key(cursor: Cursor) -> Cursor:
    """Return the cursor, and its document's text, as before the last character was typed."""
    lines = cursor.text.split("\n")
    line, column = lines[cursor.row], max(cursor.column - 1, 0)
    lines[cursor.row] = line[:column] + line[cursor.column :]
    return replace(cursor, text="\n".join(lines), column=column)


def to_json(results: Sequence[tuple[str, Sequence[LineResult]]]) -> dict[str, Any]:
    """Return all results as a dict for JSON."""
    return {"repositories": [{"name": name, "cuts": [asdict(result) for result in cuts]} for name, cuts in results]}


def format_table(results: Sequence[tuple[str, Sequence[LineResult]]]) -> str:
    """Return Markdown tables: exact rests of lines by coverage for each repository, and by floor for all."""
    lines = ["| rest of the line exact at coverage | " + " | ".join(f"{c:.0%}" for c in COVERAGES) + " | p95 ms |"]
    lines.append("|---" + "|---:" * (len(COVERAGES) + 1) + "|")
    repository_shares = []
    for name, repository in results:
        row = [compute_exact_share(repository, coverage) for coverage in COVERAGES]
        repository_shares.append(row)
        lines.append(_format_row(name, [*row], repository))
    pooled = [result for _, repository in results for result in repository]
    lines += [_format_row("**mean**", np.mean(repository_shares, axis=0).tolist(), pooled), ""]
    lines += [
        "| floor | shown | first line exact | shown text right | mean confidence | right of the characters |",
        "|---" + "|---:" * 5 + "|",
    ]
    for floor in FLOORS:
        shown = [result for result in pooled if result.confidence >= floor]
        if shown:
            exact = np.mean([result.is_exact for result in shown])
            confidence = np.mean([result.confidence for result in shown])
            saved = sum(result.saved for result in shown) / max(sum(result.shown for result in shown), 1)
            right = np.mean([result.is_right for result in shown])
            shares = f"{exact:.2f} | {right:.2f} | {confidence:.2f} | {saved:.2f}"
            lines.append(f"| {floor} | {len(shown) / len(pooled):.0%} | {shares} |")
    return "\n".join(lines)


def compute_exact_share(results: Sequence[LineResult], coverage: float) -> float:
    """Return the share of exact proposals among the most confident `coverage` of all cuts.

    Beginnings come last: they are not said to be the rest of the line.
    """
    count = max(int(coverage * len(results)), 1)
    most_confident = sorted(results, key=lambda result: (result.is_partial, -result.confidence))[:count]
    return sum(result.is_exact for result in most_confident) / count


def _format_row(name: str, shares: Sequence[float], results: Sequence[LineResult]) -> str:
    """Return a row of the table: name, shares, and the 95th percentile of processor time in ms."""
    p95_ms = 1000 * float(np.percentile([result.processor_s for result in results], 95))
    return f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares) + f" | {p95_ms:.0f} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the completion of lines in the repositories that `arguments` name, print the tables, return 0.

    Where `arguments` is None, those of sys.argv are used.
    """
    options = parse_cut_options(arguments, __doc__, CUTS, seed=0)
    measure_root = partial(measure_lines, settings=Settings(), count=options.cuts, seed=options.seed)
    roots = [root.resolve() for root in options.roots]
    results = map_in_workers(measure_root, roots, options.workers)
    named_results = [(root.name, result) for root, result in zip(roots, results, strict=True)]
    sys.stdout.write(format_table(named_results) + "\n")
    return 0


if __name__ == "__main__":
    from codekin.evaluation import line_completion  # its functions are called in workers, which must find them by name

    sys.exit(line_completion.main())
