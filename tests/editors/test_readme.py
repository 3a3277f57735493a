"""The code blocks in editors/README.md are well-formed and correct, also for editors that no test runs."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from codekin.code.languages import detect_language, find_language, list_syntax_languages
from codekin.code.prose import PROSE_LANGUAGES
from codekin.language_table import LANGUAGES
from codekin.lsp.features.similar import LANGUAGES_BY_EDITOR_ID as EDITOR_LANGUAGES

from .project import README, read_block

TEXT = README.read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^<!-- ([a-z -]+) -->\n```{kind}\n", TEXT, re.MULTILINE)


@pytest.mark.parametrize("name", blocks("toml"))
def test_toml_is_toml(name: str) -> None:
    assert tomllib.loads(read_block(name))


@pytest.mark.parametrize("name", blocks("json"))
def test_json_is_json_and_starts_the_server(name: str) -> None:
    found = json.dumps(json.loads(read_block(name)))
    assert '["codekin", "serve"]' in found or "codekin serve" in found


def test_files_that_are_mapped_are_of_languages_with_a_grammar_and_no_such_language_is_missing() -> None:
    from codekin.code.components import COMPONENT_LANGUAGES
    from codekin.code.grammars import GRAMMARS

    template: dict[str, Any] = json.loads(read_block("jetbrains"))
    (mapping,) = template["fileTypeMappings"]
    languages = {detect_language(Path(pattern.replace("*", "x"))) for pattern in mapping["fileType"]["patterns"]}
    assert languages == set(GRAMMARS) | COMPONENT_LANGUAGES | {*PROSE_LANGUAGES}


def test_zed_is_given_every_language_with_a_grammar() -> None:
    written_names = {"Bash": "Shell Script", "Vue": "Vue.js"}  # as Zed and its extensions write them
    languages = tomllib.loads(read_block("zed extension"))["language_servers"]["codekin"]["languages"]
    expected = [written_names.get(language, language) for language in list_syntax_languages()]
    assert sorted(languages) == sorted([*expected, "Markdown"])


def test_neovim_is_given_every_language_of_the_table() -> None:
    lines = (README.parent / "neovim/lua/codekin/client.lua").read_text("utf-8").partition("FILETYPES = [[")[2]
    languages = {find_language(EDITOR_LANGUAGES.get(name, name)) for name in lines.partition("]]")[0].split()}
    assert LANGUAGES - languages == {"notebook"}


def test_settings_that_are_printed_are_settings() -> None:
    from codekin.settings import Settings, override_settings

    printed_settings = [
        tomllib.loads(read_block("beside")),
        tomllib.loads(read_block("helix settings"))["language-server"]["codekin"]["config"],
        json.loads(read_block("sublime"))["codekin"]["initialization_options"],
    ]
    for values in printed_settings:
        settings, problems = override_settings(Settings(), values, source="the test")
        assert problems == ()
        assert settings != Settings()


def test_every_editor_of_the_table_has_a_section_and_every_link_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https:"):
            assert (README.parent / target.partition("#")[0]).exists(), target
