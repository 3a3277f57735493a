"""The real server, over standard input and output, driven as the real editors do."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.protocol import JsonRPCResponseMessage
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features

from codekin.lsp.protocol import make_converter

from ..shop import SHOP_FILES, write_files

SERVE = [sys.executable, "-m", "codekin", "serve"]
CLIENTS = Path(__file__).parent / "clients"
DIAGNOSTICS = types.WORKSPACE_DIAGNOSTIC_REFRESH, types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS
LONG_S = 180.0  # far more than anything here takes; a test that waits for it has failed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests so that a violation of the LSP specification is an error, not a warning."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error::pytest_lsp.LspSpecificationWarning"))


@cache
def _plain() -> Any:
    """Return the protocol's converter, cached; it leaves results as JSON, and tells a command from a code action."""
    converter = make_converter()

    def action(data: dict[str, Any], _: object) -> types.Command | types.CodeAction:
        bare = isinstance(data.get("command"), str)
        return converter.structure(data, types.Command if bare else types.CodeAction)

    converter.register_structure_hook(types.Command | types.CodeAction, action)
    converter.register_structure_hook(
        JsonRPCResponseMessage,
        lambda data, _: JsonRPCResponseMessage(data["id"], data["jsonrpc"], data.get("result")),
    )
    return converter


