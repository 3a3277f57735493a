"""The index of the real tree, made once, and a workspace with enough files for workers."""

import shutil
from pathlib import Path

import pytest

from codekin.types import IndexReport

from .indexes import Dump, dump_store, index_paths, index_tree


@pytest.fixture(scope="session")
def real_index(real_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IndexReport, Dump]:
    """Index the real tree in one go; return the report and what the store holds."""
    cache = tmp_path_factory.mktemp("real_index")
    return index_tree(real_tree, cache), dump_store(index_paths(real_tree, cache))


@pytest.fixture(scope="session")
def _first_index(real_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Index a copy of the real tree, and copy the cache; return the folder of both, and the copy of the cache."""
    folder = tmp_path_factory.mktemp("indexed")
    shutil.copytree(real_tree, folder / "tree")
    index_tree(folder / "tree", folder / "cache")
    return folder, Path(shutil.copytree(folder / "cache", tmp_path_factory.mktemp("copied") / "cache"))


@pytest.fixture
def indexed_tree(real_tree: Path, _first_index: tuple[Path, Path]) -> tuple[Path, Path]:
    """Return a copy of the real tree that the test may change, and the cache with its complete index, likewise.

    They have the same paths in every test, for the index has them: it is made once, and copied.
    """
    folder, cache = _first_index
    for name, source in (("tree", real_tree), ("cache", cache)):
        shutil.rmtree(folder / name)
        shutil.copytree(source, folder / name)
    return folder / "tree", folder / "cache"


@pytest.fixture
def many_files(tmp_path: Path) -> Path:
    """Write a workspace of 80 files, enough for worker processes; return its root."""
    root = tmp_path / "many_files"
    root.mkdir()
    for number in range(80):
        (root / f"m{number}.py").write_text(f"def f{number}(a):\n    return a + {number}\n")
    return root
