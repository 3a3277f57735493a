"""What a file's path says about it: a test, a copy that is hardly meant, a former version."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_TEST_PATH = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|testdata|fixtures|mocks?|_?examples?|samples?|demos?|benchmarks?|bench)/"
    r"|(^|/)(test_[^/]*\.(?!ba|z?sh$)\w+|conftest\.py|[^/]*([._-]test|[._-]spec|Tests?|TestCase|Spec)\.\w+)$"
)  # a shell's test_functions.bash is as likely the library of a test framework
_INTERNAL_PATH = re.compile(r"(?:^|/)_?(internals?|private|impl|details?)/", re.IGNORECASE)
_LEGACY_PATH = re.compile(
    r"(?:^|[/._-])(legacy|deprecated|old|compat|compatibility|obsolete|backports?)(?=[/._-])", re.IGNORECASE
)
_FOREIGN_PATH = re.compile(
    r"(?:^|/)(vendor(?:ed)?|third[_-]?party|node_modules|external|extern|generated|dist|build|deps|bundled)/"
    r"|\.(min)\.|_(pb2)\.|\.(pb)\.|\.(g)\.|[._](generated)\.|(\.d)\.ts$",
    re.IGNORECASE,
)
_VERSION_FOLDER = re.compile(r"(?:^|/)v(\d{1,4})(?=/)", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class PathTraits:
    """What a path says; the words are those that a question may use to ask for just such files."""

    is_test: bool
    internal_word: str  # "private" of src/private/ser.rs; "" where there is none
    legacy_word: str
    foreign_word: str  # of vendored and generated code
    version: int | None  # 1 of pydantic/v1/main.py


@lru_cache(maxsize=16_384)
def read_traits(relative_path: str) -> PathTraits:
    """Return what names in a root-relative path say: test, internal, legacy, vendored, version; reads no file."""
    versions = _VERSION_FOLDER.findall(relative_path)
    return PathTraits(
        bool(_TEST_PATH.search(relative_path)),
        _find_word(_INTERNAL_PATH, relative_path),
        _find_word(_LEGACY_PATH, relative_path),
        _find_word(_FOREIGN_PATH, relative_path),
        max(map(int, versions)) if versions else None,
    )


def find_current_version(relative_paths: Iterable[str]) -> int | None:
    """Return the highest N of the paths' folders vN; None where more than half of the paths have no such folder."""
    versions = [read_traits(path).version for path in relative_paths]
    known_versions = [version for version in versions if version is not None]
    return max(known_versions) if known_versions and 2 * len(known_versions) >= len(versions) else None


def is_former_version(relative_path: str, current_version: int | None, question_words: Collection[str]) -> bool:
    """Return whether the path is in the folder of a version that is neither the current one nor asked for."""
    version = read_traits(relative_path).version
    return version is not None and version != current_version and f"v{version}" not in question_words


def is_test_path(path: Path, roots: Sequence[Path]) -> bool:
    """Return whether the path below its root says that the file has tests, examples or the like; reads nothing."""
    return read_traits(to_relative_path(str(path), roots)).is_test


def to_relative_path(path: str, roots: Sequence[Path]) -> str:
    """Return the path relative to its root, with /; whole, without the leading /, where it is in no root."""
    return to_relative_paths([path], roots)[0]


def to_relative_paths(paths: Iterable[str], roots: Sequence[Path]) -> list[str]:
    """Return the paths relative to their roots, as `to_relative_path` does.

    Compares strings: pathlib takes ten times as long.
    """
    root_texts = list(map(str, roots))
    return [_strip_root(path, root_texts).replace("\\", "/").lstrip("/") for path in paths]


def _strip_root(path: str, roots: Sequence[str]) -> str:
    """Return what follows the first root that the path is in; the whole path where it is in none."""
    for root in roots:
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("/", "\\"):
            return path[len(root) :]
    return path


def _find_word(pattern: re.Pattern[str], relative_path: str) -> str:
    """Search the path; return the letters, in lower case, of the first group that matched; "" for no match."""
    match = pattern.search(relative_path)
    found = next(filter(None, match.groups()), "") if match else ""
    return "".join(_WORD.findall(found.lower()))
