"""A user without ignore rules, and watchers that are stopped when a test ends."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.workspace import watcher as watcher_module
from codekin.workspace.watch_source import WatchListener, WatchSource
from codekin.workspace.workspace import Workspace

from .watching import Listen, Listener


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the process an empty home folder, so that no ignore rules of the user's own apply."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield folder


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Return a function that starts a watcher and waits until it watches; all are stopped at the end."""
    listeners: list[Listener] = []

    def begin(*roots: Path, polling_s: float = 600.0) -> Listener:
        listener = Listener(Workspace(roots or (tmp_path,), IndexSettings()), polling_s)
        listeners.append(listener)
        listener.watcher.start()
        listener.until(lambda: listener.rescans == 1)
        return listener

    yield begin
    for listener in listeners:
        listener.watcher.stop()


@pytest.fixture(params=["chosen folders", "recursive"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with each way of watching: the system's own choice, and the recursive observer."""
    if request.param == "recursive":
        from codekin.workspace.recursive_observer import RecursiveObserver

        def recursive(workspace: Workspace, report: WatchListener, stopping: threading.Event) -> WatchSource:
            return RecursiveObserver(workspace, report)

        monkeypatch.setattr(watcher_module, "_open_system_source", recursive)
