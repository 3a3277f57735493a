"""Retrieval sets in BEIR's layout: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`, `meta.json` in a folder each."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codekin.errors import CodekinError
from codekin.types import Task

_TASKS = {
    "NL2Code": Task.NL2CODE,
    "Code2NL": Task.CODE2NL,
    "Code2Code": Task.CODE2CODE,
    "Code2Completion": Task.CODE2COMPLETION,
    "TechQA": Task.QA,
}

_PROSE_LANGUAGE = "en"  # how the sets mark passages that are not code


class BenchmarkError(CodekinError):
    """A folder is not a retrieval set, or a benchmark's files are missing or malformed."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One retrieval set: queries, passages and graded relevance, identified by position."""

    name: str
    task: Task
    queries: tuple[str, ...]
    passages: tuple[str, ...]
    relevance: tuple[dict[int, float], ...]  # of each query: passage → grade
    own_passages: tuple[int | None, ...]  # the passage that is the query's own text, and is left out
    languages: tuple[str, ...] = ()  # of each query's code: its own, or that of what answers it; "" where none is told
    passage_languages: tuple[str, ...] = ()  # of each passage


def load_benchmark(folder: Path) -> Benchmark:
    """Load a retrieval set, without queries that have no judged passage. Raises BenchmarkError for a bad folder."""
    try:
        task = _TASKS[json.loads((folder / "meta.json").read_text("utf-8"))["task"]]
        passages, passage_languages = _load_texts(folder / "corpus.jsonl")
        queries, query_languages = _load_texts(folder / "queries.jsonl")
        position_of = {text_id: position for position, text_id in enumerate(passages)}
        grades: dict[str, dict[int, float]] = {text_id: {} for text_id in queries}
        for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
            query, passage, grade = line.split("\t")
            if query in grades and passage in position_of:
                grades[query][position_of[passage]] = float(grade)
    except (OSError, KeyError, ValueError) as error:
        raise BenchmarkError(
            f"{folder} is no retrieval set ({error!r}). It needs corpus.jsonl, queries.jsonl, qrels.tsv and meta.json."
        ) from error
    judged_queries = [text_id for text_id in queries if grades[text_id]]
    language_of = dict(zip(queries, query_languages, strict=True))
    languages = [language_of[text_id] or passage_languages[min(grades[text_id])] for text_id in judged_queries]
    own_passages: list[int | None] = [None] * len(judged_queries)
    if task is Task.CODE2CODE:
        own_passages = [_find_own_passage(text_id, queries, passages, position_of) for text_id in judged_queries]
    return Benchmark(
        folder.name,
        task,
        tuple(queries[text_id] for text_id in judged_queries),
        tuple(passages.values()),
        tuple(grades[text_id] for text_id in judged_queries),
        tuple(own_passages),
        tuple(languages),
        tuple(passage_languages),
    )


def _find_own_passage(
    query_id: str, queries: Mapping[str, str], passages: Mapping[str, str], position_of: Mapping[str, int]
) -> int | None:
    """Return the position of the passage with the query's own text (id `d1` for `q1`); None where texts differ."""
    passage_id = "d" + query_id[1:]
    is_own_text = passages.get(passage_id, "").strip() == queries[query_id].strip()
    return position_of.get(passage_id) if is_own_text else None


def _load_texts(path: Path) -> tuple[dict[str, str], list[str]]:
    """Return id → text of a JSON Lines file, and the languages, "" for prose. Raises OSError, KeyError, ValueError.

    ValueError also for an id that stands twice: which of its texts the judgements mean is not known.
    """
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    id_counts = Counter(str(row["_id"]) for row in rows)
    repeated_ids = [text_id for text_id, count in id_counts.items() if count > 1]
    if repeated_ids:
        raise ValueError(f"{path.name} has several texts with the id {repeated_ids[0]}")
    languages = [str(row.get("language", "")) for row in rows]
    return {str(row["_id"]): str(row["text"]) for row in rows}, [
        "" if language == _PROSE_LANGUAGE else language for language in languages
    ]
