"""codekin/findSimilar, and the command of the same name."""

from typing import Any

import pytest
from lsprotocol import types

shared = pytest.mark.asyncio(loop_scope="module")


def _taken(text: str, where: dict[str, Any], encoding: str) -> str:
    """The part of a text that a range names, as a client of that encoding understands it."""
    codec, size = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    lines = text.split("\n")
    offsets = []
    for position in (where["start"], where["end"]):
        before = lines[position["line"]].encode(codec)[: position["character"] * size].decode(codec)
        offsets.append(sum(len(line) + 1 for line in lines[: position["line"]]) + len(before))
    return text[offsets[0] : offsets[1]]


@shared
async def test_the_twin_is_found_and_the_own_snippet_is_not(shop) -> None:
    answer = await shop.similar("shop/orders.py", 6)
    best = answer["hits"][0]
    assert (best["name"], best["qualifiedName"], best["kind"], best["language"]) == (
        "invoice_total",
        "invoice_total",
        "function",
        "python",
    )
    assert best["location"]["uri"] == shop.uri("shop/invoices.py")
    assert best["location"]["range"]["start"] == {"line": 0, "character": 0}
    assert best["preview"].startswith("def invoice_total")
    assert best["kinship"] == "renamed"
    assert best["why"].startswith("same structure, ")
    assert "total_price" not in best["why"]
    assert 0.9 < best["score"] < 1
    assert "total_price" not in shop.names(answer)
    assert answer["seconds"] >= 0


@shared
async def test_the_command_answers_as_the_request_does(shop) -> None:
    position_params = {"textDocument": {"uri": shop.uri("shop/orders.py")}, "position": {"line": 6, "character": 0}}
    answer, commanded = (
        await shop.ask("codekin/findSimilar", position_params),
        await shop.command("codekin.findSimilar", position_params),
    )
    assert commanded["hits"] == answer["hits"]
    assert shop.messages == []
    assert shop.shown_documents == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_ranges_and_edits_are_right_in_every_encoding(start, workspace, encoding: str) -> None:
    def offer(params: types.InitializeParams) -> None:
        params.capabilities.general.position_encodings = [encoding]

    client = await start("neovim_0.12.4", change=offer)
    await client.indexed(5)
    name, query = "shop/größe.py", {"query": "fläche_berechnen höhe breite", "folder": client.uri("shop")}
    text = (workspace / name).read_text("utf-8")
    hits = {hit["name"]: hit for hit in (await client.ask("codekin/search", query))["hits"]}
    rim_query = query | {"query": "umfang_berechnen"}
    hits |= {hit["name"]: hit for hit in (await client.ask("codekin/search", rim_query))["hits"]}
    area, rim = hits["fläche_berechnen"], hits["umfang_berechnen"]
    assert area["location"]["uri"] == client.uri(name)
    assert _taken(text, area["selectionRange"], encoding) == "fläche_berechnen"
    located_text = _taken(text, area["location"]["range"], encoding)
    assert located_text == 'def fläche_berechnen(self, höhe): return "😋" * self.breite * höhe'
    assert _taken(text, rim["location"]["range"], encoding).splitlines()[-1] == "        return rand"

    client.open(name)
    end = area["location"]["range"]["end"]
    end_position = types.Position(end["line"], end["character"])
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, client.uri(name)),
            [types.TextDocumentContentChangePartial(types.Range(end_position, end_position), " * gewölbe")],
        )
    )
    await client.until_found("gewölbe", "fläche_berechnen")
    hits = {hit["name"]: hit for hit in (await client.ask("codekin/search", query))["hits"]}
    assert hits["fläche_berechnen"]["preview"] == located_text + " * gewölbe"


@shared
async def test_a_selection_asks_for_its_lines(shop) -> None:
    range_params = {
        "textDocument": {"uri": shop.uri("shop/orders.py")},
        "range": {"start": {"line": 15, "character": 0}, "end": {"line": 20, "character": 0}},
    }
    answer = await shop.ask("codekin/findSimilar", range_params)
    assert "ship_order" not in shop.names(answer)
    assert answer["hits"]


@shared
async def test_code_that_stands_nowhere_can_be_asked_for(shop) -> None:
    code = "function readCookies(header) {\n  return header.split(';').map(decodeURIComponent);\n}"
    answer = await shop.ask("codekin/findSimilar", {"text": code})
    assert shop.names(answer)[0] == "parseCookieHeader"
    limited = await shop.ask("codekin/findSimilar", {"text": code, "language": "python", "limit": 2})
    assert {hit["language"] for hit in limited["hits"]} == {"python"}
    assert len(limited["hits"]) <= 2


