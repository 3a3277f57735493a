"""Workspaces for the command."""

from pathlib import Path

import pytest

from ..shop import write_files
from .command import FILES, Codekin


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_files(tmp_path_factory.mktemp("w") / "project", FILES)
    (root / "pyproject.toml").write_text("")
    (root / "binary.py").write_bytes(b"\x7fELF\0\0\0\1" * 100)
    (root / "notes.txt").write_text("no source")
    return root


@pytest.fixture(scope="module")
def codekin(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Codekin:
    """On a workspace that nobody changes."""
    return Codekin(tmp_path_factory.mktemp("cache"), workspace)


@pytest.fixture
def own_codekin(tmp_path: Path) -> Codekin:
    """On a workspace of one test's own."""
    root = write_files(tmp_path / "project", FILES)
    (root / "pyproject.toml").write_text("")
    return Codekin(tmp_path / "cache", root)
