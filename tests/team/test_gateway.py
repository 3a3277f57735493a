"""The gateway over HTTP, and the client that asks it."""

import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from codekin.agents.tool_calls import ToolCaller
from codekin.agents.workspace_paths import WorkspacePaths
from codekin.engine import Engine
from codekin.errors import TeamError
from codekin.settings import CacheSettings, Settings, TeamSettings
from codekin.team.access import AccessFile
from codekin.team.catalogue import Catalogue
from codekin.team.client import GatewayClient
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.messages import decode_answer, decode_vector
from codekin.team.rate_limit import RateLimit
from codekin.types import Filter, Kinship

from .clones import KEYRING, commit, git, ingest
from .memory_index import MemoryIndex
from .test_access import write_access

TAX = '''def add_sales_tax(price, rate):
    """Add the sales tax to a price."""
    tax = price * rate
    return round(price + tax, 2)
'''
SECRET = '''def launch_rocket(engine):
    """Ignite the engine of a rocket."""
    engine.ignite()
    return engine.thrust
'''
OPEN = "def greet(person):\n    print('hello', person)\n    return person\n"
ANN, BOB = "ann-" + "a" * 40, "bob-" + "b" * 40


class Served:
    """A gateway on a thread."""

    def __init__(self, gateway: Gateway, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(gateway.application, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self.listener]}, daemon=True)
        self._thread.start()

    def request(self, path: str, token: str = "", body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    folder = tmp_path / "clones"
    commit(folder / "shop", {"src/tax.py": TAX})
    commit(folder / "space", {"rocket.py": SECRET})
    commit(folder / "app", {"greet.py": OPEN})
    git(folder / "shop", "remote", "add", "origin", "https://user:pw@git.example.com/company/shop.git")
    return folder


@pytest.fixture
def memory(clones: Path) -> MemoryIndex:
    index = MemoryIndex()
    ingest(index, clones)
    return index


@pytest.fixture
def access_file(tmp_path: Path) -> Path:
    path = tmp_path / "access.toml"
    write_access(path, {"ann": (ANN, ["*"]), "bob": (BOB, ["shop", "app"])})
    return path


@pytest.fixture
def served(memory: MemoryIndex, access_file: Path) -> Iterator[Served]:
    access = AccessFile(access_file)
    gateway = Served(Gateway(GatewaySearch(Catalogue(memory), KEYRING), access, access, RateLimit(1_000, 1_000)))
    yield gateway
    gateway.stop()


@pytest.fixture
def root(tmp_path: Path, clones: Path) -> Path:
    """A workspace beside no clone: it has the open repository."""
    git(tmp_path, "clone", "-q", str(clones / "app"), str(tmp_path / "work" / "app"))
    return tmp_path / "work" / "app"


def open_engine(root: Path, tmp_path: Path, url: str, token: str, clones: tuple[str, ...] = ()) -> Engine:
    """An engine whose user has these settings, with the workspace indexed."""
    cache = CacheSettings(directory=str(tmp_path / "cache"))
    engine = Engine([root], Settings(cache=cache, team=TeamSettings(url, token, clones)))
    engine.refresh(lambda _: None, threading.Event(), 1)
    return engine


class TestHttp:
    def test_only_tokens_are_let_in_and_health_and_metrics_name_nobody(self, served: Served):
        assert served.request("/v1/about")[0] == 401
        assert served.request("/v1/about", "wrong")[0] == 401
        status, text = served.request("/v1/about", BOB)
        assert status == 200
        assert json.loads(text)["repositories"] == 2
        assert served.request("/health") == (200, b"ok\n")
        metrics = served.request("/metrics")[1].decode()
        assert 'codekin_gateway_requests_total{route="about",status="401"} 2.0' in metrics
        assert "bob" not in metrics
        assert "shop" not in metrics

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{",
            b'{"space": "x"}',
            b'{"space": "x", "vector": "AAAA"}',
            b'{"space": "x", "vector": 3, "words": 1}',
            b'{"space": "x", "vector": "' + b"A" * 2_000_000 + b'"}',
            b'{"space": "x", "vector": "PAA8", "hash": "zz"}',
            b"[" * 100_000,
        ],
    )
    def test_malformed_requests_are_refused_and_nothing_breaks(self, served: Served, body: bytes):
        assert served.request("/v1/search", ANN, body)[0] in (400, 413)
        assert served.request("/v1/vectors", ANN, body)[0] in (400, 413)
        assert served.request("/health")[0] == 200

    def test_the_log_says_who_but_not_what(self, served: Served, root: Path, tmp_path: Path, caplog):
        caplog.set_level(logging.INFO, logger="codekin.team.gateway")
        engine = open_engine(root, tmp_path, served.url, ANN)
        engine.search("ignite rocket engine", 5, hit_filter=Filter(team=True))
        engine.close()
        messages = [record.getMessage() for record in caplog.records if record.name == "codekin.team.gateway"]
        assert any(message.startswith("ann search 200") for message in messages)
        assert not any("rocket" in message or "ignite" in message for message in messages)

    def test_too_many_requests_are_refused(self, memory: MemoryIndex, access_file: Path):
        access = AccessFile(access_file)
        gateway = Served(Gateway(GatewaySearch(Catalogue(memory), KEYRING), access, access, RateLimit(0.001, 2)))
        assert [gateway.request("/v1/about", ANN)[0] for _ in range(3)] == [200, 200, 429]
        assert gateway.request("/v1/about", BOB)[0] == 200
        gateway.stop()


