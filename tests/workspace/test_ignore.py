"""Which rules are in force where; git's own verdict on the same tree is the measure."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.ignore import IgnoreRules, _list_ancestors
from codekin.workspace.workspace import SourceFile, Workspace


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user without ignore rules of their own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield folder


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _git(*arguments: str | Path) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout


def _names(root: Path, *, settings: IndexSettings | None = None, among: type = SourceFile) -> set[str]:
    """The names found, after `walk` and `admits` were seen to agree on every file below the root."""
    workspace = Workspace([root], settings or IndexSettings())
    found = list(workspace.walk())
    below = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    found = [each for each in found if not each.path.is_dir()]
    assert {each.path: each for each in found} == {path: each for path in below if (each := workspace.check_file(path))}
    return {each.path.relative_to(root).as_posix() for each in found if isinstance(each, among)}


_stems = st.text("ab", min_size=1, max_size=2)
_trees = st.sets(st.lists(_stems, min_size=1, max_size=4).map("/".join), min_size=1, max_size=15)
_pieces = ["a", "b", "*", "**", "?", "/", "**/", "/**", "[ab]", ".py", ".", "a/", "*.py", "ab", "!"]
_patterns = st.tuples(st.sampled_from(["", "", "!", "/"]), st.lists(st.sampled_from(_pieces), min_size=1, max_size=4))
_files = st.lists(_patterns.map(lambda pattern: pattern[0] + "".join(pattern[1])), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(_trees, st.dictionaries(st.integers(0, 20), _files, max_size=4), _files | st.none())
def test_any_tree_is_seen_as_git_sees_it(
    tmp_path_factory: pytest.TempPathFactory,
    tree: set[str],
    ignore_files: dict[int, list[str]],
    exclude: list[str] | None,
) -> None:
    root = tmp_path_factory.mktemp("tree")
    _git("init", "-q", root)
    for path in tree:
        _write(root, {f"{path}.py": "", f"{path}/b.py": ""})
    folders = sorted(Path(folder) for folder, _, _ in os.walk(root) if ".git" not in folder)
    for place, lines in ignore_files.items():
        (folders[place % len(folders)] / ".gitignore").write_text("\n".join(lines))
    if exclude:
        (root / ".git/info/exclude").write_text("\n".join(exclude))
    seen = _git("-C", root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert _names(root) == {name for name in seen if name.endswith(".py")}


def test_a_nearer_ignore_file_wins_but_nothing_comes_back_into_an_ignored_folder(tmp_path: Path) -> None:
    _write(tmp_path, {"a.py": "", "in/a.py": "", "in/b.py": "", "out/a.py": "", "out/.gitignore": "!a.py"})
    _write(tmp_path, {".gitignore": "a.py\nout/\n", "in/.gitignore": "!a.py\nb.py"})
    assert _names(tmp_path) == {"in/a.py"}


def test_a_repository_s_own_excludes_are_in_force(tmp_path: Path) -> None:
    _git("init", "-q", tmp_path)
    _write(tmp_path, {"a.py": "", "b.py": "", ".git/info/exclude": "a.py"})
    assert _names(tmp_path) == {"b.py"}


def test_a_worktree_has_the_excludes_of_its_repository(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    _git("init", "-q", main)
    _git("-C", main, "commit", "-q", "--allow-empty", "-m", "a")
    _git("-C", main, "worktree", "add", "-q", tree)
    _write(main, {".git/info/exclude": "a.py"})
    _write(tree, {"a.py": "", "b.py": ""})
    assert _names(tree) == {"b.py"}


def _with_worktree(root: Path, place: Path) -> None:
    _git("init", "-q", root)
    _write(root, {"a.py": ""})
    _git("-C", root, "add", ".")
    _git("-C", root, "commit", "-q", "-m", "a")
    _git("-C", root, "worktree", "add", "-q", place)


def test_a_linked_worktree_below_the_root_is_left_out_and_told_once(tmp_path: Path) -> None:
    tree = tmp_path / "deep" / ".worktrees" / "topic"
    _with_worktree(tmp_path, tree)
    _write(tree, {"in/b.py": ""})
    assert _names(tmp_path) == {"a.py"}
    workspace = Workspace([tmp_path], IndexSettings())
    assert [each for each in workspace.walk() if isinstance(each, Skipped)] == [
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
    _write(root, {"b.py": ""})
    assert _names(root) == {"b.py"}


def test_a_linked_worktree_is_indexed_as_a_root_alone_and_beside_its_repository(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "main" / ".worktrees" / "topic"
    _with_worktree(main, tree)
    assert _names(tree) == {"a.py"}
    workspace = Workspace([main, tree], IndexSettings())
    assert workspace.roots == (main, tree)
    assert {each.path for each in workspace.walk()} == {main / "a.py", tree / "a.py"}


def test_a_linked_worktree_that_the_user_names_is_indexed(tmp_path: Path) -> None:
    _with_worktree(tmp_path, tmp_path / "trees" / "topic")
    assert _names(tmp_path, settings=IndexSettings(include=("trees/topic/",))) == {"a.py", "trees/topic/a.py"}


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
    _write(tmp_path, {"in/.git": pointer, "in/a.py": "", "b.py": ""})
    assert _names(tmp_path) == ({"b.py"} if is_worktree else {"b.py", "in/a.py"})


def test_the_worktree_of_a_submodule_is_one(tmp_path: Path) -> None:
    _write(tmp_path, {".git/modules/sub/worktrees/x/commondir": "../..\n", "in/a.py": ""})
    _write(tmp_path, {"in/.git": f"gitdir: {tmp_path}/.git/modules/sub/worktrees/x\n"})
    assert _names(tmp_path) == set()


def test_a_submodule_has_its_own_excludes_and_none_of_those_around_it(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    for repository in (inner, outer):
        _git("init", "-q", repository)
        _git("-C", repository, "commit", "-q", "--allow-empty", "-m", "a")
    _git("-C", outer, "submodule", "--quiet", "add", inner, "sub")
    _write(outer, {".gitignore": "a.py", "a.py": "", "sub/a.py": "", "sub/b.py": ""})
    _write(outer, {".git/modules/sub/info/exclude": "b.py"})
    assert _names(outer) == {"sub/a.py"}


@pytest.mark.parametrize("pointer", ["gitdir: /nowhere", "gitdir: a\0b", "", "gitdir: .", "x" * 9_000])
def test_a_repository_that_points_nowhere_has_no_excludes(tmp_path: Path, pointer: str) -> None:
    _write(tmp_path, {"in/.git": pointer, "in/a.py": ""})
    assert _names(tmp_path) == {"in/a.py"}


@pytest.mark.parametrize("config", ["[core]\nexcludesFile = ~nobody-of-this-name/ignore", "[core", "excludesfile = \0"])
def test_a_user_s_config_that_names_no_file_is_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _write(tmp_path, {".gitconfig": config, "root/a.py": ""})
    assert _names(tmp_path / "root") == {"a.py"}


@pytest.mark.parametrize("named", [True, False])
def test_the_user_s_own_excludes_are_in_force(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    own = tmp_path / "own"
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own / ".config"))
    _write(own, {"mine" if named else ".config/git/ignore": "a.py"})
    if named:
        _write(own, {".gitconfig": "[core]\n\texcludesFile = ~/mine\n"})
    root = tmp_path / "root"
    _git("init", "-q", root)
    _write(root, {"a.py": "", "b.py": ""})
    assert _names(root) == {"b.py"}


def test_a_root_inside_a_repository_obeys_the_rules_above_it(tmp_path: Path) -> None:
    _git("init", "-q", tmp_path)
    _write(tmp_path, {".gitignore": "a.py\n/in/b.py\n/b.py", "in/a.py": "", "in/b.py": "", "in/deep/b.py": ""})
    assert _names(tmp_path / "in") == {"deep/b.py"}


def test_a_root_that_its_repository_ignores_is_indexed_all_the_same(tmp_path: Path) -> None:
    _git("init", "-q", tmp_path)
    _write(tmp_path, {".gitignore": "in/\n*.py", "in/deep/a.py": ""})
    assert _names(tmp_path / "in" / "deep") == {"a.py"}


def test_codekinignore_is_stronger_than_gitignore_both_ways(tmp_path: Path) -> None:
    _write(tmp_path, {"a.py": "", "b.py": "", "gen/c.py": "", ".gitignore": "b.py\ngen/"})
    _write(tmp_path, {".codekinignore": "a.py\n!b.py\n!gen/"})
    assert _names(tmp_path) == {"b.py", "gen/c.py"}


def test_the_exclude_setting_is_the_strongest(tmp_path: Path) -> None:
    _write(tmp_path, {"a.py": "", "b.py": "", ".codekinignore": "!a.py"})
    assert _names(tmp_path, settings=IndexSettings(exclude=("a.py",), include=("a.py",))) == {"b.py"}


@pytest.mark.parametrize(
    "path",
    [
        *("node_modules/a/b.js", "vendor/a.go", "x/third_party/a.c", "Pods/a.swift", ".venv/a.py", "__pycache__/a.py"),
        *("x/site-packages/a.py", ".next/a.js", ".git/hooks/a.py", "a.egg-info/a.py", "__snapshots__/a.js"),
    ],
)
def test_what_others_wrote_is_left_out_by_default(tmp_path: Path, path: str) -> None:
    _write(tmp_path, {path: "", "mine.py": ""})
    assert _names(tmp_path) == {"mine.py"}
    assert _names(tmp_path, among=Skipped) == set()


@pytest.mark.parametrize(
    "name", ["a.min.js", "a_pb2.py", "a.pb.go", "a.generated.ts", "a.g.dart", "a.Designer.cs", "app.bundle.js"]
)
def test_what_a_tool_wrote_is_left_out_and_told(tmp_path: Path, name: str) -> None:
    _write(tmp_path, {name: "", "mine.py": ""})
    assert _names(tmp_path) == {"mine.py"}
    assert _names(tmp_path, among=Skipped) == {name}


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "CACHEDIR.TAG", "conda-meta/history"])
def test_environments_and_caches_are_known_by_what_they_hold(tmp_path: Path, marker: str) -> None:
    _write(tmp_path, {f"some/where/{marker}": "", "some/where/a.py": "", "some/b.py": ""})
    assert _names(tmp_path) == {"some/b.py"}
    assert _names(tmp_path / "some" / "where") == {"a.py"}


@pytest.mark.parametrize("folder", ["build", "dist", "out", "target", "lib", "bin", "env"])
def test_a_source_folder_with_a_product_s_name_is_kept(tmp_path: Path, folder: str) -> None:
    _write(tmp_path, {f"{folder}/a.py": "", "spin-lock.c": ""})
    assert _names(tmp_path) == {f"{folder}/a.py", "spin-lock.c"}


@pytest.mark.parametrize("root", ["node_modules/kit", "lib/python3/site-packages", "vendor"])
def test_the_defaults_are_about_names_below_a_root(tmp_path: Path, root: str) -> None:
    _write(tmp_path, {f"{root}/a.py": ""})
    assert _names(tmp_path / root) == {"a.py"}


def test_a_python_library_as_a_root_has_its_packages(tmp_path: Path) -> None:
    _write(tmp_path, {"site-packages/a.py": "", "os.py": ""})
    assert _names(tmp_path) == {"site-packages/a.py", "os.py"}


def test_the_include_setting_brings_back_what_a_default_leaves_out_and_no_more(tmp_path: Path) -> None:
    files = ["vendor/ours/deep/a.py", "vendor/theirs/a.py", "vendor/a.py", "x/a_pb2.py", "node_modules/a.js", "mine.py"]
    _write(tmp_path, dict.fromkeys(files, "") | {"ignored.py": "", ".gitignore": "ignored.py"})
    brought = IndexSettings(include=("vendor/ours", "*_pb2.py", "ignored.py"))
    assert _names(tmp_path, settings=brought) == {"vendor/ours/deep/a.py", "x/a_pb2.py", "mine.py"}
    whole = IndexSettings(include=("vendor/",))
    assert _names(tmp_path, settings=whole) == {*files[:3], "mine.py"}


def test_codekinignore_brings_back_what_a_default_leaves_out(tmp_path: Path) -> None:
    _write(tmp_path, {"vendor/a.py": "", "node_modules/a.js": "", ".codekinignore": "!vendor/"})
    assert _names(tmp_path) == {"vendor/a.py"}


def test_an_ignore_file_that_is_a_link_says_nothing(tmp_path: Path) -> None:
    _write(tmp_path, {"rules": "a.py", "root/a.py": ""})
    (tmp_path / "root" / ".gitignore").symlink_to(tmp_path / "rules")
    assert _names(tmp_path / "root") == {"a.py"}


@pytest.mark.parametrize("name", [".gitignore", ".codekinignore"])
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: os.mkfifo(path), "named pipe"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: path.symlink_to("/dev/zero"), "link"),
        (lambda path: (path.touch(), os.truncate(path, 60_000_000_000)), "60,000,000,000 bytes"),
    ],
)
def test_an_ignore_file_that_can_t_be_read_is_told_and_does_not_count(tmp_path: Path, name: str, make, told) -> None:
    _write(tmp_path, {"a.py": ""})
    make(tmp_path / name)
    workspace = Workspace([tmp_path], IndexSettings())
    assert [found.path.name for found in workspace.walk()] == ["a.py"]
    (problem,) = workspace.problems
    assert str(tmp_path / name) in problem
    assert told in problem


def test_more_rules_than_can_be_asked_are_told_and_the_outer_ones_count(tmp_path: Path) -> None:
    _write(tmp_path, {".gitignore": "*o?t.py\n" + "*a" * 300_000, "in/.gitignore": "*i?n.py\n" + "*b" * 300_000})
    _write(tmp_path, {"in/out.py": "", "in/inn.py": ""})
    workspace = Workspace([tmp_path], IndexSettings())
    assert [found.path.name for found in workspace.walk()] == ["inn.py"]
    assert len(workspace.problems) == 1
    deep = tmp_path.joinpath(*"a" * 120)
    deep.mkdir(parents=True)
    for folder in (deep, *deep.parents[:119]):
        (folder / ".gitignore").write_text("x.py\n")
    workspace = Workspace([tmp_path], IndexSettings())
    assert len(list(workspace.walk())) == 1
    assert len(workspace.problems) == 22


def test_names_in_ignore_files_are_bounded_as_patterns_are(tmp_path: Path) -> None:
    """What is looked up costs no time, but memory: a hundred nested files of a mebibyte would take ten gigabytes."""
    text = "".join(f"{number:x}.c\n" for number in range(110_000))
    nested = {"a" + "/a" * depth + "/.gitignore": text for depth in range(4)}
    _write(tmp_path, {**nested, "a/a/a/a/1.c": "", "a/a/a/a/b.py": ""})
    workspace = Workspace([tmp_path], IndexSettings())
    assert [found.path.name for found in workspace.walk()] == ["b.py"]
    assert len(workspace.problems) == 2
    assert all("2,097,152 bytes" in problem for problem in workspace.problems)


def test_what_is_kept_of_ignore_files_is_bounded(tmp_path: Path) -> None:
    text = "".join(f"{number:x}.c\n" for number in range(110_000))
    _write(tmp_path, {f"{name}/.gitignore": text for name in "abcdef"})
    rules = IgnoreRules(IndexSettings())
    for name in "abcdef":
        rules.enter_scope(rules.make_root_scope(tmp_path / name), {".gitignore"})
    assert sum(spec.size for _, spec in rules._cache.values()) <= 2 << 20


def test_an_include_as_deep_as_can_be_opens_no_more_folders_than_a_person_would_name(tmp_path: Path) -> None:
    """The folders on the way to it, all of them, would be 7 GB of names."""
    names = tuple("/".join([word] * 30_000) for word in ("a", "b"))
    _write(tmp_path, {"c.py": ""})
    assert _names(tmp_path, settings=IndexSettings(include=(*names, "vendor/*"))) == {"c.py"}
    assert len(list(_list_ancestors(names))) == 200


def test_folders_may_be_as_deep_as_the_system_allows(tmp_path: Path) -> None:
    root = tmp_path
    while len(str(root)) < 3_900:
        root /= "d"
        root.mkdir()
    (root / "a.py").touch()
    workspace = Workspace([tmp_path], IndexSettings())
    assert [found.path for found in workspace.walk()] == [root / "a.py"]
    assert workspace.check_file(root / "a.py")
    assert workspace.select_covered([root / "a.py"])
    (root / "a.py").unlink()
    while root != tmp_path:  # pytest's own clean-up is recursive, and not deep enough
        root.rmdir()
        root = root.parent


def test_settings_with_half_a_character_are_no_matter(tmp_path: Path) -> None:
    _write(tmp_path, {"a.py": "", "b.py": ""})
    assert _names(tmp_path, settings=IndexSettings(exclude=("\ud800", "b.py"), include=("\ud800",))) == {"a.py"}


def test_a_changed_ignore_file_takes_effect(tmp_path: Path) -> None:
    _write(tmp_path, {"a.py": "", "b.py": "", ".gitignore": "a.py"})
    workspace = Workspace([tmp_path], IndexSettings())
    assert [found.path.name for found in workspace.walk()] == ["b.py"]
    _write(tmp_path, {".gitignore": "b.py # longer"})
    assert [found.path.name for found in workspace.walk()] == ["a.py", "b.py"]
    assert workspace.check_file(tmp_path / "a.py")


def test_ignore_files_are_known_as_such(tmp_path: Path) -> None:
    _git("init", "-q", tmp_path)
    workspace = Workspace([tmp_path], IndexSettings())
    list(workspace.walk())
    for name in (".gitignore", "deep/.codekinignore", ".git/info/exclude"):
        assert workspace.is_ignore_file(tmp_path / name)
    assert not workspace.is_ignore_file(tmp_path / "a.py")
