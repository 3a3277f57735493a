"""Describe what determined a figure, so that two figures are known to be comparable or not.

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

_PACKAGES = (
    "code",
    "embed",
    "workspace",
    "storage",
    "vectors",
    "index",
    "indexing",
    "search",
)  # what they do decides which hits come, and in which order


def describe_codekin() -> dict[str, str]:
    """Return codekin's version and a hash of the sources that decide about answers, which change between versions."""
    digest = hashlib.sha256()
    package_folder = Path(codekin.__file__).parent
    for package in _PACKAGES:
        for path in sorted((package_folder / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return {"codekin": codekin.__version__, "sources": digest.hexdigest()[:8], "python": platform.python_version()}


def describe_model(embedder: Embedder) -> dict[str, str]:
    """Return the model, and the libraries that its vectors' rounding and tokens depend on."""
    libraries = {name: version(name) for name in ("numpy", "tokenizers")}
    if embedder.device != "cpu":
        libraries |= {"torch": version("torch"), "on": embedder.device}
    return {"model": embedder.model, "fingerprint": embedder.fingerprint, "dim": str(embedder.dim)} | libraries


def describe_checkouts(revisions: Mapping[Path, str]) -> str:
    """Count the checkouts that stand at the wanted revisions; those without Git can't tell."""
    states = [_describe_checkout(folder, revision) for folder, revision in revisions.items()]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _describe_checkout(folder: Path, revision: str) -> str:
    if not (folder / ".git").exists():
        return "without Git"
    git_run = run_program("git", "-c", "core.fsmonitor=false", "-C", str(folder.absolute()), "rev-parse", "HEAD")
    return "as named" if git_run.stdout.strip() == revision else "at another revision"


def format_signature(facts: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Return the facts as one line."""
    return " · ".join(f"{name} {fact}" for name, fact in dict(facts).items())
