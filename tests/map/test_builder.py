"""The map of a workspace."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from codekin.engine import Engine
from codekin.map.builder import MAX_FUNCTIONS, CodeMap
from codekin.settings import CacheSettings, Settings
from codekin.types import Progress

from ..shop import define_total

NEVER = Event()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    root = tmp_path / "root"
    for name in ("shop/orders", "shop/invoices", "web/basket"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.py").write_text(define_total("price_of_" + name.rpartition("/")[2]))
    (root / "web/copied.py").write_text(define_total("price_of_basket"))
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
    text = "".join(f"def {a}_{b}({b}):\n    return {a}.{b}({b})\n\n\n" for a in words for b in words)
    (root / "web/words.py").write_text(text)
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")))
    new_engine = Engine([root], settings)
    new_engine.refresh(lambda _: None, NEVER, 0)
    yield new_engine
    new_engine.close()


def build(engine: Engine, limit: int = MAX_FUNCTIONS) -> CodeMap:
    code_map = engine.build_map(limit, lambda _: None, NEVER)
    assert code_map is not None
    return code_map


def test_every_function_is_a_point_with_its_name_and_place(engine: Engine) -> None:
    code_map = build(engine)
    assert code_map.total == len(code_map.x) == len(code_map.names) == 40
    assert ((code_map.x >= 0) & (code_map.x <= 1) & (code_map.y >= 0) & (code_map.y <= 1)).all()
    standing = zip(code_map.names, code_map.file, code_map.line, strict=True)
    places = {name: (code_map.files[file].name, line) for name, file, line in standing}
    assert places["price_of_orders"] == ("orders.py", 0)
    assert places["alpha_gamma"] == ("words.py", 8)
    named = [code_map.groups[number].name for number in code_map.group]
    assert dict(zip(code_map.names, named, strict=False))["price_of_orders"] == "shop"
    assert [group.name for group in code_map.groups] == ["web", "shop", "others"]


def test_near_duplicates_are_joined_and_nothing_else(engine: Engine) -> None:
    code_map = build(engine)
    joined = {name for pair in code_map.links for number in pair for name in [code_map.names[number]]}
    assert joined == {"price_of_orders", "price_of_invoices", "price_of_basket"}
    equal = [number for number, name in enumerate(code_map.names) if name == "price_of_basket"]
    assert sorted(equal) in np.sort(code_map.links, axis=1).tolist()
    first_row, second_row = equal
    assert (
        0
        < abs(code_map.x[first_row] - code_map.x[second_row]) + abs(code_map.y[first_row] - code_map.y[second_row])
        < 0.01
    )


def test_of_too_many_a_sample_is_drawn_and_says_of_how_many(engine: Engine) -> None:
    code_map = build(engine, 30)
    assert (len(code_map.x), code_map.total) == (30, 40)


def test_it_is_drawn_once_for_each_generation(engine: Engine) -> None:
    first = build(engine)
    assert build(engine) is first
    (engine._workspace.roots[0] / "web/more.py").write_text("def one_more(thing):\n    return thing + 1\n")
    engine.refresh(lambda _: None, NEVER, 0)
    second = build(engine)
    assert second.generation > first.generation
    assert set(second.names) - set(first.names) == {"one_more"}


def test_the_same_index_made_in_another_order_gives_the_same_map(engine: Engine, tmp_path: Path) -> None:
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "other")))
    root = engine._workspace.roots[0]
    held = {path: path.read_text() for path in root.rglob("*.py")}
    for path in held:
        path.unlink()
    other_engine = Engine([root], settings)
    for path in sorted(held, reverse=True):
        path.write_text(held[path])
        other_engine.refresh(lambda _: None, NEVER, 0)
    first_map, second_map = build(engine), build(other_engine)
    other_engine.close()
    assert first_map.names == second_map.names
    assert np.array_equal(first_map.x, second_map.x)
    assert np.array_equal(first_map.links, second_map.links)


def test_progress_is_told_and_cancelling_leaves_nothing(engine: Engine) -> None:
    progress_reports: list[Progress] = []
    cancel_event = Event()

    def on_progress(progress: Progress) -> None:
        progress_reports.append(progress)
        if progress.done > 40:
            cancel_event.set()

    assert engine.build_map(MAX_FUNCTIONS, on_progress, cancel_event) is None
    assert [progress.done for progress in progress_reports] == sorted({progress.done for progress in progress_reports})
    assert progress_reports[-1].done < progress_reports[-1].total
    assert len(build(engine).x) == 40


def test_progress_counts_what_comes_before_the_layout(engine: Engine) -> None:
    """Of a large workspace, loading takes most of the time."""
    progress_reports: list[Progress] = []
    engine.build_map(MAX_FUNCTIONS, progress_reports.append, NEVER)
    assert {20, 40} <= {progress.done for progress in progress_reports}
    assert progress_reports[-1].done == progress_reports[-1].total


def test_many_that_ask_at_once_get_one_drawing(engine: Engine) -> None:
    code_map: list[CodeMap] = []
    threads = [Thread(target=lambda: code_map.append(build(engine))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(thread) for thread in code_map}) == 1


def test_an_empty_workspace_is_an_empty_map(tmp_path: Path) -> None:
    settings = replace(Settings(), cache=CacheSettings(directory=str(tmp_path / "cache")))
    empty_engine = Engine([tmp_path], settings)
    assert len(build(empty_engine).x) == 0
    empty_engine.close()
