"""Repositories, their excludes, linked worktrees and submodules."""

from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.workspace import Workspace

from ..shop import write_files
from .trees import list_names, run_git


def test_a_repository_s_own_excludes_are_in_force(tmp_path: Path) -> None:
    run_git("init", "-q", tmp_path)
    write_files(tmp_path, {"a.py": "", "b.py": "", ".git/info/exclude": "a.py"})
    assert list_names(tmp_path) == {"b.py"}


def test_a_worktree_has_the_excludes_of_its_repository(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    run_git("init", "-q", main)
    run_git("-C", main, "commit", "-q", "--allow-empty", "-m", "a")
    run_git("-C", main, "worktree", "add", "-q", tree)
    write_files(main, {".git/info/exclude": "a.py"})
    write_files(tree, {"a.py": "", "b.py": ""})
    assert list_names(tree) == {"b.py"}


def _with_worktree(root: Path, place: Path) -> None:
    run_git("init", "-q", root)
    write_files(root, {"a.py": ""})
    run_git("-C", root, "add", ".")
    run_git("-C", root, "commit", "-q", "-m", "a")
    run_git("-C", root, "worktree", "add", "-q", place)


def test_a_linked_worktree_below_the_root_is_left_out_and_told_once(tmp_path: Path) -> None:
    tree = tmp_path / "deep" / ".worktrees" / "topic"
    _with_worktree(tmp_path, tree)
    write_files(tree, {"in/b.py": ""})
    assert list_names(tmp_path) == {"a.py"}
    workspace = Workspace([tmp_path], IndexSettings())
    assert [entry for entry in workspace.walk() if isinstance(entry, Skipped)] == [
        Skipped(tree, "a linked Git worktree; open it as its own folder")
    ]
    assert workspace.check_file(tree / "in" / "b.py") is None
    assert workspace.select_covered([tree / "a.py", tmp_path / "a.py"]) == {tmp_path / "a.py"}
    assert not list(workspace.walk_folders(tree))
    assert not workspace.enters_folder(tree / "in")
    assert workspace.is_ignore_file(tree / ".git")


def test_a_linked_worktree_of_another_repository_is_left_out_too(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _with_worktree(tmp_path / "other", root / "tree")
    write_files(root, {"b.py": ""})
    assert list_names(root) == {"b.py"}


def test_a_linked_worktree_is_indexed_as_a_root_alone_and_beside_its_repository(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "main" / ".worktrees" / "topic"
    _with_worktree(main, tree)
    assert list_names(tree) == {"a.py"}
    workspace = Workspace([main, tree], IndexSettings())
    assert workspace.roots == (main, tree)
    assert {entry.path for entry in workspace.walk()} == {main / "a.py", tree / "a.py"}


def test_a_linked_worktree_that_the_user_names_is_indexed(tmp_path: Path) -> None:
    _with_worktree(tmp_path, tmp_path / "trees" / "topic")
    assert list_names(tmp_path, settings=IndexSettings(include=("trees/topic/",))) == {"a.py", "trees/topic/a.py"}


@pytest.mark.parametrize(
    ("pointer", "is_worktree"),
    [
        ("gitdir: /gone/.git/worktrees/x\n", True),
        ("gitdir: ../../.git/worktrees/x", True),
        ("gitdir: C:\\repo\\.git\\worktrees\\x\r\n", True),
        ("gitdir: /gone/.git/worktrees/x/modules/sub", False),
        ("gitdir: ../.git/modules/worktrees/x", False),
        ("gitdir: ../.git/modules/a/worktrees/x", False),
        ("gitdir: ../worktrees", False),
        ("worktrees/x", False),
        ("gitdir: " + "a" * 9_000 + "/worktrees/x", False),
    ],
)
def test_a_worktree_is_known_by_where_its_git_file_points(tmp_path: Path, pointer: str, is_worktree: bool) -> None:
    write_files(tmp_path, {"in/.git": pointer, "in/a.py": "", "b.py": ""})
    assert list_names(tmp_path) == ({"b.py"} if is_worktree else {"b.py", "in/a.py"})


def test_the_worktree_of_a_submodule_is_one(tmp_path: Path) -> None:
    write_files(tmp_path, {".git/modules/sub/worktrees/x/commondir": "../..\n", "in/a.py": ""})
    write_files(tmp_path, {"in/.git": f"gitdir: {tmp_path}/.git/modules/sub/worktrees/x\n"})
    assert list_names(tmp_path) == set()


def test_a_submodule_has_its_own_excludes_and_none_of_those_around_it(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    for repository in (inner, outer):
        run_git("init", "-q", repository)
        run_git("-C", repository, "commit", "-q", "--allow-empty", "-m", "a")
    run_git("-C", outer, "submodule", "--quiet", "add", inner, "sub")
    write_files(outer, {".gitignore": "a.py", "a.py": "", "sub/a.py": "", "sub/b.py": ""})
    write_files(outer, {".git/modules/sub/info/exclude": "b.py"})
    assert list_names(outer) == {"sub/a.py"}


@pytest.mark.parametrize("pointer", ["gitdir: /nowhere", "gitdir: a\0b", "", "gitdir: .", "x" * 9_000])
def test_a_repository_that_points_nowhere_has_no_excludes(tmp_path: Path, pointer: str) -> None:
    write_files(tmp_path, {"in/.git": pointer, "in/a.py": ""})
    assert list_names(tmp_path) == {"in/a.py"}


@pytest.mark.parametrize("config", ["[core]\nexcludesFile = ~nobody-of-this-name/ignore", "[core", "excludesfile = \0"])
def test_a_user_s_config_that_names_no_file_is_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_files(tmp_path, {".gitconfig": config, "root/a.py": ""})
    assert list_names(tmp_path / "root") == {"a.py"}


@pytest.mark.parametrize("named", [True, False])
def test_the_user_s_own_excludes_are_in_force(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    user_home = tmp_path / "own"
    monkeypatch.setenv("HOME", str(user_home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user_home / ".config"))
    write_files(user_home, {"mine" if named else ".config/git/ignore": "a.py"})
    if named:
        write_files(user_home, {".gitconfig": "[core]\n\texcludesFile = ~/mine\n"})
    root = tmp_path / "root"
    run_git("init", "-q", root)
    write_files(root, {"a.py": "", "b.py": ""})
    assert list_names(root) == {"b.py"}


def test_a_root_inside_a_repository_obeys_the_rules_above_it(tmp_path: Path) -> None:
    run_git("init", "-q", tmp_path)
    write_files(tmp_path, {".gitignore": "a.py\n/in/b.py\n/b.py", "in/a.py": "", "in/b.py": "", "in/deep/b.py": ""})
    assert list_names(tmp_path / "in") == {"deep/b.py"}


def test_a_root_that_its_repository_ignores_is_indexed_all_the_same(tmp_path: Path) -> None:
    run_git("init", "-q", tmp_path)
    write_files(tmp_path, {".gitignore": "in/\n*.py", "in/deep/a.py": ""})
    assert list_names(tmp_path / "in" / "deep") == {"a.py"}
