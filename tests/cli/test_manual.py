"""The manual page is that of the help, and the wheel has it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from codekin.cli.commands import codekin
from codekin.cli.manual import format_manual

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "server" / "codekin.1"


def test_the_page_is_made_of_the_help():
    remedy = "run: python -m codekin.cli.manual > server/codekin.1"
    assert PAGE.read_text("ascii") == format_manual(codekin), remedy
    for command in codekin.commands.values():
        with click.Context(command, help_option_names=["--assistance"]) as context:
            command.get_help(context)
    assert PAGE.read_text("ascii") == format_manual(codekin), "it depends on what was called before"


def test_the_wheel_installs_it_where_man_looks():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    shared_data = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared_data == {"server/codekin.1": "share/man/man1/codekin.1"}


def test_it_has_every_command_and_option():
    page = PAGE.read_text("ascii").replace("\\-", "-")
    commands = [codekin, *codekin.commands.values()]
    commands += [inner for group in commands if isinstance(group, click.Group) for inner in group.commands.values()]
    options = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert len(options) > 50
    hidden = {"--stdio"}
    long_options = {option for option in options if option.startswith("--")} - hidden
    assert long_options <= set(re.findall(r"--[a-z][a-z0-9-]*", page))
    assert all(f"codekin {name} " in page for name in codekin.commands)


@pytest.mark.skipif(shutil.which("groff") is None or sys.platform == "win32", reason="there is no groff")
def test_a_formatter_has_nothing_to_say():
    formatted = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(PAGE)], capture_output=True, text=True, check=True
    )
    assert formatted.stderr == ""
    assert len(formatted.stdout) > len(PAGE.read_text("ascii")) / 2
