"""Neovim, as Debian's releases have it."""

from dataclasses import dataclass
from pathlib import Path

from .debian import unpacked


@dataclass(frozen=True, slots=True)
class Neovim:
    """A Neovim that can be started."""

    command: Path
    environment: dict[str, str]  # what it needs beside the usual


def neovim(suite: str) -> Neovim:
    """The Neovim of this suite (trixie: 0.10; forky: 0.12 or newer). Raises UnavailableError."""
    root = unpacked("neovim", suite, programs=("usr/bin/nvim",))
    runtime, parsers = root / "usr/share/nvim/runtime", root / "usr/lib/nvim/parser"
    beside = runtime / "parser"
    if parsers.exists() and not beside.exists():  # Debian compiles another prefix in
        beside.symlink_to(parsers)
    return Neovim(root / "usr/bin/nvim", {"VIMRUNTIME": str(runtime)})
