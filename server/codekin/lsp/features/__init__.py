"""Define what the server can do, a module per feature. Features know the client and the session, not the server."""

from codekin.lsp.features import (
    code_action,
    code_lens,
    commands,
    completion,
    diagnostics,
    folders,
    symbols,
    synchronisation,
)
from codekin.lsp.handlers import Registry

_FEATURES = (synchronisation, folders, commands, symbols, code_action, code_lens, diagnostics, completion)


def register_features(registry: Registry) -> None:
    """Register every feature's handlers of requests, notifications and commands.

    What a language server for the language does better (definitions, references, renaming, formatting, completion of
    names, hovers) is not here, so that codekin can run beside it.
    """
    for feature in _FEATURES:
        feature.register_feature(registry)
