"""Commands and the files of the index: unsound ones are made again in the same run, read-only ones answer."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .command import CODEKIN, Codekin

_DROP_FROM_BOUNDS, _OVERRIDE, _SEARCH = 24, 1, 2  # <linux/prctl.h>, <linux/capability.h>


@pytest.fixture
def store(own_codekin: Codekin) -> Path:
    own_codekin.json("index")
    (path,) = own_codekin.cache.glob("workspaces/*.sqlite")
    return path


COMMANDS = (("search", "read a date"), ("similar", "src/dates.py:7"), ("status",), ("index",))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_command_that_meets_unsound_files_makes_them_again_and_answers(
    own_codekin: Codekin, store: Path, words: tuple[str, ...]
):
    sound = own_codekin.json("search", "read a date")["hits"]
    for path in (store, own_codekin.cache / "vectors.sqlite"):
        data = path.read_bytes()
        path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    completed = own_codekin(*words)
    assert completed.returncode == 0, completed.stderr
    assert "is corrupt" in completed.stderr
    assert store.with_suffix(".corrupt").exists()
    assert own_codekin.json("status")["files"] == 4
    assert own_codekin.json("search", "read a date")["hits"] == sound
    assert own_codekin("doctor").returncode == 0


def test_the_doctor_reads_the_whole_of_both_files(own_codekin: Codekin, store: Path):
    vectors = own_codekin.cache / "vectors.sqlite"
    data = bytearray(vectors.read_bytes())
    data[-4096:] = b"\xa5" * 4096  # a page that no question need read
    vectors.write_bytes(data)
    completed = own_codekin("doctor")
    assert completed.returncode == 2
    assert f"{vectors} is corrupt" in completed.stdout
    assert vectors.with_suffix(".corrupt").exists()
    assert own_codekin("doctor").returncode == 0


def without_override() -> None:
    """From now on permissions bind this process even where it is the superuser's."""
    for capability in (_OVERRIDE, _SEARCH):
        ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDS, capability, 0, 0, 0)


@pytest.fixture
def read_only(own_codekin: Codekin, store: Path) -> Iterator[Codekin]:
    if os.name == "nt" or not Path("/proc/self/status").exists():
        pytest.skip("permissions, and the superuser's rights, are others on this system")
    paths = [own_codekin.cache, *own_codekin.cache.rglob("*")]
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield own_codekin
    for path in paths:
        path.chmod(0o700)


def bound(codekin: Codekin, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CODEKIN, *words],
        cwd=codekin.folder,
        env=codekin.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=without_override,
    )


def test_an_index_that_can_not_be_written_answers_as_it_is(read_only: Codekin):
    (read_only.folder / "src" / "new.py").write_text("def read_nothing():\n    return None\n")
    for words in (("search", "read a date"), ("similar", "src/dates.py:7")):
        completed = bound(read_only, *words)
        assert completed.returncode == 0, completed.stderr
        assert "dates.py" in completed.stdout
        assert "results may be out of date" in completed.stderr
        assert "cache.directory" in completed.stderr
    assert bound(read_only, "status").returncode == 0
    assert "warn cache" in bound(read_only, "doctor").stdout
    completed = bound(read_only, "index")
    assert completed.returncode == 2
    assert "cache.directory" in completed.stderr
