"""The newest VS Code. It has its own file so that both versions can be tested in parallel."""

from pathlib import Path

from ..project import SHOP_FILES, create_project
from .conftest import ExtensionBuild
from .language_pack import install_language_pack
from .scenarios import VSCodeScenarios, run_in_window
from .served import create_vscode


class TestInNewest(VSCodeScenarios):
    """VS Code 1.139."""

    version = "4.139.1"
    installer = "uv"

    def test_german(self, built: ExtensionBuild, tmp_path: Path):
        """In a German VS Code, all texts of the extension are German."""
        project = create_project(tmp_path / "project", SHOP_FILES)
        vscode = create_vscode(self.version, tmp_path / "code", project)
        install_language_pack(vscode.settings.parents[1])
        run_in_window("german.mjs", vscode, built, flags=("--disable-workspace-trust", "--locale", "de"))
