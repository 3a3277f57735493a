"""Read Git's own files: where a repository's ignore files are, and whether a folder is a linked worktree."""

import os
import re
from pathlib import Path

from platformdirs.unix import Unix

from codekin.files import NotAFileError, read_file

GIT_ENTRY = ".git"  # a folder; in a worktree or submodule a file that names it
_COMMON_DIRECTORY_FILE = "commondir"  # in a worktree's Git directory: names the repository's
_MAX_POINTER_BYTES = 8_192  # no path is longer
_MAX_CONFIG_BYTES = 1_048_576  # of a git configuration


def find_enclosing_folders(root: Path) -> list[tuple[Path, str]]:
    """Return the folders from the repository's top to `root`'s parent, each with the next name on the path; or [].

    Empty if `root` is itself the top of a repository, or in none.
    """
    folders = (root, *root.parents)
    top_index = next((index for index, folder in enumerate(folders) if os.path.lexists(folder / GIT_ENTRY)), 0)
    return [(folders[index], folders[index - 1].name) for index in range(top_index, 0, -1)]


def is_linked_worktree(folder: Path) -> bool:
    """Return whether `git worktree add` made the folder: a second checkout of files that a repository has.

    A worktree's Git directory is `…/worktrees/NAME`, a submodule's is `…/modules/NAME`. As a submodule's name may
    contain slashes and `worktrees`, the `commondir` file decides then: only a worktree's directory has one.
    """
    git_directory = _read_git_directory(folder)
    path_parts = re.split(r"[/\\]+", git_directory.rstrip("/\\"))
    if path_parts[-2:-1] != ["worktrees"]:
        return False
    return "modules" not in path_parts or bool(_read_pointer(folder / git_directory / _COMMON_DIRECTORY_FILE))


def find_exclude_file(folder: Path) -> Path:
    """Return the path of `info/exclude` of the repository at `folder`, whether it exists or not."""
    git_directory = folder / (_read_git_directory(folder) or GIT_ENTRY)
    common_directory = git_directory / _read_pointer(git_directory / _COMMON_DIRECTORY_FILE).strip()
    return Path(os.path.normpath(common_directory / "info" / "exclude"))


def find_user_ignore_files() -> tuple[Path, ...]:
    """Return a tuple of one path, that of the user's own ignore file for Git, existing or not; () without a home."""
    try:
        home, config_folder = Path.home(), Unix("git").user_config_path
        for config_path in (home / ".gitconfig", config_folder / "config"):
            if excludes_path := _read_excludes_setting(config_path):
                return (Path(excludes_path).expanduser(),)
    except (OSError, RuntimeError):  # no home folder, or not readable
        return ()
    return (config_folder / "ignore",)


def _read_excludes_setting(config_path: Path) -> str:
    """Return `core.excludesFile` of a git configuration; "" if it is not set. Raises OSError."""
    try:
        config_bytes = read_file(config_path, _MAX_CONFIG_BYTES).data
    except (FileNotFoundError, NotADirectoryError, NotAFileError):
        return ""
    for line in config_bytes.decode("utf-8", "surrogateescape").replace("\0", "").split("\n"):
        setting_name, _, setting_value = line.partition("=")
        excludes_path = setting_value.strip().strip('"')
        if setting_name.strip().lower() == "excludesfile" and excludes_path:
            return excludes_path
    return ""


def _read_git_directory(folder: Path) -> str:
    """Return the Git directory that the folder's `.git` file names; "" if it is a folder or missing."""
    pointer = _read_pointer(folder / GIT_ENTRY)
    return pointer.removeprefix("gitdir:").strip() if pointer.startswith("gitdir:") else ""


def _read_pointer(file_path: Path) -> str:
    """Return the content of a file of git's that holds only a path; "" if it can't be read."""
    try:
        pointer_bytes = read_file(file_path, _MAX_POINTER_BYTES).data
    except OSError:
        return ""
    return pointer_bytes.decode("utf-8", "surrogateescape").replace("\0", "")
