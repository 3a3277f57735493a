"""Answers in the pickers that people have: found, shown with a preview, chosen, and looked for while one types.

Debian has Telescope. The others are in no package registry: where their clones lie in the folder that
CODEKIN_TEST_PICKERS names, they are driven the same way.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..debian import skip_if_unavailable, unpack_package
from ..install_neovim import Neovim
from ..project import SHOP_FILES, create_project
from .conftest import Editor

CLONES = Path(os.environ.get("CODEKIN_TEST_PICKERS", "/nowhere"))
PICKERS = {
    "telescope": ("telescope.nvim", ""),
    "snacks": ("snacks.nvim", "require('snacks').setup({picker = {}})"),
    "fzf-lua": ("fzf-lua", "require('fzf-lua').setup({})"),
    "mini.pick": ("mini.nvim", "require('mini.pick').setup()"),
}


def folders(picker: str) -> list[Path]:
    """What goes into 'runtimepath'."""
    if picker == "telescope":
        with skip_if_unavailable():
            share = unpack_package("neovim-telescope", "forky") / "usr/share"
        return [share / "neovim-plenary", share / "neovim-telescope"]
    clone = CLONES / PICKERS[picker][0]
    if not clone.is_dir():
        pytest.skip(f"no package registry has {clone.name}, and CODEKIN_TEST_PICKERS names no folder with its clone")
    return [clone]


@pytest.fixture(scope="module", params=PICKERS)
def _picking(
    request: pytest.FixtureRequest, program: Neovim, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Editor]:
    paths = folders(request.param)
    editor = Editor(program, create_project(tmp_path_factory.mktemp("project"), SHOP_FILES))
    if request.param == "fzf-lua":
        with skip_if_unavailable():
            fzf = unpack_package("fzf", "forky", programs=("usr/bin/fzf",)) / "usr/bin/fzf"
        (editor.project.home / "bin/fzf").symlink_to(fzf)
    for path in paths:
        editor.execute(f"set rtp+={path}")
    editor.lua(PICKERS[request.param][1])
    assert editor.lua("return require('codekin.pickers').get('auto').name") == request.param
    yield editor
    editor.close()


@pytest.fixture
def picking(_picking: Editor) -> Editor:
    """An editor with a picker installed, and nothing set."""
    _picking.reset()
    _picking.open_file("shop/orders.py", 6)
    return _picking


def test_a_picker_shows_hits_previews_them_and_goes_there(picking: Editor) -> None:
    picking.execute('call feedkeys(":Codekin similar\\<CR>")')
    screen = picking.terminal.wait_until(lambda screen: "invoice_total" in screen and "shop/invoices.py:4" in screen)
    assert "Similar to shop/orders.py:6" in screen
    if "mini" not in str(picking.lua("return vim.o.rtp")):  # which previews when asked to
        picking.terminal.wait_until("def invoice_total(items, tax_rate):")
    picking.send_keys("<CR>")
    picking.terminal.wait_until(lambda screen: "shop/invoices.py" in screen and "Similar to" not in screen)
    picking.wait_until("return vim.fn.expand('%:t') == 'invoices.py' and vim.fn.line('.') == 4")


def test_a_picker_looks_while_one_types(picking: Editor) -> None:
    picking.execute('call feedkeys(":Codekin search\\<CR>")')
    picking.terminal.wait_until("search by meaning")
    picking.send_keys("browser cookies")
    picking.terminal.wait_until("parsed_header")
    picking.send_keys("<CR>")
    picking.wait_until("return vim.fn.expand('%:t') == 'cookies.py' and vim.fn.line('.') == 1")
