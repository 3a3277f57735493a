"""Full-text search: finds the contents with any of some words, best first."""

import contextlib
import sqlite3

from codekin.types import Candidate


def find_best_matches(connection: sqlite3.Connection, match_query: str, limit: int) -> list[Candidate]:
    """Return the best `limit` contents (-1: all) of an FTS5 query, and all ties with the last. Raises sqlite3.Error.

    They are in descending order of their score, SQLite's BM25 with the sign reversed.
    """
    rows = connection.execute("SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank", (match_query,))
    candidates: list[Candidate] = []
    with contextlib.closing(rows):  # later rows are never read
        for content, score in rows:
            if limit >= 0 and len(candidates) >= limit and (not candidates or score < candidates[-1].score):
                break
            candidates.append(Candidate(content, score))
    return candidates
