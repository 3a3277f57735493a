"""What is edited, saved, renamed or deleted while the server runs."""

import pytest
from lsprotocol import types

shared = pytest.mark.asyncio(loop_scope="module")

COFFEE = "def brew_some_coffee(beans, water):\n    ground = beans.ground()\n    return ground.mixed(water.boiling())\n"


async def found(client, query: str) -> list[str]:
    return client.names(await client.ask("codekin/search", {"query": query}))


@shared
async def test_unsaved_text_is_found_and_forgotten_when_closed(shop) -> None:
    before = (shop.root / "shop/orders.py").read_bytes()
    shop.open("shop/orders.py")
    shop.edit("shop/orders.py", COFFEE)
    await shop.until_found("brew coffee", "brew_some_coffee")
    assert "ship_order" not in await found(shop, "ship order")
    shop.close("shop/orders.py")
    await shop.until_found("ship order", "ship_order")
    assert "brew_some_coffee" not in await found(shop, "brew coffee")
    assert (shop.root / "shop/orders.py").read_bytes() == before


@shared
async def test_an_edit_embeds_only_the_function_it_touches(shop) -> None:
    embedded = (await shop.ask("codekin/status"))["embedded"]
    text = (shop.root / "shop/orders.py").read_text("utf-8")
    shop.open("shop/orders.py", text)
    shop.edit("shop/orders.py", text.replace('"shipped"', '"handed_to_the_gondolier"'))
    await shop.until_found("gondolier", "ship_order")
    await shop.until(lambda: shop.status["embedded"] > embedded)
    assert (await shop.ask("codekin/status"))["embedded"] == embedded + 1
    shop.close("shop/orders.py")


@shared
async def test_incremental_edits_of_texts_with_odd_line_ends(shop) -> None:
    """A form feed, or a line separator of Unicode, ends no line: an edit below it lands where the client has it."""
    shop.open("shop/orders.py", 'x = "a\u2028b"\r\n\x0c\r\ndef tea(leaves):\r\n    return leaves.steeped(3)\r\n')
    edited_range = types.Range(types.Position(2, 4), types.Position(2, 7))
    shop.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, shop.uri("shop/orders.py")),
            [types.TextDocumentContentChangePartial(edited_range, "steep_gentian_leaves")],
        )
    )
    await shop.until_found("steep gentian leaves", "steep_gentian_leaves")
    shop.close("shop/orders.py")


async def test_a_renamed_file_is_found_under_its_new_name_and_embeds_nothing(start) -> None:
    client = await start()
    await client.indexed(5)
    embedded = client.status["embedded"]
    (client.root / "web/cart.ts").rename(client.root / "web/cookies.ts")
    await client.until_found("parse the cookies of a header", "parseCookieHeader")
    answer = await client.ask("codekin/search", {"query": "parse the cookies of a header"})
    assert answer["hits"][0]["location"]["uri"] == client.uri("web/cookies.ts")
    assert (await client.ask("codekin/status"))["embedded"] == embedded


async def test_a_deleted_file_is_no_answer_from_that_moment(start) -> None:
    client = await start()
    await client.indexed(5)
    (client.root / "shop/invoices.py").unlink()
    assert "invoice_total" not in client.names(await client.similar("shop/orders.py", 6))


async def test_what_the_client_saw_change_is_read(start) -> None:
    client = await start()
    await client.indexed(5)
    (client.root / "shop/coffee.py").write_text(COFFEE)
    event = types.FileEvent(client.uri("shop/coffee.py"), types.FileChangeType.Created)
    client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    await client.until_found("brew coffee", "brew_some_coffee")


@shared
async def test_documents_that_are_no_files_are_let_be(shop) -> None:
    for uri in ("untitled:Untitled-1", "git:/a/b.py?%7B%22ref%22%3A%22%22%7D", "vscode-notebook-cell:/a/b.ipynb#W0"):
        shop.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, COFFEE)))
        document = types.VersionedTextDocumentIdentifier(2, uri)
        change = types.TextDocumentContentChangeWholeDocument(COFFEE * 2)
        shop.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        identifier = types.TextDocumentIdentifier(uri)
        shop.text_document_did_save(types.DidSaveTextDocumentParams(identifier))
        shop.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
    unknown = types.VersionedTextDocumentIdentifier(2, shop.uri("never/opened.py"))
    change = types.TextDocumentContentChangeWholeDocument(COFFEE)
    shop.text_document_did_change(types.DidChangeTextDocumentParams(unknown, [change]))
    assert "brew_some_coffee" not in await found(shop, "brew coffee")
    assert shop.messages == []
