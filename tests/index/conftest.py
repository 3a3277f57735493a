"""A real tree to index: parts of the Python standard library that every installation has."""

import shutil
import sysconfig
from pathlib import Path

import pytest

PARTS = ("asyncio", "concurrent", "email", "http", "importlib", "json", "logging", "unittest", "urllib", "xml")


@pytest.fixture(scope="session")
def real_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 200 files and 4,000 functions; a test that changes them copies them first."""
    root = tmp_path_factory.mktemp("real") / "tree"
    for part in PARTS:
        source = Path(sysconfig.get_path("stdlib")) / part
        shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def tree(real_tree: Path, tmp_path: Path) -> Path:
    """A copy of the real tree that may be changed."""
    return Path(shutil.copytree(real_tree, tmp_path / "tree"))
