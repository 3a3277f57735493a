"""What was saved of an index is what its rows would give: exactly, and of this state of the store only."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from codekin.embed.factory import load_light_model
from codekin.index.index import Index
from codekin.index.memory_image import (
    CompletionData,
    LoadedContents,
    restore_completion_data,
    restore_contents,
    save_completion_data,
    save_contents,
)
from codekin.indexing.reconcile import reconcile
from codekin.settings import CacheSettings, Settings
from codekin.storage.paths import IndexPaths, locate_index
from codekin.types import Task
from codekin.vectors.continuation_vectors import continuation_space
from codekin.vectors.row_blocks import pack_rows

from ..shop import write_files

FILES = {
    "dates.py": "def parse_date(text):\n    return text.split('-')\n",
    "sums.py": "def add(a, b):\n    return a + b\n",
}


@pytest.fixture
def paths(tmp_path: Path) -> IndexPaths:
    """The index of a small workspace."""
    root = write_files(tmp_path / "project", FILES)
    paths = locate_index([root], Settings(cache=CacheSettings(directory=str(tmp_path / "cache"))))
    reconcile(paths, lambda _: None, threading.Event(), 0)
    return paths


@contextmanager
def open_index(paths: IndexPaths, *, is_loaded: bool = True) -> Iterator[Index]:
    embedder = load_light_model(paths.settings.model)
    spaces = embedder.space(Task.CODE2CODE), continuation_space(embedder)
    index = Index(paths, spaces[0], embedder.dim, lambda _: None, spaces[1])
    index.defer_completions()
    with closing(index):
        if is_loaded:
            index.follow()
        yield index


def save(paths: IndexPaths) -> None:
    """Save the index, however small it is."""
    with open_index(paths) as index:
        loaded = LoadedContents(index.sort_keys, index.fingerprints, index.store.last_removal())
        save_contents(paths.image, index.store, index.light, loaded)
        index.follow_for_completions()
        data = CompletionData(index.line_index, index.continuation_vectors)
        save_completion_data(paths.completion_image, index.store, index._continuation_space, data)


def describe(index: Index) -> dict[str, object]:
    """Return all that is in memory."""
    labels, table = index.fingerprints.to_table()
    _, vectors = index.dense.find_vectors(index.dense.labels())
    arrays = (index.dense.labels(), vectors, index.sort_keys.labels, index.sort_keys.keys, labels, table)
    index.follow_for_completions()
    completion_arrays = {name: array.tolist() for name, array in index.line_index.to_arrays().items()}
    order = np.argsort(index.continuation_vectors.labels)
    return {
        "arrays": [array.tolist() for array in arrays],
        "newest": (index.sort_keys.newest, index.line_index.newest),
        "lines": completion_arrays,
        "continuations": index.continuation_vectors.rows[order].tolist(),
    }


def is_restored(paths: IndexPaths) -> bool:
    """Return whether the file is of the store as it is."""
    with open_index(paths, is_loaded=False) as index:
        return restore_contents(paths.image, index.store, index.light) is not None


def has_completion_image(paths: IndexPaths) -> bool:
    """Return whether the file for completions is of the store as it is."""
    with open_index(paths) as index:
        path, labels = paths.completion_image, index.sort_keys.labels
        return restore_completion_data(path, index.store, index._continuation_space, labels) is not None


def change_workspace(paths: IndexPaths) -> None:
    """Remove one file and add another, and index that."""
    (paths.roots[0] / "sums.py").unlink()
    (paths.roots[0] / "new.py").write_text("def brand_new(items):\n    return sorted(items)\n")
    reconcile(paths, lambda _: None, threading.Event(), 0)


def test_it_gives_exactly_what_the_rows_give(paths: IndexPaths):
    with open_index(paths) as index:
        by_rows = describe(index)
    save(paths)
    assert is_restored(paths)
    with open_index(paths) as index:
        assert describe(index) == by_rows


def test_what_came_and_went_since_is_followed(paths: IndexPaths):
    save(paths)
    change_workspace(paths)
    with open_index(paths) as index:
        by_image = describe(index)
        assert index.loaded_share == 1
    assert is_restored(paths)
    assert has_completion_image(paths)
    paths.image.unlink()
    paths.completion_image.unlink()
    with open_index(paths) as index:
        assert describe(index) == by_image


def test_an_older_state_of_the_store_does_not_get_it(paths: IndexPaths, tmp_path: Path):
    shutil.copy(paths.store, tmp_path / "older.sqlite")
    change_workspace(paths)
    save(paths)
    assert is_restored(paths)
    assert has_completion_image(paths)
    shutil.copy(tmp_path / "older.sqlite", paths.store)
    assert not is_restored(paths)
    assert not has_completion_image(paths)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[::-1]])
def test_a_damaged_file_is_none(paths: IndexPaths, damage: "object"):
    save(paths)
    assert callable(damage)
    with open_index(paths) as index:
        undamaged = describe(index)
    for path in (paths.image, paths.completion_image):
        path.write_bytes(damage(path.read_bytes()))
    assert not is_restored(paths)
    assert not has_completion_image(paths)
    with open_index(paths) as index:
        assert describe(index) == undamaged


def test_a_flipped_bit_is_noticed(paths: IndexPaths):
    save(paths)
    with open_index(paths) as index:
        vectors = pack_rows(index.dense.find_vectors(index.dense.labels())[1]).low.tobytes()
    data = bytearray(paths.image.read_bytes())
    data[data.index(vectors) + 5] ^= 1
    paths.image.write_bytes(data)
    assert not is_restored(paths)


def test_without_vectors_on_the_disk_they_are_missed(paths: IndexPaths):
    save(paths)
    for path in paths.vectors.parent.glob("vectors.sqlite*"):
        path.unlink()
    with open_index(paths) as index:
        assert index.light.pending


def keep_first_file(paths: IndexPaths) -> None:
    """Delete all files of the workspace but the first."""
    for path in sorted(paths.roots[0].iterdir())[1:]:
        path.unlink()
    reconcile(paths, lambda _: None, threading.Event(), 0)


def test_a_file_that_can_t_be_removed_is_removed_later(paths: IndexPaths):
    (paths.roots[0] / "more.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    reconcile(paths, lambda _: None, threading.Event(), 0)
    save(paths)
    keep_first_file(paths)
    with open_index(paths) as index:
        paths.completion_image.unlink()
        paths.completion_image.mkdir()
        index.save_image()
        paths.completion_image.rmdir()
        paths.completion_image.write_bytes(b"")
        index.save_image()
    assert not paths.image.exists() and not paths.completion_image.exists()


def test_files_most_of_whose_contents_are_gone_are_removed(paths: IndexPaths):
    (paths.roots[0] / "more.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    reconcile(paths, lambda _: None, threading.Event(), 0)
    save(paths)
    with open_index(paths) as index:
        index.save_image()
        assert paths.image.exists() and paths.completion_image.exists()
    keep_first_file(paths)
    with open_index(paths) as index:
        index.save_image()
        left = describe(index)["arrays"]
    assert not paths.image.exists() and not paths.completion_image.exists()
    with open_index(paths) as index:
        assert describe(index)["arrays"] == left
