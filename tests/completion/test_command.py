"""`codekin complete FILE:LINE:COL`: counted from 1, as one JSON document or for a person."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """\
def fetch_user(session, user_id):
    reply = session.get(user_id)
    reply.raise_for_status()
    return reply.json()["user"]


def fetch_order(session, order_id):
    reply = session.get(order_id)
    reply.raise_for_status()
    return reply.json()["order"]


def fetch_parcel(session, parcel_id):
    reply = session.get(parcel_id)
{indent}
""".replace("{indent}", " " * 4)


@pytest.fixture(name="run")
def _run(tmp_path: Path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "shop.py").write_text(CODE, "utf-8")
    environment = os.environ | {
        "CODEKIN_CACHE_DIRECTORY": str(tmp_path / "cache"),
        "CODEKIN_CONFIG": str(tmp_path / "config.toml"),
        "CODEKIN_INDEX_WORKERS": "1",
        "CODEKIN_COMPLETION_FLOOR": "0.05",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "codekin", "complete", *words, "--root", str(root)]
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_completion_is_told_with_its_range_and_source(run) -> None:
    completed = run("shop.py:15:5", "--json")
    assert completed.returncode == 0, completed.stderr
    output = json.loads(completed.stdout)
    (completions,) = output["completions"]
    assert completions["text"] == "reply.raise_for_status()"
    assert completions["range"] == {"start": {"line": 15, "column": 5}, "end": {"line": 15, "column": 5}}
    assert 0.05 <= completions["confidence"] <= 1
    assert completions["source"] == {"path": "shop.py", "start_line": 9, "end_line": 9, "edited": False}
    assert output["seconds"] >= 0


def test_a_person_sees_the_text_and_where_it_is_from(run) -> None:
    completed = run("shop.py:15:5")
    assert completed.stdout == "reply.raise_for_status()\n"
    assert "from shop.py:9" in completed.stderr


def test_silence_is_a_status_of_its_own(run) -> None:
    completed = run("shop.py:1:1", "--json")
    assert (completed.returncode, json.loads(completed.stdout)["completions"]) == (1, [])


@pytest.mark.parametrize("place", ["shop.py", "shop.py:3", "shop.py:3:0", "gone.py:1:1"])
def test_what_is_no_place_is_said(run, place: str) -> None:
    completed = run(place)
    assert completed.returncode == 2
    assert "Error: " in completed.stderr
