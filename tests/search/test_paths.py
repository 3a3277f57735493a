"""What paths say: tests, copies that are hardly meant, former versions."""

from pathlib import Path

import pytest

from codekin.search.paths import find_current_version, is_former_version, is_test_path, read_traits, to_relative_path


@pytest.mark.parametrize(
    "path",
    [
        "tests/store.py",
        "src/__tests__/a.ts",
        "_examples/rest/main.go",
        "test_store.py",
        "store_test.go",
        "a.spec.ts",
        "StoreTest.java",
        "conftest.py",
    ],
)
def test_tests_and_examples_are_known_by_their_paths(path: str) -> None:
    assert is_test_path(Path("/tests/code", path), [Path("/tests/code")])


def test_a_root_whose_name_begins_like_another_s_is_told_from_it() -> None:
    roots = [Path("/projects/server"), Path("/projects/server-tests")]
    assert to_relative_path("/projects/server-tests/store.py", roots) == "store.py"
    assert to_relative_path("/projects/server/a/store.py", roots) == "a/store.py"
    assert to_relative_path("/a.py", [Path("/")]) == "a.py"


@pytest.mark.parametrize("path", ["store.py", "latest/a.py", "contest.py", "lib/bats-core/test_functions.bash"])
def test_other_files_are_none_nor_is_the_library_of_a_shell_s_test_framework(path: str) -> None:
    assert not is_test_path(Path("/tests/code", path), [Path("/tests/code")])


@pytest.mark.parametrize(
    ("path", "internal", "legacy", "foreign"),
    [
        ("pydantic/_internal/_fields.py", "internal", "", ""),
        ("serde/src/private/ser.rs", "private", "", ""),
        ("src/compat/fields.py", "", "compat", ""),
        ("lib/old-api.js", "", "old", ""),
        ("vendor/zlib/inflate.c", "", "", "vendor"),
        ("third_party/zlib/inflate.c", "", "", "thirdparty"),
        ("api/user_pb2.py", "", "", "pb"),
        ("lib/jquery.min.js", "", "", "min"),
        ("src/golden/threshold.py", "", "", ""),
    ],
)
def test_copies_that_are_hardly_meant_are_known_by_a_word_of_their_paths(
    path: str, internal: str, legacy: str, foreign: str
) -> None:
    traits = read_traits(path)
    assert (traits.internal_word, traits.legacy_word, traits.foreign_word) == (internal, legacy, foreign)


def test_where_most_code_has_no_version_every_version_is_a_former_one() -> None:
    paths = ["main.py", "fields.py", "types.py", "v1/main.py", "v1/fields.py"]
    assert find_current_version(paths) is None
    assert is_former_version("v1/main.py", None, ())
    assert not is_former_version("main.py", None, ())


def test_where_most_code_has_a_version_the_highest_is_the_current_one() -> None:
    paths = ["src/v3/types.ts", "src/v4/core.ts", "src/v4/api.ts", "src/index.ts"]
    assert find_current_version(paths) == 4
    assert is_former_version("src/v3/types.ts", 4, ())
    assert not is_former_version("src/v4/core.ts", 4, ())
    assert not is_former_version("src/index.ts", 4, ())


def test_a_version_that_is_asked_for_is_no_former_one() -> None:
    assert not is_former_version("src/v3/types.ts", 4, {"errors", "v3"})
