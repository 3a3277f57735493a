"""Languages by patterns of file names: what the setting says comes before what codekin knows."""

from pathlib import Path

import pytest

from codekin.settings import IndexSettings
from codekin.types import Skipped
from codekin.workspace.language_rules import LanguageRules

from .trees import list_names, open_workspace, require_document, write_modules


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.inc", "php"),
        ("A.INC", "php"),
        ("view.html.inc", "php"),
        ("special.inc", "pascal"),  # the last pattern that matches
        ("Special.Inc", "pascal"),
        ("build_x", "bash"),
        ("vector.h", "cpp"),
        ("größe.ü", "c"),
        ("a.py", "python"),
        ("inc", None),
        ("a.txt", None),
    ],
)
def test_the_last_pattern_that_matches_counts(name: str, language: str | None) -> None:
    patterns = {"*.inc": "php", "special.inc": "pascal", "build_?": "bash", "*.h": "cpp", "*.Ü": "c"}
    assert LanguageRules(patterns).detect_language(Path("folder") / name) == language


def test_ten_thousand_stars_cost_nothing() -> None:
    rules = LanguageRules({"*a" * number + "b": "php" for number in range(1, 250)})
    for number in range(200):
        assert rules.find_mapped_language(Path("a" * 250 + str(number))) is None


def test_a_file_without_a_language_of_its_own_is_in_the_workspace(tmp_path: Path) -> None:
    write_modules(tmp_path, "a.inc", "b.txt", "c.py")
    assert list_names(tmp_path) == {"c.py"}
    assert list_names(tmp_path, settings=IndexSettings(languages={"*.inc": "php"})) == {"a.inc", "c.py"}


def test_another_language_is_another_document(tmp_path: Path) -> None:
    write_modules(tmp_path, "a.inc")
    hashes = set()
    for language in ("php", "pascal"):
        workspace = open_workspace(tmp_path, languages={"*.inc": language})
        document = require_document(workspace.read_document(tmp_path / "a.inc"))
        assert document.language == language
        hashes.add(document.hash)
    assert len(hashes) == 2


def test_no_pattern_makes_source_of_secrets_and_binary_files(tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("secret\n")
    (tmp_path / "image.png").write_bytes(bytes(range(256)) * 10)
    workspace = open_workspace(tmp_path, languages={"*": "python"})
    for name in ("id_rsa", "image.png"):
        assert isinstance(workspace.read_document(tmp_path / name), Skipped)


def test_notebooks_stay_notebooks(tmp_path: Path) -> None:
    cell = '{"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [], "execution_count": null}'
    (tmp_path / "a.ipynb").write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [' + cell + "]}")
    workspace = open_workspace(tmp_path, languages={"*": "php"})
    assert require_document(workspace.read_document(tmp_path / "a.ipynb")).language == "python"
