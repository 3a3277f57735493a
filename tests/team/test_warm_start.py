"""A fresh clone's vectors come from the team's index, if it is the same model and she may read them; else as ever."""

import http.server
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the small model needs ONNX Runtime: pip install 'codekin[small]'")

from codekin.engine import Engine
from codekin.errors import TeamError
from codekin.indexing import warm_start
from codekin.settings import CacheSettings, IndexSettings, ModelSettings, Settings, TeamSettings
from codekin.team import team_vectors
from codekin.team.access import AccessFile
from codekin.team.catalogue import Catalogue
from codekin.team.cutting import TextEmbedder, load_team_embedder
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.git_repository import find_repositories
from codekin.team.ingest import ingest_repositories
from codekin.team.rate_limit import RateLimit
from codekin.team.repository_update import IngestContext
from codekin.types import ModelStatus, Task

from .clones import KEYRING, LocalWorkers, commit, git, ingest
from .memory_index import MemoryIndex
from .own_engines import find_free_port
from .served_gateway import ANN, BOB, Served, write_access

COUNT = 70
MODEL = ModelSettings("small", idle_s=5.0)
NOUNS = ("order", "invoice", "account", "parcel", "ticket", "room", "route", "badge", "lamp", "queue")
VERBS = ("open", "close", "count", "send", "merge", "print", "check")
CODE = "\n\n".join(
    f"def {verb}_{noun}({noun}s, limit):\n    chosen = [{noun} for {noun} in {noun}s if {noun}.{verb}ed < limit]\n"
    f"    return sorted(chosen)\n"
    for verb in VERBS
    for noun in NOUNS
)


class SmallWorkers(LocalWorkers):
    """Workers in this process with the small model."""

    def __init__(self) -> None:
        super().__init__()
        self._embedder = TextEmbedder(MODEL, KEYRING.key)


@pytest.fixture(scope="module")
def team_index(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryIndex, Path]:
    """An index with the vectors of both models of one repository, and the folder of its clone."""
    folder = tmp_path_factory.mktemp("team")
    commit(folder / "shop", {"shop.py": CODE})
    index = MemoryIndex()
    ingest(index, folder)
    embedder = load_team_embedder(MODEL)
    space = embedder.space(Task.CODE2CODE)
    Catalogue(index).open_space(space, embedder.dim)
    context = IngestContext(Catalogue(index), KEYRING, space, SmallWorkers(), IndexSettings())
    (summary,) = ingest_repositories(context, find_repositories(folder))
    assert summary.embedded == COUNT
    return index, folder


@contextmanager
def serve(index: MemoryIndex, tmp_path: Path) -> Iterator[str]:
    """Serve the index by a gateway: ann may read all, bob nothing."""
    write_access(tmp_path / "access.toml", {"ann": (ANN, ["*"]), "bob": (BOB, [])})
    access = AccessFile(tmp_path / "access.toml")
    served = Served(Gateway(GatewaySearch(Catalogue(index), KEYRING), access, access, RateLimit(1_000, 1_000)))
    yield served.url
    served.stop()


def fill(folder: Path, tmp_path: Path, url: str, token: str) -> tuple[int, ModelStatus, tuple[str, ...]]:
    """Clone, index, and fill the small model's vectors: how many were embedded, its status, problems."""
    with open_engine(folder, tmp_path, TeamSettings(url, token), token[:3]) as engine:
        embedded = engine.embed_with_heavy_model(lambda _: None, threading.Event())
        status = engine.status()
        return embedded, status.models[1], status.problems


@contextmanager
def open_engine(folder: Path, tmp_path: Path, team: TeamSettings, name: str) -> Iterator[Engine]:
    """An engine on a fresh clone, indexed, without the small model's vectors."""
    root = tmp_path / f"work-{name}" / "shop"
    git(tmp_path, "clone", "-q", str(folder / "shop"), str(root))
    cache = CacheSettings(directory=str(tmp_path / f"cache-{name}"))
    with closing(Engine([root], Settings(cache=cache, model=MODEL, team=team))) as engine:
        engine.refresh(lambda _: None, threading.Event(), 1)
        yield engine


@contextmanager
def dribble() -> Iterator[str]:
    """Serve HTTP answers of which a byte comes every 50 ms, for ever."""
    has_ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not has_ended.wait(0.05):
                    self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    has_ended.set()
    server.shutdown()
    server.server_close()


