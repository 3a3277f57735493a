"""Hold indexing in its midst by real means: SQLite's lock, which a process that writes waits for, half a minute."""

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from codekin.indexing.reconcile import reconcile
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import locate_index

from .shop import write_files

KNOWN_FILES, HELD_FILES = (
    {
        f"{folder}/module{i}.py": "\n\n".join(
            f"def {name}_{i}_{j}(value, other):\n    result_{i} = value * {j} + other\n    return result_{i} - {i}\n"
            for j in range(6)
        )
        for i in range(count)
    }
    for folder, name, count in (("known", "compute", 100), ("held", "measure", 200))
)
FILE_COUNT = len(KNOWN_FILES) + len(HELD_FILES)


@contextmanager
def hold_writes(database_path: Path) -> Iterator[None]:
    """Context in which this SQLite file is locked, as by a process that writes it and does not come to an end."""
    with closing(sqlite3.connect(database_path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def hold_bulk_index(root: Path, cache: Path, more_files: Mapping[str, str] | None = None) -> Iterator[None]:
    """Write a workspace of 300 files and `more_files`; while the context lasts, whoever indexes it has to stop midway.

    The cache has the vectors of all but the held files, which are the oldest and so are read last: their vectors can't
    be written.
    """
    known_files = KNOWN_FILES | dict(more_files or {})
    elsewhere = write_files(cache.parent / "elsewhere", known_files)
    settings = Settings(cache=CacheSettings(directory=str(cache)))
    paths = locate_index([elsewhere.resolve()], settings)
    reconcile(paths, lambda _: None, threading.Event(), 0)
    shutil.rmtree(elsewhere)
    shutil.rmtree(paths.store.parent)
    write_files(root, known_files | HELD_FILES)
    long_ago = time.time() - 1_000
    for name in HELD_FILES:
        os.utime(root / name, (long_ago, long_ago))
    with hold_writes(paths.vectors):
        yield
