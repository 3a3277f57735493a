"""Folders that are too wide to be a workspace: nobody means to index a whole machine."""

import os
from pathlib import Path

_SYSTEM_TREES = tuple(map(Path, ("/dev", "/etc", "/private/etc", "/proc", "/sys", "C:/Windows")))  # at any depth
_SYSTEM_FOLDERS = frozenset(
    Path(parent, name)
    for parent, names in {
        "/": "bin boot home lib lib64 media mnt opt root run sbin srv tmp usr var",
        "/.": "Applications Library System Users Volumes private",
        "/private": "tmp var",
        "/usr": "bin include lib local share src",
        "/var": "lib tmp",
        "C:/": "ProgramData Users",
    }.items()
    for name in names.split()
)


def is_whole_disk(folder: Path) -> bool:
    """Return whether the folder is the root of the disk that the home folder is on."""
    return folder == Path(Path.home().anchor)


def is_too_wide(folder: Path) -> bool:
    """Return whether the folder, a resolved path, is the root of a disk or the user's home, which few mean to index."""
    return folder.parent == folder or folder == Path(os.path.realpath(Path.home()))


def is_system_folder(folder: Path) -> bool:
    """Return whether the folder, a resolved path, is the system's or has all users' homes: no project by itself."""
    if folder in _SYSTEM_FOLDERS or any(folder.is_relative_to(tree) for tree in _SYSTEM_TREES):
        return True
    return Path(os.path.realpath(Path.home())).is_relative_to(folder)
