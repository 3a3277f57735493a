"""`.codekin.toml`: which duplicates are meant to be."""

import os
import tomllib
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.duplicates.suppression_file import SuppressionFile, format_entry, parse_suppressions
from codekin.duplicates.suppressions import FunctionReference, Suppressions
from codekin.settings import IndexSettings
from codekin.workspace.workspace import SUPPRESSIONS_FILE, Workspace

SOUND = """\
# Ours.
[[ignored]]
functions = ["a.py::f", "b/c.py::Shop.g"]
reason = "The tax office wants two."

[[ignored]]  # three of a kind
functions = [
    "a.py::h",
    "b.py::h",
    "c.py::h",
]
"""


def ignored(*roots: Path) -> Suppressions:
    return Suppressions(Workspace(roots, IndexSettings()))


def test_an_entry_is_of_every_two_of_its_functions() -> None:
    assert parse_suppressions(SOUND) == SuppressionFile(
        frozenset({("a.py::f", "b/c.py::Shop.g"), ("a.py::h", "b.py::h", "c.py::h")}), (), 2
    )
    group = ["a.py::h", "b.py::h", "c.py::h"]
    assert all(parse_suppressions(SOUND).ignores_pair(*names) for names in permutations(group, 2))
    assert not parse_suppressions(SOUND).ignores_pair("a.py::f", "a.py::h")
    assert not parse_suppressions(SOUND).ignores_pair("a.py::h", "a.py::h")


def test_order_says_nothing() -> None:
    entries = [format_entry([f"a.py::{name}", "b.py::g"]) for name in "xyz"]
    assert len({parse_suppressions("".join(order)) for order in permutations(entries)}) == 1
    assert parse_suppressions(format_entry(["a.py::f", "b.py::g"])) == parse_suppressions(
        format_entry(["b.py::g", "a.py::f"])
    )


def test_two_of_one_name_in_a_file_may_be_meant_to_be_alike() -> None:
    assert parse_suppressions(format_entry(["a.java::A.f", "a.java::A.f"])).ignores_pair("a.java::A.f", "a.java::A.f")


@pytest.mark.parametrize(
    ("broken", "line", "problem_part"),
    [
        ('[[ignored]]\nfunctions = ["a.py::f"\n', 3, "Fix or delete it"),
        ("<<<<<<< HEAD\n", 1, "Fix or delete it"),
        ('[[ignored]]\n\nfunctions = ["a.py::f"]\n', 4, "two functions or more"),
        ('[[ignored]]\nfunctions = ["a.py::f", 3]\n', 3, "two functions or more"),
        ('[[ignored]]\nfunction = "a.py::f"\n', 2, "two functions or more"),
        ('[[ignored]]\nfunctions = ["a.py::f", "b.py"]\n', 3, '"folder/file.py::function"'),
        ('[[ignored]]\nfunctions = ["a.py::f", "../b.py::f"]\n', 3, "relative to this file's folder"),
        ('[[ignored]]\nfunctions = ["a.py::f", "/etc/b.py::f"]\n', 3, "relative to this file's folder"),
        ('[[ignored]]\nfunctions = ["a.py::f", "C:/b.py::f"]\n', 3, "relative to this file's folder"),
        ('[[ignored]]\nfunctions = ["a.py::f", "b\\\\c.py::f"]\n', 3, "relative to this file's folder"),
        ('[model]\nname = "http://elsewhere"\n', 1, "settings are the user's own"),
        ('cache.directory = "/tmp"\n', 1, "settings are the user's own"),
    ],
)
def test_what_is_wrong_costs_itself_only_and_names_line_and_remedy(broken: str, line: int, problem_part: str) -> None:
    sound = format_entry(["a.py::x", "b.py::x"], "")
    for text, offset in ((f"{broken}{sound}", 0), (f"{sound}{broken}", sound.count("\n"))):
        if not broken.startswith("[[") and offset:
            continue  # it would be part of the entry before
        parsed_file = parse_suppressions(text)
        assert parsed_file.ignores_pair("a.py::x", "b.py::x")
        (problem,) = parsed_file.problems
        assert problem_part in problem
        near = line if "two functions" in problem or "::" in problem or "seen" in problem else None
        assert problem.startswith("line ")
        if near is not None:
            assert abs(int(problem.split()[1].rstrip(":")) - (near + offset)) <= 1


