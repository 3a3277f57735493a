"""Mutated messages: whatever a client sends, every well-formed request has one response and the server lives on."""

import copy
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from client import Client, Row
from workload import copy_standard_library, source_files

_FILES = 20
_ROUND = 250  # messages between two looks at whether the server still answers
_HELLOS = 40  # servers that are started with a mutated `initialize`
_LAST_ANSWERS_S = 60.0
_MAX_LOG_BYTES = 2_000_000
_RECORDED = Path(__file__).parents[1] / "e2e" / "clients"
_JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 3.5, 10**22, -(2**63), "", "x" * 5000, "\ud800", "\0", "file:///", "file://[", "\u202etxt"),
    *([], {}, [[]], {"": None}, [None] * 50, {"uri": 3}, "invoked", "compact", 99),
)
_ODD_IDS = tuple(junk for junk in _JUNK if junk != 99)  # which the client's own requests come to
_ODD_BODIES = (
    b"",
    b"{",
    b"[]",
    b"[1]",
    b"null",
    b"3",
    b'"text"',
    b"\xff\xfe",
    b"[" * 20_000,
    b'{"jsonrpc": "2.0"}',
    b"{}" * 9,
)


def attack_by_messages(folder: Path, message_count: int, seed: int) -> Iterator[Row]:
    """Send mutated messages to one server, and mutated `initialize` messages to others; yield the rows."""
    chance = random.Random(seed)
    root = copy_standard_library(folder / "tree", _FILES, seed)
    log = folder / "log"
    with log.open("wb") as stream, Client(root, folder / "cache", stream) as client:
        client.wait_until_ready()
        before = psutil.Process(client.process.pid).memory_info().rss
        unanswered, twice = _send_all(client, root, chance, message_count)
        client.wait_until_ready()
        after = psutil.Process(client.process.pid).memory_info().rss
        exit_s = client.close()
        status = client.process.returncode
    yield Row(f"{message_count:,} messages", f"server's exit status {status} after {exit_s:.2f} s", status == 0)
    yield Row("requests without an answer, with two", f"{unanswered}, {twice}", not unanswered and not twice)
    size = log.stat().st_size
    yield Row("log", f"{size / 1e3:.0f} kB", size <= _MAX_LOG_BYTES)
    yield Row("memory before, after", f"{before / 1e6:.0f}, {after / 1e6:.0f} MB", after < 3 * before)
    refused = sum(not _is_greeted(root, folder / "cache", chance) for _ in range(_HELLOS))
    yield Row(f"{_HELLOS} servers greeted with unknown or absent values", f"{refused} refuse", not refused)


def _send_all(client: Client, root: Path, chance: random.Random, count: int) -> tuple[int, int]:
    """Send `count` messages; return how many well-formed requests have no answer, and how many more than one."""
    expected: list[Any] = []
    templates = list(_templates(root))
    for number in range(count):
        if chance.random() < 0.01:
            client.send_body(chance.choice(_ODD_BODIES))
            continue
        method, params = chance.choice(templates)
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": mutate(params, chance)}
        if not _is_notification(method):
            message["id"] = f"fuzz {number}" if chance.random() < 0.9 else chance.choice(_ODD_IDS)
        if message.get("id") == f"fuzz {number}":
            expected.append(message["id"])
        client.send_body(json.dumps(message).encode())
        if number % _ROUND == 0:
            client.request("codekin/status")
    client.request("codekin/status")
    deadline = time.monotonic() + _LAST_ANSWERS_S
    while unanswered := [identifier for identifier in expected if identifier not in client.responses]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return len(unanswered), sum(len(client.responses.get(identifier, [])) > 1 for identifier in expected)


def _is_notification(method: str) -> bool:
    """Return whether the method, by its name, is a notification."""
    return method.rpartition("/")[2].startswith(("did", "set")) or method.startswith(("$/", "no/notification"))


