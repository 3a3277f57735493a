"""The help and the README say what there is."""

import re
import shutil
from pathlib import Path

import pytest

from ..install_neovim import Neovim
from .conftest import NEWEST, PLUGIN, Editor
from .test_plugin import run

HELP = (PLUGIN / "doc/codekin.txt").read_text("utf-8")
README = (PLUGIN / "README.md").read_text("utf-8")


@pytest.fixture
def tags(program: Neovim, tmp_path: Path) -> set[str]:
    """The help's tags, as :helptags makes them."""
    shutil.copytree(PLUGIN / "doc", tmp_path / "doc", ignore=shutil.ignore_patterns("tags"))
    assert run(program, tmp_path, f"+helptags {tmp_path / 'doc'}", "+qa!") == ""
    return {line.split("\t")[0] for line in (tmp_path / "doc/tags").read_text("utf-8").splitlines()}


def test_the_tags_are_valid_and_every_link_leads_somewhere(tags: set[str], program: Neovim) -> None:
    links = set(re.findall(r"\|([^|\s]+)\|", re.sub(r">\w*\n\n? .*?\n<", "", HELP, flags=re.DOTALL)))  # no examples
    runtime = Path(program.environment["VIMRUNTIME"]) / "doc/tags"
    theirs = {line.split("\t")[0] for line in runtime.read_text("utf-8").splitlines()}
    if "trixie" in str(program.command):  # links to what 0.10 has not
        theirs |= {"lsp-inline_completion", "lsp-completion", "vim.lsp.config()"}
    assert links - tags - theirs == set()


def test_every_command_function_mapping_and_option_is_in_the_help(
    tags: set[str], program: Neovim, tmp_path: Path
) -> None:
    script = tmp_path / "names.lua"
    script.write_text(f"""
      vim.opt.runtimepath:prepend({str(PLUGIN)!r})
      vim.cmd.source({str(PLUGIN / "plugin/codekin.lua")!r})
      local names = {{}}
      for _, name in ipairs(vim.fn.getcompletion('Codekin ', 'cmdline')) do table.insert(names, ':Codekin-' .. name) end
      for name, value in pairs(require('codekin')) do
        if type(value) == 'function' then table.insert(names, 'codekin.' .. name .. '()') end
      end
      print(table.concat(names, '\\n'))
      for _, mode in ipairs({{ 'n', 'x', 'i' }}) do
        for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
          if map.lhs:find('codekin') then print('=' .. map.lhs) end
        end
      end
      for name in pairs(require('codekin').options) do print('=' .. name .. ' ') end
    """)
    names = run(program, tmp_path, "-l", str(script)).split("\n")
    assert len(names) > 30
    missing = [name for name in names if (name[1:] not in HELP if name[:1] == "=" else name and name not in tags)]
    assert missing == []


def test_the_help_opens(editor: Editor) -> None:
    assert editor.lua("return vim.fn.filereadable(...)", str(PLUGIN / "doc/codekin.txt")) == 1
    assert all(len(line) <= 80 for line in HELP.splitlines())


def read_block(name: str) -> str:
    """The README's block of this name."""
    return README.partition(f"<!-- {name} -->\n```\n")[2].partition("```\n<!-- end -->")[0]


def same(shown: str) -> str:
    """A screen without what another model may say otherwise: scores, kinship, reasons, and how many hits there are."""
    lines = [re.sub(r"\d+% +\w+ +(\S+).*", r"\1", line) for line in shown.splitlines()]
    kept = [line for line in lines if "invoice_total" in line or not re.search(r"\|\d", line)]
    return "\n".join(re.sub(r" +", " ", line) for line in kept)


def look(editor: Editor) -> str:
    """The screen as a reader of the README sees it: without the lines below texts, and not so wide."""
    screen = editor.terminal.screen.split("\n")[: editor.api.options["lines"]]
    return "\n".join(line[:120].rstrip() for line in screen if not re.match(r"~|~?\s*│~?\s*$", line)).rstrip() + "\n"


@NEWEST
def test_the_readme_shows_sessions_as_they_are(editor: Editor) -> None:
    editor.execute("set columns=120 lines=34 nowrap | wincmd t")
    editor.execute("Codekin similar")
    editor.terminal.wait_until("[Quickfix List]")
    editor.terminal.wait_until("invoice_total")
    editor.settle()
    similar = look(editor)
    editor.execute("Codekin diff")
    editor.terminal.wait_until("invoices.py:4-12 [-]")
    editor.settle()
    diff = look(editor)
    editor.execute("set columns=150 lines=40 wrap")
    shown = f"<!-- screen -->\n```\n{similar}```\n<!-- end -->\n\n<!-- diff -->\n```\n{diff}```\n<!-- end -->"
    assert same(similar) == same(read_block("screen")), shown
    assert same(diff) == same(read_block("diff")), shown
