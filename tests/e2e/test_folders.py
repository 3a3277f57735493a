"""Folders that come and go, and files behind links."""

from lsprotocol import types

from ..shop import write_files


def folder(path) -> types.WorkspaceFolder:
    return types.WorkspaceFolder(path.as_uri(), path.name)


def change(client, added=(), removed=()) -> None:
    event = types.WorkspaceFoldersChangeEvent([*map(folder, added)], [*map(folder, removed)])
    client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))


async def test_a_folder_that_is_added_is_searched_and_one_removed_is_not(start, tmp_path) -> None:
    bakery = write_files(
        tmp_path / "bakery", {"dough.py": "def knead_the_dough(flour):\n    return flour.mixed().rested()\n"}
    )
    client = await start()
    await client.indexed(5)
    change(client, added=[bakery])
    await client.indexed(6)
    answer = await client.ask("codekin/search", {"query": "knead the dough"})
    assert client.names(answer)[0] == "knead_the_dough"
    change(client, removed=[client.root])
    await client.indexed(1)
    assert (await client.ask("codekin/search", {"query": "parse the cookies of a header"}))["hits"] == []
    assert client.names(await client.ask("codekin/search", {"query": "knead the dough"})) == ["knead_the_dough"]
    assert (await client.ask("codekin/status"))["roots"] == [str(bakery)]


async def test_unsaved_text_is_carried_over(start, tmp_path) -> None:
    bakery = write_files(
        tmp_path / "bakery", {"dough.py": "def knead_the_dough(flour):\n    return flour.mixed().rested()\n"}
    )
    client = await start()
    await client.indexed(5)
    client.open("shop/orders.py", "def brew_some_coffee(beans, water):\n    return beans.ground() + water.boiling()\n")
    change(client, added=[bakery])
    await client.indexed(6)
    answer = await client.ask("codekin/search", {"query": "brew coffee"})
    assert client.names(answer)[0] == "brew_some_coffee"


async def test_without_any_folder_there_is_nothing_and_then_something(start) -> None:
    client = await start()
    await client.indexed(5)
    change(client, removed=[client.root])
    await client.until(lambda: client.status["state"] == "no folder")
    change(client, added=[client.root])
    await client.indexed(5)


async def test_hits_are_named_as_the_client_names_its_files(start, tmp_path) -> None:
    """A workspace that is opened through a link stays behind it: else an editor opens each file a second time."""
    link = tmp_path / "link"
    link.symlink_to(start.workspace)
    client = await start(root=link)
    await client.indexed(5)
    answer = await client.similar("shop/orders.py", 6)
    assert answer["hits"][0]["location"]["uri"] == client.uri("shop/invoices.py")
    assert "total_price" not in client.names(answer)