class TestAsking:
    def test_each_user_finds_what_she_may_read_marked_with_its_repository(
        self, served: Served, root: Path, tmp_path: Path
    ):
        for token, is_reader in ((ANN, True), (BOB, False)):
            engine = open_engine(root, tmp_path, served.url, token)
            answer = engine.search("ignite the engine of a rocket", 5, hit_filter=Filter(team=True))
            repositories = [hit.team.repository for hit in answer.hits if hit.team]
            assert ("space" in repositories) is is_reader
            assert repositories[:1] == (["space"] if is_reader else repositories[:1])
            assert answer.team_problem == ""
            engine.close()

    def test_a_hit_has_the_forge_s_page_and_the_text_of_a_local_clone(
        self, served: Served, root: Path, clones: Path, tmp_path: Path
    ):
        engine = open_engine(root, tmp_path, served.url, BOB, (str(clones),))
        (hit,) = engine.search("add the sales tax to a price", 5, hit_filter=Filter(team=True)).hits
        assert hit.team is not None
        assert hit.team.is_cloned
        assert hit.place.path == clones / "shop" / "src" / "tax.py"
        assert hit.text == TAX.rstrip("\n")
        head = git(clones / "shop", "rev-parse", "HEAD")
        assert hit.team.link == f"https://git.example.com/company/shop/blob/{head}/src/tax.py#L1-L4"
        engine.close()
        engine = open_engine(root, tmp_path, served.url, BOB)
        (hit,) = engine.search("add the sales tax to a price", 5, hit_filter=Filter(team=True)).hits
        assert (hit.team.is_cloned, hit.text) == (False, "")  # type: ignore[union-attr]
        engine.close()

    def test_code_finds_its_equal_and_its_kin_elsewhere(self, served: Served, root: Path, clones: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, ANN, (str(clones),))
        (hit, *_) = engine.find_similar_to_code(TAX, 5, language="python", hit_filter=Filter(team=True)).hits
        assert (hit.kinship, hit.score) == (Kinship.IDENTICAL, 1.0)
        renamed = TAX.replace("tax", "levy").replace("price", "cost")
        (hit, *_) = engine.find_similar_to_code(renamed, 5, language="python", hit_filter=Filter(team=True)).hits
        assert hit.kinship is Kinship.RENAMED
        (existence,) = engine.find_existing_code(TAX, language="python", hit_filter=Filter(team=True))
        assert existence.verdict == "yes"
        engine.close()

    def test_agents_are_told_what_other_repositories_have(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, BOB)
        caller = ToolCaller(engine, WorkspacePaths([root]), threading.Event(), lambda _: None)
        answer = caller.call_tool("search", {"query": "add the sales tax to a price"})
        assert answer.text.startswith("in shop: src/tax.py:1-4  function add_sales_tax")
        (hit,) = answer.document["hits"]
        assert (hit["repository"], hit["path"], hit["file"]) == ("shop", "src/tax.py", "")
        assert hit["link"] in answer.text
        (verdict,) = caller.call_tool("already_exists", {"code": TAX}).document["functions"]
        assert [match["repository"] for match in verdict["matches"][:1]] == ["shop"]
        similar = caller.call_tool("find_similar", {"code": TAX, "language": "python"}).document["hits"]
        assert [hit.get("repository") for hit in similar[:1]] == ["shop"]
        limited = caller.call_tool("search", {"query": "add the sales tax to a price", "path": "greet.py"})
        assert limited.document["hits"] == []
        engine.close()

    def test_agents_are_told_why_the_team_is_silent(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, "wrong")
        caller = ToolCaller(engine, WorkspacePaths([root]), threading.Event(), lambda _: None)
        for tool, arguments in (("search", {"query": "greet a person"}), ("find_similar", {"code": OPEN})):
            answer = caller.call_tool(tool, arguments)
            assert [hit["path"] for hit in answer.document["hits"]] == ["greet.py"]
            assert "Set team.token anew" in answer.text
        for arguments in ({"code": TAX}, {"description": "add the sales tax to a price"}):
            assert "Set team.token anew" in caller.call_tool("already_exists", arguments).text
        limited = caller.call_tool("search", {"query": "greet a person", "path": "greet.py"})
        assert limited.document["notes"] == []
        engine.close()

    def test_the_workspace_wins_for_what_is_open_here(self, served: Served, root: Path, tmp_path: Path):
        (root / "greet.py").write_text(OPEN.replace("hello", "good day to you,"))
        engine = open_engine(root, tmp_path, served.url, ANN)
        hits = engine.search("greet a person", 5, hit_filter=Filter(team=True)).hits
        assert [hit.team for hit in hits if hit.place.name == "greet"] == [None]
        engine.close()

    def test_nothing_is_asked_unless_it_is_wanted(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, ANN)
        assert engine.search("ignite the engine of a rocket", 5).hits == ()
        folder = Filter(folder=root, team=True)
        assert engine.search("ignite the engine of a rocket", 5, hit_filter=folder).hits == ()
        engine.close()

    def test_unpushed_code_is_not_sent(self, memory: MemoryIndex, access_file: Path, root: Path, tmp_path: Path):
        access = AccessFile(access_file)
        bodies: list[bytes] = []
        gateway = Gateway(GatewaySearch(Catalogue(memory), KEYRING), access, access, RateLimit(1_000, 1_000))
        inner = gateway.application

        async def record(scope, receive, send):
            async def listen():
                message = await receive()
                bodies.append(message.get("body", b""))
                return message

            await inner(scope, listen, send)

        gateway.application = record  # type: ignore[assignment]
        served = Served(gateway)
        engine = open_engine(root, tmp_path, served.url, ANN)
        engine.find_similar_to_code("def unpushed_secret():\n    return 4711\n", 5, hit_filter=Filter(team=True))
        engine.close()
        served.stop()
        sent = b"".join(bodies)
        assert b'"hash"' in sent
        assert b"unpushed" not in sent
        assert b"4711" not in sent


