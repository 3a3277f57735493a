# ruff: noqa: TID252 (tests are no package, so that only relative imports find the folder above)
"""The VS Code extension: its manifest, its parts, its package, and all of it in real VS Code with the real server."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from ..bring_vscode import SOURCE, VERSIONS
from ..desk import FILES, Desk, make_desk
from .code import Code, a_code, browse
from .conftest import Built
from .mishaps import programs, wheel
from .shop import SHOP

MANIFEST = json.loads((SOURCE / "package.json").read_text("utf-8"))
NEWEST = list(VERSIONS)[-1]
UNTRUSTED = {"security.workspace.trust.startupPrompt": "never"}
_SUITE_S = 300
by_hand = pytest.mark.skipif(
    not os.environ.get("CODEKIN_TEST_VSCODE"), reason="brings a gigabyte of VS Code: CODEKIN_TEST_VSCODE=1 runs it"
)


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
    """One for all platforms, below 1 MB, with its licence."""
    assert built.package.stat().st_size < 1_000_000
    kinds = {path.suffix for path in built.unpacked.rglob("*") if path.is_file()}
    assert kinds <= {".js", ".json", ".md", ".png", ".svg", ".txt"}
    assert "Apache License" in (built.unpacked / "LICENSE.txt").read_text("utf-8")


@by_hand
@pytest.mark.parametrize("version", VERSIONS)
def test_in_vscode(version: str, built: Built, tmp_path: Path):
    """The suite in test/host, in VS Code's own extension host."""
    desk = make_desk(tmp_path / "desk", FILES)
    code = a_code(version, tmp_path / "code", desk)
    _run_hosted(code, built, desk.project, "--disable-workspace-trust")


@by_hand
@pytest.mark.parametrize("version", VERSIONS)
def test_two_folders_that_are_not_trusted(version: str, built: Built, tmp_path: Path):
    """Works in both, and nothing that the workspace names is started."""
    files = {
        "shop/orders.py": FILES["shop/orders.py"],
        "office/bills.py": FILES["shop/invoices.py"].partition("\n\n\n")[2].replace("invoice_total", "bill_total"),
        "more/cookies.py": FILES["web/cookies.py"],
    }
    desk = make_desk(tmp_path / "desk", files)
    scripts = programs(tmp_path / "programs")
    theirs = {"codekin.path": str(scripts / "evil"), "codekin.search.limit": 1}
    workspace = {"folders": [{"path": "shop"}, {"path": "office"}], "settings": theirs}
    desk.write("project/all.code-workspace", json.dumps(workspace))
    code = a_code(version, tmp_path / "code", desk, **UNTRUSTED)
    _run_hosted(code, built, desk.project / "all.code-workspace")
    assert not (scripts / "was-here").exists()


def _run_hosted(code: Code, built: Built, opened: Path, *flags: str) -> None:
    with code.served("--enable-smoke-test-driver", *flags) as address:
        suite = built.folder / "dist" / "host" / "index.js"
        page = ["test/page.mjs", address, str(opened), str(built.unpacked), str(suite)]
        status, said = browse(page, built.folder, _SUITE_S)
    assert status == 0, said


def _in_window(script: str, code: Code, built: Built, *more: str, flags: tuple[str, ...] = ()) -> None:
    code.install(built.package)
    with code.served(*flags) as address:
        words = [f"test/ui/{script}", address, str(code.desk.project), str(code.settings), *more]
        status, said = browse(words, built.folder, _SUITE_S)
    assert status == 0, said


@by_hand
def test_surfaces(built: Built, tmp_path: Path):
    """Each is seen once and used, as a person does; pictures.py photographs the same."""
    code = a_code(NEWEST, tmp_path / "code", make_desk(tmp_path / "desk", SHOP))
    _in_window("surfaces.mjs", code, built, flags=("--disable-workspace-trust",))


@by_hand
def test_mishaps(built: Built, tmp_path: Path):
    """No server, a wish to install one, one of another version, one that ends: each is told with what helps."""
    desk: Desk = make_desk(tmp_path / "desk", FILES)
    (desk.home / "bin" / "codekin").rename(tmp_path / "codekin")
    scripts = programs(tmp_path / "programs")
    desk.write("project/.vscode/settings.json", json.dumps({"codekin.path": str(scripts / "evil")}))
    own = {"codekin.path": "", "codekin.package": str(wheel(tmp_path, tmp_path / "codekin"))}
    code = a_code(NEWEST, tmp_path / "code", desk, **own, **UNTRUSTED)
    _in_window("mishaps.mjs", code, built, str(scripts))
    assert not (scripts / "was-here").exists()
