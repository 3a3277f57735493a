"""`codekin install` and `uninstall`, as a person runs them: shown, asked for, refused with the remedy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import CODEKIN

pytest.importorskip("mcp", reason="the extra mcp is not installed")
pytest.importorskip("tomlkit", reason="the extra mcp is not installed")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    (home / ".cursor").mkdir(parents=True)
    own = {"HOME": str(home), "XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(home / ".config")}
    return os.environ | own


def run(environment: dict[str, str], *words: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run([CODEKIN, *words], env=environment, input=answer, capture_output=True, text=True, check=False)


def test_agents_are_found_shown_asked_for_written_and_removed(environment: dict[str, str], tmp_path: Path):
    file = tmp_path / "home" / ".cursor" / "mcp.json"
    shown = run(environment, "install", "--dry-run")
    assert '+      "args": [' in shown.stdout
    refused = run(environment, "install", answer="n\n")
    assert "Write 2 files for Cursor?" in refused.stderr
    assert refused.returncode == 130
    assert not file.exists()
    assert run(environment, "install", answer="y\n").returncode == 0
    assert json.loads(file.read_text())["mcpServers"]["codekin"]["args"] == ["mcp"]
    assert "Nothing to change" in run(environment, "install", "--yes").stderr
    assert "Restore or remove 2 files for Cursor?" in run(environment, "uninstall", answer="n\n").stderr
    uninstalled = run(environment, "uninstall", "--yes")
    assert uninstalled.returncode == 0
    assert "Removed 2 files for Cursor." in uninstalled.stderr
    assert not file.exists()


def test_files_that_are_restored_and_removed_are_counted_apart(environment: dict[str, str], tmp_path: Path):
    (tmp_path / "home" / ".cursor" / "mcp.json").write_text("{}\n")
    assert "Wrote 2 files for Cursor." in run(environment, "install", "--yes").stderr
    assert "Wrote 1 file and removed 1 file for Cursor." in run(environment, "uninstall", "--yes").stderr


def run_without(package_name: str, environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as where a package isn't installed."""
    code = f"import sys; sys.modules[{package_name!r}] = None; from codekin.cli import main; main()"
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [("install", "--yes"), ("install", "codex", "--dry-run")], ids="-".join)
def test_nothing_is_installed_without_the_server_that_agents_would_start(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]
):
    done = run_without("mcp", environment, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'The package "mcp" is missing. Install it: pip install "codekin[mcp]".' in done.stderr
    assert list((tmp_path / "home").rglob("*")) == [tmp_path / "home" / ".cursor"]


def test_only_toml_that_has_codekin_needs_its_package(environment: dict[str, str], tmp_path: Path):
    config = tmp_path / "home" / ".codex" / "config.toml"
    config.parent.mkdir()
    assert "Nothing to change" in run_without("tomlkit", environment, "uninstall", "--yes").stderr
    config.write_text('model = "o5"\n')
    assert "Nothing to change" in run_without("tomlkit", environment, "uninstall", "--yes").stderr
    assert run(environment, "install", "--yes").returncode == 0
    config.write_text(config.read_text() + "# edited\n")
    done = run_without("tomlkit", environment, "uninstall", "--yes")
    assert done.returncode == 2
    assert f"{config} can't be edited" in done.stderr
    assert 'The package "tomlkit" is missing. Install it: pip install "codekin[mcp]".' in done.stderr
    assert run_without("tomlkit", environment, "uninstall", "cursor", "--yes").returncode == 0


def test_an_unknown_agent_is_refused_with_those_there_are(environment: dict[str, str]):
    done = run(environment, "install", "skynet")
    assert done.returncode == 2
    assert "There are: claude, codex" in done.stderr
