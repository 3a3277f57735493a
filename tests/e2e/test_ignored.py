"""Duplicates that are meant to be: said by a quick fix, kept in `.codekin.toml`, taken back by deleting the entry."""

import pytest
from lsprotocol import types

SETTINGS = {"duplicates": {"enabled": True}, "lens": {"enabled": True}}
ENTRY = '[[ignored]]\nfunctions = ["shop/orders.py::total_price", "shop/invoices.py::invoice_total"]\n'


async def duplicates(client) -> tuple[types.Diagnostic, ...]:
    document = types.TextDocumentIdentifier(client.uri("shop/orders.py"))
    report = await client.text_document_diagnostic_async(types.DocumentDiagnosticParams(document))
    return tuple(report.items)


async def fixes(client, *diagnostics: types.Diagnostic, only: list[str] | None = None) -> dict[str, types.CodeAction]:
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(client.uri("shop/orders.py")),
        types.Range(diagnostics[0].range.start, diagnostics[0].range.start),
        types.CodeActionContext(diagnostics, only=only, trigger_kind=types.CodeActionTriggerKind.Automatic),
    )
    return {action.title: action for action in await client.text_document_code_action_async(params) or []}


async def lens(client) -> str:
    document = types.TextDocumentIdentifier(client.uri("shop/orders.py"))
    first, *_ = await client.text_document_code_lens_async(types.CodeLensParams(document))
    return (await client.code_lens_resolve_async(first)).command.title


async def test_a_duplicate_can_be_ignored_and_told_again(start) -> None:
    client = await start(settings=SETTINGS)
    await client.indexed(5)
    (diagnostic,) = await duplicates(client)
    assert await lens(client) == "1 similar"
    quick_fixes = await fixes(client, diagnostic)
    assert list(quick_fixes) == [
        "Compare with shop/invoices.py:1 invoice_total",
        "Ignore this pair: shop/invoices.py:1 invoice_total",
    ]
    assert await fixes(client, diagnostic, only=["refactor"]) == {}
    action = quick_fixes["Ignore this pair: shop/invoices.py:1 invoice_total"]
    assert action.kind == types.CodeActionKind.QuickFix
    create, edit = action.edit.document_changes
    assert create.uri == edit.text_document.uri == client.uri(".codekin.toml")
    (change,) = edit.edits
    assert change.range.start == change.range.end == types.Position(0, 0)
    assert change.new_text.endswith(ENTRY)

    before = client.diagnostic_refresh_count, client.lens_refreshes
    client.open(".codekin.toml", change.new_text, "toml")  # as editors leave it: not saved yet
    await client.until(lambda: client.diagnostic_refresh_count > before[0] and client.lens_refreshes > before[1])
    assert await duplicates(client) == ()
    assert await lens(client) == "0 similar"
    assert (await client.ask("codekin/status"))["ignored"] == 1

    before = client.diagnostic_refresh_count
    client.edit(".codekin.toml", "# nothing is\n")
    await client.until(lambda: client.diagnostic_refresh_count > before)
    assert len(await duplicates(client)) == 1
    (change,) = (await fixes(client, diagnostic))[action.title].edit.document_changes[-1].edits
    assert change.range.start == types.Position(1, 0)


async def test_the_file_is_watched_and_what_is_wrong_in_it_is_told_once(start) -> None:
    """Also where the client watches nothing."""

    def blind(params: types.InitializeParams) -> None:
        params.capabilities.workspace.did_change_watched_files = None

    client = await start(settings=SETTINGS, change=blind)
    await client.indexed(5)
    before = client.diagnostic_refresh_count
    (client.root / ".codekin.toml").write_text(f'[model]\nname = "mine"\n{ENTRY}')
    await client.until(lambda: client.diagnostic_refresh_count > before and client.messages)
    assert await duplicates(client) == ()
    (message,) = client.messages
    assert ".codekin.toml, line 1: there is no 'model' here" in message.message
    before = client.diagnostic_refresh_count
    (client.root / ".codekin.toml").unlink()
    await client.until(lambda: client.diagnostic_refresh_count > before and not client.status["problems"])
    assert len(await duplicates(client)) == 1


async def test_comparing_goes_to_the_twin_where_the_editor_shows_no_two(start) -> None:
    client = await start(settings=SETTINGS)
    await client.indexed(5)
    (diagnostic,) = await duplicates(client)
    command = (await fixes(client, diagnostic))["Compare with shop/invoices.py:1 invoice_total"].command
    (argument,) = command.arguments
    assert argument["mine"]["range"]["start"] == {"line": 3, "character": 0}
    await client.command(command.command, argument)
    (shown,) = client.shown_documents
    assert shown.uri == client.uri("shop/invoices.py")


async def test_clients_without_versioned_edits_get_plain_ones(start) -> None:
    def plain(params: types.InitializeParams) -> None:
        params.capabilities.workspace.workspace_edit = None

    client = await start(settings=SETTINGS, change=plain)
    await client.indexed(5)
    (diagnostic,) = await duplicates(client)
    (_, ignoring) = (await fixes(client, diagnostic)).values()
    (change,) = ignoring.edit.changes[client.uri(".codekin.toml")]
    assert change.new_text.endswith(ENTRY)


@pytest.mark.parametrize("argument", [None, {}, {"theirs": {"uri": 3}}])
async def test_comparing_says_what_it_takes(start, argument) -> None:
    client = await start()
    with pytest.raises(Exception, match="compare takes"):
        await client.command("codekin.compare", argument)
