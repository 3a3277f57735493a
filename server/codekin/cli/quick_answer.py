"""Ask whoever has a workspace's index in memory; answer here where nobody does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from codekin.errors import QueryError
from codekin.settings import Settings

Document = dict[str, Any]


def answer_quickly(
    workspace_root: Path, settings: Settings, request: Document, answer_here: Callable[[], Document]
) -> Document:
    """Return the resident process's (or a server's) answer, else `answer_here()`, then start one. Raises QueryError.

    Raises what `answer_here` raises, too.
    """
    from codekin.resident.client import ResidentProcess

    resident = ResidentProcess(workspace_root, settings)
    message = resident.ask(request)
    if message is None or "declined" in message:
        document = answer_here()
        resident.start()
        return document
    if "query_error" in message:
        raise QueryError(message["query_error"])
    return message
