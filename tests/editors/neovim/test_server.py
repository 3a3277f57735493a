"""The server: found, started, missing, of another version, installed, gone."""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import INDEXED, NEWEST, PLUGIN, TIMEOUT_S, Editor, Start

ATTACHED = "return #vim.lsp.get_clients({name = 'codekin', bufnr = 0}) == 1"


def pretend(editor: Editor, version: str) -> Path:
    """A codekin of another version, which is the real one in all else."""
    real = (editor.project.home / "bin/codekin").resolve()
    program = editor.project.home / "another/codekin"
    program.parent.mkdir()
    said = f'if [ "$1" = --version ]; then echo "codekin {version}"; exit; fi\n'
    change = f"import codekin; codekin.__version__ = '{version}'; from codekin.cli import main; main()"
    program.write_text(f'#!/bin/sh\n{said}exec "{real.parent}/python" -c "{change}" "$@"\n')
    program.chmod(0o755)
    return program


def test_a_file_of_a_project_is_enough(editor: Editor) -> None:
    editor.wait_until(ATTACHED)
    root = editor.lua("return vim.lsp.get_clients({name = 'codekin'})[1].config.root_dir")
    assert root == str(editor.project.folder)
    editor.execute("split web/cookies.py")
    editor.wait_until(ATTACHED)
    assert editor.lua("return #vim.lsp.get_clients()") == 1


def test_what_is_no_file_or_in_no_project_is_left_alone(editor: Editor) -> None:
    editor.execute("new | setlocal buftype=nofile | file scratch.py | set filetype=python")
    editor.execute("split ../lonely.py")
    editor.open_file("web/cookies.py")
    editor.wait_until(ATTACHED)
    attached = "return vim.tbl_map(vim.api.nvim_buf_get_name, vim.lsp.get_buffers_by_client_id(...))"
    (client,) = editor.lua("return vim.tbl_map(function(each) return each.id end, vim.lsp.get_clients())")
    assert {Path(name).name for name in editor.lua(attached, client)} == {"orders.py", "cookies.py"}


@NEWEST
def test_a_wrong_setting_is_told_in_one_line(start: Start) -> None:
    editor = start()
    editor.lua("vim.notify = default_notify")
    editor.lua("require('codekin').setup({settings = {index = {foo = 1}}})")
    editor.execute("edit shop/orders.py")
    editor.terminal.wait_until("codekin: initializationOptions: there is no setting index.foo.")
    assert "… (:Codekin log)" in editor.terminal.screen
    assert not editor.api.api.get_mode()["blocking"]
    editor.execute("Codekin log")
    assert "index.polling_s" in editor.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), ' ')")