class Client(LanguageClient):
    """A client that remembers what it is told, and waits for it."""

    def __init__(self, root: Path, configuration: dict[str, Any]) -> None:
        super().__init__(converter_factory=_plain, configuration={"": {"codekin": configuration}})
        self.root = root
        self.status: dict[str, Any] = {}
        self.registrations: list[types.Registration] = []
        self.lens_refreshes = 0
        self.news = asyncio.Event()
        self.on_progress: Callable[[types.ProgressParams], None] = lambda _: None
        register_lsp_features(self)
        features = self.protocol.fm.features
        for method in (types.PROGRESS, types.WINDOW_SHOW_MESSAGE, *DIAGNOSTICS):
            features[method] = partial(self._noted, method, features[method])
        features["codekin/statusChanged"] = self._status_changed
        features[types.CLIENT_REGISTER_CAPABILITY] = self._registered
        features[types.WORKSPACE_CODE_LENS_REFRESH] = self._lens_refresh

    # What the server says

    def _status_changed(self, params: dict[str, Any]) -> None:
        """Store the status that the server notifies, and wake those who wait for news."""
        self.status = params
        self.news.set()

    def _noted(self, method: str, handler: Callable[[Any], None], params: Any) -> None:
        """Handle a message as usual, report progress, and wake those who wait for news."""
        handler(params)
        if method == types.PROGRESS:
            self.on_progress(params)
        self.news.set()

    def _registered(self, params: types.RegistrationParams) -> None:
        """Store the capabilities that the server registers."""
        self.registrations += params.registrations

    def _lens_refresh(self, _: None) -> None:
        """Count a refresh of code lenses that the server requests, and wake those who wait for news."""
        self.lens_refreshes += 1
        self.news.set()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until news of the server makes `condition` true. Raises TimeoutError."""
        async with asyncio.timeout(LONG_S):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def indexed(self, files: int) -> None:
        """Wait until the status says that so many files, and all of the workspace, are indexed."""
        await self.until(
            lambda: (
                (self.status.get("state"), self.status.get("coverage"), self.status.get("files")) == ("ready", 1, files)
            )
        )

    @contextmanager
    def sending_at_once(self) -> Iterator[None]:
        """Context in which the server stands still, so that it reads all that is sent in here before it can answer."""
        server = psutil.Process(self._server.pid)
        server.suspend()
        try:
            while server.status() != psutil.STATUS_STOPPED:
                pass
            yield
        finally:
            server.resume()

    # What a person does

    def uri(self, name: str) -> str:
        """Return the URI of a file of the workspace."""
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None, language: str = "python") -> None:
        """Tell the server that a document was opened, with this text or the file's own."""
        text = (self.root / name).read_text("utf-8") if text is None else text
        item = types.TextDocumentItem(self.uri(name), language, 1, text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def edit(self, name: str, text: str, version: int = 2) -> None:
        """Tell the server that a document's whole text was replaced; the file stays as it is."""
        document = types.VersionedTextDocumentIdentifier(version, self.uri(name))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def close(self, name: str) -> None:
        """Tell the server that a document was closed."""
        self.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self.uri(name))))

    async def ask(self, method: str, params: Any = None) -> Any:
        """Send a request and return its result, waiting for it. Raises TimeoutError."""
        return await asyncio.wait_for(self.protocol.send_request_async(method, params), LONG_S)

    async def similar(self, name: str, line: int, **more: Any) -> dict[str, Any]:
        """Request code similar to that at a line, from 0, of a file; return the answer."""
        position_params = {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": 0}}
        answer: dict[str, Any] = await self.ask("codekin/findSimilar", {**position_params, **more})
        return answer

    async def command(self, name: str, *arguments: Any) -> Any:
        """Have the server execute a command; return the result."""
        params = types.ExecuteCommandParams(name, arguments=list(arguments) or None)
        return await asyncio.wait_for(self.workspace_execute_command_async(params), LONG_S)

    async def until_found(self, query: str, name: str) -> None:
        """Search again and again until a hit has this name. Raises TimeoutError."""
        async with asyncio.timeout(LONG_S):
            while name not in self.names(await self.ask("codekin/search", {"query": query})):
                pass

    def names(self, answer: dict[str, Any]) -> list[str]:
        """Return the names of an answer's hits, in order."""
        return [hit["name"] for hit in answer["hits"]]


def recorded(client: str, root: Path) -> types.InitializeParams:
    """Return the recorded `initialize` parameters of an editor, with the root and this process in their places."""
    text = (CLIENTS / f"{client}.json").read_text("utf-8")
    for folder in ("/work-space", "/opt/demo/ws"):
        text = text.replace(folder, str(root))
    params = _plain().structure(json.loads(text), types.InitializeParams)
    params.process_id = os.getpid()
    return params


class Servers:
    """Starts servers, as many as are asked for, and has them all shut down in the end."""

    def __init__(self, home: Path) -> None:
        self.workspace = write_files(home / "shop-project", SHOP_FILES)
        self.environment = {  # nothing of this machine's user
            **os.environ,
            "HOME": str(home),
            "CODEKIN_CACHE_DIRECTORY": str(home / "cache"),
            "CODEKIN_CONFIG": str(home / "config.toml"),
            "CODEKIN_INDEX_WORKERS": "1",
        }
        self.running: list[Client] = []

    async def __call__(
        self,
        editor: str = "code_server_1.139.1",
        root: Path | None = None,
        *,
        settings: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        change: Callable[[types.InitializeParams], object] = lambda _: None,
    ) -> Client:
        root = root or self.workspace
        client = Client(root, settings or {})
        await client.start_io(*SERVE, env=self.environment)
        self.running.append(client)
        params = recorded(editor, root)
        params.initialization_options = options or {}
        change(params)
        client.result = await asyncio.wait_for(client.initialize_session(params), LONG_S)
        return client

    async def stop(self) -> None:
        """Shut down all servers that were started and still run."""
        for client in self.running:
            if client._server.returncode is None:
                await asyncio.wait_for(client.shutdown_session(), LONG_S)
            await client.stop()


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Servers]:
    """Return a starter of servers, on one workspace of the test's own; they are shut down at its end."""
    servers = Servers(tmp_path)
    yield servers
    await servers.stop()


@pytest.fixture
def workspace(start: Servers) -> Path:
    """Return the root of the workspace that `start` wrote, a small shop."""
    return start.workspace


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """For tests that leave things as they were: one server for a file of tests, with its SETTINGS, on a small shop
    that is indexed.
    """
    servers = Servers(tmp_path_factory.mktemp("shop"))
    client = await servers(settings=getattr(request.module, "SETTINGS", None))
    await client.indexed(len(SHOP_FILES))
    yield client
    await servers.stop()
