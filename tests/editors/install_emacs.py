"""Install Emacs from Debian, and run scripts in it that report what is on display."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .debian import unpack_package
from .project import UserProject

_SUITE = "trixie"
_DRIVER = Path(__file__).with_name("driver.el")
_TIMEOUT_S = 900.0  # far more than a script needs, even on a busy machine


@dataclass(frozen=True, slots=True)
class Emacs:
    """A runnable Emacs."""

    command: tuple[str, ...]
    environment: dict[str, str]  # variables it needs in addition

    def run(self, project: UserProject, script: str) -> dict[str, Any]:
        """Run the script after the user's `init.el`; return the values it reported, by key."""
        project.write("script.el", script)
        scripts = (project.home / "init.el", _DRIVER, project.home / "script.el")
        completed = subprocess.run(
            [*self.command, *(argument for path in scripts for argument in ("-l", str(path)))],
            cwd=project.home,
            env=project.environment | self.environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert completed.returncode == 0, f"{completed.stdout}\n{completed.stderr}"
        pairs = (line.partition("\t") for line in completed.stdout.splitlines() if "\t" in line)
        return {key: json.loads(value) for key, _, value in pairs}


def install_emacs(*packages: str) -> Emacs:
    """Install Emacs with these Debian packages on its load path. Raises UnavailableError."""
    root = unpack_package("emacs-nox", _SUITE, programs=("usr/bin/emacs-nox",))
    (lisp,) = root.glob("usr/share/emacs/[0-9]*/lisp")
    (programs,) = root.glob("usr/libexec/emacs/*/*")
    (dump,) = programs.glob("*.pdmp")
    folders = [lisp, *sorted(path for path in lisp.rglob("*") if path.is_dir())]
    command = [str(root / "usr/bin/emacs-nox"), f"--dump-file={dump}", "-Q", "--batch"]
    for package in packages:
        installed = sorted(unpack_package(package, _SUITE).glob("usr/share/emacs/site-lisp/elpa-src/*"))
        folders += installed
        command += [argument for folder in installed for argument in ("-l", *map(str, folder.glob("*-autoloads.el")))]
    return Emacs(
        tuple(command),
        {
            "EMACSLOADPATH": ":".join(map(str, folders)),
            "EMACSDATA": str(lisp.with_name("etc")),
            "EMACSDOC": str(lisp.with_name("etc")),
            "EMACSPATH": str(programs),
        },
    )