def test_a_conflict_of_two_branches_costs_no_other_entry() -> None:
    our_entry, their_entry = format_entry(["a.py::f", "b.py::f"], ""), format_entry(["a.py::g", "b.py::g"], "")
    parsed_file = parse_suppressions(f"{SOUND}<<<<<<< HEAD\n{our_entry}=======\n{their_entry}>>>>>>> other\n")
    assert parsed_file.ignores_pair("a.py::f", "b/c.py::Shop.g")
    assert parsed_file.problems


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    parse_suppressions(text)
    parse_suppressions(f"[[ignored]]\nfunctions = {text}")


@pytest.mark.parametrize("text", ["x = " + "[" * 20_000, "x = " + "9" * 5_000])
def test_what_makes_the_reader_stumble_is_told(text: str) -> None:
    assert parse_suppressions(text).problems


names = st.text(min_size=1).filter(lambda text: not {"\ud800"} & set(text) and text.isprintable())


@given(st.lists(names, min_size=2, max_size=5), st.sampled_from([None, "", SOUND, SOUND.rstrip(), "# é\r\n"]))
def test_what_is_written_is_read_again_and_leaves_the_rest(functions: list[str], before: str | None) -> None:
    quoted = [f"a.py::{name}" for name in functions]
    text = (before or "") + format_entry(quoted, before)
    assert text.startswith(before or "")
    assert tomllib.loads(text)["ignored"][-1]["functions"] == quoted
    assert not parse_suppressions(text).problems
    assert parse_suppressions(text).ignores_pair(*quoted[:2]) or quoted[0] == quoted[1]


def test_a_function_is_named_from_the_folder_of_its_root(tmp_path: Path) -> None:
    first_folder, second_folder = tmp_path / "one", tmp_path / "other"
    first_folder.mkdir()
    second_folder.mkdir()
    (first_folder / SUPPRESSIONS_FILE).write_text(format_entry(["a/b.py::f", "c.py::f"]))
    suppressions = ignored(first_folder, second_folder)
    f, g = (
        suppressions.find_reference(first_folder / "a/b.py", "f"),
        suppressions.find_reference(first_folder / "c.py", "f"),
    )
    assert f == FunctionReference(first_folder, "a/b.py::f")
    assert suppressions.is_suppressed(f, g)
    assert suppressions.is_suppressed(g, f)
    assert not suppressions.is_suppressed(f, suppressions.find_reference(second_folder / "c.py", "f"))
    assert not suppressions.is_suppressed(
        suppressions.find_reference(second_folder / "a/b.py", "f"),
        suppressions.find_reference(second_folder / "c.py", "f"),
    )
    assert suppressions.find_reference(first_folder / "a/b.py", "") is None
    assert suppressions.make_edit([f, suppressions.find_reference(second_folder / "c.py", "f")]) is None


def test_a_change_of_the_file_counts_at_once_saved_or_not(tmp_path: Path) -> None:
    workspace = Workspace([tmp_path], IndexSettings())
    suppressions, file = Suppressions(workspace), tmp_path / SUPPRESSIONS_FILE
    f, g = suppressions.find_reference(tmp_path / "a.py", "f"), suppressions.find_reference(tmp_path / "b.py", "f")
    assert not suppressions.is_suppressed(f, g)
    addition = suppressions.make_edit([f, g])
    assert addition.before is None
    workspace.open_overlay(file, addition.text)
    assert suppressions.is_suppressed(f, g)
    workspace.close_overlay(file)
    assert not suppressions.is_suppressed(f, g)
    file.write_text(addition.text)
    assert suppressions.is_suppressed(f, g)
    assert suppressions.make_edit([f, g]).before == addition.text
    file.unlink()
    assert not suppressions.is_suppressed(f, g)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"#" * (1 << 18) + b"##"])
