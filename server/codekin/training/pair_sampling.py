"""Gather the pairs of a training in one file, each for one of the tasks that its kind teaches.

A short training draws a limited number of pairs. Its kinds then have fixed shares, and languages within a kind count by
the square root of their counts: else comments of Java and C++ would be most of what it sees.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

from codekin.errors import ModelError
from codekin.training import jsonl
from codekin.training.corpus import BlockList
from codekin.training.decontamination import BenchmarkTexts
from codekin.training.docs_pages import TextPair
from codekin.training.jsonl import TaskPair
from codekin.training.pairs import extract_package_pairs
from codekin.training.shards import read_pairs
from codekin.training.static_recipe import SHARES, TEACHES

logger = logging.getLogger(__name__)
PackagePair = tuple[str, TextPair]  # the package's name, and a pair of it

# Of a limited number of pairs: questions in sentences first, since for those the model is made.
_KIND_SHARES = {
    "doc": 0.26, "half": 0.2, "comment": 0.16, "asked": 0.14, "example": 0.06, "clone": 0.06, "section": 0.05,
    "name": 0.04, "twin": 0.03,
}  # fmt: skip


def gather_pairs(
    source: Path, pairs_path: Path, seed: int, benchmark_texts: BenchmarkTexts | None = None, limit: int = 0
) -> Path:
    """Return a path to pairs: `source`, if a file, else `pairs_path`, written from that folder only if missing.

    The folder is a source tree, or the output of `codekin train pairs`; pairs with a benchmark's text are left out.
    With a `limit`, no more pairs are drawn than that. Raises ModelError if it has no pairs.
    """
    if source.is_file():
        return source
    if not pairs_path.exists():
        excluded_texts = benchmark_texts or BenchmarkTexts(())
        generator = Random(seed)  # noqa: S311 -- sampling
        pairs = _draw_pairs(lambda: _read_source_pairs(source, seed), limit, generator)
        kept_pairs = (pair for pair in pairs if not excluded_texts.contains(pair[1]))
        count = jsonl.write_task_pairs(_assign_tasks(kept_pairs, generator), pairs_path)
        logger.info("%s: %d pairs", source, count)
    if not pairs_path.stat().st_size:
        pairs_path.unlink()
        raise ModelError(f"{source} gives no pairs. Name a file of pairs, or a folder with documented source code.")
    return pairs_path


def _read_source_pairs(source_folder: Path, seed: int) -> Iterator[PackagePair]:
    """Yield (package, pair) of the folder's `*.jsonl.gz`; without such files, pairs extracted from its source code."""
    files = sorted(source_folder.glob("*.jsonl.gz"))
    for file in files:
        for pair in read_pairs(file):
            yield file.name, pair
    if not files:
        for pair in extract_package_pairs(source_folder, BlockList(None), seed):
            yield source_folder.name, pair


def _draw_pairs(read_all: Callable[[], Iterable[PackagePair]], limit: int, generator: Random) -> Iterator[PackagePair]:
    """Yield a random share of the pairs, by kind; with a `limit`, about so many, by kind and language, read twice."""
    if limit:
        counts = Counter((pair.kind, pair.language) for _, pair in read_all())
        probabilities = compute_keep_probabilities(counts, limit)
        for package, pair in read_all():
            if generator.random() < probabilities[pair.kind, pair.language]:
                yield package, pair
    else:
        for package, pair in read_all():
            if generator.random() < SHARES.get(pair.kind, 1.0):
                yield package, pair


def compute_keep_probabilities(counts: Mapping[tuple[str, str], int], limit: int) -> dict[tuple[str, str], float]:
    """Return (kind, language) → probability to keep a pair, such that about `limit` or fewer are kept in all.

    A kind or language that has too few pairs is kept whole; nothing takes its place.
    """
    root_totals: Counter[str] = Counter()
    for (kind, _), count in counts.items():
        root_totals[kind] += count**0.5  # type: ignore[assignment]  # a Counter of floats
    return {
        (kind, language): min(1.0, limit * _KIND_SHARES[kind] * count**-0.5 / root_totals[kind])
        for (kind, language), count in counts.items()
    }


def _assign_tasks(pairs: Iterable[PackagePair], generator: Random) -> Iterator[TaskPair]:
    """Yield each pair for a random task that its kind teaches, query and passage swapped where that task asks."""
    for package, pair in pairs:
        task, is_swapped = generator.choice(TEACHES[pair.kind])
        query, passage = (pair.passage, pair.query) if is_swapped else (pair.query, pair.passage)
        yield TaskPair(task, query, passage, f"{pair.language} {package}")
