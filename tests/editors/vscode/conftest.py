"""The extension, built and packed as it is released."""

import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from ..bring_vscode import SOURCE, brought, tools
from ..debian import needed

_BUILD_S = 120


@dataclass(frozen=True, slots=True)
class Built:
    """What the build has made."""

    home: Path

    @property
    def folder(self) -> Path:
        """With `dist`."""
        return self.home / "vscode"

    @property
    def package(self) -> Path:
        """The .vsix."""
        return self.folder / "codekin.vsix"

    @property
    def unpacked(self) -> Path:
        """The extension as VS Code would install it."""
        return self.home / "unpacked" / "extension"

    def script(self, name: str) -> subprocess.CompletedProcess[str]:
        """Carry out a script of package.json."""
        return subprocess.run(
            ["npm", "run", "-s", name], cwd=self.folder, capture_output=True, text=True, timeout=_BUILD_S, check=False
        )


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is brought is on its way while other tests run."""
    folder = Path(__file__).parent
    if not session.config.option.collectonly and any(folder in item.path.parents for item in session.items):
        brought()


def build(home: Path) -> Built:
    """Built in a copy: nothing is left in the working tree."""
    with needed():
        modules = tools()
    made = Built(home)
    shutil.copytree(SOURCE, made.folder, ignore=shutil.ignore_patterns("node_modules", "dist", "*.vsix", "__pycache__"))
    (made.folder / "node_modules").symlink_to(modules)
    for name in ("package", "bundle-tests"):
        done = made.script(name)
        assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(made.package) as packed:
        packed.extractall(made.unpacked.parent)
    return made


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Once for all tests, also for those that run beside each other."""
    temporary = tmp_path_factory.getbasetemp()
    home = (temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary) / "extension"
    with FileLock(home.with_suffix(".lock")):
        if not home.exists():
            partial = home.with_suffix(".partial")  # of one that failed, perhaps
            shutil.rmtree(partial, ignore_errors=True)
            build(partial).home.rename(home)
    return Built(home)
