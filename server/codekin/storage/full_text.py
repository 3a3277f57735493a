"""Full-text search: finds the contents with any of some words, best first, and what BM25 is made of.

A content's words are each stored once, so that BM25 needs no more than who has a word, and how many words each has.
"""

import contextlib
import math
import re
import sqlite3
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from codekin.types import Candidate

BM25_K1, BM25_B = 1.2, 0.75  # SQLite's
_FIND_POSTINGS = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"
_FIND_SOME_POSTINGS = "SELECT group_concat(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
_MIN_BEGINNING = 4  # characters
_TOKEN = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")  # as the tokenizer cuts a text
_MAX_WORD_COUNT = 2**31 - 1  # of one content
# A row of FTS5's own table: the numbers of rows and of words, as SQLite's variable-length integers.
SELECT_TOTALS = "SELECT block FROM words_data WHERE id = 1"
SELECT_TITLE_TOTALS = "SELECT block FROM titles_data WHERE id = 1"
# FTS5 takes ten times as long to rank files by the beginnings of words.
FIND_TITLE_WORDS = "SELECT term, group_concat(doc) FROM title_words WHERE term >= ? AND term < ? GROUP BY term"
LAST_CHARACTER = "\U0010ffff"  # in no word


def quote_word(word: str) -> str:
    """Return an FTS5 expression, in parentheses: all words of the text, each quoted, other characters dropped."""
    parts = _TOKEN.findall(word) or [""]
    return "(" + " AND ".join(f'"{part}"' for part in parts) + ")"


def compute_rarity(document_frequency: int, total: int) -> float:
    """Return the inverse document frequency, as SQLite computes it for its BM25."""
    rarity = math.log((max(total - document_frequency, 0) + 0.5) / (document_frequency + 0.5))
    return rarity if rarity > 0 else 1e-6


def find_best_matches(connection: sqlite3.Connection, match_query: str, limit: int) -> list[Candidate]:
    """Return the best `limit` contents of an FTS5 query, with scores, and all ties with the last. Raises sqlite3.Error.

    They are in descending order of their score, SQLite's BM25 with the sign reversed.
    """
    rows = connection.execute("SELECT rowid, -rank FROM words WHERE words MATCH ? ORDER BY rank", (match_query,))
    candidates: list[Candidate] = []
    with contextlib.closing(rows):  # later rows are never read
        for content, score in rows:
            if len(candidates) >= limit and (not candidates or score < candidates[-1].score):
                break
            candidates.append(Candidate(content, score))
    return candidates


def find_postings(connection: sqlite3.Connection, words: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    """Return a list: for each word the contents that have it, ascending, int64 (n,). Raises sqlite3.Error.

    Ranking them in SQLite takes ten times as long.
    """
    statement = " UNION ALL ".join([_FIND_POSTINGS] * len(words))
    rows = connection.execute(statement, list(map(quote_word, words))) if words else ()
    return [np.fromstring(numbers or "", np.int64, sep=",") for (numbers,) in rows]


def find_beginnings(
    connection: sqlite3.Connection, beginnings: Sequence[str], limit: int
) -> list[npt.NDArray[np.int64]]:
    """Return a list: for each beginning up to `limit` contents that have a word with it. Raises sqlite3.Error.

    They are the lowest numbers, ascending. One of fewer than four letters has to be the whole word.
    """
    statement = " UNION ALL ".join([_FIND_SOME_POSTINGS] * len(beginnings))
    values = [value for beginning in beginnings for value in (_match_beginning(beginning), limit)]
    rows = connection.execute(statement, values) if beginnings else ()
    return [np.fromstring(numbers or "", np.int64, sep=",") for (numbers,) in rows]


def _match_beginning(beginning: str) -> str:
    """Return an FTS5 expression: words that begin so; if it is short or no single word, the text's whole words."""
    is_open = len(beginning) >= _MIN_BEGINNING and _TOKEN.fullmatch(beginning)
    return f'"{beginning}" *' if is_open else quote_word(beginning)


def decode_totals(data: bytes) -> tuple[int, int]:
    """Decode FTS5's row of totals: the number of contents, and of their words. Raises TypeError if it is no blob."""
    content_count, word_count, *_ = (*decode_integers(data), 0, 0)
    return content_count, word_count


def decode_word_count(data: bytes) -> int:
    """Decode FTS5's number of one content's words. Raises TypeError if it is no blob, ValueError for another number."""
    word_counts = decode_integers(data)
    if not word_counts or word_counts[0] > _MAX_WORD_COUNT:
        raise ValueError(f"no number of words: {data!r}")
    return word_counts[0]


def decode_integers(data: bytes) -> list[int]:
    """Decode SQLite's variable-length integers: seven bits a byte, the highest first; each is below 2 ** 56."""
    numbers, number = [], 0
    for byte in data:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    return numbers
