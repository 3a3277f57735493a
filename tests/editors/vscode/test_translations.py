"""The extension's texts: each has a key, and each language all of them."""

import json
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from ..install_vscode import SOURCE
from .conftest import ExtensionBuild

_TEXT_FIELDS = {
    "title", "description", "markdownDescription", "displayName", "name", "contents", "altText", "label",
    "contextualTitle", "enumDescriptions", "userDescription",
}  # fmt: skip
_FOR_MODELS = {"modelDescription", "inputSchema"}  # which are always English
_NAME = re.compile(r"codekin(_\w+)?")  # of the product or of a tool, the same in all languages
_NOT_TRANSLATED = re.compile(r"\(command:[^)]*\)|`[^`]*`|\{\d+\}|codekin(?:\.[a-zA-Z]+)+|https?://[\w.:/-]+")


def _read(name: str) -> dict[str, Any]:
    texts: dict[str, Any] = json.loads((SOURCE / name).read_text("utf-8"))
    return texts


def _list_texts(value: Any, field: str = "") -> Iterator[str]:
    """List what the manifest shows to people."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key not in _FOR_MODELS:
                yield from _list_texts(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from _list_texts(child, field)
    elif isinstance(value, str) and field in _TEXT_FIELDS:
        yield value


def test_every_text_of_the_manifest_has_a_key():
    """package.json has keys, package.nls.json the English texts; none is missing or left over."""
    manifest = _read("package.json")
    shown = {"description": manifest["description"]} | {key: manifest[key] for key in ("contributes", "capabilities")}
    texts = {text for text in _list_texts(shown) if not _NAME.fullmatch(text)}
    assert not [text for text in texts if not re.fullmatch("%[^%]+%", text)]
    assert {text.strip("%") for text in texts} == _read("package.nls.json").keys()


def test_setting_texts_are_those_of_the_server(generator: ModuleType):
    """`python editors/vscode/settings.py` writes them."""
    assert generator.update_texts(_read("package.nls.json")) == _read("package.nls.json")


def test_every_text_of_the_source_is_listed(built: ExtensionBuild):
    """`npm run update-texts` writes them."""
    completed = built.run_script("list-texts")
    assert json.loads(completed.stdout) == _read("l10n/bundle.l10n.json"), completed.stderr


@pytest.mark.parametrize("name", ["package.nls.{}json", "l10n/bundle.l10n.{}json"])
def test_german_is_complete(name: str):
    """No text is missing or left over; commands, code, settings and placeholders are the same."""
    english, german = _read(name.format("")), _read(name.format("de."))
    assert list(german) == list(english)
    for key, text in english.items():
        translated = german[key]
        assert sorted(_NOT_TRANSLATED.findall(translated)) == sorted(_NOT_TRANSLATED.findall(text)), key
