"""Hold back repositories that others measure on: nothing may be collected from them."""

from pathlib import Path

from codekin.errors import CodekinError


class BlockedRepositoryError(CodekinError):
    """A repository is on the block list, or has the name of one that is."""


def check_repositories(names: list[str], block_list: Path) -> None:
    """Raise BlockedRepositoryError if a repository's name, with any owner, is listed in the file `block_list`.

    Forks and copies mostly keep the name, so the owner does not matter. Raises OSError for an unreadable list.
    """
    lines = (line.partition("#")[0].strip().lower() for line in block_list.read_text("utf-8").splitlines())
    blocked_names = {line.split()[0].rpartition("/")[2] for line in lines if line}
    blocked = sorted(name for name in names if name.lower().rpartition("/")[2] in blocked_names)
    if blocked:
        raise BlockedRepositoryError(f"{', '.join(blocked)}: on the block list {block_list}. Leave it out.")
