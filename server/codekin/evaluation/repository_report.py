"""Format the results on real repositories: a table for people, JSON for programs."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from codekin.evaluation import markdown
from codekin.evaluation.repositories import (
    CATEGORIES,
    AnsweredQuestion,
    RepositoryResult,
    compute_mean_ndcg,
    compute_overall_ndcg,
)


def format_table(results: Sequence[RepositoryResult]) -> str:
    """Return a Markdown table of NDCG@10, misses and latencies, one row per repository and one for all.

    A category's NDCG@10 is the mean over its questions, also of all repositories. `missed` counts questions none of
    whose targets is among the hits, `silent` of them those without a hit. Latencies are those of the second, warm run.
    """
    all_answers = [answer for result in results for answer in result.answered_questions]
    header = ["repository", "snippets", "questions", "NDCG@10", *CATEGORIES, "missed", "silent", "p50 ms", "p95 ms"]
    rows = [
        [
            result.repository.name,
            f"{result.snippets:,}",
            *_format_cells(result.ndcg, result.answered_questions, result.seconds),
        ]
        for result in results
    ]
    snippets, seconds = (
        sum(result.snippets for result in results),
        [second for result in results for second in result.seconds],
    )
    rows.append(["**all**", f"{snippets:,}", *_format_cells(compute_overall_ndcg(results), all_answers, seconds)])
    return markdown.format_table(header, rows)


def _format_cells(ndcg: float, answered_questions: Sequence[AnsweredQuestion], seconds: Sequence[float]) -> list[str]:
    """Return the cells of a row from the number of questions on; – without questions, latencies in ms."""
    by_category = [
        compute_mean_ndcg([answer for answer in answered_questions if answer.question.category == category])
        for category in CATEGORIES
    ]
    scores = ["–" if math.isnan(score) else f"{score:.3f}" for score in (ndcg, *by_category)]
    missed, silent = (
        sum(not any(answer.target_ranks) for answer in answered_questions),
        sum(not answer.places for answer in answered_questions),
    )
    latencies = [f"{1000 * float(value):.1f}" for value in np.percentile(seconds, (50, 95))]
    return [str(len(answered_questions)), *scores, str(missed), str(silent), *latencies]


def to_json(results: Sequence[RepositoryResult]) -> dict[str, Any]:
    """Return all results (≥ 1) as a dict for JSON; questions carry no times, so that `diff` can compare two runs."""
    return {
        "ndcg10": round(compute_overall_ndcg(results), 4),
        "repositories": [
            {
                "name": result.repository.name,
                "ndcg10": round(result.ndcg, 4),
                "snippets": result.snippets,
                "p50_ms": round(1000 * float(np.percentile(result.seconds, 50)), 2),
                "p95_ms": round(1000 * float(np.percentile(result.seconds, 95)), 2),
            }
            for result in results
        ],
        "questions": [
            {"repository": result.repository.name} | _answer_to_json(answer)
            for result in results
            for answer in result.answered_questions
        ],
    }


def _answer_to_json(answered_question: AnsweredQuestion) -> dict[str, Any]:
    """Return a question, its NDCG@10, its targets' ranks, and the hits, as a dict for JSON."""
    question = answered_question.question
    return {
        "id": question.name,
        "category": question.category,
        "text": question.text,
        "ndcg10": round(answered_question.ndcg, 4),
        "targets": [
            {"at": str(target), "rank": rank}
            for target, rank in zip(question.targets, answered_question.target_ranks, strict=True)
        ],
        "found": [str(hit_target) for hit_target in answered_question.places],
    }
