"""The code actions: "Find similar code", for editors that know codekin only as a language server, and quick fixes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.features.quick_fixes import list_quick_fixes
from codekin.lsp.messages import to_range_json

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

# A kind of our own: editors list it, and none applies it when saving, as they do "source", nor offers it among
# refactorings, which it is not.
KIND = "codekin.findSimilar"
_TITLE = "Find similar code"


async def _actions(
    server: "CodekinServer", params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    only = params.context.only
    fixes = await list_quick_fixes(server, params) if only is None or _any(only, types.CodeActionKind.QuickFix) else []
    return [*fixes, *_find(server, params)] or None


def _find(server: "CodekinServer", params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
    only, selected = params.context.only, params.range.start != params.range.end
    if only is not None and not _any(only, KIND):
        return []
    if params.context.trigger_kind == types.CodeActionTriggerKind.Automatic and not selected:
        return []  # or a light bulb would follow the cursor everywhere
    argument = {
        "textDocument": {"uri": params.text_document.uri},
        "range": to_range_json(params.range),
        "show": True,
    }
    command = types.Command(_TITLE, "codekin.findSimilar", arguments=[argument])
    if not server.has_capability("text_document.code_action.code_action_literal_support"):
        return [command]
    return [types.CodeAction(_TITLE, kind=KIND, command=command)]


def _any(wanted: Sequence[types.CodeActionKind | str], ours: str) -> bool:
    """Whether ours is one of the kinds, or below one."""
    kinds = [str(getattr(kind, "value", kind)) for kind in wanted]
    return any(kind in ("", ours) or ours.startswith(f"{kind}.") for kind in kinds)


def register(server: "CodekinServer") -> None:
    """Offer the actions."""
    options = types.CodeActionOptions(code_action_kinds=[KIND, types.CodeActionKind.QuickFix])
    server.on_request(types.TEXT_DOCUMENT_CODE_ACTION, _actions, options)
