"""Claims about the process that holds a heavy model: one for all, private, patient with bulk, quick with questions,
back after it was killed, gone when nobody asks. The model is a real one, if tiny.
"""

import contextlib
import json
import os
import shutil
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from codekin.embed.embedder import Embedder, load_embedder
from codekin.embed.local import model_client
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.embed.local.ipc import Address, connect, read_address
from codekin.embed.local.model_client import ModelClient, ModelServerProcess
from codekin.errors import ModelBusyError, ModelError
from codekin.settings import ModelSettings
from codekin.types import Role, Task

LONG_S = 180.0
TEXTS = [f"def function_{at}(a, b):\n    return a * {at} + b\n" * (1 + at % 5) for at in range(40)]
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets and modes")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Each process computes on one: tests share their machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def settings(tiny_checkpoint: Path) -> ModelSettings:
    return ModelSettings(str(tiny_checkpoint), precision="float32", idle_s=10 * LONG_S)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "models"


@pytest.fixture(scope="module")
def hosting(settings: ModelSettings, home: Path) -> Iterator[ModelServerProcess]:
    """A way to a process that is there."""
    hosting = ModelServerProcess(read_checkpoint(settings), settings, home)
    hosting.connect().close()
    yield hosting
    process_of(hosting).kill()


def process_of(hosting: ModelServerProcess) -> psutil.Process:
    return psutil.Process(hosting.server_info["pid"])


def bulk(hosting: ModelServerProcess) -> Embedder:
    return Embedder(ModelClient(hosting, is_urgent=False))


def test_who_asks_from_elsewhere_gets_the_same_vectors_from_the_same_process(
    hosting: ModelServerProcess, settings: ModelSettings, home: Path
) -> None:
    other_server = ModelServerProcess(read_checkpoint(settings), settings, home)
    vectors = bulk(other_server).embed(TEXTS, Task.NL2CODE, Role.PASSAGE)
    expected = load_embedder(settings).embed(TEXTS, Task.NL2CODE, Role.PASSAGE)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)  # the two may have different numbers of threads
    assert other_server.server_info["pid"] == hosting.server_info["pid"]
    assert bulk(other_server).space(Task.NL2CODE) == load_embedder(settings).space(Task.NL2CODE)
    assert bulk(other_server).device == "cpu, 1 thread, float32"  # the process's own, not of whoever asks


def test_who_has_closed_starts_and_asks_nothing(settings: ModelSettings, tmp_path: Path) -> None:
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    client = ModelClient(hosting, is_urgent=False)
    client.close()
    with pytest.raises(ModelBusyError):
        client.encode(["x = 1"], "")
    assert not hosting.log_path.exists()


def test_who_closes_while_the_model_is_loaded_does_not_stay_connected(settings: ModelSettings, tmp_path: Path) -> None:
    hosting = ModelServerProcess(read_checkpoint(settings), replace(settings, idle_s=1.0), tmp_path / "models")
    client = ModelClient(hosting, is_urgent=True, timeout_s=0.1)
    with pytest.raises(ModelBusyError):
        client.encode(["x = 1"], "")
    pending = client._pending_channel
    assert pending is not None
    client.close()
    loaded = threading.Event()
    pending.add_done_callback(lambda _: loaded.set())
    assert loaded.wait(LONG_S)
    assert pending.result()._connection.closed


def test_two_who_begin_at_once_start_one_process(settings: ModelSettings, tmp_path: Path) -> None:
    ways = [ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models") for _ in range(4)]
    threads = [threading.Thread(target=lambda way=way: way.connect().close()) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert len({way.server_info["pid"] for way in ways}) == 1
    process_of(ways[0]).kill()


def test_a_question_comes_before_bulk_work_that_was_there_first(hosting: ModelServerProcess) -> None:
    """Which is so much that it would last for minutes; whoever asked for it gives up in the end."""
    begun, given_up = threading.Event(), threading.Event()
    client = ModelClient(hosting, is_urgent=False)
    embedder = Embedder(client)

    def work() -> None:
        embedder.embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)
        begun.set()
        with pytest.raises(ModelBusyError):
            embedder.embed(TEXTS * 150, Task.NL2CODE, Role.PASSAGE)
        given_up.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(LONG_S)
    urgent_embedder = Embedder(ModelClient(hosting, is_urgent=True))
    for _ in range(3):
        urgent_embedder.embed(["where is the parser?"], Task.NL2CODE, Role.QUERY)
    assert not given_up.is_set()
    assert thread.is_alive()
    client.close()
    assert given_up.wait(LONG_S)
    thread.join(LONG_S)
    assert bulk(hosting).embed(TEXTS[:3], Task.NL2CODE, Role.PASSAGE).shape == (3, 64)


def test_killed_in_the_middle_of_the_work_it_is_started_again_and_nothing_is_lost(
    settings: ModelSettings, tmp_path: Path
) -> None:
    """And what was killed neither keeps a question waiting, nor does it end for ever."""
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    urgent_embedder = Embedder(ModelClient(hosting, is_urgent=True, timeout_s=LONG_S))
    with pytest.raises(ModelBusyError, match="is being loaded"):
        urgent_embedder.embed(["anything"], Task.NL2CODE, Role.QUERY)
    results: list[np.ndarray] = []
    embedder = bulk(hosting)
    embedder.embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)
    first = process_of(hosting)
    thread = threading.Thread(target=lambda: results.append(embedder.embed(TEXTS * 10, Task.NL2CODE, Role.PASSAGE)))
    thread.start()
    first.kill()
    thread.join(LONG_S)
    expected = load_embedder(settings).embed(TEXTS, Task.NL2CODE, Role.PASSAGE)
    assert np.allclose(results[0], np.tile(expected, (10, 1)), atol=1e-5)
    assert hosting.server_info["pid"] != first.pid
    process_of(hosting).kill()


