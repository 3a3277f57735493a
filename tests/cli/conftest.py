"""Workspaces for the command."""

from pathlib import Path

import pytest

from ..shop import write_files
from .command import FILES, Codekin


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a project with sources, a binary and a text file, for all tests of a module; return its root."""
    root = write_files(tmp_path_factory.mktemp("w") / "project", FILES)
    (root / "pyproject.toml").write_text("")
    (root / "binary.py").write_bytes(b"\x7fELF\0\0\0\1" * 100)
    (root / "notes.txt").write_text("no source")
    return root


@pytest.fixture(scope="module")
def codekin(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Codekin:
    """Return the command on the module's workspace, which no test changes, with a cache of its own."""
    return Codekin(tmp_path_factory.mktemp("cache"), workspace)


@pytest.fixture
def own_codekin(tmp_path: Path) -> Codekin:
    """Write a project of the test's own, and return the command on it."""
    root = write_files(tmp_path / "project", FILES)
    (root / "pyproject.toml").write_text("")
    return Codekin(tmp_path / "cache", root)
