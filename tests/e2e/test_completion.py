"""How the code goes on, as ghost text and as a completion item."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types

from ..shop import define_total
from .conftest import LONG_S, Client, Servers

shared = pytest.mark.asyncio(loop_scope="module")

NEOVIM = "neovim_0.12.4"
AUTOMATIC = types.InlineCompletionTriggerKind.Automatic
INVOKED = types.InlineCompletionTriggerKind.Invoked

BEGUN = define_total("order_total", "goods").removesuffix("return total * (1 + tax_rate)\n")
SETTINGS = {"completion": {"floor": 0.05, "debounceMs": 1}}


async def ghosts(client, name: str, text: str, *, position: types.Position | None = None, **context) -> list:
    lines = text.split("\n")
    position = position or types.Position(len(lines) - 1, len(lines[-1]))
    inline_context = types.InlineCompletionContext(context.pop("kind", INVOKED), **context)
    params = types.InlineCompletionParams(inline_context, types.TextDocumentIdentifier(client.uri(name)), position)
    completion_list = await client.text_document_inline_completion_async(params)
    return list(completion_list.items)


async def items(client, name: str, text: str, kind=types.CompletionTriggerKind.Invoked) -> list:
    lines = text.split("\n")
    params = types.CompletionParams(
        types.TextDocumentIdentifier(client.uri(name)),
        types.Position(len(lines) - 1, len(lines[-1])),
        types.CompletionContext(kind),
    )
    return list((await client.text_document_completion_async(params)).items)


def inserted(text: str, item: types.InlineCompletionItem) -> str:
    lines = text.split("\n")
    assert item.range.start == item.range.end == types.Position(len(lines) - 1, len(lines[-1]))
    return text + item.insert_text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def writer(tmp_path_factory) -> AsyncIterator[Client]:
    """One server for all tests that only ask how a document goes on, which each opens anew."""
    servers = Servers(tmp_path_factory.mktemp("writer"))
    client = await servers(NEOVIM, settings=SETTINGS)
    await client.indexed(5)
    yield client
    await servers.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bold_writer(tmp_path_factory) -> AsyncIterator[Client]:
    """Like `writer`, of a user to whom everything is likely enough."""
    servers = Servers(tmp_path_factory.mktemp("bold"))
    client = await servers(NEOVIM, settings={"completion": {"floor": 0}})
    await client.indexed(5)
    yield client
    await servers.stop()


def write(client: Client, text: str) -> None:
    """Have the document, on no disk, opened with this text; close it first where another test had it open."""
    client.close("shop/totals.py")
    client.open("shop/totals.py", text)


async def begun(start, editor: str = NEOVIM, settings=SETTINGS, text: str = BEGUN):
    client = await start(editor, settings=settings)
    await client.indexed(5)
    client.open("shop/totals.py", text)
    return client


async def test_the_server_says_that_it_completes(start) -> None:
    client = await start(NEOVIM)
    assert client.result.capabilities.inline_completion_provider is not None
    assert client.result.capabilities.completion_provider is not None


@shared
async def test_unsaved_text_goes_on_as_the_workspace_does(writer) -> None:
    """With the names of here, in a document that is on no disk, and it parses."""
    write(writer, BEGUN)
    (item,) = await ghosts(writer, "shop/totals.py", BEGUN)
    assert item.insert_text == "return total * (1 + tax_rate)"
    compile(inserted(BEGUN, item), "totals.py", "exec")
    assert item.command.title.startswith("from shop")


@shared
async def test_what_is_typed_of_the_line_is_not_repeated(writer) -> None:
    text = BEGUN + "return to"
    write(writer, text)
    (item,) = await ghosts(writer, "shop/totals.py", text)
    assert item.insert_text == "tal * (1 + tax_rate)"
    assert await ghosts(writer, "shop/totals.py", text, position=types.Position(8, 5)) == []  # in the middle of a word


@shared
async def test_a_selected_completion_is_gone_on_with(writer) -> None:
    text = BEGUN + "ret"
    write(writer, text)
    selected = types.SelectedCompletionInfo(types.Range(types.Position(8, 4), types.Position(8, 7)), "return total")
    (item,) = await ghosts(writer, "shop/totals.py", text, selected_completion_info=selected)
    assert (item.insert_text, item.range) == ("return total * (1 + tax_rate)", selected.range)


async def test_positions_are_in_the_negotiated_units(start) -> None:
    """A character beyond the basic plane is two units before the cursor, and the text behind it is still found."""
    text = BEGUN.replace("goods with tax", "goods with 😋 tax") + "return to"
    client = await begun(start, "code_server_1.139.1", text=text)
    (item,) = await ghosts(client, "shop/totals.py", text)
    assert item.insert_text == "tal * (1 + tax_rate)"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["  ", "\t"])
@shared
async def test_a_block_comes_in_the_document_s_style(writer, end: str, indent: str) -> None:
    text = end.join(BEGUN.replace("    ", indent).split("\n")[:3]) + end + indent
    write(writer, text)
    (item,) = await ghosts(writer, "shop/totals.py", text.replace("\r", ""))
    first, second = item.insert_text.split("\n")[:2]
    assert (first, second) == ("for item in goods:", f"{2 * indent}price = item.price * item.quantity")
    compile(text + item.insert_text, "totals.py", "exec")


@pytest.mark.parametrize(
    "text",
    [
        BEGUN + "# return to",
        BEGUN + 'total = "ret',
        BEGUN.split("\n")[0] + '\n    """The price of all goods\n    ',
        "",
    ],
)
@shared
async def test_prose_is_left_to_its_author(bold_writer, text: str) -> None:
    write(bold_writer, text)
    assert await ghosts(bold_writer, "shop/totals.py", text) == []


