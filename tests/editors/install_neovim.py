"""Install Neovim from releases of Debian."""

from dataclasses import dataclass
from pathlib import Path

from .debian import unpack_package


@dataclass(frozen=True, slots=True)
class Neovim:
    """A runnable Neovim."""

    command: Path
    environment: dict[str, str]  # variables it needs in addition


def install_neovim(suite: str) -> Neovim:
    """Install the version of this suite (trixie: 0.10; forky: 0.12 or newer). Raises UnavailableError."""
    root = unpack_package("neovim", suite, programs=("usr/bin/nvim",))
    runtime, parsers = root / "usr/share/nvim/runtime", root / "usr/lib/nvim/parser"
    parser_link = runtime / "parser"
    if parsers.exists() and not parser_link.exists():  # Debian compiles in another path
        parser_link.symlink_to(parsers)
    return Neovim(root / "usr/bin/nvim", {"VIMRUNTIME": str(runtime)})