class FailingSource:
    """Remembers what it is asked for, and fails."""

    def __init__(self) -> None:
        self.requests: list[list[bytes]] = []

    @property
    def told(self) -> set[bytes]:
        return {content_hash for request in self.requests for content_hash in request}

    def count_per_request(self, dim: int) -> int:
        return 2_000

    def find_vectors(self, space: str, dim: int, hashes: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        self.requests.append(list(hashes))
        raise TeamError("It fails.")


class TestWarmStart:
    def test_all_vectors_are_taken_by_who_may_read_them(self, team_index: tuple[MemoryIndex, Path], tmp_path: Path):
        index, folder = team_index
        with serve(index, tmp_path) as url:
            embedded, status, problems = fill(folder, tmp_path, url, ANN)
            assert (embedded, status.from_team, status.share, problems) == (0, COUNT, 1.0, ())
            embedded, status, problems = fill(folder, tmp_path, url, BOB)
            assert (embedded, status.from_team, status.share, problems) == (COUNT, 0, 1.0, ())

    def test_progress_tells_what_came_so_far(
        self, team_index: tuple[MemoryIndex, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Request by request, as when the model embeds batch by batch."""
        monkeypatch.setattr(warm_start, "_FEW", 0)
        monkeypatch.setattr(team_vectors, "MAX_HASHES", 20)
        reported: list[tuple[int, int]] = []
        with (
            serve(team_index[0], tmp_path) as url,
            open_engine(team_index[1], tmp_path, TeamSettings(url, ANN), ANN[:3]) as engine,
        ):
            engine.embed_with_heavy_model(lambda p: reported.append((p.done, p.total)), threading.Event())
        assert list(dict.fromkeys(reported)) == [(done, COUNT) for done in (0, 20, 40, 60, COUNT)]

    def test_a_gateway_that_is_not_there_costs_nothing(
        self, team_index: tuple[MemoryIndex, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(warm_start, "_PAUSE_S", 600.0)  # until then the problem is told
        url = f"http://127.0.0.1:{find_free_port()}"
        embedded, status, problems = fill(team_index[1], tmp_path, url, ANN)
        assert (embedded, status.from_team, status.share) == (COUNT, 0, 1.0)
        assert any("can't be asked" in problem for problem in problems)

    def test_a_gateway_that_answers_without_end_is_left(
        self, team_index: tuple[MemoryIndex, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """Each byte of its answer comes in time; the whole answer never would."""
        monkeypatch.setattr(warm_start, "_PAUSE_S", 600.0)
        monkeypatch.setattr(team_vectors, "_TIMEOUT_S", 0.5)
        with dribble() as url:
            embedded, status, problems = fill(team_index[1], tmp_path, url, ANN)
        assert (embedded, status.from_team, status.share) == (COUNT, 0, 1.0)
        assert any("gave no vectors within 0.5 s" in problem for problem in problems)

    def test_a_source_that_fails_is_told_one_sample_alone(
        self, team_index: tuple[MemoryIndex, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """However often it is asked: else it would get to know all hashes, and give nothing."""
        for name, value in (("_PAUSE_S", 0.0), ("_SAMPLE", 10), ("_FEW", 5)):
            monkeypatch.setattr(warm_start, name, value)
        source = FailingSource()
        with open_engine(team_index[1], tmp_path, TeamSettings(), ANN) as engine:
            engine._heavy.warm_start.source = source
            assert engine.embed_with_heavy_model(lambda _: None, threading.Event()) > 0
        assert len(source.told) == 10
        assert len(source.requests) > 1

    def test_few_contents_are_not_told(
        self, team_index: tuple[MemoryIndex, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(warm_start, "_FEW", COUNT)
        source = FailingSource()
        with open_engine(team_index[1], tmp_path, TeamSettings(), ANN) as engine:
            engine._heavy.warm_start.source = source
            assert engine.embed_with_heavy_model(lambda _: None, threading.Event()) == COUNT
        assert source.requests == []

    @pytest.mark.parametrize(
        ("make_wrong", "problem"),
        [
            (lambda vector: np.roll(vector, 1), "does not make"),
            (lambda vector: vector[:100] * 2, "nobody asked for"),
            (lambda vector: np.full_like(vector, np.nan), "no vectors"),
            (lambda vector: vector * 0.1, "no vectors"),
        ],
    )
    def test_wrong_vectors_are_not_kept(
        self, team_index: tuple[MemoryIndex, Path], tmp_path: Path, make_wrong: object, problem: str
    ):
        index, folder = team_index
        lying = MemoryIndex()
        lying.tables = index.tables
        lying.spaces = {
            space: (
                dim,
                {key: replace(content, vector=make_wrong(content.vector)) for key, content in contents.items()},  # type: ignore[operator]
            )
            for space, (dim, contents) in index.spaces.items()
        }
        with serve(lying, tmp_path) as url:
            embedded, status, problems = fill(folder, tmp_path, url, ANN)
        assert (embedded, status.from_team, status.share) == (COUNT, 0, 1.0)
        assert any(problem in text for text in problems)
