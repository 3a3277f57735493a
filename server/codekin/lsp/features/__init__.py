"""What the server can do, a file per feature."""

from typing import TYPE_CHECKING

from codekin.lsp.features import (
    code_action,
    code_lens,
    commands,
    completion,
    diagnostics,
    folders,
    settings,
    symbols,
    synchronisation,
)

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer


def register(server: "CodekinServer") -> None:
    """Everything. What a language server for the language does better (definitions, references, renaming, formatting,
    completion of names, hovers) is not here, so that codekin can run beside it.
    """
    for feature in (
        synchronisation,
        settings,
        folders,
        commands,
        symbols,
        code_action,
        code_lens,
        diagnostics,
        completion,
    ):
        feature.register(server)
