# ruff: noqa: TID252 (tests are no package, so that only relative imports find the folder above)
"""The extension, built and packed as it is released."""

import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..bring_vscode import SOURCE, tools
from ..debian import needed

_BUILD_S = 120


@dataclass(frozen=True, slots=True)
class Built:
    """What the build has made."""

    folder: Path  # with `dist`
    package: Path  # the .vsix
    unpacked: Path  # the extension as VS Code would install it

    def script(self, name: str) -> subprocess.CompletedProcess[str]:
        """Carry out a script of package.json."""
        return subprocess.run(
            ["npm", "run", "-s", name], cwd=self.folder, capture_output=True, text=True, timeout=_BUILD_S, check=False
        )


def build(home: Path) -> Built:
    """Built in a copy: nothing is left in the working tree."""
    with needed():
        modules = tools()
    folder = home / "vscode"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "*.vsix", "__pycache__"))
    (folder / "node_modules").symlink_to(modules)
    made = Built(folder, folder / "codekin.vsix", home / "unpacked" / "extension")
    for name in ("package", "bundle-tests"):
        done = made.script(name)
        assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(made.package) as packed:
        packed.extractall(made.unpacked.parent)
    return made


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Once for all tests."""
    return build(tmp_path_factory.mktemp("extension"))
