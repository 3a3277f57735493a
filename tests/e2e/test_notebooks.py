"""Notebooks in an editor: open as a whole, cell by cell, as their JSON, as a script, or not at all."""

import json

import pytest
import pytest_asyncio
from lsprotocol import types

from ..shop import INVOICES, SHOP_FILES
from .conftest import Servers

shared = pytest.mark.asyncio(loop_scope="module")

RENAMED = INVOICES.replace("invoice_total", "sum_of_rows").replace("items", "rows").replace("item", "row")
COFFEE = "def brew_some_coffee(beans, water):\n    ground = beans.ground()\n    return ground.mixed(water.boiling())\n"
SETTINGS = {"duplicates": {"enabled": True}, "lens": {"enabled": True}, "completion": {"floor": 0.05}}
NAME = "shop/sums.ipynb"


def notebook(*sources: str) -> str:
    """Prose, then these cells, as Jupyter writes them."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# Sums"]}]
    for source in sources:
        cells.append({"cell_type": "code", "metadata": {}, "outputs": [], "source": source.splitlines(keepends=True)})
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


SAVED = notebook("%matplotlib inline\nimport pandas", RENAMED)
ROW = next(row for row, line in enumerate(SAVED.split("\n")) if "def sum_of_rows" in line)


def syncs(params: types.InitializeParams) -> None:
    params.capabilities.notebook_document = types.NotebookDocumentClientCapabilities(
        types.NotebookDocumentSyncClientCapabilities()
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory):
    servers = Servers(tmp_path_factory.mktemp("desk"))
    (servers.workspace / NAME).write_text(SAVED, "utf-8")
    client = await servers(settings=SETTINGS, change=syncs)
    await client.indexed(len(SHOP_FILES) + 1)
    yield client
    await servers.stop()


def cell(client, index: int) -> str:
    """As VS Code calls it."""
    return f"vscode-notebook-cell:{client.root.as_posix()}/{NAME}#W{index}sZmlsZQ=="


def item(client, index: int, text: str, language: str = "python") -> types.TextDocumentItem:
    return types.TextDocumentItem(cell(client, index), language, 1, text)


def open_notebook(client, *texts: str) -> None:
    kinds = [types.NotebookCellKind.Markup, *(types.NotebookCellKind.Code for _ in texts)]
    cells = [types.NotebookCell(kind, cell(client, index)) for index, kind in enumerate(kinds)]
    document = types.NotebookDocument(client.uri(NAME), "jupyter-notebook", 1, cells)
    items = [item(client, index, text) for index, text in enumerate(texts, 1)]
    items.insert(0, item(client, 0, "# Sums", "markdown"))
    client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(document, items))


def change_notebook(client, version: int, cells: types.NotebookDocumentCellChanges) -> None:
    document = types.VersionedNotebookDocumentIdentifier(version, client.uri(NAME))
    change = types.NotebookDocumentChangeEvent(cells=cells)
    client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(document, change))


def close_notebook(client, count: int) -> None:
    cells = [types.TextDocumentIdentifier(cell(client, index)) for index in range(count)]
    notebook = types.NotebookDocumentIdentifier(client.uri(NAME))
    client.notebook_document_did_close(types.DidCloseNotebookDocumentParams(notebook, cells))


async def like(client, uri: str, row: int) -> dict:
    position_params = {"textDocument": {"uri": uri}, "position": {"line": row, "character": 0}}
    return await client.ask("codekin/findSimilar", position_params)


def hit_named(answer: dict, name: str) -> dict:
    return next(hit for hit in answer["hits"] if hit["name"] == name)


def rows_of(range_: dict) -> tuple[int, int]:
    return range_["start"]["line"], range_["end"]["line"]


async def until_kin(client, uri: str, row: int, name: str) -> dict:
    """Asks until that is among the answers: the change is known to be on its way."""
    while True:
        answer = await like(client, uri, row)
        if name in client.names(answer):
            return answer


@shared
async def test_in_a_notebook_that_is_not_open_places_are_lines_of_the_file_and_name_the_cell(client) -> None:
    hit = hit_named(await client.similar("shop/invoices.py", 3), "sum_of_rows")
    assert hit["kinship"] == "renamed"
    assert hit["location"]["uri"] == client.uri(NAME)
    assert rows_of(hit["location"]["range"]) == (ROW, ROW + 9)  # the end is the next line's start
    assert hit["selectionRange"]["start"]["line"] == ROW
    assert hit["cell"]["index"] == 2
    assert hit["cell"]["selectionRange"] == {
        "start": {"line": 0, "character": 4},
        "end": {"line": 0, "character": 15},
    }
    assert hit_named(await client.similar("shop/invoices.py", 3), "total_price")["cell"] is None
    answer = await client.similar(NAME, ROW + 4)
    assert hit_named(answer, "invoice_total")["kinship"] == "renamed"
    assert answer["asked"]["uri"] == client.uri(NAME)
    assert rows_of(answer["asked"]["range"]) == (ROW, ROW + 9)
    (symbol,) = await client.workspace_symbol_async(types.WorkspaceSymbolParams("sum_of_rows"))
    assert (symbol.location.uri, symbol.location.range.start.line) == (client.uri(NAME), ROW)


@shared
async def test_what_is_typed_into_a_notebook_is_found_in_its_cells(client) -> None:
    sync = client.result.capabilities.notebook_document_sync
    assert sync.save
    open_notebook(client, "import pandas", RENAMED)
    while True:
        hit = hit_named(await client.similar("shop/invoices.py", 3), "sum_of_rows")
        if hit["location"]["uri"] != client.uri(NAME):
            break
    assert hit["location"]["uri"] == cell(client, 2)
    assert rows_of(hit["location"]["range"]) == (0, 8)
    answer = await like(client, cell(client, 2), 4)
    assert hit_named(answer, "invoice_total")["kinship"] == "renamed"
    assert (answer["asked"]["uri"], rows_of(answer["asked"]["range"])) == (cell(client, 2), (0, 9))

    new = types.NotebookCell(types.NotebookCellKind.Code, cell(client, 3))
    array = types.NotebookCellArrayChange(1, 0, [new])
    structure = types.NotebookDocumentCellChangeStructure(array, did_open=[item(client, 3, COFFEE)])
    change_notebook(client, 2, types.NotebookDocumentCellChanges(structure=structure))
    await client.until_found("brew coffee", "brew_some_coffee")
    matching_hit = hit_named(await client.ask("codekin/search", {"query": "brew coffee"}), "brew_some_coffee")
    assert (matching_hit["location"]["uri"], matching_hit["cell"]["index"]) == (cell(client, 3), 1)

    edit = types.TextDocumentContentChangePartial(
        types.Range(types.Position(0, 4), types.Position(0, 20)), "grind_the_gentian"
    )
    content = types.NotebookDocumentCellContentChanges(
        types.VersionedTextDocumentIdentifier(2, cell(client, 3)), [edit]
    )
    change_notebook(client, 3, types.NotebookDocumentCellChanges(text_content=[content]))
    await client.until_found("grind gentian", "grind_the_gentian")
    close_notebook(client, 4)
    while "grind_the_gentian" in client.names(await client.ask("codekin/search", {"query": "grind gentian"})):
        pass
    hit = hit_named(await client.similar("shop/invoices.py", 3), "sum_of_rows")
    assert hit["location"]["uri"] == client.uri(NAME)


@shared
async def test_cells_have_lenses_diagnostics_quick_fixes_and_completions_of_their_own(client) -> None:
    begun = INVOICES.replace("invoice_total", "order_total").partition("        if item")[0] + "        "
    open_notebook(client, "import pandas\n\n", RENAMED, begun)
    await until_kin(client, cell(client, 2), 4, "invoice_total")
    identifier = types.TextDocumentIdentifier(cell(client, 2))
    (lens,) = await client.text_document_code_lens_async(types.CodeLensParams(identifier))
    assert lens.range.start.line == 0
    resolved = await client.code_lens_resolve_async(lens)
    assert resolved.command.title == "2 similar"
    prose = types.CodeLensParams(types.TextDocumentIdentifier(cell(client, 0)))
    assert not await client.text_document_code_lens_async(prose)
    report = await client.text_document_diagnostic_async(types.DocumentDiagnosticParams(identifier))
    (diagnostics,) = report.items
    assert (diagnostics.range.start, diagnostics.range.end) == (types.Position(0, 4), types.Position(0, 15))
    context = types.CodeActionContext([diagnostics], [types.CodeActionKind.QuickFix])
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(identifier, diagnostics.range, context)
    )
    compare = next(action for action in actions if action.title.startswith("Compare with"))
    own_location = compare.command.arguments[0]["mine"]
    assert (own_location["uri"], rows_of(own_location["range"])) == (cell(client, 2), (0, 8))
    ignore = next(action for action in actions if action.title.startswith("Ignore this pair"))
    assert f"{NAME}::sum_of_rows" in str(ignore.edit)

    inline_context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
    cell_identifier = types.TextDocumentIdentifier(cell(client, 3))
    rows = begun.split("\n")
    end_position = types.Position(len(rows) - 1, len(rows[-1]))
    completion_list = await client.text_document_inline_completion_async(
        types.InlineCompletionParams(inline_context, cell_identifier, end_position)
    )
    assert completion_list.items[0].insert_text.startswith("if item.discount:")
    close_notebook(client, 4)


@shared
async def test_cells_that_are_told_one_by_one_win_over_what_is_saved(client) -> None:
    client.text_document_did_open(types.DidOpenTextDocumentParams(item(client, 2, RENAMED)))
    identifier = types.VersionedTextDocumentIdentifier(2, cell(client, 2))
    whole_change = [types.TextDocumentContentChangeWholeDocument(COFFEE)]
    client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, whole_change))
    await client.until_found("brew coffee", "brew_some_coffee")
    matching_hit = hit_named(await client.ask("codekin/search", {"query": "brew coffee"}), "brew_some_coffee")
    assert (matching_hit["location"]["uri"], matching_hit["cell"]["index"]) == (cell(client, 2), 2)
    assert "sum_of_rows" not in client.names(await client.ask("codekin/search", {"query": "sum_of_rows"}))
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(cell(client, 2))))
    await client.until_found("sum_of_rows", "sum_of_rows")


@shared
async def test_a_notebook_may_be_edited_as_its_json_or_as_a_script(client) -> None:
    client.open(NAME, notebook("import pandas", RENAMED, COFFEE), "json")
    await client.until_found("brew coffee", "brew_some_coffee")
    client.edit(NAME, '{"cells": [half', 2)  # on the way from one JSON to the next
    client.edit(NAME, f"# %%\n{COFFEE.replace('brew_some_coffee', 'pour_the_gentian_tea')}", 3)
    await client.until_found("pour gentian tea", "pour_the_gentian_tea")
    hit = hit_named(await client.ask("codekin/search", {"query": "pour gentian tea"}), "pour_the_gentian_tea")
    assert (hit["location"]["uri"], hit["selectionRange"]["start"]["line"]) == (client.uri(NAME), 1)
    assert hit["cell"] is None
    client.close(NAME)
    await client.until_found("sum_of_rows", "sum_of_rows")


@shared
async def test_odd_notebook_messages_do_no_harm(client) -> None:
    empty_change = types.NotebookDocumentCellChanges()
    change_notebook(client, 1, empty_change)  # it is not open
    close_notebook(client, 3)
    open_notebook(client, RENAMED)
    odd = types.NotebookDocumentCellContentChanges(types.VersionedTextDocumentIdentifier(9, "odd:cell"), [])
    change_notebook(client, 2, types.NotebookDocumentCellChanges(text_content=[odd]))
    untitled = types.NotebookDocument("untitled:Untitled-1.ipynb", "jupyter-notebook", 1, [])
    client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(untitled, []))
    assert hit_named(await client.similar("shop/invoices.py", 3), "sum_of_rows")
    assert (await client.ask("codekin/status"))["problems"] == []
    close_notebook(client, 2)
