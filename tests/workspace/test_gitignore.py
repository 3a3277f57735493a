"""What a pattern says is what git says, to the letter."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codekin.workspace.gitignore import MAX_GLOB_BYTES, IgnoreFile, encode_name
from codekin.workspace.wildmatch import parse_pattern

_PIECES = [
    *("a", "b", "c", "ab", "A", ".", "-", "é", " ", "\t", "!", "#", "*", "**", "?", "/", "**/", "/**", "\\*", "\\ "),
    *("\\", "\\/", "[ab]", "[!a]", "[^b]", "[a-c]", "[c-a]", "[]-]", "[a\\]b]", "[a-", "[", "]", "[[:alpha:]]"),
    *("[[:x:]]", "[:a]", "[[:]", "[!]a]", "*.c", "***", "**/**/", "a*", "*b*", "/**/", "**a", "a**"),
]
patterns = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=7).map("".join)
lines = st.lists(st.tuples(st.sampled_from(["", "", "!", "/"]), patterns, st.sampled_from(["", "", "/", "  "])))
texts = st.tuples(lines.map(lambda found: ["".join(line) for line in found]), st.sampled_from(["\n", "\r\n"]))
names = st.text("ab.cA-é][\\ #!*\t", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
paths = st.sets(st.lists(names, min_size=1, max_size=4).map("/".join), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("repository")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "none"))
        subprocess.run(["git", "init", "-q", folder], check=True)
        yield folder


def _git(repository: Path, text: bytes, paths: set[str]) -> set[str]:
    (repository / ".gitignore").write_bytes(text)
    path_input = b"".join(path.encode() + b"\0" for path in paths)
    command = ["git", "-C", repository, "check-ignore", "--no-index", "--stdin", "-z"]
    answer = subprocess.run(command, input=path_input, capture_output=True, check=False)
    assert answer.returncode in (0, 1), answer.stderr
    return set(answer.stdout.decode().split("\0")) - {""}


def _ours(spec: IgnoreFile, path: str) -> bool:
    parts = [encode_name(part) for part in path.split("/")]
    return any(
        spec.match_entry("".join(f"{part}/" for part in parts[:depth]), name, depth < len(parts) - 1)
        for depth, name in enumerate(parts)
    )


@settings(max_examples=150)
@given(texts, paths)
@example(
    (["[[:alpha:]]x", "a/foo**/bar", "a\\", "b  \\  "], "\n"), {"ax", "1x", "a/foobar", "a/foo/x/bar", "a\\", "b   "}
)
@example((["*", "!a.py", "!b/"], "\n"), {"a.py", "b/a.py", "b/c", "c/a.py"})
def test_any_patterns_are_read_as_git_reads_them(
    repository: Path, text: tuple[list[str], str], paths: set[str]
) -> None:
    data = text[1].join(text[0]).encode()
    spec = IgnoreFile(data)
    assert {path for path in paths if _ours(spec, path)} == _git(repository, data, paths)


def test_a_mark_at_the_start_of_the_file_is_no_part_of_the_first_pattern() -> None:
    assert IgnoreFile(b"\xef\xbb\xbfa.py\n").match_entry("", "a.py", is_folder=False)


def test_patterns_made_to_be_slow_are_not() -> None:
    spec = IgnoreFile(b"*a" * 60 + b"b\n" + b"**/a*a/" * 30 + b"**/b\n")
    assert spec.match_entry("a/" * 500, "a" * 250, is_folder=False) is None


@pytest.mark.parametrize(
    ("unit", "name", "ignored"),
    [
        (b"?", "a" * 200, None),
        (b"*a", "a" * 200, None),
        (b"**/a", "a" * 200, None),
        (b"*a*b?c\n", "a" * 100 + "bbc", True),
    ],
)
def test_a_mebibyte_of_them_is_asked_of_a_thousand_names(unit: bytes, name: str, ignored: bool | None) -> None:
    """By backtracking, or one pattern after the other, this would take minutes."""
    spec = IgnoreFile((unit * (1 << 20))[: 1 << 20].rpartition(unit)[0])
    assert not spec.dropped_patterns
    for number in range(1_000):
        assert spec.match_entry("a/" * 100, f"{number}{name}", is_folder=False) is ignored


@pytest.mark.parametrize("bracket", ["[!a]", "[\x01-\xff]", "[[:print:]]", "[^[:alpha:]-]"])
def test_a_mebibyte_of_brackets_takes_the_memory_of_one(bracket: str) -> None:
    """Each was a set of its own: 2 GB."""
    pieces = parse_pattern(bracket * ((1 << 20) // len(bracket)), by_path=False)
    assert pieces is not None
    assert len(pieces) == (1 << 20) // len(bracket)
    assert len({id(piece) for piece in pieces}) == 1


def test_of_seventy_thousand_patterns_the_last_that_matches_counts() -> None:
    for form in ("*x%d", "*x%d.py", "a/x%d", "x%d?"):
        lines = [form % number for number in range(70_000)]
        spec = IgnoreFile("\n".join([*lines, f"!{form % 69_999}"]).encode())
        name = (form % 69_998).rpartition("/")[2].replace("*", "").replace("?", "_")
        assert spec.match_entry("a/", name, is_folder=False) is True
        assert spec.match_entry("a/", name.replace("69998", "69999"), is_folder=False) is False
        assert spec.match_entry("a/", f"_{name}_.c", is_folder=False) is None


def test_what_was_reached_before_is_forgotten_without_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codekin.workspace.automaton._MAX_CACHE_BYTES", 0)
    spec = IgnoreFile(b"*a?b*\n!*c?\n/x*/**/y?\n")
    for number in range(2_000):
        assert spec.match_entry("", f"{number}a{number % 10}b", is_folder=False) is True
        assert spec.match_entry("", f"{number}c{number % 10}", is_folder=False) is False
        assert spec.match_entry(f"x{number}/{number}/", "yy", is_folder=False) is True


def test_patterns_beyond_the_limit_are_counted() -> None:
    spec = IgnoreFile(b"*.keep\n*a?\n" + b"?" * MAX_GLOB_BYTES + b"\nb*\nplain\n")
    assert spec.dropped_patterns == 1
    assert spec.match_entry("", "bb", is_folder=False)
    assert spec.match_entry("", "plain", is_folder=False)


def test_a_spec_without_patterns_is_false() -> None:
    assert not IgnoreFile(b"# only words\n\n/\n")
