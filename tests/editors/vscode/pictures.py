"""Take the screenshots of README.md and the walkthrough: `python -m tests.editors.vscode.pictures [FOLDER [CLONE]]`.

Run it at the root of the repository. The screenshots are those of the scenario of `test_every_surface`: real VS Code
with the real server. With the clone of another repository, the map is taken of that. pngquant reduces their size.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..debian import unpack_package
from ..install_vscode import SOURCE, VERSIONS
from ..project import UserProject, create_project
from .conftest import ExtensionBuild, build_extension
from .served import create_vscode, run_browser_script
from .shop import LARGER_SHOP_FILES

_PUBLISHED = ("similar", "compare", "search", "ghost", "duplicates", "menu")
_THEMES = ("dark", "light", "contrast")  # only the first is published
_TIMEOUT_S = 600


def main(screenshot_folder: Path | None, clone: Path | None) -> None:
    """Update the extension's media; keep all screenshots in the folder, if there is one."""
    with tempfile.TemporaryDirectory(prefix="codekin-") as temporary:
        home = Path(temporary)
        built = build_extension(home / "built")
        screenshots = screenshot_folder or home / "pictures"
        screenshots.mkdir(parents=True, exist_ok=True)
        shop = create_project(home / "shop", LARGER_SHOP_FILES)
        _take_screenshots("surfaces.mjs", built, shop, [str(screenshots), *_THEMES])
        _publish(screenshots, [f"{name}-{_THEMES[0]}.png" for name in _PUBLISHED])
        if clone:
            other = UserProject(create_project(home / "other", {}).home, clone)
            _take_screenshots("map.mjs", built, other, [str(screenshots)])
            _publish(screenshots, ["map.png"])


def _take_screenshots(script: str, built: ExtensionBuild, project: UserProject, arguments: list[str]) -> None:
    vscode = create_vscode(list(VERSIONS)[-1], project.home / "code", project)
    vscode.install_extension(built.package)
    with vscode.serve("--disable-workspace-trust") as address:
        window = [f"test/ui/{script}", address, str(project.folder), str(vscode.settings), *arguments]
        status, output = run_browser_script(window, built.folder, _TIMEOUT_S)
    print(output)
    if status:
        sys.exit(status)


def _publish(screenshots: Path, names: list[str]) -> None:
    program = "usr/bin/pngquant"
    pngquant = unpack_package("pngquant", "bookworm", programs=(program,)) / program
    for name in names:
        picture = SOURCE / "media" / name
        shutil.copy(screenshots / name, picture)
        subprocess.run([pngquant, "--force", "--ext", ".png", "--speed", "1", "48", picture], check=True)
        print(picture, picture.stat().st_size)


if __name__ == "__main__":
    folders = [Path(argument).resolve() for argument in sys.argv[1:]]
    main(*[*folders, None, None][:2])
