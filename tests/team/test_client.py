"""The client of a gateway: one that fails is told and costs local search nothing, and vectors come by hash."""

import contextlib
import socket
from pathlib import Path

import pytest

from codekin.code.lines import hash_content
from codekin.errors import TeamError
from codekin.settings import TeamSettings
from codekin.team.client import GatewayClient
from codekin.team.messages import decode_vector
from codekin.types import Filter

from .clones import EMBEDDER, SPACE
from .served_gateway import ANN, BOB, SECRET, TAX, Served, open_engine


def count_connections(listener: socket.socket) -> int:
    """Accept all connections that wait, close them, and return how many there were."""
    listener.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


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
        assert count_connections(silent) == 1  # nobody waits while it is paused
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


class TestWarmStart:
    def test_vectors_come_by_the_hash_of_the_text_within_rights(self, served: Served):
        hashes = [hash_content(text.rstrip("\n")).hex() for text in (TAX, SECRET, "unknown")]
        client = GatewayClient(TeamSettings(served.url, BOB))
        vectors = client.request("/vectors", {"space": SPACE, "hashes": hashes})["vectors"]
        assert vectors.keys() == {hashes[0]}
        expected = EMBEDDER.embed([TAX.rstrip("\n")], "code2code", "passage")[0]  # type: ignore[arg-type]
        assert float(decode_vector(vectors[hashes[0]]) @ expected) > 0.9999
