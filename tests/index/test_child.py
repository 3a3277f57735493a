"""Claims about the indexing process: it does its work in whatever folder it is started."""

from pathlib import Path

import pytest

from codekin.index.child import Child
from codekin.index.home import home
from codekin.settings import CacheSettings, IndexSettings, Settings


def test_nothing_of_the_folder_it_is_started_in_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors start the server in the workspace, which may have modules named like Python's own."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("types", "json", "numpy", "codekin"):
        (work / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef f(): return {name!r}\n")
    monkeypatch.chdir(work)
    settings = Settings(index=IndexSettings(workers=1), cache=CacheSettings(directory=str(tmp_path / "cache")))
    child = Child(home([work], settings), 1)
    report = child.run(lambda _: None)
    child.stop()
    assert report is not None
    assert report.files == 4
    assert not (tmp_path / "ran").exists()
