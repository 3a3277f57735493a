"""Whoever has an index in memory answers commands: one process at a time, and only its own user."""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codekin.embed.local import ipc
from codekin.engine import Engine
from codekin.resident.client import ResidentProcess
from codekin.resident.listener import CommandListener, serve_commands
from codekin.resident.messages import filter_to_message
from codekin.resident.service import ResidentService
from codekin.settings import CacheSettings, CompletionSettings, IndexSettings, Settings
from codekin.types import Filter

from ..shop import write_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands work by themselves there")
TIMEOUT_S = 180
FILES = {"dates.py": "def parse_date(text):\n    return text.split('-')\n"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, and a folder for sockets."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("CI", raising=False)
    return write_files(tmp_path / "project", FILES).resolve()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=CacheSettings(directory=str(tmp_path / "cache")))


@pytest.fixture
def server(root: Path, settings: Settings) -> Iterator[Engine]:
    """The engine of a server that answers commands."""
    engine = Engine([root], settings)
    with closing(engine):
        engine.start()
        serve_commands(engine, [root], settings)
        wait_for_answer(ResidentProcess(root, settings))
        yield engine


def wait_for_answer(resident: ResidentProcess) -> dict[str, object]:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        answer = resident.ask({"command": "describe"})
        if answer is not None:
            return answer
        time.sleep(0.02)
    raise AssertionError("nobody answers")


def test_a_server_answers_the_commands_of_its_workspace(server: Engine, root: Path, settings: Settings):
    answer = wait_for_answer(ResidentProcess(root, settings))
    assert answer == {"pid": os.getpid(), "is_server": True}
    while server.coverage() < 1:
        time.sleep(0.02)
    request = {"command": "search", "question": "parse a date", "k": 3, "within": filter_to_message(Filter())}
    message = ResidentProcess(root, settings).ask(request)
    assert message is not None
    assert [hit["place"]["name"] for hit in message["answer"]["hits"]] == ["parse_date"]


def test_unsaved_text_is_found_too(server: Engine, root: Path, settings: Settings):
    server.open_document(root / "dates.py", FILES["dates.py"] + "\n\ndef refund_customer(card):\n    card.credit(1)\n")
    request = {"command": "search", "question": "refund customer", "k": 3, "within": filter_to_message(Filter())}
    deadline = time.monotonic() + TIMEOUT_S
    names: list[str] = []
    while "refund_customer" not in names and time.monotonic() < deadline:
        message = ResidentProcess(root, settings).ask(request)
        assert message is not None
        if "declined" not in message:  # as long as it is being indexed
            names = [hit["place"]["name"] for hit in message["answer"]["hits"]]
    assert "refund_customer" in names


def test_a_server_that_has_not_indexed_all_leaves_the_answer_to_the_command(root: Path, settings: Settings):
    with closing(Engine([root], settings)) as engine:
        service = ResidentService(engine, root, is_watched=True)
        assert "declined" in service.answer({"command": "search", "question": "parse a date", "k": 3})
        assert service.answer({"command": "describe"}) == {"pid": os.getpid(), "is_server": True}


def test_only_settings_of_the_index_matter(server: Engine, root: Path, settings: Settings):
    cache = settings.cache
    assert server is not None
    with_completions_off = Settings(cache=cache, completion=CompletionSettings(enabled=False))
    assert ResidentProcess(root, with_completions_off).ask({"command": "describe"})
    assert ResidentProcess(root, Settings(cache=cache, index=IndexSettings(exclude=("a/",)))).ask({}) is None


def test_a_closed_engine_leaves_no_address_and_no_socket(root: Path, settings: Settings, tmp_path: Path):
    with closing(Engine([root], settings)) as engine:
        engine.start()
        serve_commands(engine, [root], settings)
        resident = ResidentProcess(root, settings)
        wait_for_answer(resident)
    assert not resident.address_path.exists()
    assert not [path for path in (tmp_path / "run").rglob("*") if path.is_socket()]
    assert resident.ask({"command": "describe"}) is None


def test_only_one_process_answers_and_another_takes_over(server: Engine, root: Path, settings: Settings):
    resident = ResidentProcess(root, settings)
    with closing(CommandListener(resident.address_path, ResidentService(server, root))) as second:
        assert not second.claim()
    server.close()
    third = CommandListener(resident.address_path, ResidentService(server, root))
    assert third.claim()
    third.close()


def test_a_server_is_not_superseded(server: Engine, root: Path, settings: Settings):
    other_settings = Settings(cache=settings.cache, index=IndexSettings(exclude=("a/",)))
    other = CommandListener(ResidentProcess(root, other_settings).address_path, ResidentService(server, root))
    other.retire_others()
    assert wait_for_answer(ResidentProcess(root, settings)) == {"pid": os.getpid(), "is_server": True}


def test_a_client_without_the_key_gets_no_answer(server: Engine, root: Path, settings: Settings):
    assert server is not None
    address = ipc.read_address(ResidentProcess(root, settings).address_path)
    assert address is not None
    assert ipc.connect(ipc.Address(address.location, b"wrong")) is None
    assert wait_for_answer(ResidentProcess(root, settings))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose process the client is")
def test_another_user_is_refused_before_anything_is_said(tmp_path: Path):
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    with ipc.Listener(str(tmp_path / "socket"), "AF_UNIX") as listener:
        (tmp_path / "socket").chmod(0o777)
        client = os.fork()
        if client == 0:
            os.setuid(65534)
            is_refused = ipc.connect(ipc.Address(str(tmp_path / "socket"), b"key")) is None
            os._exit(0 if is_refused else 1)
        accepted: list[object] = []
        thread = threading.Thread(target=lambda: accepted.append(ipc.authenticate(listener.accept(), b"key")))
        thread.start()
        thread.join(TIMEOUT_S)
        assert accepted == [None]
        assert os.waitpid(client, 0)[1] == 0


def test_a_store_that_is_unsound_is_filled_again_though_no_file_has_changed(root: Path, settings: Settings):
    with closing(Engine([root], settings)) as engine:
        service, question = ResidentService(engine, root), {"command": "search", "question": "parse a date", "k": 3}
        question["within"] = filter_to_message(Filter())
        assert service.answer(question)["files"] == 1
        store_path = engine.status().store
        with closing(sqlite3.connect(store_path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log still has it
        store_path.write_text("no database")
        answers: list[dict[str, Any]] = []
        for _ in range(2):  # each client has a thread of its own, which opens the file anew
            thread = threading.Thread(target=lambda: answers.append(service.answer(question)))
            thread.start()
            thread.join(TIMEOUT_S)
        assert [(answer["files"], len(answer["answer"]["hits"])) for answer in answers] == [(1, 1), (1, 1)]
