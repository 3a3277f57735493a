"""Read-only queries on the snippets and contents of one workspace's store."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.storage import removal
from codekin.storage.full_text import (
    FIND_TITLE_WORDS,
    LAST_CHARACTER,
    SELECT_TITLE_TOTALS,
    SELECT_TOTALS,
    decode_totals,
    decode_word_count,
    find_beginnings,
    find_best_matches,
    find_postings,
    quote_word,
)
from codekin.storage.queries import (
    FUNCTION_COUNTS_QUERY,
    FUNCTION_LOCATIONS_QUERY,
    FUNCTION_PARTS_QUERY,
    LOCATION_COLUMNS,
    NUMBER_LIST,
    FunctionLocation,
    filter_condition,
    to_location,
    to_path,
)
from codekin.storage.rows import validate_fingerprints, validate_line_hashes
from codekin.storage.skipped_files import SkippedFiles
from codekin.types import Candidate, Filter, Location

_IS_DEFINITION = "s.name <> '' AND s.kind <> 'section' AND s.part < 2"
_MAX_NAME_LENGTH = 1_000  # characters; SQLite compares with patterns of 50,000 bytes at most


class SnippetQueries(SkippedFiles):
    """The part of the store that answers questions about contents, snippets and their locations."""

    def count_contents(self) -> int:
        """Return the number of contents in the store; takes 1 ms for 100,000. Raises StoreError."""
        return int(self._query("SELECT count(*) FROM contents")[0][0])

    def last_removal(self) -> int:
        """Return the newest position in the list of removed contents; 0 if it is empty. Raises StoreError."""
        return int(self._query("SELECT coalesce(max(position), 0) FROM removed")[0][0])

    def removed_after(self, position: int) -> tuple[int, list[int] | None]:
        """Return (newest position, contents removed since), None for these if any may have been. Raises StoreError."""
        return self._read(lambda connection: removal.removed_after(connection, position))

    def contents_after(self, number: int) -> list[tuple[int, bytes]]:
        """Return (number, hash) of contents numbered above `number`, in ascending order. Raises StoreError."""
        return self._query("SELECT id, hash FROM contents WHERE id > ? ORDER BY id", (number,))

    def fingerprints_after(self, number: int) -> list[tuple[int, bytes]]:
        """Return (number, packed fingerprints), ascending, of contents above `number` with some. Raises StoreError."""
        statement = "SELECT id, structure FROM contents WHERE id > ? AND structure IS NOT NULL ORDER BY id"
        return self._convert(validate_fingerprints, self._query(statement, (number,)))

    def line_hashes_after(self, number: int) -> list[tuple[int, bytes]]:
        """Return (number, packed line hashes), ascending, of contents above `number` with some. Raises StoreError."""
        statement = "SELECT id, course FROM contents WHERE id > ? AND course IS NOT NULL ORDER BY id"
        return self._convert(validate_line_hashes, self._query(statement, (number,)))

    def line_hashes_of(self, contents: Sequence[int]) -> dict[int, bytes]:
        """Return content → its packed line hashes; contents without any are left out. Raises StoreError."""
        rows = self._query_in("SELECT id, course FROM contents WHERE course IS NOT NULL AND id IN ({})", contents)
        return dict(self._convert(validate_line_hashes, rows))

    def content_ids(self) -> list[int]:
        """Return the numbers of all contents in ascending order. Raises StoreError."""
        return [row[0] for row in self._query("SELECT id FROM contents ORDER BY id")]

    def filter_live(self, contents: Sequence[int]) -> list[int]:
        """Return a list of those of `contents` that some snippet has, each once, in no order. Raises StoreError."""
        return [
            row[0] for row in self._query_in("SELECT DISTINCT content FROM snippets WHERE content IN ({})", contents)
        ]

    def find_content(self, content_hash: bytes) -> int | None:
        """Return the number of the content with this hash; None if the store lacks it. Raises StoreError."""
        rows = self._query("SELECT id FROM contents WHERE hash = ?", (content_hash,))
        return rows[0][0] if rows else None

    def content_hashes(self, contents: Sequence[int]) -> dict[int, bytes]:
        """Return content number → hash; unknown numbers are left out. Raises StoreError."""
        return dict(self._query_in("SELECT id, hash FROM contents WHERE id IN ({})", contents))

    def find_files_with(self, hashes: Iterable[bytes]) -> set[Path]:
        """Return the set of paths of files that have a snippet with one of these content hashes. Raises StoreError."""
        rows = self._query_in(
            "SELECT DISTINCT f.path FROM contents c JOIN snippets s ON s.content = c.id "
            "JOIN files f ON f.id = s.file WHERE c.hash IN ({})",
            list(hashes),
        )
        return set(self._convert(lambda row: to_path(row[0]), rows))

    def locations_of(self, contents: Sequence[int], hit_filter: Filter = Filter()) -> dict[int, list[Location]]:
        """Return content → list of locations within the filter; contents without one are left out. Raises StoreError.

        A content's locations are sorted by path and line.
        """
        locations_by_content: dict[int, list[Location]] = {}
        for location in self.list_locations(contents, hit_filter):
            locations_by_content.setdefault(location.content, []).append(location)
        return locations_by_content

    def list_locations(self, contents: Sequence[int], hit_filter: Filter = Filter()) -> list[Location]:
        """Return the contents' locations within the filter, by path and lines. Raises StoreError.

        The order holds for each 500 contents.
        """
        condition, values = filter_condition(hit_filter)
        statement = LOCATION_COLUMNS + "WHERE s.content IN ({})" + condition + " ORDER BY f.path, s.start, s.end"
        return self._convert(to_location, self._query_in(statement, contents, values))

    def locations_in(self, path: Path, hit_filter: Filter = Filter()) -> list[Location]:
        """Return the locations of a file's snippets within the filter, by line; [] without any. Raises StoreError."""
        condition, values = filter_condition(hit_filter)
        statement = f"{LOCATION_COLUMNS}WHERE f.path = ?{condition} ORDER BY s.start, s.end"
        rows = self._query(statement, (str(path), *values))
        return self._convert(to_location, rows)

    def find_by_qualified_name(
        self, fragment: str, limit: int, hit_filter: Filter = Filter(), rows: Sequence[int] | None = None
    ) -> list[Location]:
        """Return up to `limit` definitions whose qualified name contains `fragment`, ignoring case. Raises StoreError.

        Exact names come first, then the shortest qualified names. A split definition is found by its first part. [] for
        a fragment of more than 1,000 characters. `rows` has those of all definitions that may have it, where known.
        """
        if len(fragment) > _MAX_NAME_LENGTH:
            return []
        pattern = "%" + fragment.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        filter_sql, values = filter_condition(hit_filter)
        condition = f"WHERE {_IS_DEFINITION} AND s.qualified_name LIKE ? ESCAPE '\\'{filter_sql} "
        if rows is not None:
            condition, values = f"{condition}AND s.rowid IN {NUMBER_LIST} ", (*values, json.dumps(rows))
        order = "ORDER BY (lower(s.name) = lower(?)) DESC, length(s.qualified_name), s.qualified_name, f.path, s.start"
        name_rows = self._query(f"{LOCATION_COLUMNS}{condition}{order} LIMIT ?", (pattern, *values, fragment, limit))
        return self._convert(to_location, name_rows)

    def list_qualified_names(self) -> tuple[str, str]:
        """Return two texts of all definitions: row numbers joined by commas, qualified names by line ends."""
        statement = "SELECT group_concat(s.rowid), group_concat(s.qualified_name, char(10)) FROM snippets s WHERE "
        rows, names = self._query(statement + _IS_DEFINITION)[0]
        return rows or "", names or ""

    def find_by_name(self, names: Sequence[str], limit: int, hit_filter: Filter = Filter()) -> list[Location]:
        """Return up to `limit` definitions with one of these names, ignoring case, by path and line. Raises StoreError.

        A split definition is found by its first part. The limit holds for each 500 names.
        """
        condition, values = filter_condition(hit_filter)
        where = f"WHERE s.name COLLATE NOCASE IN ({{}}) AND s.kind <> 'section' AND s.part < 2{condition}"
        statement = f"{LOCATION_COLUMNS}{where} ORDER BY f.path, s.start LIMIT ?"
        return self._convert(to_location, self._query_in(statement, names, (*values, limit)))

    def find_title_words(self, beginning: str) -> dict[str, npt.NDArray[np.int64]]:
        """Return word → files that have it in their names, once per occurrence, for words with this beginning."""
        rows = self._query(FIND_TITLE_WORDS, (beginning, beginning + LAST_CHARACTER))
        return {word: np.fromstring(files, np.int64, sep=",") for word, files in rows}

    def count_all_title_words(self) -> tuple[int, int]:
        """Return the number of files, and that of the words in their names together. Raises StoreError."""
        rows = self._query(SELECT_TITLE_TOTALS)
        return self._convert(lambda row: decode_totals(row[0]), rows)[0] if rows else (0, 0)

    def count_title_words_of(self, files: Sequence[int]) -> dict[int, int]:
        """Return file number → number of words in its name; files that are gone are left out. Raises StoreError."""
        rows = self._query(f"SELECT id, sz FROM titles_docsize WHERE id IN {NUMBER_LIST}", (json.dumps(files),))
        return dict(self._convert(lambda row: (row[0], decode_word_count(row[1])), rows))

    def list_code_files(self, files: Sequence[int], hit_filter: Filter = Filter()) -> dict[int, Path]:
        """Return number → path of those of these files that aren't Markdown, within the filter. Raises StoreError."""
        condition, values = filter_condition(hit_filter, has_snippets=False)
        statement = (
            f"SELECT f.id, f.path FROM files f WHERE f.id IN {NUMBER_LIST} AND f.language <> 'markdown'{condition}"
        )
        rows = self._query(statement, (json.dumps(files), *values))
        return dict(self._convert(lambda row: (row[0], to_path(row[1])), rows))

    def list_functions(self) -> list[FunctionLocation]:
        """Return a FunctionLocation for each function, a split one once, by path and line. Raises StoreError."""
        return self._convert(FunctionLocation._make, self._query(FUNCTION_LOCATIONS_QUERY))

    def list_function_parts(self) -> list[Location]:
        """Return a Location for each function in the store, or each part of a split one, by path and line."""
        return self._convert(to_location, self._query(FUNCTION_PARTS_QUERY))

    def list_numbered_files(self) -> list[tuple[int, str]]:
        """Return (number, path as str) of all files, in no particular order. Raises StoreError."""
        return self._query("SELECT id, path FROM files")

    def contents_within(self, hit_filter: Filter) -> list[int]:
        """Return a list of contents with a location within the filter, each once, unordered. Raises StoreError."""
        condition, values = filter_condition(hit_filter)
        statement = "SELECT DISTINCT s.content FROM snippets s JOIN files f ON f.id = s.file WHERE 1" + condition
        return [row[0] for row in self._query(statement, values)]

    def contents_by_language(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return language → numbers of its contents, ascending, int64 (n,), without prose. Raises StoreError."""
        statement = "SELECT DISTINCT f.language, s.content FROM snippets s JOIN files f ON f.id = s.file"
        numbers: dict[str, list[int]] = {}
        for language, content in self._query(f"{statement} WHERE s.kind <> 'section'"):
            numbers.setdefault(language, []).append(content)
        return {language: np.sort(np.array(numbers[language], np.int64)) for language in sorted(numbers)}

    def count_files_by_language(self) -> dict[str, int]:
        """Return language → number of files, most first. Raises StoreError."""
        return dict(self._query("SELECT language, count(*) FROM files GROUP BY language ORDER BY 2 DESC"))

    def count_functions_by_language(self) -> dict[str, int]:
        """Return language → number of functions, unordered; a split one is counted once. Raises StoreError."""
        return dict(self._query(FUNCTION_COUNTS_QUERY))

    def document_frequency(self, term: str) -> int:
        """Return the number of contents in which a word occurs; 0 for an unknown word. Raises StoreError."""
        return self.document_frequencies([term]).get(term, 0)

    def document_frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """Return word → number of contents in which it occurs, without the unknown ones. Raises StoreError."""
        return dict(self._query_in("SELECT term, doc FROM vocabulary WHERE term IN ({})", terms))

    def match_words(self, terms: Sequence[str], limit: int) -> list[Candidate]:
        """Return the `limit` best contents with any of the words, scored, and ties with the last. Raises StoreError.

        Best first; ties are in no order. The score is SQLite's FTS5 (BM25, k1 1.2, b 0.75). [] without words.
        """
        if not terms:
            return []
        match_query = " OR ".join(map(quote_word, terms))
        return self._read(lambda connection: find_best_matches(connection, match_query, limit))

    def find_postings(self, words: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        """Return a list: for each word the contents that have it, ascending, int64 (n,). Raises StoreError."""
        return self._read(lambda connection: find_postings(connection, words))

    def find_beginnings(self, beginnings: Sequence[str], limit: int) -> list[npt.NDArray[np.int64]]:
        """Return a list: for each beginning of words up to `limit` contents that have one, ascending.

        Words of fewer than four letters are found in full only. Raises StoreError.
        """
        return self._read(lambda connection: find_beginnings(connection, beginnings, limit))

    def count_words_of(self, contents: Sequence[int]) -> dict[int, int]:
        """Return content → number of its distinct indexed words, without contents that are gone. Raises StoreError."""
        rows = self._query_in("SELECT id, sz FROM words_docsize WHERE id IN ({})", contents)
        return dict(self._convert(lambda row: (row[0], decode_word_count(row[1])), rows))

    def count_all_words(self) -> tuple[int, int]:
        """Return the number of contents with words, and that of their words together. Raises StoreError."""
        rows = self._query(SELECT_TOTALS)
        return self._convert(lambda row: decode_totals(row[0]), rows)[0] if rows else (0, 0)
