"""workspace/symbol."""

import asyncio

import pytest
from lsprotocol import types

from ..shop import write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def symbols(client, query: str) -> list[types.WorkspaceSymbol]:
    return await client.workspace_symbol_async(types.WorkspaceSymbolParams(query))


async def test_definitions_are_found_by_name_exact_ones_first(shop) -> None:
    symbols_found = await symbols(shop, "total")
    assert {symbol.name for symbol in symbols_found} == {"total_price", "invoice_total"}
    exact = await symbols(shop, "fläche_berechnen")
    assert exact[0].name == "fläche_berechnen"
    assert exact[0].kind == types.SymbolKind.Method
    assert exact[0].container_name == "Größe"
    assert exact[0].location.uri == shop.uri("shop/größe.py")


async def test_they_are_what_every_other_search_finds(shop) -> None:
    for query in ("total", "price_of", "parse the cookies of a header"):
        hits = (await shop.ask("codekin/search", {"query": query, "limit": 100}))["hits"]
        assert [symbol.name for symbol in await symbols(shop, query)] == [hit["name"] for hit in hits]
        assert hits


async def test_a_question_is_answered_by_meaning(shop) -> None:
    for query in ("parse the cookies of a header", "cookies?"):
        assert (await symbols(shop, query))[0].name == "parseCookieHeader"


@pytest.mark.asyncio(loop_scope="function")
async def test_a_symbol_stands_at_its_name(start, tmp_path) -> None:
    """Eglot lists the line where a symbol begins: a decorator or a comment would tell nothing."""
    text = "import functools\n\n\n# Cheap.\n@functools.cache\ndef freight_of(parcel):\n    return 3 * parcel.weight\n"
    client = await start(root=write_files(tmp_path / "freight", {"freight.py": text}))
    await client.indexed(1)
    for query in ("freight_of", "what does the freight of a parcel cost?"):
        (symbol, *_) = await symbols(client, query)
        assert symbol.location.range == types.Range(types.Position(5, 4), types.Position(5, 14))


@pytest.mark.asyncio(loop_scope="function")
async def test_names_can_be_left_to_another_server(start) -> None:
    client = await start(settings={"symbols": {"byName": False}})
    await client.indexed(5)
    assert await symbols(client, "invoice_total") == []
    assert (await symbols(client, "cookies?"))[0].name == "parseCookieHeader"


async def test_nothing_asked_or_nothing_found_is_nothing(shop) -> None:
    assert await symbols(shop, "") == []
    assert await symbols(shop, "xyzzy_plugh") == []


async def test_typing_does_not_pile_up(shop) -> None:
    """The last of many quick queries is answered in full; those it overtook may be answered with nothing."""
    *_, last = await asyncio.gather(*(symbols(shop, "invoice_total"[: 3 + i % 10]) for i in range(100)))
    assert last[0].name == "invoice_total"
