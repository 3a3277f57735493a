"""Full text asked: the contents that have any of some words, best first."""

import contextlib
import sqlite3

from codekin.types import Candidate


def best_matches(db: sqlite3.Connection, question: str, limit: int) -> list[Candidate]:
    """The best `limit` contents (-1: all) for an FTS5 question, and all that are as good as the last of them."""
    rows = db.execute("SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank", (question,))
    found: list[Candidate] = []
    with contextlib.closing(rows):  # what is behind them is not even looked up
        for number, score in rows:
            if limit >= 0 and len(found) >= limit and (not found or score < found[-1].score):
                break
            found.append(Candidate(number, score))
    return found
