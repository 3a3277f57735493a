"""Emacs, as Debian has it, run in batch by scripts that say what they saw."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .debian import unpacked
from .desk import Desk

_SUITE = "trixie"
_DRIVER = Path(__file__).with_name("driver.el")
_LONG_S = 100.0


@dataclass(frozen=True, slots=True)
class Emacs:
    """An Emacs that can be started."""

    words: tuple[str, ...]
    environment: dict[str, str]  # what it needs beside the usual

    def run(self, desk: Desk, script: str) -> dict[str, Any]:
        """What the script told, after the desk's own `init.el` was loaded."""
        desk.write("script.el", script)
        scripts = (desk.home / "init.el", _DRIVER, desk.home / "script.el")
        done = subprocess.run(
            [*self.words, *(word for script in scripts for word in ("-l", str(script)))],
            cwd=desk.home,
            env=desk.environment | self.environment,
            capture_output=True,
            text=True,
            timeout=_LONG_S,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        told = (line.partition("\t") for line in done.stdout.splitlines() if "\t" in line)
        return {key: json.loads(value) for key, _, value in told}


def emacs(*packages: str) -> Emacs:
    """Emacs with these packages of Debian's on its load path. Raises UnavailableError."""
    root = unpacked("emacs-nox", _SUITE, programs=("usr/bin/emacs-nox",))
    (lisp,) = root.glob("usr/share/emacs/[0-9]*/lisp")
    (programs,) = root.glob("usr/libexec/emacs/*/*")
    (dump,) = programs.glob("*.pdmp")
    folders = [lisp, *sorted(path for path in lisp.rglob("*") if path.is_dir())]
    words = [str(root / "usr/bin/emacs-nox"), f"--dump-file={dump}", "-Q", "--batch"]
    for package in packages:
        installed = sorted(unpacked(package, _SUITE).glob("usr/share/emacs/site-lisp/elpa-src/*"))
        folders += installed
        words += [word for folder in installed for word in ("-l", *map(str, folder.glob("*-autoloads.el")))]
    return Emacs(
        tuple(words),
        {
            "EMACSLOADPATH": ":".join(map(str, folders)),
            "EMACSDATA": str(lisp.with_name("etc")),
            "EMACSDOC": str(lisp.with_name("etc")),
            "EMACSPATH": str(programs),
        },
    )
