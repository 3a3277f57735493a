"""Determine the workspace's folders from what the client sends and from repositories on the disk."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from lsprotocol.types import InitializeParams, WorkspaceFolder

from codekin.lsp.convert import to_path

logger = logging.getLogger(__name__)

NO_FOLDER_MESSAGE = (
    "No folder is open, and no open file is in a Git repository, so there is nothing that codekin could look through. "
    "Open a folder."
)


def list_client_roots(params: InitializeParams) -> list[Path]:
    """Return the paths of the folders that the client has open, as it names them, but no disk's root. Reads no disk.

    `rootPath` counts only for a client that knows neither `rootUri` nor folders: Helix sends an empty list of folders
    for a file outside any project, and the folder it was started in, which may be all of the user's, as `rootPath`. The
    file system's root is left out.
    """
    if params.workspace_folders:
        return to_folder_paths(params.workspace_folders)
    if params.root_uri:
        return _drop_unusable([to_path(params.root_uri)])
    if params.root_path and params.workspace_folders is None and "\0" not in params.root_path:
        root = Path(params.root_path)
        return _drop_unusable([root]) if root.is_absolute() else []
    return []


def to_folder_paths(folders: Iterable[WorkspaceFolder]) -> list[Path]:
    """Return the paths of the folders with file: URIs, unresolved; others are left out, and so is the whole disk."""
    return _drop_unusable(to_path(folder.uri) for folder in folders)


def _drop_unusable(folder_paths: Iterable[Path | None]) -> list[Path]:
    """Return the paths without None and the file system's root, which is logged: some clients send it for no folder."""
    usable_paths: list[Path] = []
    for folder_path in filter(None, folder_paths):
        if os.path.normpath(folder_path) == folder_path.anchor:  # lexically: nothing here may wait for the disk
            logger.warning("The whole disk (%s) is not indexed. Open a folder.", folder_path)
        else:
            usable_paths.append(folder_path)
    return usable_paths


def find_repository(file_path: Path) -> Path | None:
    """Return the nearest folder above the file with a `.git`; None where there is none. Reads the disk."""
    return next((folder for folder in file_path.parents if os.path.lexists(folder / ".git")), None)
