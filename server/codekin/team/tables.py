"""The tables of a shared index, for any engine: rows without a line of code's text."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SCHEMA_VERSION = 2  # of tables and contents; an index of another version is refused

Value = str | int
Row = dict[str, Value]
Conditions = Mapping[str, "tuple[Value, ...] | list[str] | list[int]"]  # column → one of these values; all must hold


class ColumnType(StrEnum):
    """What a column holds."""

    KEY = "key"  # 32 hexadecimal digits
    INTEGER = "integer"  # 64 bits, signed
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its columns (the first is the key), and the columns that rows are looked up by."""

    name: str
    columns: Mapping[str, ColumnType]
    lookups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the name of the key column, which is the first."""
        return next(iter(self.columns))


_KEY, _INTEGER, _TEXT = ColumnType.KEY, ColumnType.INTEGER, ColumnType.TEXT

META = Table("meta", {"name": _TEXT, "value": _TEXT})
REPOSITORIES = Table(
    "repositories",
    {
        "number": _INTEGER,
        "name": _TEXT,
        "commit_id": _TEXT,
        "space": _TEXT,
        "origin": _TEXT,  # host/owner/name of its remote, without credentials; "" where it has none
        "link": _TEXT,  # the forge's page of a file, with {commit}, {path}, {start} and {end}; "" where it has none
        "state": _TEXT,
        "summary": _TEXT,  # JSON: counts of the last ingest
    },
)
SETS = Table("repository_sets", {"id": _INTEGER, "members": _TEXT})
BLOBS = Table("blobs", {"key": _KEY, "snippets": _INTEGER, "reason": _TEXT})
SNIPPETS = Table(
    "snippets",
    {
        "id": _KEY,
        "blob": _KEY,
        "content": _KEY,
        "start_line": _INTEGER,
        "end_line": _INTEGER,
        "name_line": _INTEGER,
        "part": _INTEGER,
        "kind": _TEXT,
        "language": _TEXT,
        "name": _TEXT,
        "qualified_name": _TEXT,
    },
    ("blob", "content"),
)
FILES = Table("files", {"id": _KEY, "repository": _INTEGER, "path": _TEXT, "blob": _KEY}, ("repository", "blob"))
TABLES = (META, REPOSITORIES, SETS, BLOBS, SNIPPETS, FILES)
MAX_TEXT_BYTES = 60_000  # of one value: what Milvus takes
