"""Put codekin and a Python that needs nothing installed into one folder: `python bundle.py PYTHON REQUIREMENT FOLDER`.

PYTHON is the root folder of an installation that can be moved (python-build-standalone; `uv python install` brings
one), REQUIREMENT what pip installs into its copy: a wheel or the folder of a clone, perhaps with extras. The folder
goes into a package for one platform: `npm run package -- linux-x64 FOLDER`. Its server starts by
`bin/python3 -I -m codekin serve`, because the scripts that pip writes name the folder where they were installed.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# What the server never runs: tests, the editor IDLE, Tk, installers and their scripts
_UNUSED = (
    "test", "tests", "idlelib", "turtledemo", "tkinter", "tcl*", "tk*", "itcl*", "thread2*", "ensurepip", "lib2to3",
    "site-packages", "__pycache__", "bin", "Scripts", "share", "*.pdb", "EXTERNALLY-MANAGED",
)  # fmt: skip
# What only compilers need; a dependency without a wheel is compiled
_DEVELOPMENT = ("include", "libs", "lib/*.a", "lib/libpython3*.so", "lib/pkgconfig", "lib/python3*/config-*")
# Compiled files that are taken without a look at the source's time: unpacking a package changes it
_COMPILE = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")


def bundle_server(python_home: Path, requirement: str, folder: Path) -> None:
    """Create the folder, which must not exist. Raises CalledProcessError if pip fails, or codekin does not start."""
    shutil.copytree(python_home, folder, ignore=shutil.ignore_patterns(*_UNUSED))
    python = find_python(folder)
    python.parent.mkdir(exist_ok=True)
    shutil.copy(find_python(python_home), python)  # the file behind the link: packages have no links
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile", "--no-warn-script-location"]
    _run([*pip, requirement])
    scripts = {*folder.glob("bin/*"), *folder.glob("Scripts/*")} - {python}
    libraries = next(folder.glob("[Ll]ib/**/site-packages"))
    development_files = [path for pattern in _DEVELOPMENT for path in folder.glob(pattern)]
    for path in [*scripts, *development_files, *libraries.rglob("tests")]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    _run([str(python), "-I", *_COMPILE, str(libraries.parent)])
    _run([str(python), "-I", "-m", "codekin", "--version"])


def find_python(home: Path) -> Path:
    """Return the interpreter of an installation, where the extension looks for it."""
    return home / "python.exe" if sys.platform == "win32" else home / "bin" / "python3"


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    bundle_server(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
