"""The plugin without a server: what it does at the door, and whether its code is clean."""

import json
import os
import re
import subprocess
from pathlib import Path

from codekin import __version__, language_table

from ..debian import skip_if_unavailable, unpack_package
from ..install_neovim import Neovim
from .conftest import PLUGIN

# Neovim takes files with these endings for something else, that codekin does not read (notebooks for JSON)
OTHERS = {"bitbake", "form", "idlang", "json", "mason", "nroff", "tads", "text", "tf"}


def run(program: Neovim, home: Path, *words: str, given: str = "") -> str:
    """What a Neovim without a screen says."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **program.environment}
    command = [str(program.command), "--clean", "--headless", *words]
    done = subprocess.run(command, env=environment, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_claims_in_lua_hold(program: Neovim, tmp_path: Path) -> None:
    said = run(program, tmp_path, "-l", str(Path(__file__).with_name("specs.lua")), str(PLUGIN), str(tmp_path))
    assert "FAILS" not in said, said
    assert said.count("ok ") >= 11, said


def test_what_codekin_reads_is_attached_to(program: Neovim, tmp_path: Path) -> None:
    names = [f"x.{ending}" for endings in language_table.EXTENSIONS.values() for ending in endings.split()]
    names += [name for named in language_table.NAMES.values() for name in named.split()]
    script = tmp_path / "types.lua"
    script.write_text(f"""
      vim.opt.runtimepath:prepend({json.dumps(str(PLUGIN))})
      local known, missing = require('codekin.client').config.filetypes, {{}}
      for _, name in ipairs(vim.json.decode(io.read('*a'))) do
        local filetype = vim.filetype.match({{ filename = name, contents = {{ '' }} }})
        if filetype and not vim.list_contains(known, filetype) then missing[filetype] = name end
      end
      print(vim.json.encode(missing))
    """)
    missing = json.loads(run(program, tmp_path, "-l", str(script), given=json.dumps(names)))
    assert set(missing) <= OTHERS


def test_the_plugin_and_the_server_are_of_one_version() -> None:
    text = (PLUGIN / "lua/codekin/server.lua").read_text("utf-8")
    assert re.search(r"M\.version = '(.*)'", text)[1] == __version__


def test_the_package_for_mason_is_of_this_version_and_has_its_required_fields() -> None:
    text = (PLUGIN / "registry/mason/package.yaml").read_text("utf-8")
    fields = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    assert {"name", "description", "homepage", "licenses", "languages", "categories", "source", "bin"} <= fields
    assert f"  id: pkg:pypi/codekin@{__version__}\n" in text
    assert "  codekin: pypi:codekin\n" in text


def test_luacheck_has_nothing_to_say() -> None:
    with skip_if_unavailable():
        root = unpack_package("lua-check", "forky", programs=("usr/bin/lua5.1",))
    lua, lib = root / "usr/share/lua/5.1", next(root.glob("usr/lib/*/lua/5.1"))
    environment = {**os.environ, "LUA_PATH": f"{lua}/?.lua;{lua}/?/init.lua", "LUA_CPATH": f"{lib}/?.so"}
    command = [str(root / "usr/bin/lua5.1"), str(root / "usr/bin/luacheck"), "--no-color", "."]
    done = subprocess.run(command, cwd=PLUGIN, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
