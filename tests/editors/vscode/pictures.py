"""Takes the pictures of README.md and of the walkthrough anew: `python -m tests.editors.vscode.pictures`, at the root.

They are what `test_every_surface` sees, of real VS Code with the real server, made small by pngquant.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..bring_vscode import SOURCE, VERSIONS
from ..debian import unpacked
from ..desk import make_desk
from .code import a_code, browse
from .conftest import build
from .shop import SHOP

_WANTED = ("similar", "compare", "search", "ghost", "duplicates", "menu")
_THEMES = ("dark", "light", "contrast")  # the first is published, all are looked at
_MOST_S = 600


def main(kept: Path | None) -> None:
    """Into the extension's media; all that were taken are also left in `kept`."""
    with tempfile.TemporaryDirectory(prefix="codekin-") as temporary:
        home = Path(temporary)
        built = build(home / "built")
        code = a_code(list(VERSIONS)[-1], home / "code", make_desk(home / "shop", SHOP))
        code.install(built.package)
        taken = kept or home / "pictures"
        taken.mkdir(parents=True, exist_ok=True)
        with code.served("--disable-workspace-trust") as address:
            words = ["test/ui/surfaces.mjs", address, str(code.desk.project), str(code.settings), str(taken), *_THEMES]
            status, said = browse(words, built.folder, _MOST_S)
        print(said)
        if status == 0:
            _shrink(taken)
    sys.exit(status)


def _shrink(taken: Path) -> None:
    program = "usr/bin/pngquant"
    pngquant = unpacked("pngquant", "bookworm", programs=(program,)) / program
    for name in _WANTED:
        picture = shutil.copy(taken / f"{name}-{_THEMES[0]}.png", SOURCE / "media")
        subprocess.run([pngquant, "--force", "--ext", ".png", "--speed", "1", "48", picture], check=True)
        print(picture, Path(picture).stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
