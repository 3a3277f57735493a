"""The code lens "1 similar"."""

import asyncio

from lsprotocol import types


async def lenses(client, name: str) -> list[types.CodeLens]:
    params = types.CodeLensParams(types.TextDocumentIdentifier(client.uri(name)))
    return list(await client.text_document_code_lens_async(params) or [])


async def test_lenses_are_off_until_they_are_asked_for(start) -> None:
    """And then are there at once, without a restart."""
    client = await start()
    await client.indexed(5)
    assert await lenses(client, "shop/orders.py") == []
    client.set_configuration({"lens": {"enabled": True}}, section="codekin")
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    await client.until(lambda: client.lens_refreshes)
    assert len(await lenses(client, "shop/orders.py")) == 2


async def test_similar_functions_are_counted_when_the_lens_comes_into_view(start) -> None:
    client = await start(settings={"lens": {"enabled": True}})
    await client.indexed(5)
    await client.until(lambda: client.lens_refreshes)
    found = await lenses(client, "shop/orders.py")
    assert [lens.command for lens in found] == [None, None]
    assert [lens.range.start.line for lens in found] == [3, 14]
    twin, lonely = await asyncio.gather(*(client.code_lens_resolve_async(lens) for lens in found))
    assert twin.command.title == "1 similar"
    assert lonely.command.title == "0 similar"
    await client.command(twin.command.command, *twin.command.arguments)
    assert client.shown_documents[0].uri == client.uri("shop/invoices.py")


async def test_a_lens_of_a_file_that_is_gone_counts_nothing(start) -> None:
    client = await start(settings={"lens": {"enabled": True}})
    await client.indexed(5)
    found = await lenses(client, "shop/orders.py")
    (client.root / "shop/orders.py").unlink()
    resolved = await client.code_lens_resolve_async(found[0])
    assert resolved.command.title == "0 similar"
    assert await lenses(client, "shop/orders.py") == []
