"""Workspaces for the command."""

from pathlib import Path

import pytest

from .command import Codekin, write


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write(tmp_path_factory.mktemp("w") / "project")
    (root / "pyproject.toml").write_text("")
    (root / "binary.py").write_bytes(b"\x7fELF\0\0\0\1" * 100)
    (root / "notes.txt").write_text("no source")
    return root


@pytest.fixture(scope="module")
def codekin(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Codekin:
    """On a workspace that nobody changes."""
    return Codekin(tmp_path_factory.mktemp("cache"), workspace)


@pytest.fixture
def fresh(tmp_path: Path) -> Codekin:
    """On a workspace of one test's own."""
    root = write(tmp_path / "project")
    (root / "pyproject.toml").write_text("")
    return Codekin(tmp_path / "cache", root)
