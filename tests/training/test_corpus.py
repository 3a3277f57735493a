"""Claims about the corpus: nothing blocked is ever taken, by whatever route."""

import json
from pathlib import Path

import pytest

from codekin.training.corpus import (
    BlockList,
    CorpusError,
    Package,
    check_package,
    fetch_packages,
    list_sources,
    read_manifest,
)

MANIFEST = Path(__file__).parents[2] / "server" / "codekin" / "training" / "manifest.json"
BLOCKED = """# One public repository a line
pallets/click
psf/requests
nlohmann/json
gin-gonic/gin
libuv/libuv
google-research/google-research (mbpp)
"""


@pytest.fixture
def blocked(tmp_path: Path) -> BlockList:
    path = tmp_path / "never-train.txt"
    path.write_text(BLOCKED)
    return BlockList(path)


@pytest.mark.parametrize(
    "name",
    [
        "click",
        "requests",
        "python3-requests",
        "golang-github-gin-gonic-gin",
        "libuv",
        "node-libuv",
        "Click",
        "python-click-doc",
    ],
)
def test_a_package_named_like_a_blocked_repository_is_refused(blocked: BlockList, name: str) -> None:
    with pytest.raises(CorpusError, match="block list"):
        check_package(Package("pypi", name, "1.0", "MIT"), blocked)


def test_a_package_without_a_permissive_licence_is_refused(blocked: BlockList) -> None:
    with pytest.raises(CorpusError, match="permissive"):
        check_package(Package("pypi", "readline", "1.0", "GPL-3.0"), blocked)


def test_an_unknown_registry_is_refused(blocked: BlockList) -> None:
    with pytest.raises(CorpusError, match="pypi, npm, debian"):
        check_package(Package("elsewhere", "six", "1.0", "MIT"), blocked)


def test_harvest_reports_what_it_refused_and_fetches_nothing_of_it(blocked: BlockList, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps([["pypi", "click", "8.1.0", "BSD-3-Clause"]]))
    ((package, problem),) = list(fetch_packages(manifest, blocked, tmp_path / "sources"))
    assert package.name == "click"
    assert "block list" in problem
    assert not (tmp_path / "sources").exists()


def test_vendored_blocked_minified_and_large_files_are_left_out(blocked: BlockList, tmp_path: Path) -> None:
    kept = ["tree/pkg/a.py", "tree/pkg/src/deep/b.go", "tree/pkg/json_tools.py"]
    omitted_paths = [
        "tree/pkg/_vendor/requests/api.py",
        "tree/pkg/vendor/github.com/x/y.go",
        "tree/pkg/click/core.py",
        "tree/pkg/third_party/z.c",
        "tree/pkg/libuv-1.44.2/src/loop.c",
        "tree/pkg/include/json.hpp",
        "tree/pkg/jquery.min.js",
        "tree/pkg/node_modules/a/index.js",
        "tree/pkg/dist/built.js",
    ]
    for name in kept + omitted_paths:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    (tmp_path / "tree/pkg/large.py").write_text("x = 1\n" * 200_000)
    listed_paths = [
        str(path.relative_to(tmp_path)) for path in list_sources(tmp_path, blocked) if path.suffix != ".txt"
    ]
    assert listed_paths == sorted(kept)


def test_a_file_that_names_a_blocked_repository_as_its_origin_is_known(blocked: BlockList) -> None:
    assert blocked.blocks_text("// Copied from https://github.com/Nlohmann/JSON, MIT")
    assert not blocked.blocks_text("// Copyright the authors of gin rummy")


def test_our_manifest_is_permissive_pinned_and_of_known_registries() -> None:
    packages = read_manifest(MANIFEST)
    assert len(packages) >= 60
    for package in packages:
        assert package.registry in {"pypi", "npm", "debian"}
        assert package.version, package.name
        assert package.licence, package.name
    assert len({package.folder_name for package in packages}) == len(packages)


def test_our_manifest_holds_no_blocked_package(our_block_list: BlockList) -> None:
    for package in read_manifest(MANIFEST):
        check_package(package, our_block_list)


@pytest.fixture
def our_block_list(tmp_path: Path) -> BlockList:
    """The repositories that codekin is measured on, by name: the manifest must not have them."""
    path = tmp_path / "never-train.txt"
    path.write_text((Path(__file__).parent / "never-train.txt").read_text("utf-8"))
    return BlockList(path)
