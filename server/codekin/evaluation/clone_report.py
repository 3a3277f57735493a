"""What the clone benchmark says: tables for a person, rows for a program, failures to look into."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from codekin.evaluation.clones import CLAIMS, UNLIKE, ClaimedHit, CloneQuery, CloneReport
from codekin.evaluation.mutations import CloneType
from codekin.evaluation.signature import format_signature

FLOORS = (0.5, 0.6, 0.7, 0.8, 0.9)


def format_table(report: CloneReport) -> str:
    """Markdown: recall and ranks by type, by language, by edit; what is claimed in vain; what determined it."""
    tables = [_by_type(report), _by_count(report), _by_language(report), _by_edit(report)]
    parts = [*tables, _false_alarms(report), format_signature(report.signature)]
    return "\n\n".join(part for part in parts if part)


def compute_recall(asked: Sequence[CloneQuery], k: int) -> float:
    """The share of questions that have a right hit among the first k."""
    return sum(one.rank is not None and one.rank <= k for one in asked) / len(asked) if asked else 0.0


def compute_mrr(ranks: Sequence[int | None]) -> float:
    """1 / rank of the first right hit, else 0; the mean."""
    return sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else 0.0


def _by_type(report: CloneReport) -> str:
    alone = any(rank for one in report.asked for rank in one.alone)
    head = ["type", "questions", "recall@1", "MRR@10", "recall@10", "peer@1", "right and claimed"]
    head += ["words alone @1", "vectors alone @1"] if alone else []
    rows = []
    for name, asked in report.group_queries.items():
        claimed = sum(one.rank == 1 and one.claimed in CLAIMS for one in asked) / len(asked)
        row = [
            name,
            f"{len(asked):,}",
            _share(compute_recall(asked, 1)),
            _share(compute_mrr([one.rank for one in asked])),
        ]
        row += [
            _share(compute_recall(asked, 10)),
            _share(sum(one.peer == 1 for one in asked) / len(asked)),
            _share(claimed),
        ]
        if alone:
            row += [_share(sum(one.alone[way] == 1 for one in asked) / len(asked)) for way in (0, 1)]
        rows.append(row)
    return _markdown(head, rows)


def _by_count(report: CloneReport) -> str:
    """Clones of type 3 by how many edits beside layout and names they have."""
    edited = [one for one in report.asked if one.edits and one.type is CloneType.EDITED]
    counts = sorted({one.edit_count for one in edited})
    rows = []
    for count in counts:
        own = [one for one in edited if one.edit_count == count]
        rows.append([f"{count}", f"{len(own):,}", _share(compute_recall(own, 1)), _share(compute_recall(own, 10))])
    return _markdown(["edits of type 3", "questions", "recall@1", "recall@10"], rows)


def _by_language(report: CloneReport) -> str:
    languages = sorted({one.language for one in report.asked})
    rows = []
    for language in languages:
        cells = []
        for asked in report.group_queries.values():
            own = [one for one in asked if one.language == language]
            cells.append(f"{compute_recall(own, 1):.3f} ({len(own)})" if own else "–")
        rows.append([language, *cells])
    return _markdown(["recall@1 (questions)", *report.group_queries], rows)


def _by_edit(report: CloneReport) -> str:
    edited = [one for one in report.asked if one.edits]
    names = Counter(name for one in edited for name in set(one.edits))
    rows = []
    for name, count in names.most_common():
        having = [one for one in edited if name in one.edits]
        rows.append([name, f"{count:,}", _share(compute_recall(having, 1)), _share(compute_recall(having, 10))])
    return _markdown(["edit, alone or with others", "questions", "recall@1", "recall@10"], rows)


def _false_alarms(report: CloneReport) -> str:
    strangers, parts = report.strangers, []
    if strangers:
        claimed = [one for one in strangers if one.kinship in CLAIMS]
        vain = [one for one in claimed if one.token_similarity < UNLIKE]
        parts.append(
            f"Strangers: {len(strangers):,} functions of elsewhere; for {len(claimed)} "
            f"({len(claimed) / len(strangers):.2%}) one of ten hits is claimed to be kin, and for {len(vain)} "
            f"({len(vain) / len(strangers):.2%}) fewer than {UNLIKE:.0%} of the tokens are the same."
        )
        rows = []
        for floor in FLOORS:
            above = sum(one.hit is not None and one.hit.score >= floor for one in strangers)
            cells = [_above(asked, floor) for asked in report.group_queries.values()]
            rows.append([f"{floor}", _share(above / len(strangers)), *cells])
        parts.append(_markdown(["score of the first hit >=", "strangers", *report.group_queries], rows))
    parts += [_judged("Duplicates", report.duplicates, report), _judged("Claimed kin", report.neighbours, report)]
    return "\n\n".join(parts)


def _judged(what: str, claims: Sequence[ClaimedHit], report: CloneReport) -> str:
    """How many there are, of which kinship, and how many of each look wrong by other means."""
    kinds = Counter(one.kinship for one in claims)
    doubtful = Counter(one.kinship for one in claims if one.token_similarity < UNLIKE)
    told = ", ".join(f"{count} {kind} ({doubtful[kind]} doubtful)" for kind, count in kinds.most_common())
    share = doubtful.total() / len(claims) if claims else 0.0
    return (
        f"{what} of {report.examined:,} functions of the workspace: {len(claims):,}{': ' if told else ''}{told}. Of "
        f"{doubtful.total()} ({share:.2%}) fewer than {UNLIKE:.0%} of the tokens are the same: doubtful."
    )


def _above(asked: Sequence[CloneQuery], floor: float) -> str:
    """The share that is right at rank 1 and scores at least `floor`."""
    return _share(
        sum(one.rank == 1 and one.first is not None and one.first.score >= floor for one in asked) / len(asked)
    )


def format_failures(report: CloneReport, most: int = 8) -> str:
    """The clones that were missed, `most` of each type, and claims that look vain: to be judged by a person."""
    parts = ["# Clones that were not the first hit", format_signature(report.signature)]
    for name, asked in report.group_queries.items():
        missed = [one for one in asked if 1 not in (one.rank, one.peer)]
        parts.append(f"## {name}: {len(missed)} of {len(asked)}, peers not counted")
        parts += [_missed(one) for one in missed[:most]]
    vain = [
        one
        for one in (*report.strangers, *report.neighbours, *report.duplicates)
        if one.kinship in CLAIMS and one.token_similarity < UNLIKE
    ]
    parts.append(f"# Claimed to be kin, though fewer than {UNLIKE:.0%} of the tokens are the same: {len(vain)}")
    parts += [_vain(one) for one in vain[: 2 * most]]
    return "\n\n".join(parts) + "\n"


def _missed(one: CloneQuery) -> str:
    first = one.first
    came = (
        f"{first.place.path}:{first.place.span.start + 1} ({first.kinship}, {first.score:.3f})" if first else "nothing"
    )
    head = f"### {one.language} · {', '.join(one.edits)} · rank {one.rank or 'beyond 10'}\n\noriginal {one.original}"
    texts = [_fenced("original", one.wanted), _fenced("asked", one.query), _fenced("came", first.text if first else "")]
    return "\n\n".join([f"{head}\ncame {came}", *texts])


def _vain(one: ClaimedHit) -> str:
    place = one.hit.place if one.hit else None
    at = f"{place.path}:{place.span.start + 1}" if place else ""
    head = f"### {one.kinship} · tokens {one.token_similarity:.2f} · {one.asked} · {at}"
    return "\n\n".join([head, _fenced("asked", one.text), _fenced("came", one.hit.text if one.hit else "")])


def _fenced(name: str, text: str) -> str:
    return f"{name}\n```\n{text[:1500]}\n```"


def to_json(report: CloneReport) -> dict[str, Any]:
    """All of it for a program."""
    return {
        "signature": report.signature,
        "types": {
            name: {
                "questions": len(asked),
                "recall_at_1": round(compute_recall(asked, 1), 4),
                "mrr_at_10": round(compute_mrr([one.rank for one in asked]), 4),
                "recall_at_10": round(compute_recall(asked, 10), 4),
            }
            for name, asked in report.group_queries.items()
        },
        "strangers": [_claim(one) for one in report.strangers],
        "neighbours": [_claim(one) for one in report.neighbours],
        "duplicates": [_claim(one) for one in report.duplicates],
        "examined": report.examined,
        "questions": [_question(one) for one in report.asked],
    }


def _question(one: CloneQuery) -> dict[str, Any]:
    came = {"score": round(one.first.score, 4), "kinship": str(one.first.kinship or "")} if one.first else None
    return {
        "set": one.table_row,
        "language": one.language,
        "edits": list(one.edits),
        "original": one.original,
        "rank": one.rank,
        "peer": one.peer,
        "claimed": one.claimed,
        "first": came,
    }


def _claim(one: ClaimedHit) -> dict[str, Any]:
    score = round(one.hit.score, 4) if one.hit else 0.0
    return {"asked": one.asked, "kinship": one.kinship, "score": score, "alike": round(one.token_similarity, 4)}


def _share(share: float) -> str:
    return f"{share:.3f}"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" + "|---:" * (len(head) - 1) + "|", *lines[1:]]) if rows else ""
