"""Diagnostics for duplicated functions: asked for, or sent to clients that can't be told to ask anew."""

import asyncio

import pytest
from lsprotocol import types

from .conftest import LONG_S

SETTINGS = {"duplicates": {"enabled": True}}
shared = pytest.mark.asyncio(loop_scope="module")


async def pull(client, name: str, previous: str | None = None):
    params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(client.uri(name)), previous_result_id=previous)
    return await client.text_document_diagnostic_async(params)


async def test_duplicates_are_reported_only_when_asked_for(start) -> None:
    client = await start()
    await client.indexed(5)
    assert (await pull(client, "shop/orders.py")).items == ()
    client.set_configuration(SETTINGS, section="codekin")
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    await client.until(lambda: client.diagnostic_refresh_count)
    assert len((await pull(client, "shop/orders.py")).items) == 1


@shared
async def test_a_duplicate_is_an_information_that_leads_to_its_twin(shop) -> None:
    (diagnostics,) = (await pull(shop, "shop/orders.py")).items
    assert diagnostics.severity == types.DiagnosticSeverity.Information
    assert (diagnostics.source, diagnostics.code) == ("codekin", "duplicate")
    assert diagnostics.message == "Nearly the same code as shop/invoices.py:1 invoice_total"
    assert diagnostics.range == types.Range(types.Position(3, 4), types.Position(3, 4 + len("total_price")))
    (twin,) = diagnostics.related_information
    assert twin.location.uri == shop.uri("shop/invoices.py")
    assert (await pull(shop, "web/cart.ts")).items == ()


@shared
async def test_what_is_the_same_is_not_sent_again(shop) -> None:
    first = await pull(shop, "shop/orders.py")
    again = await pull(shop, "shop/orders.py", first.result_id)
    assert again.kind == "unchanged"
    assert again.result_id == first.result_id
    shop.open("shop/invoices.py", "def nothing_left():\n    pass\n")
    changed = await pull(shop, "shop/orders.py", first.result_id)
    assert (changed.kind, changed.items) == ("full", ())
    shop.close("shop/invoices.py")


async def test_the_index_being_ready_has_diagnostics_pulled_anew(start) -> None:
    client = await start(settings=SETTINGS)
    await client.until(lambda: client.diagnostic_refresh_count)
    await client.indexed(5)
    assert len((await pull(client, "shop/invoices.py")).items) == 1


@pytest.mark.parametrize("editor", ["eglot_1.17.30", "helix_25.07.1", "kate_25.04.3"])
async def test_clients_that_cannot_be_told_to_ask_are_sent_what_is_found(start, editor: str) -> None:
    """And only they, or they would show it twice."""

    def at_home(params: types.InitializeParams) -> None:
        params.workspace_folders, params.root_uri = None, start.workspace.as_uri()

    client = await start(editor, change=at_home, options=SETTINGS)
    assert client.result.capabilities.diagnostic_provider is None
    uri = client.uri("shop/orders.py")
    client.open("shop/orders.py")
    await client.until(lambda: client.diagnostics.get(uri))
    (diagnostics,) = client.diagnostics[uri]
    assert diagnostics.message == "Nearly the same code as shop/invoices.py:1 invoice_total"
    client.edit("shop/orders.py", "def nothing_left():\n    pass\n")
    await client.until(lambda: not client.diagnostics[uri])
    text = (client.root / "shop/orders.py").read_text("utf-8")
    client.edit("shop/orders.py", text, 3)
    await client.until(lambda: client.diagnostics[uri])
    client.diagnostics[uri] = ()  # what was found before an edit is told again after it: some forget it
    client.edit("shop/orders.py", f"{text}\n", 4)
    await client.until(lambda: client.diagnostics[uri])
    client.close("shop/orders.py")
    await client.until(lambda: not client.diagnostics[uri])


async def test_what_other_files_become_is_sent_as_well(start) -> None:
    client = await start("eglot_1.17.30", options=SETTINGS)
    uri = client.uri("shop/orders.py")
    client.open("shop/orders.py")
    await client.until(lambda: client.diagnostics.get(uri))
    (client.root / "shop/invoices.py").unlink()
    await client.until(lambda: not client.diagnostics[uri])


OFF = {"duplicates": {"enabled": False}}


def turn_off(client) -> None:
    client.set_configuration(OFF, section="codekin")
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"codekin": OFF}))


async def test_what_was_sent_is_taken_back_when_turned_off_though_it_is_not_quiet(start) -> None:
    """As while a large workspace is indexed: something is new all the time."""
    client = await start("eglot_1.17.30", settings=SETTINGS)
    uri, version = client.uri("shop/orders.py"), 1
    client.open("shop/orders.py")
    await client.until(lambda: client.diagnostics.get(uri))
    turn_off(client)
    text = (client.root / "shop/orders.py").read_text("utf-8")
    async with asyncio.timeout(LONG_S):
        while client.diagnostics[uri]:
            version += 1
            client.edit("shop/orders.py", f"{text}\n# {version}\n", version)
            await client.ask("codekin/search", {"query": "price"})


async def test_a_pull_that_is_under_way_when_they_are_turned_off_finds_nothing(start) -> None:
    """Its answer comes after that of the pull which the refresh asks for, and would stand for ever."""
    text = (start.workspace / "shop/orders.py").read_text("utf-8")
    (start.workspace / "shop/many.py").write_text(
        "\n".join(text.replace("price", f"p{i}") for i in range(400)), "utf-8"
    )

    def pushes(params: types.InitializeParams) -> None:
        params.capabilities.workspace.configuration = False

    client = await start(options=SETTINGS, change=pushes)
    await client.indexed(6)
    await client.until(lambda: client.diagnostic_refresh_count)
    params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(client.uri("shop/many.py")))
    before = client.diagnostic_refresh_count
    with client.sending_at_once():
        pulled = client.protocol.send_request("textDocument/diagnostic", params)
        turn_off(client)
    await client.until(lambda: client.diagnostic_refresh_count > before)
    assert (await pull(client, "shop/many.py")).items == ()
    assert (await asyncio.wait_for(asyncio.wrap_future(pulled), LONG_S)).items == ()
