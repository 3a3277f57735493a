"""What is handed out is whole, and what is written about it is true."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from codekin import __version__
from codekin.lsp import messages
from codekin.lsp.features.commands import _INDEX_COMMANDS

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "server" / "codekin"
README = (REPOSITORY / "README.md").read_text("utf-8")
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]

_DOCUMENTS = (
    *(messages.AnswerJson, messages.HitJson, messages.StatusJson, messages.ProgressJson),
    *(messages.ReportJson, messages.MapJson, messages.ExistenceAnswerJson, messages.ExistenceJson),
)


def marked(name: str) -> str:
    """Return README's text between the marker of this name and the next end."""
    assert README.count(f"<!-- {name} -->\n") == 1
    return README.partition(f"<!-- {name} -->\n")[2].partition("<!-- end -->")[0]


def line_of(name: str) -> str:
    """Return the only line, fences aside, of README's marked text."""
    (line,) = [line for line in marked(name).splitlines() if line and not line.startswith("```")]
    return line


def _is_cached(path: Path) -> bool:
    """Return whether the file is bytecode, or in a hidden folder of the package."""
    return path.suffix == ".pyc" or any(part.startswith(".") for part in path.relative_to(PACKAGE).parts)


class TestReadme:
    def test_one_line_installs_and_shows_output_of_a_function_that_is_there(self):
        line = line_of("first line")
        place = re.fullmatch(r"python3 -m venv \.venv && \.venv/bin/pip install .*codekin similar (\S+):(\d+)", line)
        assert place is not None
        text = (REPOSITORY / place[1]).read_text("utf-8").splitlines()
        assert text[int(place[2]) - 1].lstrip().startswith("def ")

    def test_the_output_shown_is_of_places_that_are_there(self):
        hits = re.findall(r"^(\S+):(\d+)  (\S+)$", marked("example"), re.MULTILINE)
        assert len(hits) == 3
        for path, _, name in hits:
            assert f"def {name.rpartition('.')[2]}(" in (REPOSITORY / path).read_text("utf-8")

    def test_one_line_installs_and_passes_the_tests_and_ci_runs_that_line(self):
        line = line_of("test line")
        assert line.endswith("python -m pytest -n auto --dist loadfile")
        assert "pip install -q -e . --group dev" in line
        script = (REPOSITORY / ".ci" / "run").read_text("utf-8")
        assert "<!-- test line -->" in script
        assert "set -euo pipefail" in script
        assert "pytest" not in script  # else the two could drift apart
        assert os.access(REPOSITORY / ".ci" / "run", os.X_OK) or sys.platform == "win32"

    def test_every_command_is_told(self):
        from codekin.cli.commands import codekin

        assert all(f"`codekin {name} " in README or f"`codekin {name}`" in README for name in codekin.commands)

    def test_every_request_and_every_field_of_the_protocol_is_told(self):
        for name in ("findSimilar", "search", "alreadyExists", "status", "report", "map", *_INDEX_COMMANDS):
            assert f"`codekin/{name}`" in README
            assert f"`codekin.{name}`" in README
        protocol_text = marked("protocol")
        for document in _DOCUMENTS:
            assert all(f"`{field}`" in protocol_text for field in document.__annotations__)

    def test_every_file_it_links_to_is_there(self):
        for target in re.findall(r"\]\(([^)#]+)\)", README):
            assert (REPOSITORY / target).exists(), target


class TestDocuments:
    def test_the_architecture_is_short_and_names_every_package_and_module(self):
        text = (REPOSITORY / "server" / "ARCHITECTURE.md").read_text("utf-8")
        assert len(text.splitlines()) <= 200
        packages = [path.parent for path in PACKAGE.glob("*/__init__.py")]
        assert packages
        for package in packages:
            assert f"{package.name}/" in text
            for path in package.glob("[!_]*.py"):
                assert f"`{path.stem}`" in text, f"{package.name}/{path.name}"

    def test_the_change_log_has_this_version(self):
        assert f"\n## [{__version__}]" in (REPOSITORY / "server" / "CHANGELOG.md").read_text("utf-8")
        assert PROJECT["version"] == __version__


class TestFormerNames:
    def test_scripts_that_use_them_find_the_same_functions(self):
        from codekin.code.extract import extract, extract_snippets
        from codekin.index.reading import on_disk
        from codekin.workspace.documents import read_document_file

        assert extract is extract_snippets
        assert on_disk is read_document_file


class TestInstallation:
    def test_the_requirements_for_machines_without_a_compiler_are_the_project_s(self):
        lines = (REPOSITORY / "server" / "requirements-no-compiler.txt").read_text("utf-8").splitlines()
        requirements = [requirement for requirement in PROJECT["dependencies"] if not requirement.startswith("hnswlib")]
        assert len(requirements) == len(PROJECT["dependencies"]) - 1
        assert [line for line in lines if line and not line.startswith("#")] == requirements

    def test_every_dependency_is_bounded_above_or_says_why_not(self):
        unbounded = [name for name in PROJECT["dependencies"] if "<" not in name]
        assert unbounded == ["attrs>=25"]  # by calendar, and careful never to break

    def test_the_wheel_has_every_file_of_the_package_and_the_licence(self, tmp_path: Path):
        words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
        subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True)
        (wheel,) = tmp_path.glob("*.whl")
        names = set(zipfile.ZipFile(wheel).namelist())
        files = {path for path in PACKAGE.rglob("*") if path.is_file() and not _is_cached(path)}
        assert {path.relative_to(PACKAGE.parent).as_posix() for path in files} <= names
        assert any(name.endswith("licenses/LICENSE") for name in names)
        models = sum(path.stat().st_size for path in (PACKAGE / "embed" / "models").iterdir())
        assert models <= 16 * 1_048_576

    @pytest.fixture
    def without_hnswlib(self, tmp_path: Path) -> dict[str, str]:
        (tmp_path / "shadow").mkdir()
        (tmp_path / "shadow" / "shadow-1.dist-info").mkdir()  # else what PYTHONPATH names does not count
        (tmp_path / "shadow" / "hnswlib.py").write_text("raise ImportError('no hnswlib')\n")
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "app.py").write_text("def add(a, b):\n    return a + b\n")
        return os.environ | {
            "PYTHONPATH": str(tmp_path / "shadow"),
            "CODEKIN_CACHE_DIRECTORY": str(tmp_path / "cache"),
            "CODEKIN_CONFIG": str(tmp_path / "config.toml"),
        }

    def test_without_hnswlib_search_is_exact_and_says_so(self, without_hnswlib: dict[str, str], tmp_path: Path):
        def codekin(*words: str) -> Any:
            command = [sys.executable, "-m", "codekin", *words, "--json"]
            completed = subprocess.run(
                command, cwd=tmp_path / "project", env=without_hnswlib, capture_output=True, text=True, check=True
            )
            return json.loads(completed.stdout)

        assert codekin("search", "add two numbers")["hits"][0]["name"] == "add"
        assert codekin("status")["dense"].startswith("exact")
        (finding,) = [finding for finding in codekin("doctor")["findings"] if finding["check"] == "hnswlib"]
        assert finding["level"] == "warn"
        assert "exact search" in finding["detail"]
        assert "compiler" in finding["remedy"]
