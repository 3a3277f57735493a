"""The code action "Find similar code", for editors that know codekin only as a language server."""

from typing import TYPE_CHECKING

from lsprotocol import types

from codekin.lsp.protocol import range_json

if TYPE_CHECKING:
    from codekin.lsp.server import CodekinServer

# A kind of our own: editors list it, and none applies it when saving, as they do "source", nor offers it among
# refactorings, which it is not.
KIND = "codekin.findSimilar"
_TITLE = "Find similar code"


async def _actions(
    server: "CodekinServer", params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    only, selected = params.context.only, params.range.start != params.range.end
    if only is not None and not any(_contains(str(getattr(kind, "value", kind))) for kind in only):
        return None
    if params.context.trigger_kind == types.CodeActionTriggerKind.Automatic and not selected:
        return None  # or a light bulb would follow the cursor everywhere
    argument = {
        "textDocument": {"uri": params.text_document.uri},
        "range": range_json(params.range),
        "show": True,
    }
    command = types.Command(_TITLE, "codekin.findSimilar", arguments=[argument])
    if not server.can("text_document.code_action.code_action_literal_support"):
        return [command]
    return [types.CodeAction(_TITLE, kind=KIND, command=command)]


def _contains(kind: str) -> bool:
    """Whether ours is the kind, or below it."""
    return kind == "" or kind == KIND or KIND.startswith(f"{kind}.")


def register(server: "CodekinServer") -> None:
    """Offer the action."""
    server.on_request(types.TEXT_DOCUMENT_CODE_ACTION, _actions, types.CodeActionOptions(code_action_kinds=[KIND]))
