"""The code is linted, formatted and typed: one `pytest` says all there is to say."""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LONGEST_FILES

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "words",
    [["ruff", "check", "--no-cache", "."], ["ruff", "format", "--no-cache", "--check", "."], ["mypy"]],
    ids=lambda words: " ".join(words[:2]),
)
def test_the_tool_has_nothing_to_say(words: list[str]):
    completed = subprocess.run(
        [sys.executable, "-m", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr


NESTING = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)
MODULES = sorted((REPOSITORY / "server" / "codekin").rglob("*.py"))
TEST_MODULES = sorted((REPOSITORY / "tests").rglob("*.py"))


def measure_depth(node: ast.AST, level: int = 0) -> int:
    """Return how many blocks are nested in each other at most; an `elif` is as deep as its `if`."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, measure_depth(child, level + (isinstance(child, NESTING) and not is_elif)))
    return deepest


def test_modules_and_functions_are_small() -> None:
    """Modules (of tests, too) have up to 300 lines, functions 30, blocks four levels: longer ones have parts."""
    too_large = [str(path) for path in [*MODULES, *TEST_MODULES] if len(path.read_text("utf-8").splitlines()) > 300]
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = node.end_lineno - body[0].lineno + 1 if body else 0
                if length > 30 or measure_depth(node) > 4:
                    too_large.append(f"{path}: {node.name} ({length} lines, {measure_depth(node)} levels)")
    assert too_large == []


def list_undocumented_functions(path: Path) -> Iterator[str]:
    """Yield the functions of modules and classes without a docstring; functions inside of functions may have none."""
    tree = ast.parse(path.read_text("utf-8"))
    for owner in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        for node in owner.body:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            is_stub = is_function and ast.unparse(node.body[0]) == "..."
            if is_function and not is_stub and not node.name.startswith("__") and ast.get_docstring(node) is None:
                yield f"{path}:{node.lineno} {node.name}"


def test_each_function_says_in_its_docstring_what_it_does() -> None:
    assert [function for path in MODULES for function in list_undocumented_functions(path)] == []


def test_no_public_class_name_stands_twice() -> None:
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_import_contract_names_every_package() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    parts = {
        f"codekin.{path.stem}" for path in (REPOSITORY / "server" / "codekin").iterdir() if path.stem[0] not in "_."
    }
    parts -= {"codekin.py"}  # py.typed
    for contract in contracts:
        if contract["type"] == "layers":
            named = {name for layer in contract["layers"] for name in layer.split(" | ")}
            assert named == parts
        else:
            assert len(parts - set(contract["source_modules"])) == 1, contract["name"]  # the package whose door it is


def test_the_longest_files_are_there() -> None:
    assert [name for name in LONGEST_FILES if not (REPOSITORY / "tests" / name).is_file()] == []
