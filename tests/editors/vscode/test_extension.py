"""The VS Code extension: its manifest, its parts, its package. What it does in VS Code is in claims.py."""

import importlib.util
import json

from ..bring_vscode import SOURCE
from .conftest import Built

MANIFEST = json.loads((SOURCE / "package.json").read_text("utf-8"))


def test_settings_are_the_servers():
    """What package.json says of them is what settings.py says; `python editors/vscode/settings.py` writes it."""
    spec = importlib.util.spec_from_file_location("vscode_settings", SOURCE / "settings.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.written(MANIFEST) == MANIFEST


def test_nothing_that_names_a_program_a_path_or_a_model_or_costs_the_machine_comes_from_a_workspace():
    """Such settings are the machine's, and held back in a workspace that is not trusted."""
    properties = {
        key: value for each in MANIFEST["contributes"]["configuration"] for key, value in each["properties"].items()
    }
    own = ("codekin.path", "codekin.python", "codekin.package", "codekin.model.", "codekin.cache.")
    costs = {"codekin.index.workers", "codekin.index.maxFileBytes", "codekin.index.pollingS"}
    machines = {key for key, value in properties.items() if value["scope"] == "machine"}
    assert machines == costs | {key for key in properties if key.startswith(own)}
    assert machines == set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])


def test_every_number_is_bounded_on_the_settings_page():
    """But for what depends on the machine, which the server knows."""
    for section in MANIFEST["contributes"]["configuration"]:
        for key, value in section["properties"].items():
            is_number = value.get("type") in ("integer", "number")
            assert ("minimum" in value) == is_number
            assert ("maximum" in value) == (is_number and key != "codekin.index.workers")


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
    """One for all platforms, below 1 MB, with its licence."""
    assert built.package.stat().st_size < 1_000_000
    kinds = {path.suffix for path in built.unpacked.rglob("*") if path.is_file()}
    assert kinds <= {".js", ".json", ".md", ".png", ".svg", ".txt"}
    assert "Apache License" in (built.unpacked / "LICENSE.txt").read_text("utf-8")
