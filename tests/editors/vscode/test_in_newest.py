"""The newest VS Code. It has its own file so that both versions can be tested in parallel."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from ..install_vscode import SOURCE
from ..project import SHOP_FILES, create_project
from .conftest import ExtensionBuild
from .fake_servers import build_wheel
from .language_pack import install_language_pack
from .scenarios import VSCodeScenarios, run_in_window
from .served import create_vscode

NEWEST = "4.139.1"  # of code-server


class TestInNewest(VSCodeScenarios):
    """VS Code 1.139."""

    version = NEWEST
    installer = "uv"

    def test_german(self, built: ExtensionBuild, tmp_path: Path):
        """In a German VS Code, all texts of the extension are German."""
        project = create_project(tmp_path / "project", SHOP_FILES)
        vscode = create_vscode(self.version, tmp_path / "code", project)
        install_language_pack(vscode.settings.parents[1])
        run_in_window("german.mjs", vscode, built, flags=("--disable-workspace-trust", "--locale", "de"))

    def test_package_with_a_server(self, built: ExtensionBuild, tmp_path: Path):
        """With a package for this platform, the first answer needs no installation, no setting and no click."""
        project = create_project(tmp_path / "project", SHOP_FILES)
        program = (project.home / "bin" / "codekin").rename(tmp_path / "codekin")  # away from PATH
        server = bundle_server(tmp_path, build_wheel(tmp_path, program))
        completed = built.run_script("package", "linux-x64", str(server))
        assert completed.returncode == 0, completed.stdout + completed.stderr
        vscode = create_vscode(self.version, tmp_path / "code", project, **{"codekin.path": ""})
        package = built.folder / "codekin-linux-x64.vsix"
        run_in_window("bundled.mjs", vscode, built, flags=("--disable-workspace-trust",), package=package)


def bundle_server(home: Path, wheel: Path) -> Path:
    """Bundle the wheel with a copy of the Python that runs this test; return the folder."""
    library = Path(sysconfig.get_path("stdlib"))
    for link, target in {"bin/python3": Path(sys.executable).resolve(), f"lib/{library.name}": library}.items():
        (home / "python" / link).parent.mkdir(parents=True)
        (home / "python" / link).symlink_to(target)
    command = [sys.executable, str(SOURCE / "bundle.py"), str(home / "python"), str(wheel), str(home / "server")]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return home / "server"
