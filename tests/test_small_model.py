"""The small transformer: it fills in behind the embedded model where ONNX Runtime is installed, and nobody waits."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

pytest.importorskip("onnxruntime", reason="the small model needs ONNX Runtime: pip install 'codekin[small]'")

from codekin.embed.embedder import load_embedder
from codekin.embed.factory import has_heavy_model, is_small_by_default, load_light_model
from codekin.embed.local import small
from codekin.embed.local.checkpoint import read_checkpoint
from codekin.engine import Engine
from codekin.evaluation.signature import describe_model
from codekin.indexing import embedding_worker, power
from codekin.settings import CacheSettings, ModelSettings, Settings
from codekin.types import ModelState, Role, Task

TIMEOUT_S = 180.0  # far more than anything takes, even on a busy machine
CODE = '''\
def total_price(orders, tax_rate):
    """Sum the prices of all orders and add the tax."""
    total = 0
    for order in orders:
        total += order.price * order.quantity
    return total * (1 + tax_rate)


def erase_account(person):
    """Forget everything about someone who leaves."""
    person.records.clear()
    person.sessions.close()
    return person
'''
FILLED = 1.0


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the small model be found, as for a user of codekin[small]."""
    monkeypatch.setattr(small, "is_available", lambda: True)


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Return a function that opens engines on one small workspace; they are closed at the end."""
    engines = []
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.py").write_text(CODE)

    def make(**model: object) -> Engine:
        settings = Settings(
            cache=CacheSettings(directory=str(tmp_path / "cache")), model=replace(ModelSettings(idle_s=5.0), **model)
        )
        engine = Engine([tmp_path / "shop"], settings)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll the condition until it holds. Fails after the time-out."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def share_of(engine: Engine) -> float:
    """Return the share of contents, 0 to 1, that the heavy model has embedded; 0 without that model."""
    state = engine.describe_heavy_model()
    return state.status.share if state else 0.0


def find_first(engine: Engine, question: str) -> str:
    """Search, and return the qualified name of the best of three hits; "" without any."""
    hits = engine.search(question, 3).hits
    return hits[0].place.qualified_name if hits else ""


def test_it_is_chosen_by_default_and_by_name_only() -> None:
    assert not is_small_by_default(ModelSettings())  # the tests' own setting
    assert has_heavy_model(ModelSettings("small"))
    assert load_light_model(ModelSettings("small")).model == load_light_model(ModelSettings()).model


@pytest.mark.usefixtures("installed")
def test_settings_turn_it_off() -> None:
    assert is_small_by_default(ModelSettings())
    assert not has_heavy_model(ModelSettings(small=False))
    assert not is_small_by_default(ModelSettings("minilm"))
    assert not is_small_by_default(ModelSettings("m", endpoint="http://localhost:1/v1"))
    assert load_light_model(ModelSettings(dim=64)).dim == 64


def test_it_is_described_without_torch_which_need_not_be_here() -> None:
    facts = describe_model(load_embedder(ModelSettings("small")))
    assert "onnxruntime" in facts
    assert "torch" not in facts


def test_the_shipped_weights_are_whole_and_understand_a_sentence() -> None:
    checkpoint = read_checkpoint(ModelSettings("small"))
    assert (checkpoint.name, checkpoint.dims, checkpoint.licence) == (small.TITLE, (64, 128, 256, 384), "apache-2.0")
    assert sum(path.stat().st_size for path in small.FOLDER.rglob("*") if path.is_file()) <= 24_000_000
    embedder = load_embedder(ModelSettings("small"))
    functions = CODE.split("\n\n\n")
    question = embedder.embed(["delete a user and their data"], Task.NL2CODE, Role.QUERY)
    price, account = (question @ embedder.embed(functions, Task.NL2CODE, Role.PASSAGE).T)[0]
    assert account > price + 0.1


@pytest.mark.usefixtures("installed")
def test_it_fills_in_once_the_engine_is_started_and_answers_with_the_embedded_model(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine()
    engine.refresh(lambda _: None, Event(), 1)
    assert engine.describe_heavy_model() is None  # a command waits for nothing
    assert engine.search("sum the prices", 3).hits
    engine.start()
    wait_until(lambda: share_of(engine) == FILLED)
    names = [model.name for model in engine.status().models]
    assert names[1:] == [small.TITLE]
    assert find_first(engine, "sum the prices of all orders") == "total_price"
    assert engine.status().problems == ()


@pytest.mark.usefixtures("installed")
def test_on_battery_it_pauses_unless_the_settings_say_otherwise(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_discharging = True
    monkeypatch.setattr(embedding_worker, "is_on_battery", lambda: is_discharging)
    with closing(make_engine()) as engine:
        engine.start()
        wait_until(lambda: engine.coverage() == 1.0)
        state = engine.describe_heavy_model()
        assert state is not None
        assert (state.status.state, state.status.share) == (ModelState.PAUSED, 0.0)
        is_discharging = False
        wait_until(lambda: share_of(engine) == FILLED)
    is_discharging = True
    with closing(make_engine(on_battery=True)) as engine:
        engine.start()
        wait_until(lambda: share_of(engine) == FILLED)


def test_a_task_in_which_it_counts_nothing_is_not_asked(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(name="small")
    engine.refresh(lambda _: None, Event(), 1)
    assert engine.embed_with_heavy_model(lambda _: None, Event()) > 0
    worker = engine._heavy
    assert small.BLEND_WEIGHTS[Task.CODE2CODE] == 0
    assert worker.embed_query("x = 1", Task.CODE2CODE) is None
    query = worker.embed_query("a question", Task.NL2CODE)
    assert query is not None
    assert query.blend_weight == small.BLEND_WEIGHTS[Task.NL2CODE]


@pytest.mark.parametrize(("plugged", "expected"), [(False, True), (True, False), (None, False)])
def test_a_battery_that_discharges_is_told(
    monkeypatch: pytest.MonkeyPatch, plugged: bool | None, expected: bool
) -> None:
    psutil = pytest.importorskip("psutil")
    battery = type("Battery", (), {"power_plugged": plugged})()
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert power.is_on_battery() is expected
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert not power.is_on_battery()
