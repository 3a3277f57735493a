"""codekin itself on a retrieval set: each passage is a file of a workspace, and the engine is asked as editors ask it.

So the passages are cut, indexed, searched, fused and checked as a user's files are. Where a query is one of the
passages, its lines are selected in its file, and codekin leaves them out by itself.
"""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from codekin.code.languages import ending_of
from codekin.embed.embedder import load
from codekin.engine import Engine
from codekin.evaluation.benchmarks import Benchmark
from codekin.evaluation.retrieval import Ranker
from codekin.evaluation.signature import describe_codekin, describe_model, format_signature
from codekin.settings import CacheSettings, Settings
from codekin.types import Answer, Span, Task

TASKS = (Task.NL2CODE, Task.CODE2CODE)  # what codekin answers

_K = 10
_OPENING = {".php": "<?php\n"}  # what makes an excerpt a file of its language
_HITS = 3 * _K  # several may be of one passage


def make_product_ranker(settings: Settings) -> tuple[str, tuple[Ranker, str]]:
    """codekin with these settings as a way of ranking: its name, and how it ranks with what determines that."""
    embedder = load(settings.model)
    signature = {**describe_codekin(), **describe_model(embedder), "passages": "as files of a workspace"}
    return f"codekin search ({embedder.model})", (
        lambda one: rank_by_product(one, settings),
        format_signature(signature),
    )


def rank_by_product(benchmark: Benchmark, settings: Settings) -> list[list[int]]:
    """Of each query the passages that the hits stand in, each at its first hit, ten at most.

    The task is one of `TASKS`. Indexed in a temporary folder.
    """
    with TemporaryDirectory(prefix="codekin-evaluate-") as folder:
        root = Path(folder, "passages").resolve()
        root.mkdir()
        files = [
            root / f"p{number}.{ending_of(language) or 'txt'}" for number, language in enumerate(benchmark.written_in)
        ]
        for path, text in zip(files, benchmark.passages, strict=True):
            path.write_text(_OPENING.get(path.suffix, "") + text, "utf-8")
        apart = replace(settings, cache=CacheSettings(directory=str(Path(folder, "cache"))))
        numbers = {path: number for number, path in enumerate(files)}
        with closing(Engine([root], apart)) as engine:
            engine.refresh(lambda _: None, Event(), workers=1)
            answers = [_ask(engine, benchmark, query, files) for query in range(len(benchmark.queries))]
        return [_passages(answer, numbers)[:_K] for answer in answers]


def _ask(engine: Engine, benchmark: Benchmark, query: int, files: list[Path]) -> Answer:
    text, own = benchmark.queries[query], benchmark.own[query]
    if benchmark.task is Task.NL2CODE:
        return engine.search(text, _HITS)
    if own is None:
        return engine.similar_to(text, _HITS)
    above = _OPENING.get(files[own].suffix, "").count("\n")
    return engine.similar(files[own], Span(above, above + text.count("\n") + 1), _HITS)


def _passages(answer: Answer, numbers: dict[Path, int]) -> list[int]:
    return list(dict.fromkeys(numbers[hit.place.path] for hit in answer.hits))
