"""The server as the official SDK runs it: lists the tools, calls them on threads, and asks the client for its roots."""

import asyncio
import logging
import signal
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import mcp_types
from jsonschema import Draft202012Validator
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

from codekin import __version__
from codekin.agents.opening import SERVER_NAME, SERVER_TITLE
from codekin.agents.rendering import JsonObject, ToolAnswer
from codekin.agents.session import EngineSession
from codekin.agents.tool_calls import ToolCaller
from codekin.agents.tools import INSTRUCTIONS, TOOLS
from codekin.agents.workspace_paths import WorkspaceChoice, WorkspacePaths, to_folder
from codekin.engine import Engine
from codekin.errors import CodekinError, QueryError
from codekin.types import Cancel, Progress

Context: TypeAlias = "ServerRequestContext[Any, Any]"

logger = logging.getLogger(__name__)

_ROOTS_TIMEOUT_S = 3.0  # the current folder is taken where the client has not named its roots by then
_SCHEMAS = {tool["name"]: tool["inputSchema"] for tool in TOOLS}
_ROOTS_KEY = "roots"  # of the question for roots, where they are asked for within a call


class AgentServer:
    """Answers the requests of one client, or of several over HTTP that share one workspace."""

    def __init__(self, workspace: WorkspaceChoice) -> None:
        self._fixed_root = workspace.fixed_root
        self._default_root = workspace.default_root
        self._session = EngineSession()
        self._roots_lock = asyncio.Lock()
        self.sdk_server: Server[Any] = Server(
            SERVER_NAME,
            version=__version__,
            title=SERVER_TITLE,
            instructions=INSTRUCTIONS,
            lifespan=self._run_lifespan,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )
        self.sdk_server.add_notification_handler(
            "notifications/initialized", mcp_types.NotificationParams, self._on_initialized
        )
        self.sdk_server.add_notification_handler(
            "notifications/roots/list_changed", mcp_types.NotificationParams, self._on_roots_changed
        )
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def _run_lifespan(self, _: Server[Any]) -> AsyncIterator[None]:
        """Open the fixed root, if any, while the SDK's server runs; close the session at its end."""
        if self._fixed_root is not None:
            self._session.open_workspace([self._fixed_root], is_explicit=True)
        try:
            yield
        finally:
            await self._session.close()

    async def _list_tools(self, _: Context, __: mcp_types.PaginatedRequestParams | None) -> mcp_types.ListToolsResult:
        """Return the descriptions of all tools."""
        return mcp_types.ListToolsResult.model_validate({"tools": list(TOOLS)})

    async def _on_initialized(self, request_context: Context, _: mcp_types.NotificationParams) -> None:
        """Start a task that asks the client for its roots and opens them, unless a root is fixed."""
        self._start_choosing_roots(request_context)

    async def _on_roots_changed(self, request_context: Context, _: mcp_types.NotificationParams) -> None:
        """Start a task that asks the client for its new roots and opens them, unless a root is fixed."""
        self._start_choosing_roots(request_context)

    def _start_choosing_roots(self, request_context: Context) -> None:
        """Start a task that asks the client for its roots and opens them, unless a root is fixed; return at once."""
        if self._fixed_root is None:
            roots_task = asyncio.get_running_loop().create_task(self._choose_roots(request_context))
            self._tasks.add(roots_task)
            roots_task.add_done_callback(self._tasks.discard)

    async def _choose_roots(self, request_context: Context) -> None:
        """Ask the client for its roots and open them; unusable ones are reported by the next call."""
        async with self._roots_lock:
            with suppress(QueryError):  # the next call says so
                self._session.open_workspace(await self._request_roots(request_context))

    async def _request_roots(self, request_context: Context) -> list[Path]:
        """Ask the client for its roots; the default root, if any, if it can't be asked, fails, has none, or is slow."""
        capabilities = request_context.session.client_capabilities
        if capabilities is None or capabilities.roots is None or not request_context.session.can_send_request:
            return self._or_default([])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MCPDeprecationWarning)  # of the protocol's next version
                listed_roots = await asyncio.wait_for(request_context.session.list_roots(), _ROOTS_TIMEOUT_S)
        except (MCPError, TimeoutError, ValueError) as error:
            logger.warning("The client does not name its roots: %s", error)
            return self._or_default([])
        return self._or_default(_to_folders(listed_roots))

    def _or_default(self, root_folders: list[Path]) -> list[Path]:
        """Return the folders; the default root if there are none; [] without a default."""
        default_roots = [self._default_root] if self._default_root is not None else []
        return root_folders or default_roots

    async def _call_tool(
        self, request_context: Context, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
        """Check the arguments, run the tool on a thread; return its answer, an error, or a request for roots.

        Asks for the client's roots before, where none are open. Raises MCPError.
        """
        try:
            arguments = _check_arguments(params.name, params.arguments or {})
            if not self._session.has_roots and (question := await self._find_roots(request_context, params)):
                return question
            report_progress = _make_progress_reporter(request_context)

            def call(engine: Engine, workspace_paths: WorkspacePaths, cancel_event: Cancel) -> ToolAnswer:
                """Call the tool, on a thread of the session."""
                return ToolCaller(engine, workspace_paths, cancel_event, report_progress).call_tool(
                    params.name, arguments
                )

            return _to_result(await self._session.run_call(call))
        except CodekinError as error:
            return _to_error(str(error))
        except MCPError:
            raise
        except Exception as error:
            logger.exception("%s failed", params.name)
            return _to_error(f"{params.name} failed: {type(error).__name__}. This is a bug in codekin.")

    async def _find_roots(
        self, request_context: Context, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.InputRequiredResult | None:
        """Open the client's roots, asking for them; where only a tool's result may ask, return that result instead."""
        input_responses = params.input_responses or {}
        if _ROOTS_KEY in input_responses:
            roots_response = input_responses[_ROOTS_KEY]
            root_folders = _to_folders(roots_response) if isinstance(roots_response, mcp_types.ListRootsResult) else []
            self._session.open_workspace(self._or_default(root_folders))
            return None
        capabilities = request_context.session.client_capabilities
        if capabilities is not None and capabilities.roots is not None and not request_context.session.can_send_request:
            return mcp_types.InputRequiredResult(input_requests={_ROOTS_KEY: mcp_types.ListRootsRequest()})
        async with self._roots_lock:
            if not self._session.has_roots:
                self._session.open_workspace(await self._request_roots(request_context))
        return None


async def serve_streams(workspace: WorkspaceChoice, input_lines: Any, output_stream: Any) -> None:
    """Serve one MCP client over these streams until it, SIGINT or SIGTERM ends that, then close the engine."""
    sdk_server = AgentServer(workspace).sdk_server
    serving_task = asyncio.current_task()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, AttributeError):  # Windows, or not the main thread
            asyncio.get_running_loop().add_signal_handler(signal_number, serving_task.cancel)  # type: ignore[union-attr]
    with suppress(asyncio.CancelledError):
        async with stdio_server(stdin=input_lines, stdout=output_stream) as (read_stream, write_stream):
            await sdk_server.run(read_stream, write_stream, sdk_server.create_initialization_options())


def _to_folders(listed_roots: mcp_types.ListRootsResult) -> list[Path]:
    """Return the existing folders among a client's roots, each once."""
    root_folders = [folder for root in listed_roots.roots if (folder := to_folder(str(root.uri))) is not None]
    return list(dict.fromkeys(root_folders))


def _check_arguments(tool_name: str, arguments: JsonObject) -> JsonObject:
    """Return a tool's arguments, nulls dropped, numbers converted. Raises QueryError if they violate its schema."""
    schema = _SCHEMAS.get(tool_name)
    if schema is None:
        raise QueryError(f"There is no tool {tool_name}. There are: {', '.join(_SCHEMAS)}.")
    checked_arguments = {
        argument_name: _to_number(schema, argument_name, value)
        for argument_name, value in arguments.items()
        if value is not None
    }
    violation = next(iter(Draft202012Validator(schema).iter_errors(checked_arguments)), None)
    if violation is not None:
        argument_path = ".".join(map(str, violation.absolute_path))
        place_prefix = f"{argument_path}: " if argument_path else ""
        raise QueryError(f"{place_prefix}{violation.message[:300]}. The tool's schema says what it takes.")
    return checked_arguments


def _to_number(schema: JsonObject, argument_name: str, value: Any) -> Any:
    """Return a string or float that means an integer as int, where the schema has one; else `value` unchanged."""
    if schema["properties"].get(argument_name, {}).get("type") != "integer":
        return value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _to_result(tool_answer: ToolAnswer) -> mcp_types.CallToolResult:
    """Return the answer as an MCP result: its text, and its JSON as structured content."""
    text_content = mcp_types.TextContent(type="text", text=tool_answer.text)
    return mcp_types.CallToolResult(content=[text_content], structured_content=tool_answer.document)


def _to_error(error_message: str) -> mcp_types.CallToolResult:
    """Return the message as an MCP result that is marked as an error."""
    text_content = mcp_types.TextContent(type="text", text=error_message)
    return mcp_types.CallToolResult(content=[text_content], is_error=True)


def _make_progress_reporter(request_context: Context) -> "Any":
    """Return a function that, on any thread, sends growing progress to the client."""
    event_loop = asyncio.get_running_loop()
    last_done = [-1]
    progress_lock = threading.Lock()

    def report(progress: Progress) -> None:
        """Send the progress if it is more than before; return at once."""
        with progress_lock:
            if progress.done <= last_done[0]:  # the protocol wants it to grow
                return
            last_done[0] = progress.done
        send_progress = partial(
            request_context.session.report_progress, float(progress.done), float(progress.total), "indexing"
        )
        asyncio.run_coroutine_threadsafe(send_progress(), event_loop)

    return report
