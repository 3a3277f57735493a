"""Describe what determines a figure, to tell whether two figures are comparable.

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

# What they do decides which hits come, and in which order: search, and all that it may import.
SEARCH_PACKAGES = ("code", "embed", "workspace", "storage", "vectors", "index", "indexing", "search")


def describe_codekin() -> dict[str, str]:
    """Return name → text: codekin's version, 8 hex digits that hash the sources behind answers, Python's version."""
    digest = hashlib.sha256()
    package_folder = Path(codekin.__file__).parent
    for package in SEARCH_PACKAGES:
        for source_path in sorted((package_folder / package).rglob("*.py")):
            digest.update(source_path.read_bytes())
    return {"codekin": codekin.__version__, "sources": digest.hexdigest()[:8], "python": platform.python_version()}


def describe_model(embedder: Embedder) -> dict[str, str]:
    """Return name → text: the model, its fingerprint and dimension, versions of numpy and what else runs it here."""
    libraries = {library_name: version(library_name) for library_name in ("numpy", "tokenizers")}
    if embedder.device != "cpu":
        if "://" not in embedder.device:  # no endpoint
            runtime = "onnxruntime" if "ONNX Runtime" in embedder.device else "torch"
            libraries[runtime] = version(runtime)
        libraries["on"] = embedder.device
    return {"model": embedder.model, "fingerprint": embedder.fingerprint, "dim": str(embedder.dim)} | libraries


def describe_checkouts(revisions: Mapping[Path, str]) -> str:
    """Return, as text, how many checkouts are at the wanted revision, at another one, or without Git; runs git."""
    states = [_describe_checkout(folder, revision) for folder, revision in revisions.items()]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _describe_checkout(folder: Path, revision: str) -> str:
    """Return, as text, whether git says that the checkout is at the revision, or that it has no Git."""
    if not (folder / ".git").exists():
        return "without Git"
    git_run = run_program("git", "-c", "core.fsmonitor=false", "-C", str(folder.absolute()), "rev-parse", "HEAD")
    return "as named" if git_run.stdout.strip() == revision else "at another revision"


def format_signature(facts: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Return the facts on one line, `name fact · name fact`, in their order; of a repeated name the last."""
    return " · ".join(f"{fact_name} {fact}" for fact_name, fact in dict(facts).items())
