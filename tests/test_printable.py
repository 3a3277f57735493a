"""A workspace's names and texts are shown as what they are: they neither drive a terminal nor lie."""

import ast
import logging
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codekin.lsp.documents import Documents
from codekin.printable import PrintableFormatter, printable, printable_lines

PACKAGE = Path(__file__).parents[1] / "server" / "codekin"
EVIL = "a\x1b]0;owned\x07\u202egpj\u2066\u200b\x9b31m\n\u2028b"


def _is_plain(text: str, kept: str = "") -> bool:
    """Return whether each character of the text is visible, a plain blank, or one of `kept`."""
    return all(letter in kept or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in text)


@given(st.text(st.characters()))
def test_nothing_is_left_that_shows_nothing_of_its_own(text: str):
    assert _is_plain(printable(text))
    assert _is_plain(printable_lines(text), "\t\n")
    assert printable_lines(text).count("\n") == text.count("\n")


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_all_other_text_is_left_as_it_is(text: str):
    assert printable(text) == printable_lines(text) == text


def test_what_is_shown_instead_says_what_it_is():
    assert printable("\x1b\n\u202e\x9b\U000e0041\udcff") == "␛␊\\u202e\\u009b\\U000e0041\\udcff"


def test_a_log_s_lines_are_printable_but_stay_lines():
    record = logging.LogRecord("codekin", logging.WARNING, "a.py", 1, "%s\nis odd", (EVIL.replace("\n", ""),), None)
    line = PrintableFormatter("%(message)s").format(record)
    assert _is_plain(line, "\n")
    assert line.count("\n") == 1


def test_a_path_is_said_so_but_addressed_as_it_is(tmp_path: Path):
    documents = Documents("utf-16")
    documents.set_roots([tmp_path])
    assert _is_plain(documents.display_path(tmp_path / EVIL))
    assert documents.to_client_uri(tmp_path / EVIL).endswith("%E2%80%A8b")


def test_the_command_line_writes_by_one_door():
    for path in (PACKAGE / "cli").glob("*.py"):
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call)
        }
        written = calls & {"click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write"}
        assert not written or path.name in ("console.py", "run.py"), path.name


@pytest.mark.skipif(sys.platform == "win32", reason="has no such names")
@pytest.mark.parametrize(
    "words",
    [
        ["index", "."],
        ["search", "load settings"],
        ["similar", "b.py:1"],
        ["duplicates"],
        ["status"],
        ["index", "\x1b]0;x"],
    ],
)
def test_what_a_command_prints_of_odd_names_is_printable(tmp_path: Path, words: list[str]):
    root = tmp_path / f"root{EVIL}"
    root.mkdir()
    code = "def load_settings(path):\n    file = open(path)\n    data = parse(file)\n    check(data)\n    stop(1)\n"
    for name in (f"{EVIL}.py", "b.py"):
        (root / name).write_text(f"{code}# \u202e \x1b[31m\n")
    (root / f"{EVIL}_pb2.py").write_text("")
    (root / ".codekin.toml").write_text('"\\u202e\\u001b[31m" = 1\n')
    env = {"PATH": "", "CODEKIN_CACHE_DIRECTORY": str(tmp_path / "cache"), "CODEKIN_CONFIG": str(tmp_path / "none")}
    command = [sys.executable, "-m", "codekin", *words]
    completed = subprocess.run(command, cwd=root, env=env, capture_output=True, check=False)
    assert _is_plain(completed.stdout.decode(), "\t\n")
    assert _is_plain(completed.stderr.decode(), "\t\n")
    assert "u202e" in completed.stdout.decode() + completed.stderr.decode() or words[-1] == "\x1b]0;x"