async def test_what_is_no_source_file_is_met_with_silence(start) -> None:
    """A text, a file of a language without a grammar, what was never saved, a cell, and a file that is too large."""
    client = await begun(start)
    large = "x = 1\n" * 200_000 + BEGUN
    for name, text in (("notes.txt", BEGUN), ("a.ml", BEGUN), ("large.py", large)):
        client.open(name, text)
        assert await ghosts(client, name, text) == []
    for uri in ("untitled:Untitled-1", "vscode-notebook-cell:Untitled-1.ipynb#W0sdW50aXRsZWQ%3D"):
        document = types.TextDocumentItem(uri, "python", 1, BEGUN)
        client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        inline_context = types.InlineCompletionContext(INVOKED)
        place = types.TextDocumentIdentifier(uri), types.Position(8, 4)
        params = types.InlineCompletionParams(inline_context, *place)
        assert list((await client.text_document_inline_completion_async(params)).items) == []


async def test_below_the_floor_there_is_silence(start) -> None:
    client = await begun(start, settings={"completion": {"floor": 1.0}})
    assert await ghosts(client, "shop/totals.py", BEGUN) == []


async def test_it_can_be_turned_off(start) -> None:
    client = await begun(start, settings={"completion": {"enabled": False}})
    assert await ghosts(client, "shop/totals.py", BEGUN) == []


async def test_the_next_key_answers_the_question_before_it_with_nothing(start) -> None:
    """While it waits out the debounce; the question after the last key is answered."""
    client = await begun(start, settings={"completion": {"floor": 0.05, "debounceMs": 300}})
    params = types.InlineCompletionParams(
        types.InlineCompletionContext(AUTOMATIC),
        types.TextDocumentIdentifier(client.uri("shop/totals.py")),
        types.Position(8, 4),
    )
    text = BEGUN + "r"
    with client.sending_at_once():
        earlier = client.protocol.send_request("textDocument/inlineCompletion", params)
        client.edit("shop/totals.py", text)
    (item,) = await ghosts(client, "shop/totals.py", text, kind=AUTOMATIC)
    assert item.insert_text == "eturn total * (1 + tax_rate)"
    assert list((await asyncio.wait_for(asyncio.wrap_future(earlier), LONG_S)).items) == []


async def test_the_source_can_be_gone_to(start) -> None:
    client = await begun(start)
    assert await client.command("codekin.showCompletionSource") is None
    (item,) = await ghosts(client, "shop/totals.py", BEGUN)
    source = await client.command("codekin.showCompletionSource")
    assert source["label"] == item.command.title
    await client.command(item.command.command, *item.command.arguments)
    assert (await client.command("codekin.showCompletionSource")) == source
    assert client.shown_documents[0].uri == source["location"]["uri"]


async def test_where_nothing_is_shown_no_older_source_is_gone_to(start) -> None:
    client = await begun(start)
    (item,) = await ghosts(client, "shop/totals.py", BEGUN)
    commented = BEGUN + "# a comment "
    client.edit("shop/totals.py", commented)
    assert await ghosts(client, "shop/totals.py", commented) == []
    assert await client.command("codekin.showCompletionSource") is None
    assert client.shown_documents == []
    await client.command(item.command.command, *item.command.arguments)
    assert (await client.command("codekin.showCompletionSource"))["label"] == item.command.title


async def test_a_client_without_ghost_text_has_a_last_item(start) -> None:
    text = BEGUN + "ret"
    client = await begun(start, "code_server_1.139.1", text=text)
    (item,) = await items(client, "shop/totals.py", text)
    assert item.text_edit.new_text == "return total * (1 + tax_rate)"
    assert item.text_edit.range == types.Range(types.Position(8, 4), types.Position(8, 7))
    assert item.detail.startswith("from shop")
    assert item.documentation.value == "```\nreturn total * (1 + tax_rate)\n```"  # editors show it beside the detail
    assert item.sort_text > "zz"


@shared
async def test_a_client_with_ghost_text_has_an_item_only_when_a_person_asks(writer) -> None:
    write(writer, BEGUN)
    kinds = types.CompletionTriggerKind
    assert await items(writer, "shop/totals.py", BEGUN, kinds.TriggerForIncompleteCompletions) == []
    assert len(await items(writer, "shop/totals.py", BEGUN, kinds.Invoked)) == 1
