"""Read the stores of other workspaces, whatever their version and state, and leave them as they are.

Opened like the own one, they would be migrated under an older codekin that uses them, or set aside.
"""

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codekin.storage.schema import connect_to_read


def read_content_hashes(store_path: Path) -> set[bytes]:
    """Return the set of content hashes in another workspace's store; empty if it can't be read."""
    return {content_hash for (content_hash,) in _query(store_path, "SELECT hash FROM contents") or ()}


def read_roots(store_path: Path) -> list[Path] | None:
    """Return the root folders that another workspace's store names, [] if none yet; None if it can't be read."""
    rows = _query(store_path, "SELECT value FROM meta WHERE key = 'roots'")
    if rows is None:
        return None
    try:
        return [Path(root) for (roots,) in rows for root in json.loads(roots)]
    except (ValueError, TypeError):
        return None


def _query(store_path: Path, statement: str) -> Sequence[tuple[Any]] | None:
    """Run a statement on another workspace's store, which stays as it is; return its rows, None if it can't be read."""
    try:
        with contextlib.closing(connect_to_read(store_path)) as connection:
            return connection.execute(statement).fetchall()
    except (sqlite3.Error, OSError):
        return None
