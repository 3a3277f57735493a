# ruff: noqa: TID252 (tests are no package, so that only relative imports find the folder above)
"""The VS Code extension: its manifest, its parts, its package, and all of it in real VS Code with the real server."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from ..bring_vscode import SOURCE, VERSIONS
from ..desk import FILES, make_desk
from .conftest import Built, run_suite

MANIFEST = json.loads((SOURCE / "package.json").read_text("utf-8"))


def test_settings_are_the_servers():
    """What package.json says of them is what settings.py says; `python editors/vscode/settings.py` writes it."""
    spec = importlib.util.spec_from_file_location("vscode_settings", SOURCE / "settings.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.written(MANIFEST) == MANIFEST


def test_nothing_that_names_a_program_a_path_or_a_model_comes_from_a_workspace():
    """Such settings are the machine's."""
    properties = {
        key: value for each in MANIFEST["contributes"]["configuration"] for key, value in each["properties"].items()
    }
    own = ("codekin.path", "codekin.python", "codekin.package", "codekin.model.", "codekin.cache.")
    assert all(value["scope"] == "machine" for key, value in properties.items() if key.startswith(own))


def test_lock_file_names_no_registry():
    """Packages come from the registry that the user has set."""
    lock = json.loads((SOURCE / "package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_types_are_sound(built: Built):
    """tsc, strict."""
    done = built.script("check")
    assert done.returncode == 0, done.stdout


def test_units(built: Built):
    """What needs no VS Code."""
    done = built.script("unit")
    assert done.returncode == 0, done.stdout + done.stderr


def test_package_is_small_and_has_no_server(built: Built):
    """One for all platforms, below 1 MB."""
    assert (built.folder / "codekin.vsix").stat().st_size < 1_000_000
    kinds = {path.suffix for path in built.unpacked.rglob("*") if path.is_file()}
    assert kinds <= {".js", ".json", ".md", ".png", ".svg", ".txt"}


@pytest.mark.skipif(
    not os.environ.get("CODEKIN_TEST_VSCODE"), reason="brings a gigabyte of VS Code: CODEKIN_TEST_VSCODE=1 runs it"
)
@pytest.mark.parametrize("version", VERSIONS)
def test_in_vscode(version: str, built: Built, tmp_path: Path):
    """The suite in test/host, in VS Code's own extension host."""
    status, said = run_suite(version, built, make_desk(tmp_path / "desk", FILES), tmp_path / "code")
    assert status == 0, said
