"""Format the results of the clone benchmark: tables for people, rows for programs, failures to inspect."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from codekin.evaluation import markdown
from codekin.evaluation.clones import CLAIMED_KINSHIPS, MIN_TOKEN_SIMILARITY, ClaimedHit, CloneQuery, CloneReport
from codekin.evaluation.mutations import CloneType
from codekin.evaluation.signature import format_signature

FLOORS = (0.5, 0.6, 0.7, 0.8, 0.9)


def format_table(report: CloneReport) -> str:
    """Return Markdown tables: recall and ranks by type, language and edit; false alarms; the signature."""
    tables = [
        _format_by_type(report),
        _format_by_edit_count(report),
        _format_by_language(report),
        _format_by_edit(report),
    ]
    parts = [*tables, _format_false_alarms(report), format_signature(report.signature)]
    return "\n\n".join(part for part in parts if part)


def compute_recall(queries: Sequence[CloneQuery], k: int) -> float:
    """Return the share of queries that have a right hit among the first k; 0 without queries."""
    return sum(query.rank is not None and query.rank <= k for query in queries) / len(queries) if queries else 0.0


def compute_mrr(ranks: Sequence[int | None]) -> float:
    """Return the mean reciprocal rank, 0 to 1: 1 / rank, or 0 for None, averaged; 0 without queries."""
    return sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else 0.0


def _format_by_type(report: CloneReport) -> str:
    """Return a table of recall, MRR and claimed kinship, one row per type of clone, or ""."""
    has_single_retrievers = any(rank for query in report.queries for rank in query.retriever_ranks)
    header = ["type", "questions", "recall@1", "MRR@10", "recall@10", "peer@1", "right and claimed"]
    header += ["words alone @1", "vectors alone @1"] if has_single_retrievers else []
    rows = []
    for row_name, queries in report.queries_by_row.items():
        claimed_share = sum(query.rank == 1 and query.claimed_kinship in CLAIMED_KINSHIPS for query in queries) / len(
            queries
        )
        row = [
            row_name,
            f"{len(queries):,}",
            _format_share(compute_recall(queries, 1)),
            _format_share(compute_mrr([query.rank for query in queries])),
        ]
        row += [
            _format_share(compute_recall(queries, 10)),
            _format_share(sum(query.peer_rank == 1 for query in queries) / len(queries)),
            _format_share(claimed_share),
        ]
        if has_single_retrievers:
            row += [
                _format_share(sum(query.retriever_ranks[retriever] == 1 for query in queries) / len(queries))
                for retriever in (0, 1)
            ]
        rows.append(row)
    return markdown.format_table(header, rows)


def _format_by_edit_count(report: CloneReport) -> str:
    """Return a table of recall for type-3 clones, a row per number of edits besides layout and names, or ""."""
    edited_queries = [query for query in report.queries if query.edits and query.type is CloneType.EDITED]
    counts = sorted({query.edit_count for query in edited_queries})
    rows = []
    for count in counts:
        matching = [query for query in edited_queries if query.edit_count == count]
        rows.append(
            [
                f"{count}",
                f"{len(matching):,}",
                _format_share(compute_recall(matching, 1)),
                _format_share(compute_recall(matching, 10)),
            ]
        )
    return markdown.format_table(["edits of type 3", "questions", "recall@1", "recall@10"], rows)


def _format_by_language(report: CloneReport) -> str:
    """Return a table of recall@1 and counts, a row per language, a column per type of clone, or ""."""
    languages = sorted({query.language for query in report.queries})
    rows = []
    for language in languages:
        cells = []
        for queries in report.queries_by_row.values():
            matching = [query for query in queries if query.language == language]
            cells.append(f"{compute_recall(matching, 1):.3f} ({len(matching)})" if matching else "–")
        rows.append([language, *cells])
    return markdown.format_table(["recall@1 (questions)", *report.queries_by_row], rows)


def _format_by_edit(report: CloneReport) -> str:
    """Return a table of recall, a row per kind of edit, most frequent first, or ""."""
    edited_queries = [query for query in report.queries if query.edits]
    names = Counter(edit_name for query in edited_queries for edit_name in set(query.edits))
    rows = []
    for edit_name, count in names.most_common():
        matching = [query for query in edited_queries if edit_name in query.edits]
        rows.append(
            [
                edit_name,
                f"{count:,}",
                _format_share(compute_recall(matching, 1)),
                _format_share(compute_recall(matching, 10)),
            ]
        )
    return markdown.format_table(["edit, alone or with others", "questions", "recall@1", "recall@10"], rows)


def _format_false_alarms(report: CloneReport) -> str:
    """Return Markdown: how often strangers are claimed to be kin, by score; counts of duplicates and claimed kin."""
    strangers, parts = report.strangers, []
    if strangers:
        claimed = [claimed_hit for claimed_hit in strangers if claimed_hit.kinship in CLAIMED_KINSHIPS]
        doubtful = [claimed_hit for claimed_hit in claimed if claimed_hit.token_similarity < MIN_TOKEN_SIMILARITY]
        parts.append(
            f"Strangers: {len(strangers):,} functions of elsewhere; for {len(claimed)} "
            f"({len(claimed) / len(strangers):.2%}) one of ten hits is claimed to be kin, and for {len(doubtful)} "
            f"({len(doubtful) / len(strangers):.2%}) fewer than {MIN_TOKEN_SIMILARITY:.0%} of the tokens are the same."
        )
        rows = []
        for floor in FLOORS:
            above_floor = sum(
                claimed_hit.hit is not None and claimed_hit.hit.score >= floor for claimed_hit in strangers
            )
            cells = [_format_share_above(queries, floor) for queries in report.queries_by_row.values()]
            rows.append([f"{floor}", _format_share(above_floor / len(strangers)), *cells])
        parts.append(markdown.format_table(["score of the first hit >=", "strangers", *report.queries_by_row], rows))
    parts += [
        _format_claims("Duplicates", report.duplicates, report),
        _format_claims("Claimed kin", report.neighbours, report),
    ]
    return "\n\n".join(parts)


def _format_claims(subject: str, claims: Sequence[ClaimedHit], report: CloneReport) -> str:
    """Return a sentence that counts the claims by kinship, and how many of each share under half of the tokens."""
    kinship_counts = Counter(claimed_hit.kinship for claimed_hit in claims)
    doubtful_counts = Counter(
        claimed_hit.kinship for claimed_hit in claims if claimed_hit.token_similarity < MIN_TOKEN_SIMILARITY
    )
    breakdown = ", ".join(
        f"{count} {kinship} ({doubtful_counts[kinship]} doubtful)" for kinship, count in kinship_counts.most_common()
    )
    share = doubtful_counts.total() / len(claims) if claims else 0.0
    return (
        f"{subject} of {report.examined_count:,} functions of the workspace: {len(claims):,}"
        f"{': ' if breakdown else ''}{breakdown}. Of {doubtful_counts.total()} ({share:.2%}) "
        f"fewer than {MIN_TOKEN_SIMILARITY:.0%} of the tokens are the same: doubtful."
    )


def _format_share_above(queries: Sequence[CloneQuery], floor: float) -> str:
    """Return the share of queries (≥ 1) whose first hit is right and scores at least `floor`, formatted."""
    return _format_share(
        sum(query.rank == 1 and query.best_hit is not None and query.best_hit.score >= floor for query in queries)
        / len(queries)
    )


def format_failures(report: CloneReport, max_per_type: int = 8) -> str:
    """Return Markdown that lists missed clones, `max_per_type` of each, and twice as many doubtful claims."""
    parts = ["# Clones that were not the first hit", format_signature(report.signature)]
    for row_name, queries in report.queries_by_row.items():
        missed = [query for query in queries if 1 not in (query.rank, query.peer_rank)]
        parts.append(f"## {row_name}: {len(missed)} of {len(queries)}, peers not counted")
        parts += [_format_missed_clone(query) for query in missed[:max_per_type]]
    doubtful = [
        query
        for query in (*report.strangers, *report.neighbours, *report.duplicates)
        if query.kinship in CLAIMED_KINSHIPS and query.token_similarity < MIN_TOKEN_SIMILARITY
    ]
    parts.append(
        f"# Claimed to be kin, though fewer than {MIN_TOKEN_SIMILARITY:.0%} of the tokens are the same: {len(doubtful)}"
    )
    parts += [_format_doubtful_hit(query) for query in doubtful[: 2 * max_per_type]]
    return "\n\n".join(parts) + "\n"


def _format_missed_clone(query: CloneQuery) -> str:
    """Return a section with the original, the query and the best hit, if any, of a missed clone."""
    first = query.best_hit
    best_hit = (
        f"{first.place.path}:{first.place.span.start + 1} ({first.kinship}, {first.score:.3f})" if first else "nothing"
    )
    rank, edits = query.rank or "beyond 10", ", ".join(query.edits)
    heading = f"### {query.language} · {edits} · rank {rank}\n\noriginal {query.original}"
    texts = [
        _format_code_block("original", query.target_text),
        _format_code_block("asked", query.query),
        _format_code_block("came", first.text if first else ""),
    ]
    return "\n\n".join([f"{heading}\ncame {best_hit}", *texts])


def _format_doubtful_hit(claimed_hit: ClaimedHit) -> str:
    """Return a section with the query and the hit of a doubtful claim."""
    place = claimed_hit.hit.place if claimed_hit.hit else None
    location = f"{place.path}:{place.span.start + 1}" if place else ""
    heading = (
        f"### {claimed_hit.kinship} · tokens {claimed_hit.token_similarity:.2f} · {claimed_hit.asked} · {location}"
    )
    return "\n\n".join(
        [
            heading,
            _format_code_block("asked", claimed_hit.text),
            _format_code_block("came", claimed_hit.hit.text if claimed_hit.hit else ""),
        ]
    )


def _format_code_block(name: str, text: str) -> str:
    """Return the text's first 1,500 characters as a named code block."""
    return f"{name}\n```\n{text[:1500]}\n```"


