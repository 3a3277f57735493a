"""Install the peers, each in an environment of its own, and make the model that semble is given."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from codekin.embed.embedder import MODELS_FOLDER

SEMBLE = "semble==0.7.0"
JSCPD = "jscpd@5"
JSCPD_PROGRAM = "jscpd-linux-x64-gnu@5"
_PASSAGE_HEAD = 1  # the factors of "Candidate code snippet:"


def install_semble(folder: Path) -> Path:
    """Install semble into an environment of its own, unless it is there; return that one's Python."""
    python = folder / "semble" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "semble")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", SEMBLE], check=True)
    return python


def install_jscpd(folder: Path) -> Path:
    """Install jscpd by npm below the folder, unless it is there; return its command."""
    command = folder / "jscpd" / "node_modules" / ".bin" / "jscpd"
    if not command.exists():
        (folder / "jscpd").mkdir(parents=True, exist_ok=True)
        packages = [JSCPD, JSCPD_PROGRAM]  # where the newest program is not in the registry, npm leaves it out
        subprocess.run(["npm", "install", "--silent", "--prefix", str(folder / "jscpd"), *packages], check=True)
    return command


def install_ripgrep(folder: Path) -> Path:
    """Return ripgrep's command, of PATH or of Debian's package, which is downloaded unless it is there."""
    if on_path := shutil.which("rg"):
        return Path(on_path)
    command = folder / "ripgrep" / "usr" / "bin" / "rg"
    if not command.exists():
        (folder / "ripgrep").mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", "ripgrep"], cwd=folder / "ripgrep", check=True)
        (archive,) = (folder / "ripgrep").glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder / "ripgrep")], check=True)
    return command


def write_model2vec_model(folder: Path) -> Path:
    """Write codekin-static's table as a model2vec model, and return its folder.

    semble's own model (minishlab/potion-code-16M-v2) is on a model hub only. This one has the same kind and about the
    same size, and is read by the same code; codekin's phrases and weights by position are not in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = (MODELS_FOLDER / "tokenizer.json").read_text("utf-8")
    tokens = len(json.loads(tokenizer)["model"]["vocab"])
    table = np.load(MODELS_FOLDER / "table.npy", mmap_mode="r")[0, :tokens, :256]
    factors = np.load(MODELS_FOLDER / "factors.npy")[_PASSAGE_HEAD, :tokens]
    save_file({"embeddings": table.astype(np.float32) * factors[:, None]}, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text(tokenizer, "utf-8")
    (folder / "config.json").write_text(json.dumps({"normalize": True}), "utf-8")
    return folder
