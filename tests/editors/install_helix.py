"""Install Helix from Debian."""

from dataclasses import dataclass
from pathlib import Path

from .debian import unpack_package


@dataclass(frozen=True, slots=True)
class Helix:
    """A runnable Helix."""

    command: Path
    environment: dict[str, str]  # variables it needs in addition


def install_helix() -> Helix:
    """Install the newest version in Debian. Raises UnavailableError."""
    home = unpack_package("hx", "forky", programs=("usr/lib/hx/hx",)) / "usr/lib/hx"
    return Helix(home / "hx", {"HELIX_RUNTIME": str(home / "runtime")})
