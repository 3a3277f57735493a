"""Settings: from whom, and when they take effect."""

import asyncio

import pytest
from lsprotocol import types

from .conftest import LONG_S


def changed(client, settings: dict) -> None:
    client.set_configuration(settings, section="codekin")
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))


async def test_a_new_exclusion_takes_effect_at_once(start) -> None:
    client = await start()
    await client.indexed(5)
    changed(client, {"index": {"exclude": ["web/", "*.sh"]}})
    await client.indexed(3)
    answer = await client.ask("codekin/search", {"query": "parse the cookies of a header"})
    assert "parseCookieHeader" not in client.names(answer)
    changed(client, {})
    await client.indexed(5)


async def test_files_whose_language_is_set_are_found_at_once(start) -> None:
    client = await start()
    await client.indexed(5)
    (client.root / "shop/greeting.inc").write_text("<?php\nfunction greetGondolier($name) {\n  return $name;\n}\n")
    changed(client, {"index": {"languages": {"*.inc": "php"}}})
    await client.until_found("greet gondolier", "greetGondolier")
    client.open("shop/greeting.inc", "<?php\nfunction weighSwan($swan) {\n  return $swan;\n}\n", "plaintext")
    await client.until_found("weigh swan", "weighSwan")
    changed(client, {"index": {"languages": {"*.inc": "no such language"}}})
    await client.indexed(5)
    (message,) = client.messages
    assert "index.languages" in message.message


async def test_a_new_limit_takes_effect_without_reopening(start) -> None:
    client = await start(settings={"search": {"limit": 2}})
    await client.indexed(5)
    assert len((await client.ask("codekin/search", {"query": "total"}))["hits"]) == 2
    changed(client, {"search": {"limit": 1}})
    async with asyncio.timeout(LONG_S):
        while len((await client.ask("codekin/search", {"query": "total"}))["hits"]) != 1:
            pass  # the server asks for the settings before it has them


async def test_unsaved_text_survives_a_change_that_reopens_the_index(start) -> None:
    client = await start()
    await client.indexed(5)
    client.open("shop/orders.py", "def brew_some_coffee(beans, water):\n    return beans.ground() + water.boiling()\n")
    changed(client, {"index": {"debounceMs": 10}})
    await client.until(lambda: client.status["state"] == "ready")
    await client.until_found("brew coffee", "brew_some_coffee")


async def test_wrong_settings_are_told_once_and_the_defaults_used(start) -> None:
    wrong = {"index": {"debounceMs": "many"}, "serach": {"limit": 3}, "lens": True}
    client = await start(settings=wrong)
    await client.indexed(5)
    texts = sorted(message.message for message in client.messages)
    assert len(texts) == 3
    assert all(message.type == types.MessageType.Warning for message in client.messages)
    assert "index.debounceMs is 'many', but must be a whole number" in texts[0]
    assert "there is no setting serach" in texts[2]
    changed(client, wrong)
    await client.ask("codekin/status")
    changed(client, {**wrong, "search": {"limit": 0}})
    await client.until(lambda: len(client.messages) > 3)
    assert len(client.messages) == 4
    assert "search.limit is 0, but must be at least 1" in client.messages[-1].message


async def test_a_workspace_can_not_choose_where_the_index_lives(start, tmp_path) -> None:
    """What the editor answers may stand in a file of the workspace: paths and models are not taken from there."""
    client = await start(settings={"cache": {"directory": str(tmp_path / "elsewhere")}, "model": {"name": "evil"}})
    await client.indexed(5)
    assert not (tmp_path / "elsewhere").exists()
    assert client.status["store"].startswith(str(tmp_path / "cache"))
    texts = [message.message for message in client.messages]
    assert any("codekin.cache.directory is ignored" in text and "config.toml" in text for text in texts)


async def test_a_workspace_can_not_choose_what_the_index_costs(start) -> None:
    """Nor does a setting reach a process: as many work as the user's own settings say."""
    client = await start(settings={"index": {"workers": 40, "maxFileBytes": 10, "pollingS": 0.5}})
    await client.indexed(5)
    texts = sorted(message.message for message in client.messages)
    assert len(texts) == 3
    for text, name in zip(texts, ("maxFileBytes", "pollingS", "workers"), strict=True):
        assert f"codekin.index.{name} is ignored" in text


async def test_an_editor_that_sends_every_default_is_not_blamed(start) -> None:
    client = await start(
        settings={"cache": {"directory": None, "quotaMb": 2048}, "model": {"name": "embedded", "dim": 0}}
    )
    await client.indexed(5)
    assert client.messages == []


async def test_the_user_can_choose_it_at_the_start(start, tmp_path) -> None:
    del start.environment["CODEKIN_CACHE_DIRECTORY"]
    chosen = tmp_path / "chosen"
    client = await start(options={"cache": {"directory": str(chosen)}, "index": {"exclude": ["web/"]}})
    await client.indexed(4)
    assert client.status["store"].startswith(str(chosen))
    assert client.messages == []


async def test_clients_that_can_not_be_asked_push_their_settings(start) -> None:
    client = await start("kate_25.04.3")
    await client.indexed(5)
    pushed = {"codekin": {"index": {"exclude": ["web/"]}}}
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(pushed))
    await client.indexed(4)


async def test_the_environment_has_the_last_word(start) -> None:
    start.environment["CODEKIN_SEARCH_LIMIT"] = "1"
    client = await start(settings={"search": {"limit": 5}}, options={"search": {"limit": 4}})
    await client.indexed(5)
    assert len((await client.ask("codekin/search", {"query": "total"}))["hits"]) == 1


async def test_an_index_that_can_not_be_opened_is_told_and_can_be_mended(start, tmp_path) -> None:
    del start.environment["CODEKIN_CACHE_DIRECTORY"]
    (tmp_path / "file").write_text("no folder")
    client = await start(options={"cache": {"directory": str(tmp_path / "file")}})
    await client.until(lambda: client.messages)
    assert client.messages[0].type == types.MessageType.Error
    assert (await client.ask("codekin/status"))["state"] == "failed"
    with pytest.raises(Exception, match="file") as refused:
        await client.ask("codekin/search", {"query": "total"})
    assert refused.value.code == -32803
    assert await client.workspace_symbol_async(types.WorkspaceSymbolParams("total")) == []
    (tmp_path / "file").unlink()
    changed(client, {"index": {"debounceMs": 10}})
    await client.indexed(5)


async def test_an_index_that_could_not_be_opened_is_tried_again(start, tmp_path) -> None:
    """Of its own accord, ever later, and at once when somebody asks; the user is told once."""
    (tmp_path / "cache").write_text("no folder")
    client = await start()
    await client.until(lambda: client.messages)
    for _ in range(3):
        with pytest.raises(Exception, match="cache"):
            await client.ask("codekin/search", {"query": "total"})
    (tmp_path / "cache").unlink()
    assert "hits" in await client.ask("codekin/search", {"query": "total"})
    await client.indexed(5)
    (message,) = client.messages
    assert message.type == types.MessageType.Error


async def test_an_index_that_can_be_opened_at_last_is_opened_unasked(start, tmp_path) -> None:
    (tmp_path / "cache").write_text("no folder")
    client = await start()
    await client.until(lambda: client.status.get("state") == "failed")
    (tmp_path / "cache").unlink()
    await client.indexed(5)
