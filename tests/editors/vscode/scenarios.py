"""Tests of the extension in a real VS Code with the real server. Each version has a subclass in its own file."""

import json
from pathlib import Path

from ..project import SHOP_FILES, create_project
from .conftest import ExtensionBuild
from .fake_servers import build_wheel, write_fake_servers
from .served import ServedVSCode, create_vscode, run_browser_script
from .shop import LARGER_SHOP_FILES

_UNTRUSTED = {"security.workspace.trust.startupPrompt": "never"}
_TIMEOUT_S = 600  # far more than any script needs, even on a busy machine


class VSCodeScenarios:
    """The tests; a subclass names the version."""

    version: str  # of code-server
    installer: str  # what installs the server: "pip" or "uv"

    def test_extension_host(self, built: ExtensionBuild, tmp_path: Path):
        """Run the suite in test/host/suite.ts."""
        project = create_project(tmp_path / "project", SHOP_FILES)
        vscode = create_vscode(self.version, tmp_path / "code", project)
        _run_in_host(vscode, built, project.folder, "--disable-workspace-trust")

    def test_two_untrusted_folders(self, built: ExtensionBuild, tmp_path: Path):
        """Both folders are searched, and no program named by the workspace is started."""
        files = {
            "shop/orders.py": SHOP_FILES["shop/orders.py"],
            "office/bills.py": SHOP_FILES["shop/invoices.py"]
            .partition("\n\n\n")[2]
            .replace("invoice_total", "bill_total"),
            "more/cookies.py": SHOP_FILES["web/cookies.py"],
        }
        project = create_project(tmp_path / "project", files)
        fake_servers = write_fake_servers(tmp_path / "programs")
        workspace_settings = {"codekin.path": str(fake_servers / "evil"), "codekin.search.limit": 1}
        workspace = {"folders": [{"path": "shop"}, {"path": "office"}], "settings": workspace_settings}
        project.write("project/all.code-workspace", json.dumps(workspace))
        vscode = create_vscode(self.version, tmp_path / "code", project, **_UNTRUSTED)
        _run_in_host(vscode, built, project.folder / "all.code-workspace")
        assert not (fake_servers / "was-here").exists()

    def test_every_surface(self, built: ExtensionBuild, tmp_path: Path):
        """Every surface is shown once and used by keys and mouse. pictures.py takes screenshots of the same."""
        project = create_project(tmp_path / "project", LARGER_SHOP_FILES)
        vscode = create_vscode(self.version, tmp_path / "code", project)
        run_in_window("surfaces.mjs", vscode, built, flags=("--disable-workspace-trust",))

    def test_server_failures(self, built: ExtensionBuild, tmp_path: Path):
        """A missing server, its installation, another version, a crashing server: each has a message with a remedy."""
        project = create_project(tmp_path / "project", SHOP_FILES)
        (project.home / "bin" / "codekin").rename(tmp_path / "codekin")
        fake_servers = write_fake_servers(tmp_path / "programs")
        project.write("project/.vscode/settings.json", json.dumps({"codekin.path": str(fake_servers / "evil")}))
        user_settings = {"codekin.path": "", "codekin.package": str(build_wheel(tmp_path, tmp_path / "codekin"))}
        if self.installer == "uv":
            project.install("uv")
        vscode = create_vscode(self.version, tmp_path / "code", project, **user_settings, **_UNTRUSTED)
        run_in_window("failures.mjs", vscode, built, str(fake_servers), self.installer)
        assert not (fake_servers / "was-here").exists()
        (environment_file,) = vscode.home.rglob("pyvenv.cfg")
        assert ("\nuv = " in environment_file.read_text("utf-8")) == (self.installer == "uv")


def _run_in_host(vscode: ServedVSCode, built: ExtensionBuild, workspace: Path, *flags: str) -> None:
    with vscode.serve("--enable-smoke-test-driver", *flags) as address:
        suite = built.folder / "dist" / "host" / "index.js"
        arguments = ["test/page.mjs", address, str(workspace), str(built.unpacked), str(suite)]
        status, output = run_browser_script(arguments, built.folder, _TIMEOUT_S)
    assert status == 0, output


def run_in_window(
    script: str,
    vscode: ServedVSCode,
    built: ExtensionBuild,
    *arguments: str,
    flags: tuple[str, ...] = (),
    package: Path | None = None,
) -> None:
    """Run a script of test/ui with the extension installed, from the package for all platforms if none is named."""
    vscode.install_extension(package or built.package)
    with vscode.serve(*flags) as address:
        window = [f"test/ui/{script}", address, str(vscode.project.folder), str(vscode.settings)]
        status, output = run_browser_script([*window, *arguments], built.folder, _TIMEOUT_S)
    assert status == 0, output
