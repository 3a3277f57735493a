"""Measure completion by the kind of place, beside baselines: `python -m codekin.evaluation.completion_kinds ROOT …`.

Each document is cut where people stop while they type; the next 120 tokens are hidden.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from codekin.completion.completer import Completer
from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.line_completer import LineBeginning
from codekin.completion.line_tokens import TokenVocabulary, read_line_tokens
from codekin.completion.line_words import strip_blanks
from codekin.evaluation.benchmarks import BenchmarkError
from codekin.evaluation.completion import open_temporary_completer, parse_cut_options
from codekin.evaluation.hold_out import CutCorpus
from codekin.evaluation.kind_cuts import KINDS, KindCut, choose_kind_cuts
from codekin.evaluation.line_baselines import propose_by_bm25, propose_by_ngram, propose_by_suffix
from codekin.indexing.pool import map_in_workers
from codekin.settings import Settings

CUTS = 12  # of each kind, per repository
COVERAGE = 0.3  # at which the systems are compared
FLOORS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
BENEFIT_FLOORS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
ACCEPT_COST, READING_COST = 1, 5  # keys: Tab; a second of reading what is wrong, at 60 words a minute
SYSTEMS = ("codekin", "n-gram", "longest suffix", "BM25")
PART, LINE, LINES = "part of a line", "a line", "several lines"  # lengths of what is shown


@dataclass(frozen=True, slots=True)
class KindResult:
    """What one system shows at one cut."""

    kind: str
    system: str
    score: float  # 0: nothing
    length: str = ""  # of what is shown
    is_first_line_exact: bool = False
    is_right: bool = False  # all that is shown, as far as it goes
    tokens_shown: int = 0
    tokens_right: int = 0  # from the start
    characters_shown: int = 0
    characters_right: int = 0  # of the leading lines that are right
    processor_s: float = 0.0


def measure_kinds(root: Path, settings: Settings, count: int = CUTS, seed: int = 0) -> list[KindResult]:
    """Index a repository in a temporary folder; return codekin's and baselines' results at `count` cuts of each kind.

    Raises BenchmarkError.
    """
    with open_temporary_completer(root, settings) as (completer, corpus):
        completer.load_tokens()
        cuts = list(choose_kind_cuts(list(corpus.documents.values()), count, seed))
        results = [_complete_cut(completer, cut, settings) for cut in cuts]
        results += _ask_baselines(completer, corpus, cuts)
    if not results:
        raise BenchmarkError(f"{root} has no file that is long enough to be cut. Name a larger code base.")
    return results


def _complete_cut(completer: Completer, cut: KindCut, settings: Settings) -> KindResult:
    """Complete the cut without a floor; return how the best proposal compares with the truth."""
    without_floor = replace(settings.completion, floor=0.0, limit=1)
    completer.complete(_undo_key(cut.cursor), without_floor, Event())  # each key but the first has one before
    started_s = time.thread_time()
    completions = completer.complete(cut.cursor, without_floor, Event())
    processor_s = time.thread_time() - started_s
    if not completions:
        return KindResult(cut.kind, SYSTEMS[0], 0.0, processor_s=processor_s)
    is_part = isinstance(completions[0], LineBeginning)
    result = compare(cut, SYSTEMS[0], completions[0].confidence, completions[0].text, is_part=is_part)
    return replace(result, processor_s=processor_s)


def _undo_key(cursor: Cursor) -> Cursor:
    """Return the cursor, and its document's text, as before the last character was typed."""
    lines = cursor.text.split("\n")
    cursor_line, column = lines[cursor.row], max(cursor.column - 1, 0)
    lines[cursor.row] = cursor_line[:column] + cursor_line[cursor.column :]
    return replace(cursor, text="\n".join(lines), column=column)


