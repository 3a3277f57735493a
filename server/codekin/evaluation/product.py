"""Measure codekin itself on a retrieval set: each passage becomes a file, and the engine answers the queries.

So the passages are cut, indexed, searched, fused and checked as a user's files are. Where a query is one of the
passages, its lines are selected in its file, and codekin leaves them out by itself.
"""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from codekin.code.languages import common_ending
from codekin.embed.embedder import load_embedder
from codekin.engine import Engine
from codekin.evaluation.benchmarks import Benchmark
from codekin.evaluation.retrieval import Ranker
from codekin.evaluation.signature import describe_codekin, describe_model, format_signature
from codekin.settings import CacheSettings, Settings
from codekin.types import Answer, Span, Task

TASKS = (Task.NL2CODE, Task.CODE2CODE)  # what codekin answers

_MAX_PASSAGES = 10
_FILE_HEADERS = {".php": "<?php\n"}  # what makes an excerpt a file of its language
_MAX_HITS = 3 * _MAX_PASSAGES  # several may be of one passage


def make_product_ranker(settings: Settings) -> tuple[str, tuple[Ranker, str]]:
    """Return codekin with these settings as (name, (ranker, signature)); loads the model. Raises ModelError."""
    embedder = load_embedder(settings.model)
    signature = {**describe_codekin(), **describe_model(embedder), "passages": "as files of a workspace"}
    return f"codekin search ({embedder.model})", (
        lambda benchmark: rank_by_product(benchmark, settings),
        format_signature(signature),
    )


def rank_by_product(benchmark: Benchmark, settings: Settings) -> list[list[int]]:
    """Index the passages as files in a temporary folder; return per query ≤ 10 passage indices, best first, or none.

    The benchmark's task is one of `TASKS`.
    """
    with TemporaryDirectory(prefix="codekin-evaluate-") as folder:
        passages_folder = Path(folder, "passages").resolve()
        passages_folder.mkdir()
        files = [
            passages_folder / f"p{passage_number}.{common_ending(language) or 'txt'}"
            for passage_number, language in enumerate(benchmark.passage_languages)
        ]
        for file_path, passage_text in zip(files, benchmark.passages, strict=True):
            file_path.write_text(_FILE_HEADERS.get(file_path.suffix, "") + passage_text, "utf-8")
        temporary_settings = replace(settings, cache=CacheSettings(directory=str(Path(folder, "cache"))))
        passage_numbers = {file_path: passage_number for passage_number, file_path in enumerate(files)}
        with closing(Engine([passages_folder], temporary_settings)) as engine:
            engine.refresh(lambda _: None, Event(), workers=1)
            answers = [_query_engine(engine, benchmark, query, files) for query in range(len(benchmark.queries))]
        return [_rank_passages(answer, passage_numbers)[:_MAX_PASSAGES] for answer in answers]


def _query_engine(engine: Engine, benchmark: Benchmark, query: int, files: list[Path]) -> Answer:
    """Return the engine's answer to one query: asked as text, by its lines in its own file of `files`, or as code."""
    query_text, own_passage = benchmark.queries[query], benchmark.own_passages[query]
    if benchmark.task is Task.NL2CODE:
        return engine.search(query_text, _MAX_HITS)
    if own_passage is None:
        return engine.find_similar_to_code(query_text, _MAX_HITS)
    header_lines = _FILE_HEADERS.get(files[own_passage].suffix, "").count("\n")
    return engine.find_similar(
        files[own_passage], Span(header_lines, header_lines + query_text.count("\n") + 1), _MAX_HITS
    )


def _rank_passages(answer: Answer, passage_numbers: dict[Path, int]) -> list[int]:
    """Return the indices of the passages that the hits are in, each once, best first."""
    return list(dict.fromkeys(passage_numbers[hit.place.path] for hit in answer.hits))
