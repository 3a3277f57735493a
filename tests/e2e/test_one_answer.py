"""The same question gets the same answer, whichever door it comes in by."""

import asyncio
import json
import os
import sys
from urllib.parse import unquote

import pytest
from lsprotocol import types

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def by_command_line(shop, *words: str) -> list[tuple[str, int]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "codekin", *words, "--root", str(shop.root), "-k", "10", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "CODEKIN_CACHE_DIRECTORY": str(shop.root.parent / "apart")},
    )
    output, _ = await process.communicate()
    return [(hit["path"], hit["start_line"] - 1) for hit in json.loads(output)["hits"]]


def below(shop, uri: str) -> str:
    return unquote(uri).removeprefix(unquote(shop.root.as_uri()) + "/")


def by_protocol(shop, answer: dict) -> list[tuple[str, int]]:
    places = [hit["location"] for hit in answer["hits"]]
    return [(below(shop, place["uri"]), place["range"]["start"]["line"]) for place in places]


@pytest.mark.parametrize("question", ["parse the cookies of a header", "total_price", "order", "dump the database"])
async def test_a_question_in_words(shop, question: str) -> None:
    protocol_answer = by_protocol(shop, await shop.ask("codekin/search", {"query": question, "limit": 10}))
    assert protocol_answer
    assert protocol_answer == by_protocol(shop, await shop.command("codekin.search", {"query": question, "limit": 10}))
    assert protocol_answer == await by_command_line(shop, "search", question)
    symbols = await shop.workspace_symbol_async(types.WorkspaceSymbolParams(question))
    assert [path for path, _ in protocol_answer] == [below(shop, symbol.location.uri) for symbol in symbols][:10]


async def test_code(shop) -> None:
    protocol_answer = by_protocol(shop, await shop.similar("shop/orders.py", 0, limit=10))
    assert protocol_answer
    assert protocol_answer == await by_command_line(shop, "similar", f"{shop.root}/shop/orders.py:1")