def _ask_baselines(completer: Completer, corpus: CutCorpus, cuts: Sequence[KindCut]) -> Iterable[KindResult]:
    """Yield what each baseline proposes at each cut, compared with the truth; nothing for cuts that can't be read."""
    contexts = [read_context(cut.cursor) for cut in cuts]
    readings = [completer.read_cursor(context) for context in contexts]
    pairs = [(cut, reading) for cut, reading in zip(cuts, readings, strict=True) if reading]
    by_bm25 = propose_by_bm25(corpus, [reading for _, reading in pairs]) if pairs else []
    for (cut, reading), bm25_proposal in zip(pairs, by_bm25, strict=True):
        for system, proposal in zip(
            SYSTEMS[1:], (propose_by_ngram(reading), propose_by_suffix(reading), bm25_proposal), strict=True
        ):
            if proposal is None or not proposal.text.strip():
                yield KindResult(cut.kind, system, 0.0)
            else:
                yield compare(cut, system, proposal.score, proposal.text, is_part=False)


def compare(cut: KindCut, system: str, score: float, shown_text: str, *, is_part: bool) -> KindResult:
    """Return how a shown text compares with the text hidden behind the cut, white space aside."""
    shown_lines = shown_text.split("\n")
    pairs = [
        (strip_blanks(shown_line), strip_blanks(true_line))
        for shown_line, true_line in zip(shown_lines, cut.truth, strict=False)
    ]
    equal_count = next((i for i, (shown_line, true_line) in enumerate(pairs) if shown_line != true_line), len(pairs))
    is_right = equal_count == len(shown_lines) or (is_part and pairs[0][1].startswith(pairs[0][0]))
    tokens_shown, tokens_right = _count_tokens(shown_text, "\n".join(cut.truth), cut.cursor.language)
    right_lines = shown_lines if is_right else shown_lines[:equal_count]
    return KindResult(
        cut.kind,
        system,
        score,
        PART if is_part else LINE if len(shown_lines) == 1 else LINES,
        is_first_line_exact=equal_count > 0,
        is_right=is_right,
        tokens_shown=tokens_shown,
        tokens_right=tokens_right,
        characters_shown=sum(len(line.strip()) for line in shown_lines),
        characters_right=sum(len(line.strip()) for line in right_lines),
    )


def _count_tokens(shown_text: str, true_text: str, language: str) -> tuple[int, int]:
    """Return how many tokens are shown, and how many of the first ones equal the true text's."""
    vocabulary = TokenVocabulary()
    tokens = [read_line_tokens(text, language, vocabulary) for text in (shown_text, true_text)]
    shown_tokens, true_tokens = ((line_tokens.symbols >> 1).tolist() if line_tokens else [] for line_tokens in tokens)
    pairs = enumerate(zip(shown_tokens, true_tokens, strict=False))
    first_wrong = next((i for i, (shown, true) in pairs if shown != true), min(len(shown_tokens), len(true_tokens)))
    return len(shown_tokens), first_wrong


def to_json(results: Sequence[tuple[str, Sequence[KindResult]]]) -> dict[str, Any]:
    """Return all results as a dict for JSON."""
    return {"repositories": [{"name": name, "cuts": [asdict(result) for result in cuts]} for name, cuts in results]}


def format_table(results: Sequence[tuple[str, Sequence[KindResult]]], floor: float) -> str:
    """Return Markdown tables: systems at equal coverage by kind of cut; codekin by kind, length, least confidence."""
    pooled = [result for _, repository in results for result in repository]
    own_results = [result for result in pooled if result.system == SYSTEMS[0]]
    cut_count = len(own_results)
    lines = [f"| first line exact at {COVERAGE:.0%} coverage | cuts | " + " | ".join(SYSTEMS) + " |"]
    lines.append("|---" + "|---:" * (len(SYSTEMS) + 1) + "|")
    lines += [_format_systems(kind, [result for result in pooled if result.kind == kind]) for kind in KINDS]
    lines += [_format_systems("**all, one floor**", pooled), ""]
    lines += [f"| at the floor {floor} | " + " | ".join(_COLUMNS) + " |", "|---" + "|---:" * len(_COLUMNS) + "|"]
    for kind in KINDS:
        of_kind = [result for result in own_results if result.kind == kind]
        lines.append(_format_row(kind, _select(of_kind, floor), len(of_kind), of_kind))
    for length in (PART, LINE, LINES):
        of_length = [result for result in own_results if result.length == length]
        lines.append(_format_row(length, _select(of_length, floor), cut_count, of_length))
    for each_floor in FLOORS:
        title = f"all, at the floor {each_floor}"
        lines.append(_format_row(title, _select(own_results, each_floor), cut_count, own_results))
    lines += ["", "| net characters for 100 cuts | " + " | ".join((PART, LINE, LINES)) + " |", "|---|---:|---:|---:|"]
    for each_floor in BENEFIT_FLOORS:
        benefits = [
            compute_benefit([result for result in own_results if result.length == length], each_floor)
            for length in (PART, LINE, LINES)
        ]
        cells = " | ".join(f"{100 * benefit / max(cut_count, 1):.0f}" for benefit in benefits)
        lines.append(f"| at the floor {each_floor} | {cells} |")
    return "\n".join(lines)


