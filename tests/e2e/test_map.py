"""The map as clients get it: arrays in few bytes, progress under their token, cancelled like any request."""

import asyncio
import base64

import pytest
from lsprotocol import types

from codekin.lsp.messages import MapJson

from .conftest import LONG_S


async def test_arrays_say_the_same_of_every_function(start) -> None:
    client = await start()
    await client.indexed(5)
    progress_values = client.progress_reports["drawing"] = []
    drawn = await client.ask("codekin/map", {"workDoneToken": "drawing"})
    assert drawn.keys() == MapJson.__annotations__.keys()
    sizes = {"places": 8, "group": 1, "file": 4, "line": 4}
    assert {len(base64.b64decode(drawn[key])) // size for key, size in sizes.items()} == {drawn["shown"]}
    assert len(drawn["names"]) == drawn["shown"] == drawn["total"] == 7
    assert client.uri("shop/größe.py") in drawn["files"]
    assert sum(group["functions"] for group in drawn["groups"]) == 7
    links = base64.b64decode(drawn["links"])
    first_name, second_name = (
        drawn["names"][int.from_bytes(links[offset : offset + 4], "little")] for offset in (0, 4)
    )
    assert {first_name, second_name} == {"total_price", "invoice_total"}
    kinds = [progress_value.kind for progress_value in progress_values]
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == ("begin", "end", {"report"})
    assert (await client.command("codekin.map", {"limit": 3}))["shown"] == 3


async def test_it_says_what_it_takes(start) -> None:
    client = await start()
    with pytest.raises(Exception, match="limit is '0', but must be a whole number"):
        await client.ask("codekin/map", {"limit": 0})


async def test_it_can_be_cancelled(start) -> None:
    client = await start()
    with client.sending_at_once():
        running = client.protocol.send_request("codekin/map", None, msg_id="a map")  # while the index is being opened
        client.cancel_request(types.CancelParams("a map"))
    with pytest.raises(Exception, match=r"(?i)cancel"):
        await asyncio.wait_for(asyncio.wrap_future(running), LONG_S)
    await client.indexed(5)
    assert (await client.ask("codekin/map"))["shown"] == 7
