"""Which rules are in force where; git's own verdict on the same tree is the measure."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.ignore import IgnoreRules, _list_ancestors
from codekin.workspace.workspace import Workspace

from ..shop import write_files
from .trees import list_names, run_git

_stems = st.text("ab", min_size=1, max_size=2)


_trees = st.sets(st.lists(_stems, min_size=1, max_size=4).map("/".join), min_size=1, max_size=15)


_pieces = ["a", "b", "*", "**", "?", "/", "**/", "/**", "[ab]", ".py", ".", "a/", "*.py", "ab", "!"]


_patterns = st.tuples(st.sampled_from(["", "", "!", "/"]), st.lists(st.sampled_from(_pieces), min_size=1, max_size=4))


_files = st.lists(_patterns.map(lambda pattern: pattern[0] + "".join(pattern[1])), min_size=1, max_size=4)


@settings(max_examples=100)
@given(_trees, st.dictionaries(st.integers(0, 20), _files, max_size=4), _files | st.none())
def test_any_tree_is_seen_as_git_sees_it(
    tmp_path_factory: pytest.TempPathFactory,
    tree: set[str],
    ignore_files: dict[int, list[str]],
    exclude: list[str] | None,
) -> None:
    root = tmp_path_factory.mktemp("tree")
    run_git("init", "-q", root)
    for path in tree:
        write_files(root, {f"{path}.py": "", f"{path}/b.py": ""})
    folders = sorted(Path(folder) for folder, _, _ in os.walk(root) if ".git" not in folder)
    for place, lines in ignore_files.items():
        (folders[place % len(folders)] / ".gitignore").write_text("\n".join(lines))
    if exclude:
        (root / ".git/info/exclude").write_text("\n".join(exclude))
    git_names = run_git("-C", root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert list_names(root) == {name for name in git_names if name.endswith(".py")}


def test_a_nearer_ignore_file_wins_but_nothing_comes_back_into_an_ignored_folder(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", "in/a.py": "", "in/b.py": "", "out/a.py": "", "out/.gitignore": "!a.py"})
    write_files(tmp_path, {".gitignore": "a.py\nout/\n", "in/.gitignore": "!a.py\nb.py"})
    assert list_names(tmp_path) == {"in/a.py"}


def test_codekinignore_is_stronger_than_gitignore_both_ways(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", "b.py": "", "gen/c.py": "", ".gitignore": "b.py\ngen/"})
    write_files(tmp_path, {".codekinignore": "a.py\n!b.py\n!gen/"})
    assert list_names(tmp_path) == {"b.py", "gen/c.py"}


def test_the_exclude_setting_is_the_strongest(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", "b.py": "", ".codekinignore": "!a.py"})
    assert list_names(tmp_path, settings=IndexSettings(exclude=("a.py",), include=("a.py",))) == {"b.py"}


@pytest.mark.parametrize(
    "path",
    [
        *("node_modules/a/b.js", "vendor/a.go", "x/third_party/a.c", "Pods/a.swift", ".venv/a.py", "__pycache__/a.py"),
        *("x/site-packages/a.py", ".next/a.js", ".git/hooks/a.py", "a.egg-info/a.py", "__snapshots__/a.js"),
    ],
)
def test_what_others_wrote_is_left_out_by_default(tmp_path: Path, path: str) -> None:
    write_files(tmp_path, {path: "", "mine.py": ""})
    assert list_names(tmp_path) == {"mine.py"}
    assert list_names(tmp_path, among=Skipped) == set()


@pytest.mark.parametrize(
    "name", ["a.min.js", "a_pb2.py", "a.pb.go", "a.generated.ts", "a.g.dart", "a.Designer.cs", "app.bundle.js"]
)
def test_what_a_tool_wrote_is_left_out_and_told(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {name: "", "mine.py": ""})
    assert list_names(tmp_path) == {"mine.py"}
    assert list_names(tmp_path, among=Skipped) == {name}


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "CACHEDIR.TAG", "conda-meta/history"])
def test_environments_and_caches_are_known_by_what_they_hold(tmp_path: Path, marker: str) -> None:
    write_files(tmp_path, {f"some/where/{marker}": "", "some/where/a.py": "", "some/b.py": ""})
    assert list_names(tmp_path) == {"some/b.py"}
    assert list_names(tmp_path / "some" / "where") == {"a.py"}


@pytest.mark.parametrize("folder", ["build", "dist", "out", "target", "lib", "bin", "env"])
def test_a_source_folder_with_a_product_s_name_is_kept(tmp_path: Path, folder: str) -> None:
    write_files(tmp_path, {f"{folder}/a.py": "", "spin-lock.c": ""})
    assert list_names(tmp_path) == {f"{folder}/a.py", "spin-lock.c"}


@pytest.mark.parametrize("root", ["node_modules/kit", "lib/python3/site-packages", "vendor"])
def test_the_defaults_are_about_names_below_a_root(tmp_path: Path, root: str) -> None:
    write_files(tmp_path, {f"{root}/a.py": ""})
    assert list_names(tmp_path / root) == {"a.py"}


def test_a_python_library_as_a_root_has_its_packages(tmp_path: Path) -> None:
    write_files(tmp_path, {"site-packages/a.py": "", "os.py": ""})
    assert list_names(tmp_path) == {"site-packages/a.py", "os.py"}


def test_the_include_setting_brings_back_what_a_default_leaves_out_and_no_more(tmp_path: Path) -> None:
    files = ["vendor/ours/deep/a.py", "vendor/theirs/a.py", "vendor/a.py", "x/a_pb2.py", "node_modules/a.js", "mine.py"]
    write_files(tmp_path, dict.fromkeys(files, "") | {"ignored.py": "", ".gitignore": "ignored.py"})
    brought = IndexSettings(include=("vendor/ours", "*_pb2.py", "ignored.py"))
    assert list_names(tmp_path, settings=brought) == {"vendor/ours/deep/a.py", "x/a_pb2.py", "mine.py"}
    vendor_settings = IndexSettings(include=("vendor/",))
    assert list_names(tmp_path, settings=vendor_settings) == {*files[:3], "mine.py"}


def test_codekinignore_brings_back_what_a_default_leaves_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"vendor/a.py": "", "node_modules/a.js": "", ".codekinignore": "!vendor/"})
    assert list_names(tmp_path) == {"vendor/a.py"}


def test_an_ignore_file_that_is_a_link_says_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"rules": "a.py", "root/a.py": ""})
    (tmp_path / "root" / ".gitignore").symlink_to(tmp_path / "rules")
    assert list_names(tmp_path / "root") == {"a.py"}


@pytest.mark.parametrize("name", [".gitignore", ".codekinignore"])
@pytest.mark.parametrize(
    ("make", "problem_part"),
    [
        (lambda path: os.mkfifo(path), "named pipe"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: path.symlink_to("/dev/zero"), "link"),
        (lambda path: (path.touch(), os.truncate(path, 60_000_000_000)), "60,000,000,000 bytes"),
    ],
)
def test_an_ignore_file_that_can_t_be_read_is_told_and_does_not_count(
    tmp_path: Path, name: str, make, problem_part
) -> None:
    write_files(tmp_path, {"a.py": ""})
    make(tmp_path / name)
    workspace = Workspace([tmp_path], IndexSettings())
    assert [source_file.path.name for source_file in workspace.walk()] == ["a.py"]
    (problem,) = workspace.problems
    assert str(tmp_path / name) in problem
    assert problem_part in problem


def test_more_rules_than_can_be_asked_are_told_and_the_outer_ones_count(tmp_path: Path) -> None:
    write_files(tmp_path, {".gitignore": "*o?t.py\n" + "*a" * 300_000, "in/.gitignore": "*i?n.py\n" + "*b" * 300_000})
    write_files(tmp_path, {"in/out.py": "", "in/inn.py": ""})
    workspace = Workspace([tmp_path], IndexSettings())
    assert [source_file.path.name for source_file in workspace.walk()] == ["inn.py"]
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
    write_files(tmp_path, {**nested, "a/a/a/a/1.c": "", "a/a/a/a/b.py": ""})
    workspace = Workspace([tmp_path], IndexSettings())
    assert [source_file.path.name for source_file in workspace.walk()] == ["b.py"]
    assert len(workspace.problems) == 2
    assert all("2,097,152 bytes" in problem for problem in workspace.problems)


def test_what_is_kept_of_ignore_files_is_bounded(tmp_path: Path) -> None:
    text = "".join(f"{number:x}.c\n" for number in range(110_000))
    write_files(tmp_path, {f"{name}/.gitignore": text for name in "abcdef"})
    rules = IgnoreRules(IndexSettings())
    for name in "abcdef":
        rules.enter_scope(rules.make_root_scope(tmp_path / name), {".gitignore"})
    assert sum(spec.size for _, spec in rules._cache.values()) <= 2 << 20


def test_an_include_as_deep_as_can_be_opens_no_more_folders_than_a_person_would_name(tmp_path: Path) -> None:
    """The folders on the way to it, all of them, would be 7 GB of names."""
    names = tuple("/".join([word] * 30_000) for word in ("a", "b"))
    write_files(tmp_path, {"c.py": ""})
    assert list_names(tmp_path, settings=IndexSettings(include=(*names, "vendor/*"))) == {"c.py"}
    assert len(list(_list_ancestors(names))) == 200


def test_folders_may_be_as_deep_as_the_system_allows(tmp_path: Path) -> None:
    root = tmp_path
    while len(str(root)) < 3_900:
        root /= "d"
        root.mkdir()
    (root / "a.py").touch()
    workspace = Workspace([tmp_path], IndexSettings())
    assert [source_file.path for source_file in workspace.walk()] == [root / "a.py"]
    assert workspace.check_file(root / "a.py")
    assert workspace.select_covered([root / "a.py"])
    (root / "a.py").unlink()
    while root != tmp_path:  # pytest's own clean-up is recursive, and not deep enough
        root.rmdir()
        root = root.parent


def test_settings_with_half_a_character_are_no_matter(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", "b.py": ""})
    assert list_names(tmp_path, settings=IndexSettings(exclude=("\ud800", "b.py"), include=("\ud800",))) == {"a.py"}


def test_a_changed_ignore_file_takes_effect(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "", "b.py": "", ".gitignore": "a.py"})
    workspace = Workspace([tmp_path], IndexSettings())
    assert [source_file.path.name for source_file in workspace.walk()] == ["b.py"]
    write_files(tmp_path, {".gitignore": "b.py # longer"})
    assert [source_file.path.name for source_file in workspace.walk()] == ["a.py", "b.py"]
    assert workspace.check_file(tmp_path / "a.py")


def test_ignore_files_are_known_as_such(tmp_path: Path) -> None:
    run_git("init", "-q", tmp_path)
    workspace = Workspace([tmp_path], IndexSettings())
    list(workspace.walk())
    for name in (".gitignore", "deep/.codekinignore", ".git/info/exclude"):
        assert workspace.is_ignore_file(tmp_path / name)
    assert not workspace.is_ignore_file(tmp_path / "a.py")
