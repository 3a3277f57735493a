"""What code is copied from is always the present text."""

import os
from pathlib import Path

from codekin.completion.sources import SourceDocuments
from codekin.settings import IndexSettings
from codekin.workspace.workspace import Workspace


def test_a_document_is_read_again_when_its_file_or_the_editor_changes_it(tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    os.utime(path, ns=(1_600_000_000_123_456_789,) * 2)  # long ago: the time is reliable
    workspace = Workspace([tmp_path], IndexSettings())
    documents = SourceDocuments(workspace)
    first = documents.read(path)
    assert first is not None
    assert first is documents.read(path)
    path.write_text("y = 22\n")
    changed = documents.read(path)
    assert changed is not None
    assert changed.lines[0] == "y = 22"
    workspace.open_overlay(path, "z = 3\n")
    opened = documents.read(path)
    assert opened is not None
    assert opened.lines[0] == "z = 3"
    workspace.close_overlay(path)
    path.unlink()
    assert documents.read(path) is None
