"""What determined a number: printed beside it, so that two numbers are known to be comparable or not.

Source of the habit: sacrebleu (arXiv 1804.08771).
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import codekin
from codekin.embed.embedder import Embedder
from codekin.processes import run_program

_ROOMS = ("code", "embed", "index", "search")  # what they do decides which hits come, and in which order


def describe_codekin() -> dict[str, str]:
    """codekin's version, and the hash of the sources that decide about answers: a version has many while it is made."""
    digest = hashlib.sha256()
    house = Path(codekin.__file__).parent
    for room in _ROOMS:
        for path in sorted((house / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return {"codekin": codekin.__version__, "sources": digest.hexdigest()[:8], "python": platform.python_version()}


def describe_model(embedder: Embedder) -> dict[str, str]:
    """The model, and the libraries whose rounding and splitting its vectors rest on."""
    libraries = {name: version(name) for name in ("numpy", "tokenizers")}
    if embedder.device != "cpu":
        libraries |= {"torch": version("torch"), "on": embedder.device}
    return {"model": embedder.model, "fingerprint": embedder.fingerprint, "dim": str(embedder.dim)} | libraries


def describe_checkouts(revisions: Mapping[Path, str]) -> str:
    """How many of the checkouts stand at the revisions wanted; those without Git can't say."""
    states = [_state(folder, revision) for folder, revision in revisions.items()]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _state(folder: Path, revision: str) -> str:
    if not (folder / ".git").exists():
        return "without Git"
    asked = run_program("git", "-c", "core.fsmonitor=false", "-C", str(folder.absolute()), "rev-parse", "HEAD")
    return "as named" if asked.stdout.strip() == revision else "at another revision"


def format_signature(facts: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """The facts as one line."""
    return " · ".join(f"{name} {fact}" for name, fact in dict(facts).items())
