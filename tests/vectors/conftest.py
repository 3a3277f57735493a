"""A graph that is built once for each file of tests."""

import shutil
from pathlib import Path

import pytest

from .graphs import LABELS, VECTORS, dense_index, settle_graph


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a graph of VECTORS, once a module; return its file, with the side-car beside it."""
    path = tmp_path_factory.mktemp("graph") / "w.hnsw"
    with dense_index(path, []) as index:
        index.add_vectors(LABELS, VECTORS)
        settle_graph(index)
        assert index.describe_search() == "graph (hnswlib): 400 vectors"
    return path


@pytest.fixture
def graph_file(built: Path, tmp_path: Path) -> Path:
    """Copy the graph and its side-car into the test's folder, to be damaged; return the copy's path."""
    shutil.copytree(built.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / built.name
