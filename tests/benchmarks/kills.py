"""kill -9 at random moments: afterwards the index is sound, and answers as one made from nothing."""

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
from client import Client, Row
from workload import (
    change_tree,
    collect_answers,
    collect_fresh_answers,
    copy_standard_library,
    count_differences,
    find_unsound_databases,
    source_files,
)

_FILES = 150
_CHANGES = 12  # to the tree before each kill
_LATEST_KILL_S = 3.0  # after the start: an index of such a tree takes about so long
_RECOVERY_S = 60.0


def attack_by_kills(folder: Path, kill_count: int, seed: int) -> Iterator[Row]:
    """Change a tree, kill a server at work, and compare the next one's answers; `kill_count` times."""
    chance = random.Random(seed)
    root, cache = copy_standard_library(folder / "tree", _FILES, seed), folder / "cache"
    victims: Counter[str] = Counter()
    differences, unsound, left_running = 0, 0, 0
    for number in range(kill_count):
        change_tree(root, chance, _CHANGES)
        if number % 8 == 0:  # from nothing, now and then
            shutil.rmtree(cache, ignore_errors=True)
        victim, survivors = _kill_once(root, cache, chance)
        victims[victim] += 1
        left_running += survivors
        unsound += len(find_unsound_databases(cache))
        with Client(root, cache) as client:
            client.wait_until_ready()
            answers = collect_answers(client, root)
            client.close()
        fresh_cache = folder / "fresh"
        differences += count_differences(answers, collect_fresh_answers(root, fresh_cache)) > 0
        shutil.rmtree(fresh_cache)
    names = ", ".join(f"{count} × {name}" for name, count in victims.most_common())
    yield Row(f"{kill_count} kills: {names}", f"{differences} answered otherwise than a fresh index", not differences)
    yield Row("SQLite's integrity check after each kill", f"{unsound} problems", not unsound)
    yield Row("processes left after a kill of the server", str(left_running), not left_running)


def _kill_once(root: Path, cache: Path, chance: random.Random) -> tuple[str, int]:
    """Start a server, edit and ask, and kill it or a child first; return whom, and how many processes outlived it."""
    with Client(root, cache) as client:
        stop = threading.Event()
        worker = threading.Thread(target=_keep_busy, args=(client, root, random.Random(chance.random()), stop))
        worker.start()
        time.sleep(chance.uniform(0.05, _LATEST_KILL_S))
        server = psutil.Process(client.process.pid)
        family = [server, *server.children(recursive=True)]
        victim = server if chance.random() < 0.6 else chance.choice(family)
        victim.kill()
        if victim is not server:
            time.sleep(chance.uniform(0, 1))  # it may just be recovering from that
            family = [server, *server.children(recursive=True)]
            server.kill()
        stop.set()
        worker.join()
        _, alive = psutil.wait_procs(family, timeout=_RECOVERY_S)
    return "server" if victim is server else "child, then server", len(alive)


def _keep_busy(client: Client, root: Path, chance: random.Random, stop: threading.Event) -> None:
    """Type into three open documents and ask, without waiting for answers, until `stop` is set."""
    version = 1  # what the documents are opened with
    paths = chance.sample(source_files(root), 3)
    for path in paths:
        client.open_document(path, path.read_text("utf-8", "replace"))
    while not stop.wait(0.05):
        version += 1
        path = chance.choice(paths)
        client.notify(
            "textDocument/didChange",
            textDocument={"uri": path.as_uri(), "version": version},
            contentChanges=[{"text": f"def typed_{version}(value):\n    return value + {version}\n" * (version % 7)}],
        )
        client.send({"id": f"busy {version}", "method": "codekin/search", "params": {"query": "read a file"}})
