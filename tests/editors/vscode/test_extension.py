"""The VS Code extension's manifest, source and package. Its behaviour in VS Code is in scenarios.py."""

import json
import re
from types import ModuleType

from ..install_vscode import SOURCE
from .conftest import ExtensionBuild

MANIFEST = json.loads((SOURCE / "package.json").read_text("utf-8"))


def test_manifest_has_the_server_settings(generator: ModuleType):
    """`python editors/vscode/settings.py` writes them."""
    assert generator.update_manifest(MANIFEST) == MANIFEST


def test_states_are_those_of_the_server(generator: ModuleType):
    """`python editors/vscode/settings.py` writes them."""
    assert generator.GENERATED_PATH.read_text("utf-8") == generator.generate_types()


def test_workspaces_cannot_set_programs_paths_models_or_costs():
    """Such settings have the scope machine, and are restricted in an untrusted workspace."""
    properties = {
        key: value
        for section in MANIFEST["contributes"]["configuration"]
        for key, value in section["properties"].items()
    }
    prefixes = (
        "codekin.path",
        "codekin.python",
        "codekin.package",
        "codekin.model.",
        "codekin.cache.",
        "codekin.team.",
    )
    costs = {"codekin.index.workers", "codekin.index.maxFileBytes", "codekin.index.pollingS", "codekin.cli.resident"}
    machine_settings = {key for key, value in properties.items() if value["scope"] == "machine"}
    assert machine_settings == costs | {key for key in properties if key.startswith(prefixes)}
    assert machine_settings == set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])


def test_every_number_is_bounded():
    """Except for bounds that depend on the machine, which only the server knows."""
    for section in MANIFEST["contributes"]["configuration"]:
        for key, value in section["properties"].items():
            is_number = value.get("type") in ("integer", "number")
            assert ("minimum" in value) == is_number
            assert ("maximum" in value) == (is_number and key != "codekin.index.workers")


def test_lock_file_names_no_registry():
    """Packages come from the registry that the user has configured."""
    lock = json.loads((SOURCE / "package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_types(built: ExtensionBuild):
    """tsc reports no error."""
    completed = built.run_script("check")
    assert completed.returncode == 0, completed.stdout


def test_format_and_lint(built: ExtensionBuild):
    """Biome reports nothing."""
    completed = built.run_script("lint")
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_units(built: ExtensionBuild):
    """The unit tests, which need no VS Code, pass."""
    completed = built.run_script("unit")
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_activation_loads_no_language_client():
    """It is most of the code, and needed when the server starts: only one module imports it, and is imported late."""
    sources = {path.stem: path.read_text("utf-8") for path in (SOURCE / "src").glob("*.ts")}
    imports = {
        name: re.findall(r"^import (?!type )[^;]*? from '([^']+)'", text, re.MULTILINE)
        for name, text in sources.items()
    }
    assert [name for name, modules in imports.items() if "vscode-languageclient/node" in modules] == ["languageClient"]
    assert [name for name, modules in imports.items() if "./languageClient" in modules] == []
    assert "await import('./languageClient.js')" in sources["server"]


def test_package_is_small_and_has_no_server(built: ExtensionBuild):
    """One package for all platforms, smaller than 1 MB, with the licence."""
    assert built.package.stat().st_size < 1_000_000
    suffixes = {path.suffix for path in built.unpacked.rglob("*") if path.is_file()}
    assert suffixes <= {".js", ".json", ".md", ".png", ".svg", ".txt"}
    assert "Apache License" in (built.unpacked / "LICENSE.txt").read_text("utf-8")


def test_package_has_the_changelog(built: ExtensionBuild):
    """VS Code shows it in a tab of the extension's page."""
    changelog = SOURCE.parents[1] / "server" / "CHANGELOG.md"
    assert (built.unpacked / "changelog.md").read_text("utf-8") == changelog.read_text("utf-8")
