"""The extension, built and packaged as it is released."""

import importlib.util
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from filelock import FileLock

from ..debian import skip_if_unavailable
from ..install_vscode import SOURCE, install_tools, start_downloads

_BUILD_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class ExtensionBuild:
    """A finished build of the extension."""

    home: Path

    @property
    def folder(self) -> Path:
        """The copy of the source that was built, with `dist`."""
        return self.home / "editors" / "vscode"

    @property
    def package(self) -> Path:
        """The .vsix file."""
        return self.folder / "codekin.vsix"

    @property
    def unpacked(self) -> Path:
        """The extension as VS Code would install it."""
        return self.home / "unpacked" / "extension"

    def run_script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script of package.json."""
        return subprocess.run(
            ["npm", "run", "-s", name, "--", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_BUILD_TIMEOUT_S,
            check=False,
        )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the downloads while other tests run."""
    folder = Path(__file__).parent
    if not session.config.option.collectonly and any(folder in item.path.parents for item in session.items):
        start_downloads()


def build_extension(home: Path) -> ExtensionBuild:
    """Build the extension in a copy, so that the working tree stays clean."""
    with skip_if_unavailable():
        node_modules = install_tools()
    extension_build = ExtensionBuild(home)
    ignored = shutil.ignore_patterns("node_modules", "dist", "*.vsix", "__pycache__")
    shutil.copytree(SOURCE, extension_build.folder, ignore=ignored)
    changelog = Path("server", "CHANGELOG.md")  # which the build copies into the package
    (home / changelog).parent.mkdir()
    shutil.copy(SOURCE.parents[1] / changelog, home / changelog)
    (extension_build.folder / "node_modules").symlink_to(node_modules)
    for script in ("package", "bundle-tests"):
        completed = extension_build.run_script(script)
        assert completed.returncode == 0, completed.stdout + completed.stderr
    with zipfile.ZipFile(extension_build.package) as archive:
        archive.extractall(extension_build.unpacked.parent)
    return extension_build


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    """settings.py, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("vscode_settings", SOURCE / "settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> ExtensionBuild:
    """The extension, built once for all tests, also for parallel workers."""
    temporary = tmp_path_factory.getbasetemp()
    home = (temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary) / "extension"
    with FileLock(home.with_suffix(".lock")):
        if not home.exists():
            partial = home.with_suffix(".partial")  # an earlier build may have failed
            shutil.rmtree(partial, ignore_errors=True)
            build_extension(partial).home.rename(home)
    return ExtensionBuild(home)
