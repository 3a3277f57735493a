"""The process that answers later commands at once: it answers as a command would by itself, and leaves no trace."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import codekin as codekin_package
from codekin.embed.local.ipc import connect, read_address

from ..shop import write_files
from .command import CODEKIN, FILES, Codekin

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands work by themselves there")


def find_residents(cache: Path) -> list[psutil.Process]:
    """The resident processes whose lock is in this cache."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = any(file.path.startswith(str(cache)) for file in process.open_files())
            if is_ours and "codekin.resident.main" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextlib.contextmanager
def start_resident(folder: Path) -> Iterator[Codekin]:
    """The command on a workspace below this folder, with a resident process that is ready."""
    root = write_files(folder / "project", FILES)
    (root / "pyproject.toml").write_text("")
    (folder / "run").mkdir(mode=0o700)
    codekin = Codekin(folder / "cache", root)
    codekin.environment |= {"CODEKIN_CLI_RESIDENT": "true", "CI": "", "XDG_RUNTIME_DIR": str(folder / "run")}
    codekin("search", "count the words of a file")
    wait_until_ready(codekin)
    yield codekin
    for process in find_residents(codekin.cache):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended by itself since
            process.kill()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Codekin]:
    """With a resident process of the test's own."""
    with start_resident(tmp_path) as codekin:
        yield codekin


@pytest.fixture(scope="module")
def shared_quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Codekin]:
    """With one resident process for the tests that change neither it nor the workspace."""
    with start_resident(tmp_path_factory.mktemp("shared")) as codekin:
        yield codekin