@NEWEST
def test_a_user_s_own_settings_reach_the_server(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({settings = {index = {exclude = {'web/'}}, search = {limit = 1}}})")
    editor.execute("edit shop/orders.py | 6")
    editor.wait_until(INDEXED)
    assert editor.lua("return select(2, require('codekin').status()).files") == 2
    editor.execute("Codekin similar")
    assert len(editor.read_quickfix()) == 1


def test_autostart_can_be_left_to_the_user(start: Start) -> None:
    editor = start("--cmd", "lua require('codekin').setup({autostart = false})", "shop/orders.py")
    editor.wait_until("return package.loaded['codekin.client'] ~= nil")
    assert editor.lua("return #vim.lsp.get_clients()") == 0
    editor.execute("Codekin search price with tax")  # asked all the same
    editor.wait_until(ATTACHED)


def test_a_question_says_that_it_waits_for_the_server(start: Start) -> None:
    editor = start("--cmd", "lua require('codekin').setup({autostart = false})", "shop/orders.py")
    editor.execute("6 | Codekin similar")
    assert editor.lua("return messages") == ["codekin: starting…"]
    editor.wait_until(INDEXED)
    editor.execute("drop shop/orders.py | only | 6 | Codekin similar limit=1")
    editor.wait_until("return #vim.fn.getqflist() == 1")
    assert sum("starting" in message for message in editor.lua("return messages")) == 1


def test_a_missing_server_is_told_once_with_the_remedy(start: Start) -> None:
    editor = start()
    (editor.project.home / "bin/codekin").unlink()
    editor.execute("edit shop/orders.py")
    assert ":Codekin install" in editor.wait_for_message("server not found")
    editor.execute("edit web/cookies.py")
    assert editor.lua("return #messages") == 1
    editor.execute("Codekin similar")
    assert editor.lua("return #messages") == 2


@NEWEST
def test_another_version_is_told_with_the_remedy(start: Start) -> None:
    editor = start()
    editor.lua("require('codekin').setup({cmd = ...})", str(pretend(editor, "0.99.1")))
    editor.execute("edit shop/orders.py")
    assert "update the older one" in editor.wait_for_message("server is 0.99.1, plugin is 0.")


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
    (editor.project.home / "bin/codekin").unlink()
    editor.lua("require('codekin').setup({python = ...})", str(python_with(packages, tmp_path)))
    editor.execute("edit shop/orders.py | Codekin install")
    assert editor.lua("return require('codekin').status()") == "codekin: installing"
    editor.terminal.wait_until("codekin: creating a virtual environment")
    editor.terminal.wait_until("codekin: installing")
    editor.terminal.wait_until("codekin: installing … building codekin")
    home = editor.lua("return require('codekin.server').get_environment()")
    editor.wait_for_message(f"installed in {home}")
    editor.wait_until(ATTACHED)
    editor.wait_until(INDEXED)
    assert home.startswith(str(editor.project.home))
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
    editor.execute("Codekin install")
    assert "set the option python" in editor.wait_for_message("cannot run /no/python")
    assert editor.lua("return require('codekin').status()") == ""


@pytest.mark.parametrize("is_folder_linked", [True, False], ids=["folder", "root"])
def test_a_link_to_the_plugin_leads_to_its_clone(start: Start, tmp_path: Path, is_folder_linked: bool) -> None:
    """The README says to link the plugin's folder into Neovim's packages."""
    root = PLUGIN.parents[1]
    link = tmp_path / "link"
    link.symlink_to(PLUGIN if is_folder_linked else root)
    editor = start(plugin=link if is_folder_linked else link / PLUGIN.relative_to(root))
    editor.lua("require('codekin').setup({python = '/no/python'})")
    editor.execute("Codekin install")
    editor.wait_for_message("cannot run /no/python")  # so it has found what to install


def test_without_a_clone_nothing_is_installed_by_name(start: Start, tmp_path: Path) -> None:
    """No index has codekin yet: a package of that name would be a stranger's."""
    editor = start(plugin=shutil.copytree(PLUGIN, tmp_path / "plugin"))
    editor.execute("Codekin install")
    assert "pipx install" in editor.wait_for_message("not in a clone of codekin")
    assert editor.lua("return require('codekin').status()") == ""


def test_commands_say_that_the_server_is_being_installed(start: Start) -> None:
    editor = start()
    (editor.project.home / "bin/codekin").unlink()
    editor.project.write("slow/python", "#!/bin/sh\nexec sleep 600\n")
    (editor.project.home / "slow/python").chmod(0o755)
    editor.lua("require('codekin').setup({python = ...})", str(editor.project.home / "slow/python"))
    editor.execute("edit shop/orders.py | Codekin install")
    editor.execute("Codekin similar")
    editor.wait_for_message("the server is being installed; try again")


def test_a_crashed_server_is_restarted(start: Start) -> None:
    editor = start("shop/orders.py")
    editor.wait_until(INDEXED)
    (server,) = editor.api.api.get_proc_children(editor.api.funcs.getpid())
    os.kill(server, signal.SIGKILL)
    editor.wait_until("return #vim.lsp.get_clients() == 0")
    editor.wait_until(ATTACHED)
    editor.wait_until(INDEXED)
    editor.execute("6 | Codekin similar")
    assert "invoice_total" in editor.read_quickfix()[0]


@NEWEST
def test_the_server_ends_with_the_editor(start: Start) -> None:
    editor = start("shop/orders.py")
    editor.wait_until(INDEXED)
    (server,) = editor.api.api.get_proc_children(editor.api.funcs.getpid())
    editor.api.command("qa!", async_=True)
    end = time.monotonic() + TIMEOUT_S
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < end
        with suppress(OSError):  # when it has ended
            editor.terminal.drain(0.05)