def _templates(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield method and sound parameters of each message that an editor may send after `initialize`."""
    for path in source_files(root)[:6]:
        text = path.read_text("utf-8", "replace")
        document = {"uri": path.as_uri()}
        versioned, position = document | {"version": 2}, {"line": 10, "character": 4}
        span = {"start": {"line": 3, "character": 0}, "end": {"line": 9, "character": 2}}
        diagnostic = {"range": span, "message": "duplicate", "severity": 3, "source": "codekin", "tags": [1]}
        position_params = {"textDocument": document, "position": position}
        opened = document | {"languageId": "python", "version": 1, "text": text}
        yield "textDocument/didOpen", {"textDocument": opened}
        change = {"range": span, "rangeLength": 5, "text": "def typed(value):\n    return value\n"}
        yield "textDocument/didChange", {"textDocument": versioned, "contentChanges": [change, {"text": text}]}
        yield "textDocument/didSave", {"textDocument": document, "text": text}
        yield "textDocument/didClose", {"textDocument": document}
        context = {"diagnostics": [diagnostic], "only": ["quickfix"], "triggerKind": 1}
        yield "textDocument/codeAction", {"textDocument": document, "range": span, "context": context}
        yield "textDocument/codeLens", {"textDocument": document}
        yield "textDocument/diagnostic", {"textDocument": document, "previousResultId": "1"}
        yield "textDocument/completion", position_params | {"context": {"triggerKind": 1, "triggerCharacter": "."}}
        yield "textDocument/inlineCompletion", position_params | {"context": {"triggerKind": 2}}
        yield "codekin/findSimilar", position_params | {"limit": 5}
        yield "workspace/executeCommand", {"command": "codekin.findSimilar", "arguments": [position_params]}
        yield "workspace/didChangeWatchedFiles", {"changes": [document | {"type": 2}]}
    folder = {"uri": root.as_uri(), "name": "tree"}
    yield "workspace/didChangeConfiguration", {"settings": {"codekin": {"search": {"limit": 7}}}}
    yield "workspace/didChangeWorkspaceFolders", {"event": {"added": [folder], "removed": []}}
    yield "workspace/symbol", {"query": "parse"}
    yield "codekin/search", {"query": "read a file", "limit": 5}
    for name in ("status", "report", "map"):
        yield f"codekin/{name}", {}
    yield "window/workDoneProgress/cancel", {"token": "none"}
    yield "$/cancelRequest", {"id": "fuzz 3"}
    yield "$/setTrace", {"value": "verbose"}
    yield "no/request", {"any": 1}
    yield "no/notification", {"any": 1}


def mutate(value: Any, chance: random.Random, count: int | None = None) -> Any:
    """Return a copy of a JSON value with parts at random places dropped or replaced by junk."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5)) if count is None else count):
        places = list(_containers(value))
        if not places:
            return copy.deepcopy(chance.choice(_JUNK))
        container = chance.choice(places)
        key = chance.choice(list(container) if isinstance(container, dict) else range(len(container)))
        if chance.random() < 0.3:
            del container[key]
        else:
            container[key] = copy.deepcopy(chance.choice(_JUNK))  # else junk comes to hold itself
    return value


def _containers(value: Any) -> Iterator[Any]:
    """Yield every object and list in a JSON value, itself included, that isn't empty."""
    if isinstance(value, dict | list) and value:
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from _containers(child)


def _is_greeted(root: Path, cache: Path, chance: random.Random) -> bool:
    """Start a server with an editor's mutated capabilities; return whether it answers `initialize`."""
    recorded = chance.choice(sorted(_RECORDED.glob("*.json")))
    params = json.loads(recorded.read_text("utf-8")) | {"processId": os.getpid(), "rootUri": root.as_uri()}
    params |= {"workspaceFolders": None, "rootPath": None}
    params["capabilities"] = mutate(params["capabilities"], chance, count=10)
    try:
        with Client(root, cache, initialize=params) as client:
            client.close()
    except (RuntimeError, EOFError, TimeoutError):
        return False
    return True
