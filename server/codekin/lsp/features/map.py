"""Answer codekin/map: the workspace's functions as points, in compact arrays, with progress while it is built."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from codekin.code.cell_lines import find_cell, to_file_row
from codekin.errors import QueryError
from codekin.lsp.client import Client
from codekin.lsp.messages import MapJson
from codekin.lsp.request_params import parse_map
from codekin.lsp.scheduler import Priority
from codekin.lsp.session import Session
from codekin.printable import printable
from codekin.types import Cancel, OnProgress, Progress

if TYPE_CHECKING:
    from codekin.engine import Engine
    from codekin.map.builder import CodeMap

_PROGRESS_TITLE = "codekin: drawing the map"


async def build_map(client: Client, session: Session, json_params: Any) -> MapJson:
    """Parse the params, build the map; return it as a dict for JSON, with progress under the client's token.

    Raises ArgumentsError, or QueryError if there is no map.
    """
    params = parse_map(json_params)
    if params.progress_token is None:
        map_json = await _build_map_json(session, params.limit, lambda _: None)
    else:
        map_json = await _build_with_progress(client, session, params.limit, params.progress_token)
    if map_json is None:
        raise QueryError("There is no map yet: the index is being opened. Try again in a moment.")
    return map_json


async def _build_with_progress(
    client: Client, session: Session, limit: int | None, progress_token: int | str
) -> MapJson | None:
    """Build the map as a dict for JSON, with a progress bar, always ended; None without an engine or when cancelled."""
    event_loop = asyncio.get_running_loop()
    send_progress = partial(_send_progress, client, progress_token)

    def on_progress(progress: Progress) -> None:
        """Have the loop's thread send `progress.done`, a percentage, to the client."""
        event_loop.call_soon_threadsafe(send_progress, types.WorkDoneProgressReport(percentage=progress.done))

    send_progress(types.WorkDoneProgressBegin(_PROGRESS_TITLE, cancellable=True, percentage=0))
    try:
        return await _build_map_json(session, limit, on_progress)
    finally:
        send_progress(types.WorkDoneProgressEnd())


def _send_progress(client: Client, progress_token: int | str, progress_value: Any) -> None:
    """Send a progress value under the token. For the loop's thread."""
    client.notify(types.PROGRESS, types.ProgressParams(progress_token, progress_value))


async def _build_map_json(session: Session, limit: int | None, on_progress: OnProgress) -> MapJson | None:
    """Build the dict of a map of ≤ 100,000 functions, on a thread; None without an engine or when cancelled."""

    def build_json(engine: "Engine", cancel_event: Cancel) -> MapJson | None:
        """Build the map and convert it to a dict for JSON; None when cancelled."""
        from codekin.map.builder import MAX_FUNCTIONS

        code_map = engine.build_map(min(limit or MAX_FUNCTIONS, MAX_FUNCTIONS), on_progress, cancel_event)
        if code_map is None:
            return None
        return _to_map_json(code_map, _list_file_lines(code_map, engine), session.documents.to_client_uri)

    return await session.run_query(Priority.MAP, build_json)


def _list_file_lines(code_map: "CodeMap", engine: "Engine") -> Any:
    """Return the 0-based line of each name in its file, an array; of a notebook, read now, the line of its JSON."""
    from codekin.code.notebooks import is_notebook

    file_lines = code_map.line.copy()
    for file_index, file_path in enumerate(code_map.files):
        if is_notebook(file_path):
            notebook_cells = engine.list_cells(file_path)
            for function_index in (code_map.file == file_index).nonzero()[0]:
                document_line = int(file_lines[function_index])
                file_lines[function_index] = to_file_row(find_cell(notebook_cells, document_line), document_line)
    return file_lines


def _to_map_json(code_map: "CodeMap", file_lines: Any, to_client_uri: Callable[[Path], str]) -> MapJson:
    """Return the map as a dict for JSON, arrays as base64 of little-endian numbers, names printable."""
    import numpy as np

    return {
        "total": code_map.total,
        "shown": len(code_map.x),
        "generation": code_map.generation,
        "places": _encode_array(np.stack([code_map.x, code_map.y], axis=1), "<f4"),
        "group": _encode_array(code_map.group, "u1"),
        "file": _encode_array(code_map.file, "<u4"),
        "line": _encode_array(file_lines, "<u4"),
        "links": _encode_array(code_map.links, "<u4"),
        "names": list(map(printable, code_map.names)),
        "files": [to_client_uri(file_path) for file_path in code_map.files],
        "groups": [{"name": group.name, "functions": group.count} for group in code_map.groups],
    }


def _encode_array(array_values: Any, dtype_name: str) -> str:
    """Return the array's bytes in this dtype, as base64."""
    return b64encode(array_values.astype(dtype_name).tobytes()).decode("ascii")
