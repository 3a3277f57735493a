"""The server: found, started, missing, of another version, installed, gone."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from .conftest import INDEXED, LONG_S, NEWEST, Editor, Start

ATTACHED = "return #vim.lsp.get_clients({name = 'codekin', bufnr = 0}) == 1"


def pretend(editor: Editor, version: str) -> Path:
    """A codekin of another version, which is the real one in all else."""
    real = (editor.desk.home / "bin/codekin").resolve()
    program = editor.desk.home / "another/codekin"
    program.parent.mkdir()
    said = f'if [ "$1" = --version ]; then echo "codekin {version}"; exit; fi\n'
    change = f"import codekin; codekin.__version__ = '{version}'; from codekin.cli import main; main()"
    program.write_text(f'#!/bin/sh\n{said}exec "{real.parent}/python" -c "{change}" "$@"\n')
    program.chmod(0o755)
    return program


def test_a_file_of_a_project_is_enough(editor: Editor) -> None:
    editor.until(ATTACHED)
    root = editor.lua("return vim.lsp.get_clients({name = 'codekin'})[1].config.root_dir")
    assert root == str(editor.desk.project)
    editor.do("split web/cookies.py")
    editor.until(ATTACHED)
    assert editor.lua("return #vim.lsp.get_clients()") == 1


def test_what_is_no_file_or_in_no_project_is_left_alone(editor: Editor) -> None:
    editor.do("new | setlocal buftype=nofile | file scratch.py | set filetype=python")
    editor.do("split ../lonely.py")
    editor.edit("web/cookies.py")
    attached = "return vim.tbl_map(vim.api.nvim_buf_get_name, vim.lsp.get_buffers_by_client_id(...))"
    (client,) = editor.lua("return vim.tbl_map(function(each) return each.id end, vim.lsp.get_clients())")
    assert {Path(name).name for name in editor.lua(attached, client)} == {"orders.py", "cookies.py"}


@NEWEST
def test_a_user_s_own_settings_reach_the_server(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({settings = {index = {exclude = {'web/'}}, search = {limit = 1}}})")
    editor.do("edit shop/orders.py | 6")
    editor.until(INDEXED)
    assert editor.lua("return select(2, require('codekin').status()).files") == 2
    editor.do("Codekin similar")
    assert len(editor.quickfix()) == 1


def test_autostart_can_be_left_to_the_user(start: Start) -> None:
    editor = start("--cmd", "lua require('codekin').setup({autostart = false})", "shop/orders.py")
    editor.until("return package.loaded['codekin.client'] ~= nil")
    assert editor.lua("return #vim.lsp.get_clients()") == 0
    editor.do("Codekin search price with tax")  # asked all the same
    editor.until(ATTACHED)


def test_a_missing_server_is_told_once_with_the_remedy(start: Start) -> None:
    editor = start()
    (editor.desk.home / "bin/codekin").unlink()
    editor.do("edit shop/orders.py")
    assert ":Codekin install" in editor.told("no server is in the active virtual environment or on PATH")
    editor.do("edit web/cookies.py")
    assert editor.lua("return #told") == 1
    editor.do("Codekin similar")
    assert editor.lua("return #told") == 2


@NEWEST
def test_another_version_is_told_with_the_remedy(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({cmd = ...})", str(pretend(editor, "0.99.1")))
    editor.do("edit shop/orders.py")
    assert "Update the older of the two" in editor.told("the server is 0.99.1, this plugin is 0.")


@NEWEST
def test_install_makes_a_server_of_one_s_own_and_starts_it(start: Start, tmp_path: Path) -> None:
    # What pip would download is there already, all but codekin itself
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in (Path(folder) for folder in sys.path if Path(folder).name == "site-packages"):
        for package in path.iterdir():
            if "codekin" not in package.name.lower() and not (packages / package.name).exists():
                (packages / package.name).symlink_to(package)
    editor = start(
        PYTHONPATH=str(editor_s_own(tmp_path)),
        PIP_NO_BUILD_ISOLATION="0",
        PIP_NO_INDEX="1",
        PIP_CACHE_DIR=str(tmp_path),
    )
    (editor.desk.home / "bin/codekin").unlink()
    editor.lua("require('codekin').setup({python = ...})", str(python_with(packages, tmp_path)))
    editor.do("edit shop/orders.py | Codekin install")
    assert editor.lua("return require('codekin').status()") == "codekin: installing"
    editor.terminal.until("codekin: making a virtual environment")
    editor.terminal.until("codekin: installing")
    home = editor.lua("return require('codekin.server').home()")
    editor.told(f"installed in {home}")
    editor.until(ATTACHED)
    editor.until(INDEXED)
    assert home.startswith(str(editor.desk.home))
    assert editor.lua("return require('codekin.server').find().from") == ":Codekin install"


def python_with(packages: Path, place: Path) -> Path:
    """A Python whose virtual environments have these packages from the start."""
    program = place / "python"
    lines = [
        f'"{os.path.realpath(sys.executable)}" "$@" || exit',
        'for last; do true; done; for site in "$last"/lib/python*/site-packages; do',
        f'echo "{packages}" > "$site/packages.pth"; done',
    ]
    program.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    program.chmod(0o755)
    return program


def editor_s_own(place: Path) -> Path:
    """A folder on PYTHONPATH from which nothing is to be run."""
    folder = place / "hostile"
    folder.mkdir()
    for name in ("venv", "pip", "json", "sitecustomize"):
        (folder / f"{name}.py").write_text("raise SystemExit('run from PYTHONPATH')\n")
    return folder


def test_an_install_that_fails_says_why(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({python = '/no/python'})")
    editor.do("Codekin install")
    assert "setup{ python = … }" in editor.told("/no/python cannot be started")
    assert editor.lua("return require('codekin').status()") == ""


@NEWEST
def test_the_server_ends_with_the_editor(start: Start) -> None:
    editor = start("shop/orders.py")
    editor.until(INDEXED)
    (server,) = editor.api.api.get_proc_children(editor.api.funcs.getpid())
    editor.api.command("qa!", async_=True)
    end = time.monotonic() + LONG_S
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < end
        with suppress(OSError):  # when it has ended
            editor.terminal.read(0.05)
