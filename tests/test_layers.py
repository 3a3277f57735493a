"""The house stands as drawn: imports point down, and what costs time is imported when it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
HEAVY = {
    *("numpy", "torch", "transformers", "hnswlib", "tokenizers", "tree_sitter", "watchdog", "filelock", "pathspec"),
    *("sqlite3", "rich", "asyncio", "multiprocessing"),
}
LSP = {"pygls", "lsprotocol"}


def python(code: str) -> str:
    """Run code in another Python process and return its output. Fails for an error."""
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def imported(code: str) -> set[str]:
    """Run code in another Python process; return the top-level packages that are loaded then."""
    lines = python(f"{code}\nimport sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))")
    return set(lines.split("\n")[-2].split())


def test_imports_point_down_and_doors_stay_closed():
    python("from importlinter.cli import lint_imports_command as run; run(['--no-cache'])")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["similar", "--help"], ["search", ""]])
def test_the_command_line_s_door_is_light(words: list[str]):
    run = "from codekin.cli import main\ntry: main()\nexcept SystemExit: pass"
    code = f"import sys; sys.argv = ['codekin', *{words}]; {run}"
    assert not imported(code) & (HEAVY | LSP)


def test_the_language_server_s_door_is_light():
    loaded_modules = imported("import codekin.lsp.main")
    assert loaded_modules >= LSP
    assert not loaded_modules & (HEAVY - {"asyncio", "multiprocessing"})


def test_the_engine_needs_neither_an_editor_nor_torch_nor_a_grammar_before_it_is_asked():
    loaded_modules = imported("import codekin.engine")
    assert not loaded_modules & (
        LSP | {"torch", "transformers", "hnswlib", "tokenizers", "tree_sitter", "watchdog", "rich"}
    )
