"""What is listed in a folder: by name, in order."""

import contextlib
import os
from pathlib import Path


def list_folder(folder: Path) -> list[os.DirEntry[str]]:
    """The entries, by name. OSError where the folder can't be read."""
    with os.scandir(folder) as listing:
        return sorted(listing, key=lambda entry: entry.name)


def folders_and_files(found: list[os.DirEntry[str]]) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """The folders and the files among a folder's entries, without links."""
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    for entry in found:
        with contextlib.suppress(OSError):  # it vanished, on a file system that lists names without kinds
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry)
    return folders, files


def is_utf8(path: Path) -> bool:
    """Whether its name can be stored, and said to a client."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