def to_json(report: CloneReport) -> dict[str, Any]:
    """Return the whole report as a dict for JSON, without the texts; shares are rounded to four decimals."""
    return {
        "signature": report.signature,
        "types": {
            row_name: {
                "questions": len(queries),
                "recall_at_1": round(compute_recall(queries, 1), 4),
                "mrr_at_10": round(compute_mrr([item.rank for item in queries]), 4),
                "recall_at_10": round(compute_recall(queries, 10), 4),
            }
            for row_name, queries in report.queries_by_row.items()
        },
        "strangers": [_claimed_hit_to_json(item) for item in report.strangers],
        "neighbours": [_claimed_hit_to_json(item) for item in report.neighbours],
        "duplicates": [_claimed_hit_to_json(item) for item in report.duplicates],
        "examined": report.examined_count,
        "questions": [_query_to_json(item) for item in report.queries],
    }


def _query_to_json(query: CloneQuery) -> dict[str, Any]:
    """Return one query and its result as a dict for JSON, without the texts."""
    best_hit = (
        {"score": round(query.best_hit.score, 4), "kinship": str(query.best_hit.kinship or "")}
        if query.best_hit
        else None
    )
    return {
        "set": query.table_row,
        "language": query.language,
        "edits": list(query.edits),
        "original": query.original,
        "rank": query.rank,
        "peer": query.peer_rank,
        "claimed": query.claimed_kinship,
        "first": best_hit,
    }


def _claimed_hit_to_json(claimed_hit: ClaimedHit) -> dict[str, Any]:
    """Return one claim as a dict for JSON, without the texts; score 0 where nothing was found."""
    score = round(claimed_hit.hit.score, 4) if claimed_hit.hit else 0.0
    return {
        "asked": claimed_hit.asked,
        "kinship": claimed_hit.kinship,
        "score": score,
        "alike": round(claimed_hit.token_similarity, 4),
    }


def _format_share(share: float) -> str:
    """Format a share, 0 to 1, with three decimals."""
    return f"{share:.3f}"