def wait_until_ready(codekin: Codekin) -> int:
    """Wait for a resident process that answers; return its process id."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for path in (codekin.cache / "resident").glob("*.json"):
            address = read_address(path)
            channel = address and connect(address)
            if channel:
                channel.send({"command": "describe"})
                pid = channel.receive()[0]["pid"]
                channel.close()
                return int(pid)
        time.sleep(0.1)
    raise AssertionError("no resident process came")


def without_time(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "seconds"}


@pytest.mark.parametrize(
    "words",
    [
        ["search", "read a date"],
        ["search", "read a date", "-k", "1", "--language", "js"],
        ["search", "read a date", "--folder", "copies"],
        ["search", "a date", "--language", "kotlin"],
        ["search", "a date", "--language", "py", "--language", "js", "--not", "copies", "--no-tests"],
        ["search", "a date", "--path", "src/", "--kind", "function", "--kind", "method"],
        ["similar", "src/dates.py:7"],
        ["similar", "src/dates.py:10"],
        ["similar", "src/dates.py:7-9"],
        ["similar", "src/dates.py:99"],
        ["context", "read a date", "--max-tokens", "400"],
    ],
    ids=" ".join,
)
def test_it_answers_exactly_as_a_command_does_by_itself(shared_quick: Codekin, words: list[str]):
    resident, alone = shared_quick(*words), shared_quick(*words, "--no-resident")
    assert (resident.stdout, resident.stderr, resident.returncode) == (alone.stdout, alone.stderr, alone.returncode)
    documents = [json.loads(shared_quick(*words, "--json", *more).stdout) for more in ([], ["--no-resident"])]
    assert without_time(documents[0]) == without_time(documents[1])


def test_code_on_standard_input_is_answered_too(shared_quick: Codekin):
    code = 'def parse(s):\n    year, month, day = s.split("-")\n    return date(int(year), int(month), int(day))\n'
    answers = [shared_quick.json("similar", "-", *more, stdin=code) for more in ([], ["--no-resident"])]
    assert without_time(answers[0]) == without_time(answers[1])


def test_the_guard_asks_it_too_and_it_looks_at_the_disk_afterwards(quick: Codekin):
    code = FILES["src/reading.py"].partition("\n\n\n")[2].replace("count_words", "tally").replace("counts", "found")
    words = ["guard", "--path", "src/new.py", "--strict"]
    answers = [quick(*words, *more, stdin=code) for more in ([], ["--no-resident"])]
    assert "`tally` (new) does what `src/reading.py:7 count_words` does" in answers[0].stdout
    assert [answer.returncode for answer in answers] == [1, 1]
    assert answers[0].stdout == answers[1].stdout
    (quick.folder / "src" / "reading.py").unlink()
    deadline = time.monotonic() + 180
    while quick(*words, stdin=code).returncode and time.monotonic() < deadline:
        time.sleep(0.1)
    assert quick(*words, stdin=code).returncode == 0


def test_a_change_on_the_disk_is_seen_at_once(quick: Codekin):
    for number in range(3):
        (quick.folder / f"new_{number}.py").write_text(f"def newest_{number}():\n    return 'never seen {number}'\n")
        names = [hit["name"] for hit in quick.json("search", f"never seen newest {number}")["hits"]]
        assert f"newest_{number}" in names
    (quick.folder / "new_1.py").unlink()
    (quick.folder / ".gitignore").write_text("new_2.py\n")
    names = [hit["name"] for hit in quick.json("search", "never seen newest")["hits"]]
    assert {"newest_0", "newest_1", "newest_2"} & set(names) == {"newest_0"}


def test_only_its_owner_can_reach_it(shared_quick: Codekin):
    (address_path,) = (shared_quick.cache / "resident").glob("*.json")
    address = read_address(address_path)
    assert address is not None
    socket = Path(str(address.location))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (address_path, socket, socket.parent, address_path.parent)]
    assert modes == [0o600, 0o600, 0o700, 0o700]


def test_a_command_outlives_its_death_and_leaves_another(quick: Codekin):
    first = wait_until_ready(quick)
    os.kill(first, signal.SIGKILL)
    assert quick.json("search", "count the words of a file")["hits"]
    assert wait_until_ready(quick) != first


def test_code_that_was_exchanged_in_place_answers_no_more(quick: Codekin, tmp_path: Path):
    """As `pip install --force-reinstall` or a checkout does, with the same version number."""
    os.kill(wait_until_ready(quick), signal.SIGKILL)
    package = tmp_path / "site" / "codekin"
    shutil.copytree(Path(codekin_package.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    start = f"import sys; sys.path.insert(0, {str(package.parent)!r}); from codekin.cli.run import main; main()"

    def search() -> None:
        command = [sys.executable, "-c", start, "search", "read a date"]
        subprocess.run(command, cwd=quick.folder, env=quick.environment, check=True, capture_output=True)

    search()
    (old,) = wait_for_residents(quick, lambda pids: len(pids) == 1)
    with (package / "search" / "search.py").open("a") as module:
        module.write("# as an upgrade changes it\n")
    search()
    assert wait_for_residents(quick, lambda pids: bool(pids) and old not in pids)  # the old one has noticed


def wait_for_residents(codekin: Codekin, are_expected: Callable[[list[int]], bool]) -> list[int]:
    """Wait until the process ids of the resident processes that hold files in the cache are as expected."""
    deadline = time.monotonic() + 180
    while not are_expected(pids := [process.pid for process in find_residents(codekin.cache)]):
        assert time.monotonic() < deadline, pids
        time.sleep(0.05)
    return pids


def test_the_status_says_that_there_is_one(shared_quick: Codekin):
    pid = wait_until_ready(shared_quick)
    assert shared_quick.json("status")["resident"] == pid
    assert f"process {pid} answers commands" in shared_quick("status").stdout


def test_several_commands_at_once_leave_one_process(quick: Codekin):
    os.kill(wait_until_ready(quick), signal.SIGKILL)
    command = [CODEKIN, "search", "read a date"]
    running = [
        subprocess.Popen(command, cwd=quick.folder, env=quick.environment, stdout=subprocess.DEVNULL) for _ in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    wait_until_ready(quick)
    wait_for_residents(quick, lambda pids: len(pids) == 1)  # the others see that they are not needed


def test_other_settings_leave_another_process_in_its_place(quick: Codekin):
    first = wait_until_ready(quick)
    exclusion = {"CODEKIN_INDEX_EXCLUDE": '["copies/"]'}
    assert quick.json("search", "read a date", **exclusion)["hits"]
    (second,) = wait_for_residents(quick, lambda pids: bool(pids) and first not in pids)
    assert quick.json("status", **exclusion)["resident"] == second
    os.kill(second, signal.SIGKILL)
    quick("search", "read a date")
    wait_for_residents(quick, lambda pids: len(pids) == 1)
    deadline = time.monotonic() + 180
    while len(list((quick.cache / "resident").iterdir())) > 2 and time.monotonic() < deadline:
        time.sleep(0.05)  # an address and a lock: what the killed one left is removed
    assert len(list((quick.cache / "resident").iterdir())) == 2


def test_it_ends_when_its_index_is_removed(quick: Codekin):
    process = psutil.Process(wait_until_ready(quick))
    for path in (quick.cache / "workspaces").iterdir():
        path.unlink()
    process.wait(180)


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["--no-resident"], {"CODEKIN_CLI_RESIDENT": "true", "CI": ""}),
        ([], {"CODEKIN_CLI_RESIDENT": "false", "CI": ""}),
        ([], {"CODEKIN_CLI_RESIDENT": "true", "CI": "true"}),
    ],
)
def test_none_is_left_where_it_is_turned_off(own_codekin: Codekin, words: list[str], environment: dict[str, str]):
    assert own_codekin("search", "read a date", *words, **environment).returncode == 0
    assert not (own_codekin.cache / "resident").exists()
    assert find_residents(own_codekin.cache) == []
