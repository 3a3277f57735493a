"""The command as a whole: help, version, start."""

import socket
import subprocess
import sys

from codekin import __version__

from .command import CODEKIN, COMMANDS, REPOSITORY, Codekin


def test_the_version_and_each_command_s_help_are_there(codekin: Codekin):
    assert codekin("--version").stdout == f"codekin {__version__}\n"
    overview = codekin("--help")
    assert overview.returncode == 0
    for command in COMMANDS:
        assert command in overview.stdout
        completed = codekin(command, "--help")
        assert completed.returncode == 0
        assert completed.stdout.startswith(f"Usage: codekin {command}")


def test_it_runs_as_a_module_too():
    completed = subprocess.run(
        [sys.executable, "-m", "codekin", "--version"], capture_output=True, text=True, check=True
    )
    assert completed.stdout.endswith(f"{__version__}\n")


def test_a_reader_that_leaves_early_is_no_error(codekin: Codekin):
    with subprocess.Popen(
        [CODEKIN, "search", "a date"], cwd=codekin.folder, env=codekin.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Error" not in process.stderr.read()


def test_serve_ends_with_its_input(codekin: Codekin):
    assert codekin("serve").returncode in (0, 1)
    assert codekin("serve", "--stdio").stdout == ""


def test_a_port_that_is_taken_is_told(codekin: Codekin):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        completed = codekin("serve", "--tcp", f"127.0.0.1:{taken.getsockname()[1]}")
    assert completed.returncode == 2
    assert "another port" in completed.stderr.splitlines()[-1]


def test_this_very_repository_gives_real_output(own_codekin: Codekin):
    answer = own_codekin.json("similar", "server/codekin/engine.py:100", folder=REPOSITORY)
    assert answer["hits"]
    assert answer["coverage"] == 1
