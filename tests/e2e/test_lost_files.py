"""The files of the index are deleted, moved or replaced under running servers: all is found again, by itself."""

import shutil
from pathlib import Path

from .conftest import Client, Servers


def cache_of(start: Servers) -> Path:
    return Path(start.environment["CODEKIN_CACHE_DIRECTORY"])


def store_of(start: Servers) -> Path:
    (path,) = cache_of(start).glob("workspaces/*.sqlite")
    return path


def remove(path: Path, *endings: str) -> None:
    for ending in endings:
        path.with_name(path.name + ending).unlink(missing_ok=True)


async def until_whole(client: Client, store: Path) -> None:
    """Until all is searchable again; meanwhile no question fails."""
    while True:
        answer = await client.ask("codekin/search", {"query": "ship order carrier"})
        status = await client.ask("codekin/status")
        is_whole = (status["files"], status["coverage"], status["problems"]) == (5, 1, [])
        if is_whole and store.is_file() and "ship_order" in client.names(answer):
            return


async def test_a_server_whose_store_is_deleted_indexes_anew(start) -> None:
    client = await start()
    await client.indexed(5)
    store, before = store_of(start), client.status["embedded"]
    for endings in (("",), ("", "-wal", "-shm"), ("-wal",), ("-wal", "-shm")):
        remove(store, *endings)
        await until_whole(client, store)
    assert (await client.ask("codekin/status"))["embedded"] == before


async def test_a_server_whose_cache_is_deleted_embeds_anew(start) -> None:
    client = await start()
    await client.indexed(5)
    store, vectors = store_of(start), cache_of(start) / "vectors.sqlite"
    shutil.rmtree(cache_of(start))
    await until_whole(client, store)
    remove(vectors, "", "-wal", "-shm")
    await until_whole(client, store)
    await client.until(lambda: client.status["state"] == "ready")
    (client.root / "shop/coffee.py").write_text("def brew_some_coffee(beans):\n    return beans.ground()\n")
    await client.until_found("brew coffee", "brew_some_coffee")
    assert vectors.is_file()


async def test_questions_are_answered_from_memory_while_files_are_gone(start) -> None:
    client = await start()
    await client.indexed(5)
    store = store_of(start)
    for is_whole_cache in (False, True):
        if is_whole_cache:
            shutil.rmtree(cache_of(start))
        else:
            remove(store, "", "-wal", "-shm")
        for is_again in (False, False, True):
            if is_again:
                await until_whole(client, store)
            answer = await client.ask("codekin/search", {"query": "ship order carrier"})
            assert "ship_order" in client.names(answer)
            assert answer["coverage"] == 1


async def test_a_folder_in_the_place_of_the_store_is_named_and_recovered_from(start) -> None:
    client = await start()
    await client.indexed(5)
    store = store_of(start)
    remove(store, "", "-wal", "-shm")
    store.mkdir()
    await client.until(lambda: "is a folder" in " ".join(client.status["problems"]))
    store.rmdir()
    await until_whole(client, store)


async def test_servers_that_lose_their_lock_s_file_agree_on_one_that_writes(start) -> None:
    first, second = await start(), await start("neovim_0.12.4")

    async def states() -> list[str]:
        return sorted([(await client.ask("codekin/status"))["state"] for client in (first, second)])

    while await states() != ["ready", "standing by"]:
        pass
    store = store_of(start)
    for lock in cache_of(start).glob("workspaces/*.lock"):
        lock.unlink()
    shutil.rmtree(cache_of(start))
    for client in (first, second):
        await until_whole(client, store)
    while await states() != ["ready", "standing by"]:
        pass
