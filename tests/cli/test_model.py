"""`codekin model` and `codekin doctor --conformance`: models with their licences, brought here only when asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..documented_json import check_documented


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment with a hub that can't be reached, and nothing in its cache."""
    return os.environ | {
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "CODEKIN_CACHE_DIRECTORY": str(tmp_path / "cache"),
        "CODEKIN_CONFIG": str(tmp_path / "config.toml"),
    }


def codekin(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codekin", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_every_model_is_listed_with_its_licence(nowhere: dict[str, str]):
    listing = json.loads(codekin(nowhere, "model", "list", "--json").stdout)["models"]
    by_name = {row["name"]: row for row in listing}
    assert by_name["embedded"]["here"]
    assert not by_name["jina-0.5b"]["here"]
    assert "not for commercial use" in by_name["jina-0.5b"]["licence"]
    plain = codekin(nowhere, "model", "list").stdout
    assert all(row["name"] in plain and row["licence"] in plain for row in listing)
    assert plain.splitlines()[0].split() == ["embedded", "built", "in", "Apache-2.0"]


def test_pulling_says_the_licence_first_and_what_to_do_where_the_hub_is_not_reached(nowhere: dict[str, str]):
    completed = codekin(nowhere | {"HF_HUB_DOWNLOAD_TIMEOUT": "1"}, "model", "pull", "jina-0.5b")
    assert completed.returncode == 2
    assert completed.stderr.index("CC-BY-NC-4.0") < completed.stderr.index("Error: ")
    assert "can't be downloaded" in completed.stderr


def test_a_folder_needs_no_pulling(nowhere: dict[str, str], tiny_checkpoint: Path):
    pulled = json.loads(codekin(nowhere, "model", "pull", str(tiny_checkpoint), "--json").stdout)
    check_documented("model pull", pulled)
    assert pulled["folder"] == str(tiny_checkpoint)
    assert pulled["dims"] == [16, 32, 64]


def test_conformance_says_how_to_get_the_weights_that_are_not_here(nowhere: dict[str, str]):
    completed = codekin(nowhere, "doctor", "--conformance", "--json")
    findings = json.loads(completed.stdout)["findings"]
    assert [(finding["check"], finding["level"]) for finding in findings] == [
        ("jina-0.5b", "warn"),
        ("jina-1.5b", "warn"),
    ]
    assert "codekin model pull jina-0.5b" in findings[0]["remedy"]
