"""The index of the real tree, made once, and a workspace with enough files for workers."""

from pathlib import Path

import pytest

from codekin.types import IndexReport

from .indexes import Dump, dump_store, index_paths, index_tree


@pytest.fixture(scope="session")
def real_index(real_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IndexReport, Dump]:
    """Index the real tree in one go; return the report and what the store holds."""
    cache = tmp_path_factory.mktemp("real_index")
    return index_tree(real_tree, cache), dump_store(index_paths(real_tree, cache))


@pytest.fixture
def many_files(tmp_path: Path) -> Path:
    """Write a workspace of 80 files, enough for worker processes; return its root."""
    root = tmp_path / "many_files"
    root.mkdir()
    for number in range(80):
        (root / f"m{number}.py").write_text(f"def f{number}(a):\n    return a + {number}\n")
    return root