def test_a_file_that_is_no_text_is_told_and_counts_for_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / SUPPRESSIONS_FILE).write_bytes(data)
    (suppression_files,) = ignored(tmp_path).load_files()
    assert not suppression_files.groups
    assert "Fix or remove it" in suppression_files.problems[0]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere.toml"
    root.mkdir()
    elsewhere.write_text(format_entry(["a.py::f", "b.py::f"]))
    (root / SUPPRESSIONS_FILE).symlink_to(elsewhere)
    (suppression_files,) = ignored(root).load_files()
    assert not suppression_files.groups
    assert "leads out of its folder" in suppression_files.problems[0]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: os.mkfifo(path), "named pipe"),
        (lambda path: path.mkdir(), "folder"),
        (lambda path: (path.touch(), os.truncate(path, 60_000_000_000)), "60,000,000,000 bytes"),
        (lambda path: path.symlink_to(path), "symbolic links"),
        (lambda path: path.symlink_to("/dev/zero"), "leads out"),
    ],
)
def test_what_is_no_readable_file_is_told_and_never_added_to(tmp_path: Path, make, problem: str) -> None:
    make(tmp_path / SUPPRESSIONS_FILE)
    suppressions = ignored(tmp_path)
    (suppression_files,) = suppressions.load_files()
    assert not suppression_files.groups
    assert problem in suppression_files.problems[0]
    functions = [suppressions.find_reference(tmp_path / "a.py", name) for name in ("f", "g")]
    assert suppressions.make_edit(functions) is None
    assert not suppressions.is_suppressed(*functions)


def test_a_full_file_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    sound = format_entry(["a.py::f", "b.py::f"])
    (tmp_path / SUPPRESSIONS_FILE).write_text(sound + "#" * ((1 << 18) - len(sound)))
    suppressions = ignored(tmp_path)
    functions = [suppressions.find_reference(tmp_path / f"{name}.py", "f") for name in "ab"]
    assert suppressions.is_suppressed(*functions)
    assert "nearly full" in suppressions.load_files()[0].problems[0]
    assert suppressions.make_edit(functions) is None


@pytest.mark.parametrize(
    "text",
    [
        "ignored = [" + '{functions = ["a.py::f"]},' * 9_000 + "]",
        "a" + ".a" * 100_000 + " = 1",
        "".join(f"a{number} = 1\n" for number in range(25_000)),
        "[[ignored]]\n" * 20_000,
        '[[ignored]]\nfunctions = ["' + '\\"' * 100_000,
        "[[ignored]]\nfunctions = 1\n" + " " * 200_000,
        "[[ignored]]\nfunctions = [" + '"' + "x" * 200_000 + '", "b.py::f"]',
    ],
)
def test_a_text_made_to_take_long_does_not_and_is_told_in_few_words(text: str) -> None:
    parsed_file = parse_suppressions(text)
    assert not parsed_file.groups
    assert 1 <= len(parsed_file.problems) <= 11
    assert all(len(problem) < 400 for problem in parsed_file.problems)


def test_large_groups_and_many_of_them_count() -> None:
    text = "".join(format_entry([f"a/{group}.py::{number}" for number in range(200)], "") for group in range(50))
    parsed_file = parse_suppressions(text)
    assert (parsed_file.entries, parsed_file.problems) == (50, ())
    assert parsed_file.ignores_pair("a/49.py::0", "a/49.py::199")
    assert not parsed_file.ignores_pair("a/48.py::0", "a/49.py::199")