@shared
async def test_an_untitled_document_is_compared_by_its_text(shop) -> None:
    text = "x = 1\n\n\ndef price_of_all(items):\n    total = 0\n    for item in items:\n        total += item.price\n"
    uri = "untitled:Untitled-1"
    shop.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, text)))
    answer = await shop.ask(
        "codekin/findSimilar", {"textDocument": {"uri": uri}, "position": {"line": 4, "character": 0}}
    )
    assert {"total_price", "invoice_total"} <= set(shop.names(answer)[:2])


@shared
async def test_a_folder_limits_the_answer(shop) -> None:
    answer = await shop.similar("shop/orders.py", 6, folder=shop.uri("web"))
    assert {hit["location"]["uri"] for hit in answer["hits"]} == {shop.uri("web/cart.ts")}


@shared
async def test_a_position_beyond_the_end_is_the_end(shop) -> None:
    assert (await shop.similar("shop/invoices.py", 4_000))["hits"][0]["name"] == "total_price"


@shared
async def test_an_answer_has_location_and_name_of_the_code_of_the_query(shop) -> None:
    answer = await shop.similar("shop/orders.py", 6)
    query_location = answer["asked"]
    assert answer["askedName"] == "total_price"
    assert query_location["uri"] == shop.uri("shop/orders.py")
    assert (query_location["range"]["start"]["line"], query_location["range"]["end"]["line"]) == (3, 12)
    assert (await shop.ask("codekin/findSimilar", {"text": "def total(items): return sum(items)"}))["asked"] is None


WRONG: list[tuple[Any, str]] = [
    (None, "takes"),
    ([], "takes"),
    ({}, "textDocument is no object"),
    ({"textDocument": {}}, "textDocument.uri is missing"),
    ({"textDocument": {"uri": "file:///a.py"}}, "position is no object"),
    ({"textDocument": {"uri": "file:///a.py"}, "position": {"line": -1, "character": 0}}, "position.line is '-1'"),
    ({"textDocument": {"uri": "file:///a.py"}, "position": {"line": True, "character": 0}}, "a whole number"),
    ({"text": 1}, "text is '1', but must be a string"),
    ({"text": "x", "limit": 0}, "limit is '0', but must be a whole number from 1 to 1,000"),
    ({"text": "x", "show": "yes"}, "true or false"),
    ({"text": "x", "language": "pyhton"}, 'There is no language "pyhton". Do you mean python'),
    ({"text": "x", "folder": "some/where"}, "absolute path"),
    ({"textDocument": {"uri": "git:/a.py"}, "position": {"line": 0, "character": 0}}, "not open"),
    ({"textDocument": {"uri": "file:///no.py"}, "position": {"line": 0, "character": 0}}, "There is no file /no.py"),
]


@shared
async def test_wrong_arguments_are_refused_with_the_remedy(shop) -> None:
    for arguments, remedy in WRONG:
        with pytest.raises(Exception, match=remedy) as refused:
            await shop.ask("codekin/findSimilar", arguments)
        assert refused.value.code in (-32602, -32803)  # InvalidParams, RequestFailed
        with pytest.raises(Exception, match=remedy):
            await shop.command("codekin.findSimilar", *([] if arguments is None else [arguments]))


SUM = """\
def overdue_sum(invoices, today):
    result = 0
    for invoice in invoices:
        if invoice.due < today and not invoice.paid:
            result += invoice.amount
    audit("overdue", result)
    return result
"""


async def test_every_kinship_is_told_with_what_shows_it(start, workspace) -> None:
    laid_out = SUM.replace("    ", "  ").replace("  result = 0\n", "  # from nothing\n  result = 0\n")
    renamed = SUM.replace("overdue_sum", "late_total").replace("invoices", "bills").replace("today", "day")
    edited = renamed.replace("late_total", "late_checked").replace("    audit", "    assert result >= 0\n    audit")
    texts = {"original": SUM, "laid_out": laid_out, "renamed": renamed, "edited": edited}
    for name, text in texts.items():
        (workspace / "shop" / f"{name}.py").write_text(text, "utf-8")
    client = await start()
    await client.indexed(9)
    hits = (await client.similar("shop/original.py", 2))["hits"]
    reported_kinships = [(hit["location"]["uri"].rpartition("/")[2], hit["kinship"], hit["why"]) for hit in hits[:3]]
    assert reported_kinships[0] == ("laid_out.py", "identical", "identical but for formatting or comments")
    assert reported_kinships[1] == (
        "renamed.py",
        "renamed",
        "same structure, 2 identifiers renamed: invoices→bills, today→day",
    )
    assert reported_kinships[2][:2] == ("edited.py", "edited")
    assert reported_kinships[2][2].endswith("% of the structure, 2 identifiers renamed: invoices→bills, today→day")
    assert {hit["kinship"] for hit in hits[3:]} <= {"similar"}
    piped = {"text": renamed, "language": "python"}
    kinships = [hit["kinship"] for hit in (await client.ask("codekin/findSimilar", piped))["hits"]]
    assert kinships[:4] == ["identical", "renamed", "renamed", "edited"]
