"""The map of the workspace's functions, for who draws it: arrays in few bytes, and progress while it is made."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codekin.code.cell_lines import find_cell, to_file_row
from codekin.errors import QueryError
from codekin.lsp import request_params
from codekin.lsp.messages import MapJson
from codekin.lsp.scheduler import Priority
from codekin.printable import printable
from codekin.types import Cancel, OnProgress, Progress

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.lsp.server import CodekinServer
    from codekin.map.builder import CodeMap

_TITLE = "codekin: drawing the map"


async def build_map(server: "CodekinServer", params: Any) -> MapJson:
    """Draws it on a thread; where the client gave a token, it is told how far that is."""
    asked = request_params.parse_map(params)
    if asked.token is None:
        made = await _drawn(server, asked.limit, lambda _: None)
    else:
        token, loop = asked.token, asyncio.get_running_loop()
        tell = partial(_tell, server, token)

        def reported(far: Progress) -> None:
            loop.call_soon_threadsafe(tell, types.WorkDoneProgressReport(percentage=far.done))

        tell(types.WorkDoneProgressBegin(_TITLE, cancellable=True, percentage=0))
        try:
            made = await _drawn(server, asked.limit, reported)
        finally:
            tell(types.WorkDoneProgressEnd())
    if made is None:
        raise QueryError("There is no map yet: the index is being opened. Ask again in a moment.")
    return made


def _tell(server: "CodekinServer", token: int | str, value: Any) -> None:
    server.protocol.notify(types.PROGRESS, types.ProgressParams(token, value))


async def _drawn(server: "CodekinServer", limit: int | None, on_progress: OnProgress) -> MapJson | None:
    address = server.protocol.workspace.to_client_uri

    def made(engine: "Engine", cancel: Cancel) -> MapJson | None:
        from codekin.map.builder import MAX_FUNCTIONS

        drawn = engine.build_map(min(limit or MAX_FUNCTIONS, MAX_FUNCTIONS), on_progress, cancel)
        return None if drawn is None else _json(drawn, _rows(drawn, engine), address)

    return await server.session.run_query(Priority.COMMAND, made)


def _rows(drawn: "CodeMap", engine: "Engine") -> Any:
    """The lines of the files on which the names stand."""
    from codekin.code.notebooks import is_notebook

    rows = drawn.line.copy()
    for number, path in enumerate(drawn.files):
        if is_notebook(path):
            cells = engine.list_cells(path)
            for i in (drawn.file == number).nonzero()[0]:
                rows[i] = to_file_row(find_cell(cells, int(rows[i])), int(rows[i]))
    return rows


def _json(drawn: "CodeMap", rows: Any, address: Callable[[Path], str]) -> MapJson:
    import numpy as np

    return {
        "total": drawn.total,
        "shown": len(drawn.x),
        "generation": drawn.generation,
        "places": _packed(np.stack([drawn.x, drawn.y], axis=1), "<f4"),
        "group": _packed(drawn.group, "u1"),
        "file": _packed(drawn.file, "<u4"),
        "line": _packed(rows, "<u4"),
        "links": _packed(drawn.links, "<u4"),
        "names": list(map(printable, drawn.names)),
        "files": [address(path) for path in drawn.files],
        "groups": [{"name": group.name, "functions": group.count} for group in drawn.groups],
    }


def _packed(values: Any, kind: str) -> str:
    return b64encode(values.astype(kind).tobytes()).decode("ascii")
