"""Helix, as Debian has it."""

from dataclasses import dataclass
from pathlib import Path

from .debian import unpacked


@dataclass(frozen=True, slots=True)
class Helix:
    """A Helix that can be started."""

    command: Path
    environment: dict[str, str]  # what it needs beside the usual


def helix() -> Helix:
    """The newest that Debian has. Raises UnavailableError."""
    home = unpacked("hx", "forky", programs=("usr/lib/hx/hx",)) / "usr/lib/hx"
    return Helix(home / "hx", {"HELIX_RUNTIME": str(home / "runtime")})
