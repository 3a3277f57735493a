"""Claims about a heavy model's vectors: they come behind, what is worked on first, nothing twice, and hide nothing.

The heavy model is the embedded one behind a real endpoint, which remembers what it was asked.
"""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from codekin.embed.remote import endpoint
from codekin.embed.tasks import PROBE
from codekin.engine import Engine
from codekin.errors import ModelError
from codekin.indexing import embedding_worker
from codekin.settings import CacheSettings, ModelSettings, Settings
from codekin.types import Progress

LONG_S = 180.0
NEVER = threading.Event()


Server = Any  # tests/embed/endpoints.py


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, embedding_server: Server) -> Server:
    monkeypatch.setattr(endpoint, "_FIRST_RETRY_DELAY_S", 0.01)
    monkeypatch.setattr(embedding_worker, "_RETRY_DELAYS_S", (0.05,))
    monkeypatch.setattr(embedding_worker, "_POLL_INTERVAL_S", 0.05)
    return embedding_server


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> Settings:
    model = ModelSettings("some-model", endpoint=server.url, endpoint_batch=64)
    return Settings(model=model, cache=CacheSettings(directory=str(tmp_path / "cache")))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten files of five functions, the higher the number the older."""
    for number in range(10):
        path = tmp_path / "work" / f"file_{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n\n".join(function(number, file_number) for file_number in range(5)))
        os.utime(path, (time.time() - 1000 * number,) * 2)
    return tmp_path / "work"


def function(number: int, file_number: int) -> str:
    return (
        f"def step_{number}_{file_number}(value, other):\n"
        f"    result = value * {file_number} + other\n    return result - {number}\n"
    )


def indexed(root: Path, settings: Settings) -> Engine:
    engine = Engine([root], settings)
    engine.refresh(lambda _: None, NEVER, 0)
    return engine


def asked(server: Server) -> list[str]:
    """What the model was given to read, in order."""
    return [text for texts in server.asked for text in texts if text != PROBE]


def until(condition: object, engine: Engine) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, engine.status()
        time.sleep(0.01)


def test_the_light_model_answers_before_and_while_the_heavy_one_reads(
    root: Path, settings: Settings, server: Server
) -> None:
    with closing(indexed(root, settings)) as engine:
        assert engine.search("step_3_2", 3).hits[0].place.name == "step_3_2"
        assert engine.status().models[1].state == "opening"
        statuses: list[Progress] = []
        enough = threading.Event()

        def look(progress: Progress) -> None:
            statuses.append(progress)
            if progress.done:
                enough.set()

        engine.embed_with_heavy_model(look, enough)
        light, heavy = engine.status().models
        assert light.share == 1
        assert 0 < heavy.share < 1
        for number in range(10):
            assert engine.search(f"step_{number}_2", 3).hits[0].place.name == f"step_{number}_2"
        assert engine.embed_with_heavy_model(look, NEVER) > 0
        assert engine.status().models[1].share == 1
        assert statuses[-1] == Progress(50, 50, 0.0)


def test_what_is_open_is_read_first_then_what_was_changed_last(root: Path, settings: Settings, server: Server) -> None:
    with closing(indexed(root, settings)) as engine:
        opened = root / "file_7.py"
        engine._workspace.open_overlay(opened, opened.read_text())
        engine.embed_with_heavy_model(lambda _: None, NEVER)
        files = list(dict.fromkeys(text.split("_")[1] for text in asked(server)))
        assert files == ["7", "0", "1", "2", "3", "4", "5", "6", "8", "9"]


def test_nothing_is_read_twice_whoever_asks(root: Path, settings: Settings, server: Server) -> None:
    with closing(indexed(root, settings)) as first_engine, closing(Engine([root], settings)) as second_engine:
        second_engine.follow()
        threads = [
            threading.Thread(target=it._heavy.run_until_done, args=(lambda _: None, NEVER))
            for it in (first_engine, second_engine)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG_S)
        assert [it.status().models[1].share for it in (first_engine, second_engine)] == [1, 1]
    (root / "file_3.py").rename(root / "moved.py")
    (root / "file_4.py").write_text(function(4, 0) + "\n\n" + function(4, 77))
    with closing(indexed(root, settings)) as again:
        assert again._heavy.run_until_done(lambda _: None, NEVER) == 1
    assert max(Counter(asked(server)).values()) == 1
    assert len(asked(server)) == 51


def test_killed_in_the_middle_it_goes_on_where_it_was(root: Path, settings: Settings, server: Server) -> None:
    """What is under way may be read again, and nothing else."""
    environment = {
        **os.environ,
        "CODEKIN_CACHE_DIRECTORY": settings.cache.directory,
        "CODEKIN_CONFIG": os.devnull,
        "CODEKIN_MODEL_NAME": settings.model.name,
        "CODEKIN_MODEL_ENDPOINT": server.url,
    }
    command = [sys.executable, "-P", "-m", "codekin", "index", str(root)]
    reached, killed = threading.Event(), threading.Event()

    def stall(handler: object, texts: list[str]) -> None:
        reached.set()
        killed.wait(LONG_S)

    server.failing.extend([lambda handler, texts: handler.embed(texts)] * 4 + [stall])  # two probes, two batches
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    assert reached.wait(LONG_S)
    process.kill()
    process.wait(LONG_S)
    killed.set()
    under_way = set(server.asked[-1])
    subprocess.run(command, env=environment, check=True, timeout=LONG_S, stdout=subprocess.DEVNULL)
    twice = {text for text, count in Counter(asked(server)).items() if count > 1}
    assert twice <= under_way
    assert len(set(asked(server))) == 50


def test_an_edit_is_read_soon_in_the_background(root: Path, settings: Settings, server: Server) -> None:
    changes: list[None] = []
    with closing(Engine([root], settings, on_change=lambda: changes.append(None))) as engine:
        engine.start()
        until(lambda: engine.status().models[1].share == 1 and engine.status().files == 10, engine)
        before = len(asked(server))
        engine.open_document(root / "file_2.py", function(2, 0) + "\n\n" + function(99, 99))
        until(lambda: len(asked(server)) == before + 1, engine)
        until(lambda: engine.status().models[1].state == "ready", engine)
        assert asked(server)[-1] == function(99, 99).strip()
        assert changes


def test_a_model_that_fails_is_told_with_the_remedy_and_the_light_one_answers_until_it_is_back(
    root: Path, settings: Settings, server: Server
) -> None:
    is_ill = True

    def ill(handler: object, texts: list[str]) -> None:
        if is_ill:
            server.failing.append(ill)  # type: ignore[arg-type]
        handler.say(401, {})  # type: ignore[attr-defined]

    server.failing.append(ill)  # type: ignore[arg-type]
    with closing(Engine([root], settings)) as engine:
        engine.start()
        until(lambda: engine.status().problems and engine.status().coverage == 1, engine)
        assert "CODEKIN_ENDPOINT_KEY" in engine.status().problems[0]
        assert engine.status().models[1].state == "failed"
        assert engine.search("step_3_2", 3).hits[0].place.name == "step_3_2"
        is_ill = False
        until(lambda: engine.status().models[1].share == 1 and not engine.status().problems, engine)


def test_a_question_that_it_fails_is_told_and_whatever_is_there_then_is_read_anew(
    root: Path, settings: Settings, server: Server
) -> None:
    """Although all has been read, and nothing but questions is asked of it."""

    def other(handler: Any, texts: list[str]) -> None:
        rows = [
            {"index": position, "embedding": [1.0] + [0.0] * 63 + [len(text)]} for position, text in enumerate(texts)
        ]
        if is_other:
            server.failing.append(other)
        handler.say(200, {"data": rows})

    with closing(Engine([root], settings)) as engine:
        engine.start()
        until(lambda: engine.status().models[1].share == 1 and engine.status().files == 10, engine)
        is_other = True
        server.failing.append(other)
        assert engine.search("step_3_2", 3).hits[0].place.name == "step_3_2"
        assert "another model" in engine.status().problems[0]
        until(lambda: engine.status().models[1].share == 1 and not engine.status().problems, engine)
        assert len(asked(server)) > 2 * 50
        is_other = False


def test_a_model_that_can_not_be_opened_has_failed(root: Path, settings: Settings) -> None:
    nowhere = replace(settings, model=replace(settings.model, endpoint="http://127.0.0.1:1/v1"))
    with closing(Engine([root], nowhere)) as engine:
        with pytest.raises(ModelError):
            engine.open_heavy_model()
        assert engine.status().models[1].state == "failed"


def test_who_only_looks_says_that_another_process_embeds(root: Path, settings: Settings) -> None:
    with closing(indexed(root, settings)) as engine:
        engine.open_heavy_model()
        assert engine.status().models[1].state == "ready"
        space = engine._heavy._get_vectors().space
        with FileLock(engine._paths.embedding_lock(space)):
            assert engine.status().models[1].state == "standing by"


def test_pausing_stops_the_reading(root: Path, settings: Settings, server: Server) -> None:
    with closing(Engine([root], settings)) as engine:
        engine.pause()
        engine.start()
        until(lambda: engine.status().models[1].state == "paused", engine)
        engine.resume()
        until(lambda: engine.status().models[1].share == 1 and engine.status().files == 10, engine)
