"""How words of the command line are read."""

import sys
from pathlib import Path

import pytest

from codekin.cli.arguments import find_root, parse_address, parse_file_and_line, resolve_filter_folder
from codekin.errors import QueryError


def test_a_place_is_a_file_and_a_line_whatever_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.py").write_text("")
    for text in ("a b.py:12", "a b.py:12:5", "a b.py:12:", "./a b.py:12"):
        assert parse_file_and_line(text) == ((tmp_path / "a b.py").resolve(), 11)


@pytest.mark.skipif(sys.platform == "win32", reason="such a file name is a path there")
def test_a_drive_s_colon_is_the_path_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    name = "C:\\src\\app.py"
    (tmp_path / name).write_text("")
    assert parse_file_and_line(f"{name}:3") == ((tmp_path / name).resolve(), 2)
    assert parse_file_and_line(f"{name}:3:9") == ((tmp_path / name).resolve(), 2)


def test_the_workspace_is_the_repository_else_the_project_else_the_folder(tmp_path: Path):
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    assert find_root(inner) == inner
    (inner / "app.py").write_text("")
    (tmp_path / "a" / "b" / "package.json").write_text("")
    assert find_root(inner / "app.py") == tmp_path / "a" / "b"
    (tmp_path / "a" / ".git").write_text("gitdir: elsewhere")  # as in a worktree
    assert find_root(inner) == tmp_path / "a"


def test_the_whole_disk_and_the_home_folder_must_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for folder in (Path(tmp_path.anchor), tmp_path):
        with pytest.raises(QueryError, match="--root"):
            find_root(folder)
    (tmp_path / ".git").mkdir()
    (tmp_path / "code").mkdir()
    assert find_root(tmp_path / "code") == tmp_path / "code"


def test_a_file_elsewhere_that_is_in_no_project_makes_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "app.py").write_text("")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(QueryError, match=r"no project\. .* --root DIR"):
        find_root(tmp_path / "there" / "app.py")
    monkeypatch.chdir(tmp_path)
    assert find_root(tmp_path / "there" / "app.py") == tmp_path / "there"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
@pytest.mark.parametrize("folder", ["/etc", "/etc/init.d", "/usr", "/tmp", "/proc/1", "/home"])
def test_a_folder_of_the_system_must_be_named(folder: str):
    with pytest.raises(QueryError, match="--root"):
        find_root(Path(folder))


def test_where_the_homes_are_must_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "people" / "alice"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "people" / "alice"))
    (tmp_path / "people").mkdir()
    with pytest.raises(QueryError, match="a folder of the system"):
        find_root(tmp_path / "people")


def test_a_folder_is_seen_from_here_or_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = tmp_path.resolve()
    (root / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(root / "a")
    assert resolve_filter_folder(Path("b"), root) == resolve_filter_folder(Path("a/b"), root) == root / "a" / "b"


def test_addresses():
    assert parse_address("localhost:2087") == ("localhost", 2087)
    assert parse_address("[::1]:2087") == ("::1", 2087)
    assert parse_address(":2087") == parse_address("2087") == ("127.0.0.1", 2087)
