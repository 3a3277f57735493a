"""The code lens "1 similar"."""

import asyncio

import pytest
from lsprotocol import types

SETTINGS = {"lens": {"enabled": True}}
shared = pytest.mark.asyncio(loop_scope="module")


async def lenses(client, name: str) -> list[types.CodeLens]:
    params = types.CodeLensParams(types.TextDocumentIdentifier(client.uri(name)))
    return list(await client.text_document_code_lens_async(params) or [])


async def test_lenses_are_off_until_they_are_asked_for(start) -> None:
    """And then are there at once, without a restart."""
    client = await start()
    await client.indexed(5)
    assert await lenses(client, "shop/orders.py") == []
    client.set_configuration(SETTINGS, section="codekin")
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    await client.until(lambda: client.lens_refreshes)
    assert len(await lenses(client, "shop/orders.py")) == 2


@shared
async def test_similar_functions_are_counted_when_the_lens_comes_into_view(shop) -> None:
    await shop.until(lambda: shop.lens_refreshes)
    code_lenses = await lenses(shop, "shop/orders.py")
    assert [lens.command for lens in code_lenses] == [None, None]
    assert [lens.range.start.line for lens in code_lenses] == [3, 14]
    twin, lonely = await asyncio.gather(*(shop.code_lens_resolve_async(lens) for lens in code_lenses))
    assert twin.command.title == "1 similar"
    assert lonely.command.title == "0 similar"
    await shop.command(twin.command.command, *twin.command.arguments)
    assert shop.shown_documents[0].uri == shop.uri("shop/invoices.py")


@shared
async def test_a_lens_of_a_file_that_is_gone_counts_nothing(shop) -> None:
    (shop.root / "shop/more.py").write_text((shop.root / "shop/orders.py").read_text("utf-8"), "utf-8")
    code_lenses = await lenses(shop, "shop/more.py")
    assert code_lenses
    (shop.root / "shop/more.py").unlink()
    resolved = await shop.code_lens_resolve_async(code_lenses[0])
    assert resolved.command.title == "0 similar"
    assert await lenses(shop, "shop/more.py") == []
