"""Claims about a model behind OpenAI's embeddings API: asked as the API says, patient with what passes, clear about
what does not, and never taken for another model. The server is a real one, with the embedded model.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codekin.embed.embedder import load_embedder
from codekin.embed.factory import HeavyModel, connect_heavy_model
from codekin.embed.remote import endpoint
from codekin.errors import ModelBusyError, ModelError
from codekin.settings import ModelSettings
from codekin.storage.vector_store import VectorStore
from codekin.types import Role, Task

from ..endpoints import Handler, Server
from ..endpoints import endpoint as start_endpoint

LONG_S = 180.0  # far more than anything takes, even on a busy machine
CODE = [f"def f{row_number}(x):\n    return x * {row_number}" for row_number in range(7)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(endpoint, "_FIRST_RETRY_DELAY_S", 0.01)
    monkeypatch.delenv("CODEKIN_ENDPOINT_KEY", raising=False)
    with start_endpoint() as state:
        yield state


def opened(server: Server, patience_s: float | None = None, **more: Any) -> HeavyModel:
    settings = ModelSettings("some-model", endpoint=server.url, endpoint_batch=3, **more)
    return connect_heavy_model(settings, Path(), patience_s)


def embedded(model: HeavyModel) -> np.ndarray:
    return model.bulk.embed(CODE, Task.NL2CODE, Role.PASSAGE)


def expected(dim: int = 384) -> np.ndarray:
    return load_embedder(ModelSettings(dim=dim)).embed(CODE, Task.NL2CODE, Role.PASSAGE)


def test_the_vectors_are_the_servers_in_the_texts_order_a_bounded_number_at_a_time(server: Server) -> None:
    model = opened(server)
    server.asked.clear()
    assert np.allclose(embedded(model), expected(), atol=1e-5)
    assert [len(texts) for texts in server.asked] == [3, 3, 2]  # with one to which the answer is known
    assert server.asked[0] == CODE[:3]
    assert server.keys[-1] is None
    assert model.bulk.device == f"{server.url}/embeddings"


def test_a_known_model_is_told_its_instruction(server: Server) -> None:
    settings = ModelSettings("jinaai/jina-code-embeddings-0.5b", dim=64, endpoint=server.url)
    model = connect_heavy_model(settings, Path(), None)
    vectors = model.interactive.embed(["parse a date"], Task.NL2CODE, Role.QUERY)
    instruction = "Find the most relevant code snippet given the following query:\nparse a date"
    assert server.asked[-1][0] == instruction
    assert vectors.shape == (1, 64)
    own_model = connect_heavy_model(
        ModelSettings("mine", endpoint=server.url, prompts=("query=search: ",)), Path(), None
    )
    own_model.interactive.embed(["parse a date"], Task.NL2CODE, Role.QUERY)
    assert server.asked[-1][0] == "search: parse a date"


def test_the_key_comes_from_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEKIN_ENDPOINT_KEY", "secret")
    model = opened(server)
    embedded(model)
    assert server.keys[-1] == "Bearer secret"
    assert model.bulk.problems == ()  # it stays on this machine


def _status(status: int, **headers: str) -> Any:
    return lambda handler, _: handler.say(status, {"error": "in a moment"}, **headers)


def _hang_up(handler: Handler, _: list[str]) -> None:
    handler.close_connection = True


def _cut_off(handler: Handler, _: list[str]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"data": [')
    handler.close_connection = True


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param([_status(500), _status(503), _status(502)], id="ill"),
        pytest.param([_status(429, Retry_After="0"), _status(429, Retry_After="soon")], id="busy"),
        pytest.param([_hang_up, _cut_off], id="broken connections"),
    ],
)
def test_what_passes_is_waited_for(server: Server, failures: list[Any]) -> None:
    model = opened(server)
    server.failing.extend(failures)
    assert np.allclose(embedded(model), expected(), atol=1e-5)
    assert not server.failing


def test_fewer_texts_are_sent_where_so_many_are_too_many(server: Server) -> None:
    model = opened(server)
    server.most = 1
    assert np.allclose(embedded(model), expected(), atol=1e-5)


def test_a_question_does_not_wait_for_what_may_pass(server: Server) -> None:
    model = opened(server, patience_s=LONG_S)
    server.failing.append(_status(503))
    with pytest.raises(ModelBusyError, match="503"):
        model.interactive.embed(["now?"], Task.NL2CODE, Role.QUERY)
    model, release = opened(server, patience_s=0.2), threading.Event()

    def slowly(handler: Handler, texts: list[str]) -> None:
        release.wait()
        handler.embed(texts)

    server.failing.append(slowly)
    try:
        with pytest.raises(ModelBusyError, match="within"):
            model.interactive.embed(["now?"], Task.NL2CODE, Role.QUERY)
    finally:
        release.set()


def test_a_question_is_tried_once_though_it_is_too_large(server: Server) -> None:
    model = opened(server, patience_s=LONG_S)
    server.failing.extend([_status(413), _status(503)])
    with pytest.raises(ModelBusyError, match="503"):
        model.interactive.embed(["now?"], Task.NL2CODE, Role.QUERY)
    assert not server.failing
    server.failing.append(_status(413))
    assert model.interactive.embed(["now?"], Task.NL2CODE, Role.QUERY).shape == (1, 384)


def test_who_waits_for_a_server_to_get_well_can_be_told_to_stop(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(server)
    monkeypatch.setattr(endpoint, "_FIRST_RETRY_DELAY_S", 1000.0)
    failed = threading.Event()

    def ill(handler: Handler, _: list[str]) -> None:
        handler.say(503, {})
        failed.set()

    server.failing.append(ill)
    raised: list[Exception] = []

    def work() -> None:
        try:
            embedded(model)
        except ModelError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert failed.wait(LONG_S)
    model.close()
    thread.join(LONG_S)
    assert "no longer in use" in str(raised[0])


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (_status(401), "CODEKIN_ENDPOINT_KEY"),
        (_status(404), "model.endpoint"),
        (_status(400), "in a moment"),
        (_status(307, Location="http://example.invalid/"), "redirects to http://example.invalid/"),
        (_status(302), "redirects to an unknown address"),
        (lambda handler, _: handler.say(400, b"\x1b[31mred\nalarm"), "[31mred alarm"),
        (lambda handler, _: handler.say(200, b"[" * 100_000), "OpenAI-compatible"),
        (lambda handler, _: handler.say(200, b" " * (4 << 20)), "bytes for 3 texts"),
        (lambda handler, texts: handler.say(200, _rows(texts, [10**400])), "OpenAI-compatible"),
        (lambda handler, texts: handler.say(200, {"data": _rows(texts, [1.0])["data"][:1] * 3}), "1 vectors for 3"),
        (lambda handler, _: handler.say(200, b"<html>"), "OpenAI-compatible"),
        (lambda handler, _: handler.say(200, {"data": []}), "0 vectors for"),
        (lambda handler, _: handler.say(200, {"data": [{"index": 0, "embedding": ["x"]}]}), "OpenAI-compatible"),
        (lambda handler, texts: handler.say(200, _rows(texts, [1.0, float("nan")])), "not finite"),
    ],
)
def test_what_does_not_pass_is_told_at_once_with_the_remedy(server: Server, failure: Any, message: str) -> None:
    model = opened(server)
    server.asked.clear()
    server.failing.extend([failure] * 3)
    with pytest.raises(ModelError, match=r"\? ?|\. [A-Z]") as raised:
        embedded(model)
    assert message in str(raised.value)
    assert len(server.asked) <= 3


def _rows(texts: list[str], row: list[float]) -> dict[str, Any]:
    return {"data": [{"index": row_number, "embedding": row} for row_number in range(len(texts))]}


@pytest.mark.parametrize("numbers", [384, 64])
def test_a_model_that_takes_another_s_place_meanwhile_is_found_out(server: Server, numbers: int) -> None:
    """Also by a question, and in the middle of what is asked."""
    model = opened(server, patience_s=LONG_S)

    def other(handler: Handler, texts: list[str]) -> None:
        handler.say(200, _rows(texts, [1.0] * numbers))

    server.failing.extend([lambda handler, texts: handler.embed(texts), other, other])
    with pytest.raises(ModelError, match=r"another|different lengths"):
        embedded(model)
    server.failing.append(other)
    with pytest.raises(ModelError, match=r"another model now.*Ask again"):
        model.interactive.embed(["now?"], Task.NL2CODE, Role.QUERY)
    assert np.allclose(embedded(model), expected(), atol=1e-5)


def test_a_model_that_knows_nothing_is_refused(server: Server) -> None:
    server.failing.append(lambda handler, texts: handler.say(200, _rows(texts, [0.0] * 8)))
    with pytest.raises(ModelError, match="a vector of zeros"):
        opened(server)


def test_an_answer_that_drips_is_not_waited_for(server: Server) -> None:
    model, client_gone = opened(server, patience_s=1.5), threading.Event()

    def drip(handler: Handler, _: list[str]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b" ")
                client_gone.wait(0.05)
        except OSError:
            client_gone.set()

    server.failing.append(drip)
    with pytest.raises(ModelBusyError, match=r"within 1\.5 s"):
        model.interactive.embed(["now?"], Task.NL2CODE, Role.QUERY)
    assert client_gone.wait(LONG_S)


def test_a_key_that_no_header_can_carry_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEKIN_ENDPOINT_KEY", "two\nlines")
    with pytest.raises(ModelError, match="Set it again"):
        opened(server)
    monkeypatch.setenv("CODEKIN_ENDPOINT_KEY", "one\n")
    opened(server)
    assert server.keys[-1] == "Bearer one"


def test_a_dimension_that_is_no_number_is_refused(server: Server) -> None:
    with pytest.raises(ModelError, match="whole numbers"):
        opened(server, matryoshka=("x",))


def test_a_server_must_be_told_which_model_is_meant(server: Server) -> None:
    with pytest.raises(ModelError, match=r"Set model\.name"):
        connect_heavy_model(ModelSettings(endpoint=server.url), Path(), None)


def test_another_model_under_the_same_name_gets_a_space_of_its_own(server: Server, tmp_path: Path) -> None:
    vectors = VectorStore(tmp_path / "vectors.sqlite")
    first_vector, second_vector = (np.eye(1, 8, row_number, dtype=np.float32)[0] for row_number in (0, 1))
    space = opened(server).bulk.space(Task.NL2CODE)
    assert vectors.find_or_create_space(space, b"probe", first_vector) == space
    second = vectors.find_or_create_space(space, b"probe", second_vector)
    assert second != space
    nearly = first_vector + 0.05 * second_vector
    assert vectors.find_or_create_space(space, b"probe", nearly / np.linalg.norm(nearly)) == space
    assert vectors.find_or_create_space(space, b"probe", second_vector) == second
    vectors.close()