def compute_benefit(results: Sequence[KindResult], floor: float) -> int:
    """Return the characters saved by showing proposals from the floor on, less 1 for a right, 5 for a wrong one."""
    shown = _select(results, floor)
    saved = sum(result.characters_shown - ACCEPT_COST for result in shown if result.is_right)
    return saved - READING_COST * sum(not result.is_right for result in shown)


_COLUMNS = ("shown", "first line exact", "right as shown", "tokens", "characters", "p95 ms")


def _select(results: Iterable[KindResult], floor: float) -> list[KindResult]:
    """Return the results whose score is at least the floor."""
    return [result for result in results if result.score >= floor]


def _format_systems(title: str, results: Sequence[KindResult]) -> str:
    """Return a Markdown row: for each system, the share of exact first lines among the 30% of cuts it is surest of."""
    cells = []
    for system in SYSTEMS:
        of_system = [result for result in results if result.system == system]
        count = max(int(COVERAGE * len(of_system)), 1)
        # A part of a line is not said to be all of it, and comes last.
        surest = sorted(of_system, key=lambda result: (result.length == PART, -result.score))[:count]
        cells.append(f"{sum(result.is_first_line_exact for result in surest) / count:.2f}")
    cut_count = sum(result.system == SYSTEMS[0] for result in results)
    return f"| {title} | {cut_count} | " + " | ".join(cells) + " |"


def _format_row(title: str, shown: Sequence[KindResult], cut_count: int, asked: Sequence[KindResult]) -> str:
    """Return a Markdown row: what share of `cut_count` cuts is `shown`, how right that is, the p95 ms of `asked`."""
    if not shown:
        return f"| {title} | 0% |" + " – |" * (len(_COLUMNS) - 1)
    shares = [
        np.mean([result.is_first_line_exact for result in shown]),
        np.mean([result.is_right for result in shown]),
        sum(result.tokens_right for result in shown) / max(sum(result.tokens_shown for result in shown), 1),
        sum(result.characters_right for result in shown) / max(sum(result.characters_shown for result in shown), 1),
    ]
    p95_ms = 1000 * float(np.percentile([result.processor_s for result in asked], 95))
    cells = " | ".join(f"{share:.2f}" for share in shares)
    return f"| {title} | {len(shown) / max(cut_count, 1):.0%} | {cells} | {p95_ms:.0f} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure completion by kind in the repositories of `arguments` (None: sys.argv), print the tables, return 0."""
    options = parse_cut_options(arguments, __doc__, CUTS, seed=0)
    settings = Settings()
    measure_root = partial(measure_kinds, settings=settings, count=options.cuts, seed=options.seed)
    roots = [root.resolve() for root in options.roots]
    results = map_in_workers(measure_root, roots, options.workers)
    named_results = [(root.name, result) for root, result in zip(roots, results, strict=True)]
    sys.stdout.write(format_table(named_results, settings.completion.floor) + "\n")
    return 0


if __name__ == "__main__":
    from codekin.evaluation import completion_kinds  # called in workers, which must find its functions by name

    sys.exit(completion_kinds.main())
