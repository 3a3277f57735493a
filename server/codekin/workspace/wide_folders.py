"""Folders that are too wide to be a workspace: nobody means to index a whole machine."""

import os
from pathlib import Path


def is_whole_disk(folder: Path) -> bool:
    """Return whether the folder is the root of the disk that the home folder is on."""
    return folder == Path(Path.home().anchor)


def is_too_wide(folder: Path) -> bool:
    """Return whether the folder, a resolved path, is the root of a disk or the user's home, which few mean to index."""
    return folder.parent == folder or folder == Path(os.path.realpath(Path.home()))
