"""What is in memory is what the files hold, in whichever order it was written."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np

from codekin.embed.embedder import load_embedder
from codekin.index.index import Index
from codekin.settings import ModelSettings
from codekin.types import Task
from codekin.vectors.continuation_vectors import continuation_space

from ..indexing.indexes import index_paths, index_tree


def test_a_content_whose_vector_comes_after_its_continuations_has_them_once(tmp_path: Path):
    (tmp_path / "w").mkdir()
    root, embedder = (tmp_path / "w").resolve(), load_embedder(ModelSettings())
    (root / "long.py").write_text("def long(a):\n" + "".join(f"    a.step_{n}()\n\n" for n in range(12)))
    where, space = index_paths(root, tmp_path / "cache"), embedder.space(Task.CODE2CODE)
    index_tree(root, tmp_path / "cache")
    with closing(sqlite3.connect(where.vectors)) as database:
        (space_id,) = database.execute("SELECT id FROM spaces WHERE key = ?", (space,)).fetchone()
        rows = database.execute("SELECT space, hash, vector FROM vectors WHERE space = ?", (space_id,)).fetchall()
        database.execute("DELETE FROM vectors WHERE space = ?", (space_id,))
        database.commit()
        with closing(Index(where, space, embedder.dim, print, continuation_space(embedder))) as index:
            index.follow()
            assert index.light.pending
            database.executemany("INSERT INTO vectors (space, hash, vector) VALUES (?, ?, ?)", rows)
            database.commit()
            index.follow()
            assert not index.light.pending
            assert len(index.continuation_vectors.labels) == 1


def test_lengths_in_words_of_a_store_that_is_replaced_meanwhile_are_forgotten(tmp_path: Path):
    (tmp_path / "w").mkdir()
    root, embedder = (tmp_path / "w").resolve(), load_embedder(ModelSettings())
    (root / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    where, space = index_paths(root, tmp_path / "cache"), embedder.space(Task.CODE2CODE)
    index_tree(root, tmp_path / "cache")
    with closing(Index(where, space, embedder.dim, print, continuation_space(embedder))) as index:
        index.follow()

        def replace_store(statement: str) -> None:
            """Do what another thread does that finds the store's file replaced."""
            if "words_docsize" in statement:
                resetting = threading.Thread(target=index._reset_memory)
                resetting.start()
                resetting.join()

        index.store._connect().set_trace_callback(replace_store)
        assert index.count_words_of(np.array([1])).all()
        assert not index._word_counts.any()
