"""The code action "Find similar code"."""

import pytest
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def actions(client, only: list[str] | None = None, *, end: int = 0, automatic: bool = False):
    trigger = types.CodeActionTriggerKind.Automatic if automatic else types.CodeActionTriggerKind.Invoked
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(client.uri("shop/orders.py")),
        types.Range(types.Position(6, 0), types.Position(6, end)),
        types.CodeActionContext([], only=only, trigger_kind=trigger),
    )
    return await client.text_document_code_action_async(params) or []


async def test_it_is_offered_as_what_it_is(shop) -> None:
    """Neither refactoring nor source: nothing applies it when saving."""
    (action,) = await actions(shop)
    assert action.title == "Find similar code"
    assert action.kind == "codekin.findSimilar"
    assert action.edit is None
    for only in (["codekin"], ["codekin.findSimilar"], [""], ["quickfix", "codekin"]):
        assert len(await actions(shop, only)) == 1
    for only in (["source"], ["refactor"], ["quickfix"], ["code"], ["codekin.findSimilar.more"], []):
        assert await actions(shop, only) == []


async def test_no_light_bulb_follows_the_cursor(shop) -> None:
    assert await actions(shop, automatic=True) == []
    assert len(await actions(shop, automatic=True, end=4)) == 1


async def test_carrying_it_out_shows_the_best_hit(shop) -> None:
    (action,) = await actions(shop)
    answer = await shop.command(action.command.command, *action.command.arguments)
    assert shop.names(answer)[0] == "invoice_total"
    (shown,) = shop.shown_documents
    assert shown.uri == shop.uri("shop/invoices.py")
    assert shown.selection.start == types.Position(0, len("def "))
    assert shop.messages == []


@pytest.mark.asyncio(loop_scope="function")
async def test_clients_that_show_no_documents_get_a_list(start) -> None:
    """Kate: no window/showDocument, and no clientInfo either."""

    def older(params: types.InitializeParams) -> None:
        params.capabilities.text_document.code_action.code_action_literal_support = None

    client = await start("kate_25.04.3", change=older)
    await client.indexed(5)
    (command,) = await actions(client)
    assert command.command == "codekin.findSimilar"
    await client.command(command.command, *command.arguments)
    await client.until(lambda: client.messages)
    first, second, *_ = client.messages[0].message.splitlines()
    assert "similar" in first
    assert second.startswith("shop/invoices.py:1 invoice_total: ")
    assert client.shown_documents == []
