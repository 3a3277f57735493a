"""Which folders a client means."""

from pathlib import Path

import pytest
from lsprotocol.types import ClientCapabilities, InitializeParams, WorkspaceFolder

from codekin.lsp.folders import find_repository, list_client_roots

A, B = WorkspaceFolder("file:///a", "a"), WorkspaceFolder("file:///b%20b", "b b")


@pytest.mark.parametrize(
    ("sent", "roots"),
    [
        ({"workspace_folders": [A, B], "root_uri": "file:///a"}, ["/a", "/b b"]),
        ({"workspace_folders": None, "root_uri": "file:///a", "root_path": "/x"}, ["/a"]),
        ({"workspace_folders": [], "root_uri": "file:///a"}, ["/a"]),
        ({"workspace_folders": None, "root_uri": None, "root_path": "/x"}, ["/x"]),
        ({"workspace_folders": [], "root_uri": None, "root_path": "/home/somebody"}, []),
        ({"workspace_folders": [WorkspaceFolder("vscode-vfs://github/a", "a"), B]}, ["/b b"]),
        ({"root_uri": "ssh://host/a"}, []),
        ({"workspace_folders": [WorkspaceFolder("file:///", "disk"), A]}, ["/a"]),
        ({"root_uri": "file:///a/.."}, []),
        ({"root_path": "/"}, []),
        ({}, []),
    ],
)
def test_the_roots(sent: dict[str, object], roots: list[str]) -> None:
    params = InitializeParams(capabilities=ClientCapabilities(), **sent)
    assert list_client_roots(params) == [Path(root) for root in roots]


def test_a_file_is_in_the_nearest_repository_above_it(tmp_path: Path) -> None:
    for folder in ("outer/.git", "outer/inner/deep"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "outer/inner/.git").write_text("gitdir: elsewhere")  # a worktree's, or a submodule's
    assert find_repository(tmp_path / "outer/inner/deep/a.py") == tmp_path / "outer/inner"
    assert find_repository(tmp_path / "outer/a.py") == tmp_path / "outer"
