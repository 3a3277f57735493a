"""The gateway over HTTP: whom it lets in, what it refuses and logs, and what its client believes."""

import json
import logging
from pathlib import Path

import pytest

from codekin.team.access import AccessFile
from codekin.team.catalogue import Catalogue
from codekin.team.gateway import Gateway
from codekin.team.gateway_search import GatewaySearch
from codekin.team.messages import decode_answer
from codekin.team.rate_limit import RateLimit
from codekin.types import Filter

from .clones import KEYRING
from .memory_index import MemoryIndex
from .served_gateway import ANN, BOB, Served, open_engine


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


class TestMessages:
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
