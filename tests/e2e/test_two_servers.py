"""Two editors on one workspace: one server writes, both answer, and when the writer dies the other takes its place."""

import asyncio
import signal

import pytest

COFFEE = "def brew_some_coffee(beans, water):\n    return beans.ground() + water.boiling()\n"


async def test_the_one_that_stands_by_answers_and_takes_over(start) -> None:
    writer = await start("code_server_1.139.1")
    await writer.indexed(5)
    second_client = await start("neovim_0.12.4")
    await second_client.until(
        lambda: second_client.status.get("state") == "standing by" and second_client.status["coverage"] == 1
    )
    assert second_client.names(await second_client.similar("shop/orders.py", 6))[0] == "invoice_total"
    assert second_client.status["embedded"] == 0
    with pytest.raises(Exception, match=r"Another codekin process owns .* Reindex there") as refused:
        await second_client.command("codekin.reindex")
    assert refused.value.code == -32803

    writer._server.send_signal(signal.SIGKILL)
    await writer._server.wait()
    await second_client.until(lambda: second_client.status["state"] != "standing by")
    (second_client.root / "shop/coffee.py").write_text(COFFEE)
    await second_client.indexed(6)
    answer = await second_client.ask("codekin/search", {"query": "brew coffee"})
    assert second_client.names(answer)[0] == "brew_some_coffee"


async def test_each_editor_is_only_told_what_its_own_texts_say(start) -> None:
    """Unsaved text of one editor is no answer in the other, and what it hides is back when it is closed."""
    first, second = await asyncio.gather(start("code_server_1.139.1"), start("eglot_1.17.30"))
    for client in (first, second):
        await client.until(lambda client=client: client.status.get("coverage") == 1)
    second.open("shop/orders.py", COFFEE)
    await second.until_found("brew coffee", "brew_some_coffee")
    assert "brew_some_coffee" not in first.names(await first.ask("codekin/search", {"query": "brew coffee"}))
    second.close("shop/orders.py")
    for client in (second, first):
        await client.until_found("ship order carrier", "ship_order")
