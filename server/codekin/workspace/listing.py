"""List a folder's entries by name."""

import contextlib
import os
from pathlib import Path


def list_folder(folder: Path) -> list[os.DirEntry[str]]:
    """Return a list of the folder's os.DirEntry objects, sorted by name. Raises OSError if it can't be read."""
    with os.scandir(folder) as listing:
        return sorted(listing, key=lambda entry: entry.name)


def separate_entries(entries: list[os.DirEntry[str]]) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """Return two lists: the folders and the regular files among a folder's entries; links and others are left out."""
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    for entry in entries:
        with contextlib.suppress(OSError):  # deleted meanwhile, on a file system that lists names without types
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry)
    return folders, files


def is_utf8(path: Path) -> bool:
    """Return whether the path can be encoded in UTF-8, as it must be to be stored and sent to a client."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
