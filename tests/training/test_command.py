"""Claims about `codekin train`: its doors open where PyTorch is, and say what to install where it is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from codekin.cli.train import train

CODE = '''def {verb}_{noun}(text, limit):
    """{verb} the {noun} of a text, up to a limit."""
    found = []
    for {noun} in text.split():
        found.append({verb}({noun}))
    return found[:limit]
'''
VERBS = ("count", "sort", "merge", "parse", "write", "find")
NOUNS = ("word", "line", "name", "date", "path", "tag", "number", "link")


def _tree(folder: Path) -> Path:
    folder.mkdir()
    code = "\n\n".join(CODE.format(verb=verb, noun=noun) for verb in VERBS for noun in NOUNS)
    (folder / "texts.py").write_text(code)
    return folder


@pytest.mark.parametrize("command", ["causal", "contrastive", "embedded", "small"])
def test_without_pytorch_it_says_what_to_install(tmp_path: Path, command: str) -> None:
    (tmp_path / "shadow" / "shadow-1.dist-info").mkdir(parents=True)  # else what PYTHONPATH names does not count
    (tmp_path / "work").mkdir()
    (tmp_path / "shadow" / "torch.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    )
    out = ["--work", "w", "--out", "o"]
    words = {
        "causal": [".", *out],
        "contrastive": [".", "--backbone", "b", *out],
        "embedded": ["--pairs", ".", *out],
        "small": ["--pairs", ".", *out],
    }[command]
    completed = subprocess.run(
        [sys.executable, "-m", "codekin", "train", command, *words],
        cwd=tmp_path / "work",
        env=os.environ | {"PYTHONPATH": str(tmp_path / "shadow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 2
    assert (
        completed.stderr == "Error: Training needs torch, which is not installed. Run: pip install 'codekin[train]'\n"
    )


def test_from_source_code_to_an_embedder_by_two_commands(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs PyTorch: pip install 'codekin[train]'")
    pytest.importorskip("transformers", reason="training a decoder needs transformers: pip install 'codekin[train]'")
    tree = str(_tree(tmp_path / "tree"))

    def run(*words: str) -> str:
        completed = CliRunner().invoke(train, words, catch_exceptions=False, standalone_mode=False)
        assert completed.return_value == 0
        return completed.output

    plan = ("--warm-up", "1", "--threads", "1", "--float32")
    shape = ("--layers", "1", "--width", "16", "--wide", "16", "--heads", "2", "--shared", "2", "--vocabulary", "400")
    blocks = ("--batch", "2", "--block", "8", "--steps", "2")
    run("causal", tree, *shape, *blocks, *plan, "--work", str(tmp_path / "w1"), "--out", str(tmp_path / "model"))
    embedder_options = (
        "--backbone",
        str(tmp_path / "model"),
        "--dims",
        "4,16",
        "--batch",
        "4",
        "--steps",
        "2",
        "--pooling",
        "mean",
    )
    run("contrastive", tree, *embedder_options, *plan, "--work", str(tmp_path / "w2"), "--out", str(tmp_path / "out"))
    training_record = json.loads((tmp_path / "out" / "training.json").read_text())
    assert training_record["recipe"]["dims"] == [4, 16]
    assert {"loss", "mean", "mean@4"} <= set(training_record["curve"][-1])
    assert json.loads((tmp_path / "out" / "1_Pooling" / "config.json").read_text())["pooling_mode_mean_tokens"]