def test_it_ends_when_nobody_asks_and_is_there_again_for_who_does(settings: ModelSettings, tmp_path: Path) -> None:
    brief = ModelSettings(settings.name, precision="float32", idle_s=0.5)
    hosting = ModelServerProcess(read_checkpoint(brief), brief, tmp_path / "models")
    embedder = bulk(hosting)  # which stays, and so does its connection
    for _ in range(2):
        embedder.embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)
        with contextlib.suppress(psutil.NoSuchProcess):  # it may be gone before it is looked for
            process = process_of(hosting)
            process.wait(LONG_S)
            assert not process.is_running()
    address = read_address(hosting._address_path)
    assert address is not None
    assert connect(address) is None
    assert not Path(str(address.location)).exists()


@posix
def test_only_its_user_can_reach_it_and_only_who_has_the_key_is_answered(hosting: ModelServerProcess) -> None:
    address = read_address(hosting._address_path)
    assert address is not None
    for path in (hosting._address_path, hosting.log_path, Path(str(address.location))):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE(Path(str(address.location)).parent.stat().st_mode) == 0o700
    assert connect(Address(address.location, os.urandom(32))) is None
    channel = connect(address)
    assert channel is not None
    channel.receive()
    channel.send({"what": "is this?"})  # it hangs up, and goes on
    with pytest.raises((EOFError, OSError)):
        channel.receive()
    assert bulk(hosting).embed(["x = 1"], Task.NL2CODE, Role.PASSAGE).shape == (1, 64)


def test_what_can_not_be_loaded_says_so_with_the_remedy_and_is_not_tried_again_at_once(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "broken")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    settings = ModelSettings(str(folder))
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    with pytest.raises(ModelError, match=r"\. [A-Z]") as first:
        bulk(hosting).embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)
    address = read_address(hosting._address_path)
    with pytest.raises(ModelError) as second:  # at once: it would only fail again
        bulk(hosting).embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)
    assert str(first.value) == str(second.value)
    assert read_address(hosting._address_path) == address


@posix
def test_one_that_hangs_at_its_work_is_left_to_itself_and_another_started(
    settings: ModelSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    embedder = bulk(hosting)
    embedder.embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)
    monkeypatch.setattr(model_client, "_CONNECT_TIMEOUT_S", 5.0)  # the one that is started instead has as long
    monkeypatch.setattr(model_client, "_LIVENESS_INTERVAL_S", 0.3)
    first = process_of(hosting)
    first.suspend()
    vectors = embedder.embed(TEXTS, Task.NL2CODE, Role.PASSAGE)
    assert np.allclose(vectors, load_embedder(settings).embed(TEXTS, Task.NL2CODE, Role.PASSAGE), atol=1e-5)
    assert hosting.server_info["pid"] != first.pid
    first.kill()
    process_of(hosting).kill()


@posix
def test_who_listens_there_without_greeting_is_passed_by(
    settings: ModelSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_client, "_CONNECT_TIMEOUT_S", 5.0)  # the one that is started instead has as long
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(tmp_path / "s"))
        stranger.listen()
        hosting._address_path.parent.mkdir()
        Address(str(tmp_path / "s"), os.urandom(32)).write(hosting._address_path)
        assert bulk(hosting).embed(["x = 1"], Task.NL2CODE, Role.PASSAGE).shape == (1, 64)
    process_of(hosting).kill()


@posix
def test_where_no_socket_can_be_the_remedy_is_told(
    settings: ModelSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir(0o700)
    (tmp_path / "run" / "codekin").mkdir(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    with pytest.raises(ModelError, match=r"XDG_RUNTIME_DIR"):
        bulk(hosting).embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)


def test_one_that_dies_while_it_loads_is_told_after_some_tries(
    settings: ModelSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However soon it dies, for its own log can't say why."""
    (tmp_path / "torch.py").write_text("import os; os._exit(9)")
    monkeypatch.syspath_prepend(tmp_path)
    hosting = ModelServerProcess(read_checkpoint(settings), settings, tmp_path / "models")
    with pytest.raises(ModelError, match=r"died 3 times\. Is there memory for it\?"):
        bulk(hosting).embed(["x = 1"], Task.NL2CODE, Role.PASSAGE)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"where": 1, "key": "00"}', '{"where": "/x", "key": "zz"}'])
def test_an_address_that_is_none_is_no_address(tmp_path: Path, text: str) -> None:
    (tmp_path / "address").write_text(text)
    assert read_address(tmp_path / "address") is None
    assert read_address(tmp_path / "nothing") is None
