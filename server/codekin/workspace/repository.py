"""What Git's own files say about a folder: where its excludes are, and whether it is a worktree of another one."""

import os
import re
from pathlib import Path

from platformdirs.unix import Unix

from codekin.files import NotAFileError, read_file

POINTER = ".git"  # in a worktree and in a submodule a file, which names the folder that is elsewhere
_COMMON = "commondir"  # in a worktree's Git directory: where the repository's is
_MAX_POINTER_BYTES = 8_192  # a path has no more
_MAX_CONFIG_BYTES = 1_048_576


def top_of(root: Path) -> list[tuple[Path, str]]:
    """Each folder from the top of the repository around `root` down to `root`'s parent, with the name next on the way.

    Empty when `root` is a repository's top itself, or in none.
    """
    folders = (root, *root.parents)
    top = next((place for place, folder in enumerate(folders) if os.path.lexists(folder / POINTER)), 0)
    return [(folders[place], folders[place - 1].name) for place in range(top, 0, -1)]


def is_linked_worktree(folder: Path) -> bool:
    """Whether the folder is one that `git worktree add` made: another state of files that are in a repository.

    Such a folder's Git directory is `…/worktrees/NAME`, a submodule's is `…/modules/NAME`. A submodule's name may have
    slashes, and `worktrees` in it: there the file decides that only a worktree's directory has.
    """
    named = _named_directory(folder)
    parts = re.split(r"[/\\]+", named.rstrip("/\\"))
    if parts[-2:-1] != ["worktrees"]:
        return False
    return "modules" not in parts or bool(_pointer(folder / named / _COMMON))


def exclude_file(folder: Path) -> Path:
    """`info/exclude` of the repository at `folder`."""
    git = folder / (_named_directory(folder) or POINTER)
    return Path(os.path.normpath(git / _pointer(git / _COMMON).strip() / "info" / "exclude"))


def user_excludes() -> tuple[Path, ...]:
    """The user's own ignore file: `core.excludesFile`, else git's default for it."""
    try:
        home, folder = Path.home(), Unix("git").user_config_path
        for config in (home / ".gitconfig", folder / "config"):
            if named := _excludes_named(config):
                return (Path(named).expanduser(),)
    except (OSError, RuntimeError):  # a home that nobody has, or may read
        return ()
    return (folder / "ignore",)


def _excludes_named(config: Path) -> str:
    try:
        data = read_file(config, _MAX_CONFIG_BYTES).data
    except (FileNotFoundError, NotADirectoryError, NotAFileError):
        return ""
    for line in data.decode("utf-8", "surrogateescape").replace("\0", "").split("\n"):
        key, equals, value = line.partition("=")
        if equals and key.strip().lower() == "excludesfile" and (named := value.strip().strip('"')):
            return named
    return ""


def _named_directory(folder: Path) -> str:
    """The Git directory that the folder's `.git` file names; "" where there is no such file."""
    pointer = _pointer(folder / POINTER)
    return pointer.removeprefix("gitdir:").strip() if pointer.startswith("gitdir:") else ""


def _pointer(file: Path) -> str:
    """What a file of git's says that holds a path only; "" where there is none."""
    try:
        data = read_file(file, _MAX_POINTER_BYTES).data
    except OSError:
        return ""
    return data.decode("utf-8", "surrogateescape").replace("\0", "")
