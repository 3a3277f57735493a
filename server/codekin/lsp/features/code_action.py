"""Offer code actions: "Find similar code", for editors that know codekin only as a language server, and quick fixes."""

from collections.abc import Sequence

from lsprotocol import types

from codekin.lsp.client import Client
from codekin.lsp.features.quick_fixes import list_quick_fixes
from codekin.lsp.handlers import Registry
from codekin.lsp.messages import to_range_json
from codekin.lsp.session import Session

# A separate kind: editors list it, but neither apply it when saving, as they do "source", nor offer it among
# refactorings.
FIND_SIMILAR_KIND = "codekin.findSimilar"
_FIND_SIMILAR_TITLE = "Find similar code"


async def _list_code_actions(
    client: Client, session: Session, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    """Return quick fixes and "Find similar code", as far as they are requested; None where there are none."""
    requested_kinds = params.context.only
    quick_fixes: list[types.CodeAction] = []
    if requested_kinds is None or _includes_kind(requested_kinds, types.CodeActionKind.QuickFix):
        quick_fixes = await list_quick_fixes(client, session, params)
    return [*quick_fixes, *_list_find_similar(client, params)] or None


def _list_find_similar(client: Client, params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
    """Return ["Find similar code"]; [] if it is not requested, or the editor asks by itself without a selection."""
    requested_kinds, has_selection = params.context.only, params.range.start != params.range.end
    if requested_kinds is not None and not _includes_kind(requested_kinds, FIND_SIMILAR_KIND):
        return []
    if params.context.trigger_kind == types.CodeActionTriggerKind.Automatic and not has_selection:
        return []  # otherwise the editor shows a light bulb at every cursor position
    argument = {
        "textDocument": {"uri": params.text_document.uri},
        "range": to_range_json(params.range),
        "show": True,
    }
    command = types.Command(_FIND_SIMILAR_TITLE, "codekin.findSimilar", arguments=[argument])
    if not client.has_capability("text_document.code_action.code_action_literal_support"):
        return [command]
    return [types.CodeAction(_FIND_SIMILAR_TITLE, kind=FIND_SIMILAR_KIND, command=command)]


def _includes_kind(requested_kinds: Sequence[types.CodeActionKind | str], action_kind: str) -> bool:
    """Return whether the requested kinds include `action_kind` or a kind above it in the hierarchy."""
    kind_names = [str(getattr(requested_kind, "value", requested_kind)) for requested_kind in requested_kinds]
    return any(kind_name in ("", action_kind) or action_kind.startswith(f"{kind_name}.") for kind_name in kind_names)


def register_feature(registry: Registry) -> None:
    """Register the handler of requests for code actions."""
    options = types.CodeActionOptions(code_action_kinds=[FIND_SIMILAR_KIND, types.CodeActionKind.QuickFix])
    registry.on_request(types.TEXT_DOCUMENT_CODE_ACTION, _list_code_actions, options)
