"""Take the screenshots of README.md and the walkthrough: `python -m tests.editors.vscode.pictures [FOLDER]`.

Run it at the root of the repository. The screenshots are those of the scenario of `test_every_surface`: real VS Code
with the real server. pngquant reduces their size.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..debian import unpack_package
from ..install_vscode import SOURCE, VERSIONS
from ..project import create_project
from .conftest import build_extension
from .served import create_vscode, run_browser_script
from .shop import LARGER_SHOP_FILES

_PUBLISHED = ("similar", "compare", "search", "ghost", "duplicates", "menu")
_THEMES = ("dark", "light", "contrast")  # only the first is published
_TIMEOUT_S = 600


def main(screenshot_folder: Path | None) -> None:
    """Update the extension's media; keep all screenshots in the folder, if there is one."""
    with tempfile.TemporaryDirectory(prefix="codekin-") as temporary:
        home = Path(temporary)
        built = build_extension(home / "built")
        project = create_project(home / "shop", LARGER_SHOP_FILES)
        vscode = create_vscode(list(VERSIONS)[-1], home / "code", project)
        vscode.install_extension(built.package)
        screenshots = screenshot_folder or home / "pictures"
        screenshots.mkdir(parents=True, exist_ok=True)
        with vscode.serve("--disable-workspace-trust") as address:
            window = [address, str(project.folder), str(vscode.settings), str(screenshots), *_THEMES]
            status, output = run_browser_script(["test/ui/surfaces.mjs", *window], built.folder, _TIMEOUT_S)
        print(output)
        if status == 0:
            _publish(screenshots)
    sys.exit(status)


def _publish(screenshots: Path) -> None:
    program = "usr/bin/pngquant"
    pngquant = unpack_package("pngquant", "bookworm", programs=(program,)) / program
    for name in _PUBLISHED:
        picture = SOURCE / "media" / f"{name}-{_THEMES[0]}.png"
        shutil.copy(screenshots / picture.name, picture)
        subprocess.run([pngquant, "--force", "--ext", ".png", "--speed", "1", "48", picture], check=True)
        print(picture, picture.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