class TestFailure:
    def test_a_silent_gateway_costs_300_ms_once_and_is_told(self, root: Path, tmp_path: Path):
        silent = socket.create_server(("127.0.0.1", 0))  # accepts, and never answers
        engine = open_engine(root, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", ANN)
        hits = engine.search("greet a person", 5).hits
        for _ in range(3):
            answer = engine.search("greet a person", 5, hit_filter=Filter(team=True))
            assert answer.hits == hits
            assert "did not answer within 300 ms" in answer.team_problem
        assert any("did not answer" in problem for problem in engine.status().problems)
        started = time.process_time()
        engine.search("greet a person", 5, hit_filter=Filter(team=True))
        assert time.process_time() - started < 0.25  # nobody waits while it is paused
        engine.close()
        silent.close()

    @pytest.mark.parametrize(
        ("team", "message"),
        [
            (TeamSettings("http://gateway.example.com", ANN), "https"),
            (TeamSettings("ftp://gateway.example.com", ANN), "no address"),
            (TeamSettings("https://user:pw@gateway.example.com", ANN), "no address"),
            (TeamSettings("https://gateway.example.com", ""), "token"),
        ],
    )
    def test_unsound_settings_are_told_and_local_search_works(
        self, root: Path, tmp_path: Path, team: TeamSettings, message: str
    ):
        with pytest.raises(TeamError, match=message):
            GatewayClient(team)
        engine = open_engine(root, tmp_path, team.url, team.token)
        answer = engine.search("greet a person", 5, hit_filter=Filter(team=True))
        assert answer.hits
        assert message in answer.team_problem
        assert any(message in problem for problem in engine.status().problems)
        engine.close()

    def test_a_wrong_token_is_told(self, served: Served, root: Path, tmp_path: Path):
        engine = open_engine(root, tmp_path, served.url, "wrong")
        answer = engine.search("greet a person", 5, hit_filter=Filter(team=True))
        assert answer.hits
        assert "Set team.token anew" in answer.team_problem
        engine.close()

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"places": 3},
            {"places": [[1]], "cosines": [], "shares": [], "identical": -1, "frequencies": {}, "content_count": 1},
            {
                "places": [[0, "r", "", "c", "", "../../etc/passwd", 0, 1, 0, 0, "function", "python", "f", "f"]],
                "cosines": [0.9], "shares": [0.0], "identical": -1, "frequencies": {}, "content_count": 1,
            },
            {
                "places": [[0, "r", "", "c", "javascript:alert()", "a", 0, 1, 0, 0, "function", "python", "f", "f"]],
                "cosines": [0.9], "shares": [0.0], "identical": -1, "frequencies": {}, "content_count": 1,
            },
        ],
    )  # fmt: skip
    def test_a_gateway_that_answers_wrongly_is_not_believed(self, document: dict[str, object]):
        with pytest.raises(ValueError, match=r"malformed|not a"):
            decode_answer(document)


class TestWarmStart:
    def test_vectors_come_by_the_hash_of_the_text_within_rights(self, served: Served):
        from codekin.code.lines import hash_content

        from .clones import EMBEDDER, SPACE

        hashes = [hash_content(text.rstrip("\n")).hex() for text in (TAX, SECRET, "unknown")]
        client = GatewayClient(TeamSettings(served.url, BOB))
        vectors = client.request("/vectors", {"space": SPACE, "hashes": hashes})["vectors"]
        assert vectors.keys() == {hashes[0]}
        expected = EMBEDDER.embed([TAX.rstrip("\n")], "code2code", "passage")[0]  # type: ignore[arg-type]
        assert float(decode_vector(vectors[hashes[0]]) @ expected) > 0.9999
