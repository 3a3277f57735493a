"""`initialize` as each of the recorded editors sends it."""

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types

shared = pytest.mark.asyncio(loop_scope="module")

EDITORS = sorted(path.stem for path in (Path(__file__).parent / "clients").glob("*.json"))
ENCODINGS = {"eglot_1.17.30": "utf-32", "helix_25.07.1": "utf-8"}  # the first that each offers; others: utf-16


@pytest.mark.parametrize("editor", EDITORS)
async def test_every_editor_gets_its_encoding_and_finds_similar_code(start, editor: str) -> None:
    client = await start(editor)
    offered = client.result.capabilities
    expected = ENCODINGS.get(editor, "utf-8" if editor == "neovim_0.12.4" else "utf-16")
    assert offered.position_encoding == expected
    assert client.result.server_info.name == "codekin"
    client.open("shop/orders.py")
    if editor.startswith("helix"):  # it has no folder open
        (client.root / ".git").mkdir()
        client.close("shop/orders.py")
        client.open("shop/orders.py")
    await client.indexed(5)
    answer = await client.similar("shop/orders.py", 3)
    assert client.names(answer)[0] == "invoice_total"
    assert answer["coverage"] == 1


@shared
async def test_what_other_servers_do_better_is_not_offered(shop) -> None:
    """codekin runs beside the language's own server and must not answer in its place."""
    offered = shop.result.capabilities
    for name in (
        *("definition", "declaration", "type_definition", "implementation", "references", "rename", "hover"),
        *("document_formatting", "document_range_formatting", "document_on_type_formatting", "signature_help"),
        *("document_symbol", "document_highlight", "semantic_tokens", "inlay_hint", "folding_range"),
    ):
        assert getattr(offered, f"{name}_provider") is None
    assert offered.text_document_sync.change == types.TextDocumentSyncKind.Incremental
    assert offered.workspace.workspace_folders.supported
    asking = ("findSimilar", "alreadyExists", "search", "compare", "status", "report", "map")
    ordering = ("reindex", "pause", "resume", "completionAccepted", "showCompletionSource")
    assert set(offered.execute_command_provider.commands) == {f"codekin.{name}" for name in (*asking, *ordering)}


@shared
async def test_settings_are_watched_by_the_client_and_files_by_codekin(shop) -> None:
    watched = {registration.method: registration.register_options for registration in shop.registrations}
    assert watched == {"workspace/didChangeConfiguration": {"section": "codekin"}}


async def test_a_client_that_only_knows_root_path_is_served(start) -> None:
    def ancient(params: types.InitializeParams) -> None:
        params.root_uri = params.workspace_folders = None
        params.capabilities = types.ClientCapabilities()

    client = await start("kate_25.04.3", change=ancient)
    await client.indexed(5)
    assert client.status["roots"] == [str(client.root)]


async def test_a_file_outside_any_project_gets_an_honest_answer(start) -> None:
    """Helix sends no folder then, and as rootPath the one it was started in, which is not to be indexed."""
    client = await start("helix_25.07.1")
    client.open("shop/orders.py")
    await client.until(lambda: client.messages)
    assert "Open a folder" in client.messages[0].message
    with pytest.raises(Exception, match="No folder is open"):
        await client.similar("shop/orders.py", 3)
    status = await client.ask("codekin/status")
    assert (status["state"], status["files"]) == ("no folder", 0)
    assert await client.workspace_symbol_async(types.WorkspaceSymbolParams("total")) == []
    await client.until(lambda: client.status.get("state") == "no folder")
    assert len(client.messages) == 1


async def test_questions_that_come_with_the_first_breath_are_answered(start) -> None:
    """Before the engine is open an answer waits for it or is empty; it is never an error."""
    client = await start()
    answers = await asyncio.gather(*(client.similar("shop/orders.py", 3) for _ in range(5)))
    assert all(0 <= answer["coverage"] <= 1 for answer in answers)
