"""Tokens and rights of a forge, asked over HTTP from servers in the shapes of the three APIs."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from codekin.errors import TeamError
from codekin.team import forge_access
from codekin.team.catalogue import Catalogue
from codekin.team.forge_access import FORGES, ForgeAccess
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.rate_limit import RateLimit

from .clones import KEYRING
from .memory_index import MemoryIndex
from .served_gateway import Served

PAGE = 2  # repositories a page, however many are asked for


class Forge:
    """A forge with users, their tokens and repositories, which speaks one of the three APIs."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.readable: dict[str, tuple[str, list[str]]] = {}  # token → user, repositories
        self.listed_only: list[str] = []  # seen by everybody, but without the right to pull
        self.requests: list[str] = []
        self.status = 0  # other than 0: the answer to everything

    def answer(self, path: str, authorization: str) -> tuple[int, object]:
        """Answer a request as the API does."""
        self.requests.append(path)
        scheme, _, token = authorization.partition(" ")
        if self.status:
            return self.status, {"message": "no"}
        if scheme != ("token" if self.kind == "gitea" else "Bearer") or token not in self.readable:
            return 401, {"message": "Bad credentials"}
        user, names = self.readable[token]
        url = urlsplit(path)
        if url.path == "/api/user":
            return 200, {"username" if self.kind == "gitlab" else "login": user, "id": 7}
        query = parse_qs(url.query)
        if self.kind == "gitlab":
            if url.path != "/api/projects" or query["membership"] != ["true"] or query["min_access_level"] != ["20"]:
                return 404, {}
            rows: list[object] = [{"id": 1, "path_with_namespace": name} for name in names]
        elif url.path != "/api/user/repos":
            return 404, {}
        else:
            rows = [{"full_name": name, "permissions": {"pull": True}} for name in names]
            rows += [{"full_name": name, "permissions": {"pull": False}} for name in self.listed_only]
        first = PAGE * (int(query["page"][0]) - 1)
        return 200, rows[first : first + PAGE]


@pytest.fixture(params=sorted(FORGES))
def forge(request: pytest.FixtureRequest) -> Forge:
    return Forge(request.param)


@pytest.fixture
def address(forge: Forge) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.0"

        def do_GET(self) -> None:
            status, document = forge.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api"
    server.shutdown()
    server.server_close()


def test_a_user_may_read_what_the_forge_lists_for_her_token(forge: Forge, address: str):
    names = [f"shop/part{number}" for number in range(5)]
    forge.readable = {"ann-token": ("ann", names), "bob-token": ("bob", ["shop/part1"])}
    forge.listed_only = ["shop/secret"]
    access = ForgeAccess(forge.kind, address)
    indexed = {*names, "shop/secret", "else/where", "Shop/Part1"}
    assert access.authenticate("ann-token") == "ann"
    assert access.authenticate("bob-token") == "bob"
    assert access.find_readable("ann", indexed) == set(names)
    assert access.find_readable("bob", indexed) == {"shop/part1"}
    assert access.find_readable("carol", indexed) == set()


def test_a_token_that_the_forge_refuses_is_nobodys_and_asked_once(forge: Forge, address: str):
    access = ForgeAccess(forge.kind, address)
    assert [access.authenticate("wrong") for _ in range(3)] == [None] * 3
    assert forge.requests == ["/api/user"]
    assert access.authenticate("line\nbreak") is None
    assert access.authenticate("") is None
    assert len(forge.requests) == 1


def test_a_revocation_counts_after_a_minute(forge: Forge, address: str, monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr(forge_access.time, "monotonic", lambda: now)
    forge.readable = {"ann-token": ("ann", ["shop/api", "shop/web"])}
    access = ForgeAccess(forge.kind, address)
    assert access.authenticate("ann-token") == "ann"
    forge.readable = {"ann-token": ("ann", ["shop/web"])}
    now += 59
    assert access.authenticate("ann-token") == "ann"
    assert access.find_readable("ann", ["shop/api", "shop/web"]) == {"shop/api", "shop/web"}
    now += 2
    assert access.authenticate("ann-token") == "ann"
    assert access.find_readable("ann", ["shop/api", "shop/web"]) == {"shop/web"}
    forge.readable = {}
    now += 61
    assert access.authenticate("ann-token") is None
    assert access.find_readable("ann", ["shop/api", "shop/web"]) == set()


def test_of_two_tokens_of_a_user_none_is_worth_more_than_at_the_forge(forge: Forge, address: str):
    forge.readable = {"wide": ("ann", ["shop/api", "shop/web"]), "narrow": ("ann", ["shop/web"])}
    access = ForgeAccess(forge.kind, address)
    assert access.authenticate("wide") == access.authenticate("narrow") == "ann"
    assert access.find_readable("ann", ["shop/api", "shop/web"]) == {"shop/web"}


@pytest.mark.parametrize("status", [302, 403, 404, 429, 500])
def test_a_forge_that_fails_lets_nobody_in(forge: Forge, address: str, status: int):
    forge.readable = {"ann-token": ("ann", ["shop/api"])}
    forge.status = status
    access = ForgeAccess(forge.kind, address)
    with pytest.raises(TeamError, match=f"answered {status}"):
        access.authenticate("ann-token")
    assert access.find_readable("ann", ["shop/api"]) == set()
    assert "/elsewhere" not in forge.requests
    forge.status = 0
    assert access.authenticate("ann-token") == "ann"


def test_answers_of_another_shape_let_nobody_in(forge: Forge, address: str):
    forge.readable = {"ann-token": ("ann", ["shop/api"])}
    other = "gitlab" if forge.kind == "github" else "github"
    with pytest.raises(TeamError):
        if forge.kind == "gitea":
            forge.answer = lambda path, authorization: (200, ["no", "user"])  # type: ignore[method-assign]
        ForgeAccess(other, address).authenticate("ann-token")


def test_an_unreachable_forge_is_told():
    with pytest.raises(TeamError, match="can't be asked"):
        ForgeAccess("gitea", "http://127.0.0.1:9/api/v1").authenticate("token")


@pytest.mark.parametrize(
    "address", ["", "forge.example.com", "https://user:pw@forge.example.com", "ftp://x", "https://"]
)
def test_a_bad_address_is_refused(address: str):
    with pytest.raises(TeamError, match="--forge-url is no address"):
        ForgeAccess("gitea", address)


def test_an_address_in_the_clear_is_refused():
    with pytest.raises(TeamError, match="Use https"):
        ForgeAccess("gitea", "http://forge.example.com/api/v1")


def test_through_the_gateway_each_sees_what_the_forge_lets_her(forge: Forge, address: str, memory: MemoryIndex):
    forge.readable = {"ann-token": ("ann", ["shop", "space", "app"]), "bob-token": ("bob", ["app"])}
    access = ForgeAccess(forge.kind, address)
    served = Served(Gateway(GatewaySearch(Catalogue(memory), KEYRING), access, access, RateLimit(100.0, 100)))
    try:
        repositories = {}
        for token in ("ann-token", "bob-token"):
            status, text = served.request("/v1/about", token)
            assert status == 200
            repositories[token] = json.loads(text)["repositories"]
        assert served.request("/v1/about", "carol-token")[0] == 401
        forge.status = 500
        assert served.request("/v1/about", "dora-token")[0] == 503
    finally:
        served.stop()
    assert repositories == {"ann-token": 3, "bob-token": 1}
