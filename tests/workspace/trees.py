"""Folders of files, repositories, and what a workspace sees of them."""

import os
import subprocess
from pathlib import Path
from typing import Any

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.workspace import Document, SourceFile, Workspace


def write_modules(root: Path, *names: str, text: str = "x = 1\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def open_workspace(*roots: Path, **changes: Any) -> Workspace:
    return Workspace(roots, IndexSettings(**changes))


def require_reason(entry: object) -> str:
    assert isinstance(entry, Skipped)
    return entry.reason


def require_document(entry: object) -> Document:
    assert isinstance(entry, Document)
    return entry


def run_git(*arguments: str | Path) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout


def list_names(root: Path, *, settings: IndexSettings | None = None, among: type = SourceFile) -> set[str]:
    """The names found, after `walk` and `admits` were seen to agree on every file below the root."""
    workspace = Workspace([root], settings or IndexSettings())
    entries = list(workspace.walk())
    below = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    entries = [entry for entry in entries if not entry.path.is_dir()]
    assert {entry.path: entry for entry in entries} == {
        path: entry for path in below if (entry := workspace.check_file(path))
    }
    return {entry.path.relative_to(root).as_posix() for entry in entries if isinstance(entry, among)}
