"""Ask Git about a repository, with nothing of that repository being run.

Only plumbing commands are used that neither look at the working tree nor run hooks, filters, text converters or a
pager, and Git is kept from fetching what a partial clone lacks, which could run a program that the repository names.
"""

import os
from pathlib import Path

from codekin.errors import QueryError
from codekin.processes import ProcessError, read_program

_TIMEOUT_S = 60.0
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "--no-pager", "--no-replace-objects")
REMOTE_PROTOCOLS = "file:git:http:https:ssh"  # those of Git that are no command of their own
_ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


def run_git(
    root: Path, *arguments: str, stdin: bytes = b"", timeout_s: float = _TIMEOUT_S, protocols: str = "none"
) -> bytes:
    """Run git in the folder and return its standard output; no remote is reached but by one of the `protocols`.

    Raises QueryError if it fails or is missing.
    """
    environment = _ENVIRONMENT | {"GIT_ALLOW_PROTOCOL": protocols}
    try:
        return read_program(
            *("git", *_OPTIONS, "-C", str(root), *arguments), stdin=stdin, environment=environment, timeout_s=timeout_s
        )
    except ProcessError as error:
        stderr = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise QueryError(stderr or "git says no") from error
    except FileNotFoundError as error:
        raise QueryError(str(error)) from error
