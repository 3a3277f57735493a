"""Documents as clients tell of them: without versions, out of order, beyond their ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from codekin.lsp.framing import Frame
from codekin.lsp.main import create_server
from codekin.lsp.server import CodekinServer

URI = "untitled:a.py"  # no file's, so that nothing but the protocol is at work
TEXT = "first = 1\nsecond = 2\n"


class Wire:
    """Remembers what the server writes."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        """There is nothing to close."""


def said(server: CodekinServer, method: str, params: Any, **more: Any) -> None:
    server.protocol.receive_frame(
        Frame(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode())
    )


@pytest.fixture
async def server() -> CodekinServer:
    """One that has been greeted."""
    language_server = create_server()
    language_server.protocol.set_writer(Wire())
    said(language_server, "initialize", {"capabilities": {}}, id=1)
    said(language_server, "textDocument/didOpen", {"textDocument": {"uri": URI, "text": TEXT}})
    return language_server


def text_of(server: CodekinServer) -> str | None:
    document = server.protocol.workspace.find_open_document(URI)
    return document.source if document else None


def changed(server: CodekinServer, *changes: Any, **version: Any) -> str | None:
    said(server, "textDocument/didChange", {"textDocument": {"uri": URI} | version, "contentChanges": changes})
    return text_of(server)


def edit(start: tuple[int, int], end: tuple[int, int], text: str, **more: Any) -> dict[str, Any]:
    places = [{"line": line, "character": character} for line, character in (start, end)]
    return {"range": {"start": places[0], "end": places[1]}, "text": text, **more}


@pytest.mark.parametrize("version", [{}, {"version": None}, {"version": "2"}, {"version": 2**40}, {"version": -1}])
async def test_changes_are_applied_whatever_their_version(server, version) -> None:
    assert changed(server, edit((0, 0), (0, 5), "third"), **version) == "third = 1\nsecond = 2\n"
    assert (
        changed(server, edit((1, 0), (1, 0), "x"), edit((1, 1), (1, 2), "y"), **version) == "third = 1\nxyecond = 2\n"
    )
    assert changed(server, {"text": "whole"}, **version) == "whole"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit((1, 6), (0, 6), "-"), "first - = 2\n"),  # the wrong way round
        (edit((0, 8), (0, 99), "7", rangeLength=-3), "first = 7\nsecond = 2\n"),
        (edit((9, 9), (99, 99), "end"), TEXT + "end"),
        (edit((-1, -5), (0, 5), "a"), "a = 1\nsecond = 2\n"),
        (edit((0, 0), (2**40, 0), ""), ""),
    ],
)
async def test_ranges_are_taken_to_what_there_is(server, change, expected) -> None:
    assert changed(server, change, version=2) == expected


async def test_what_is_out_of_order_changes_nothing_else(server) -> None:
    said(server, "textDocument/didClose", {"textDocument": {"uri": "untitled:other"}})
    said(server, "textDocument/didSave", {"textDocument": {"uri": "untitled:other"}})
    other_params = {"textDocument": {"uri": "untitled:other"}, "contentChanges": [{"text": "x"}]}
    said(server, "textDocument/didChange", other_params)
    assert list(server.protocol.workspace.text_documents) == [URI]
    assert text_of(server) == TEXT
    said(server, "textDocument/didOpen", {"textDocument": {"uri": URI, "text": "again", "version": 1}})
    assert text_of(server) == "again"
    said(server, "textDocument/didClose", {"textDocument": {"uri": URI}})
    said(server, "textDocument/didClose", {"textDocument": {"uri": URI}})
    assert changed(server, {"text": "late"}) is None


LONG = "file:///" + "x" * 9999


@pytest.mark.parametrize("uri", ["file:///tmp/%ff", "file://[", "file:///%00", "file:a.py", "", LONG])
async def test_documents_may_have_any_address(server, uri) -> None:
    said(server, "textDocument/didOpen", {"textDocument": {"uri": uri, "text": TEXT}})
    assert server.protocol.workspace.find_open_document(uri).source == TEXT
    assert [path for path, _ in server.protocol.workspace.list_open_documents()] in ([], [Path("/" + "x" * 9999)])


async def test_texts_may_hold_anything_that_json_does(server) -> None:
    assert changed(server, {"text": "\0\ud800\u202e😋"}) == "\0\ufffd\u202e😋"
