"""Write what VS Code needs to know of the server: `python editors/vscode/settings.py`. A test holds both files equal.

The server's settings go into package.json, their texts into package.nls.json, and the values of its states into
src/generated.ts.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from codekin.bounds import Machine, Scope
from codekin.settings import Settings
from codekin.types import IndexState, Kinship

MANIFEST_PATH = Path(__file__).with_name("package.json")
TEXTS_PATH = Path(__file__).with_name("package.nls.json")  # English; package.nls.de.json is translated by hand
GENERATED_PATH = Path(__file__).parent / "src" / "generated.ts"
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_TITLES = {"lens": "Code Lenses", "cli": "Command Line"}  # of groups whose name does not tell
_ENUMS: dict[str, type[StrEnum]] = {"INDEX_STATES": IndexState, "KINSHIPS": Kinship}


def list_sections() -> list[dict[str, Any]]:
    """Return the server's settings as VS Code's configuration: one section for each group."""
    return [
        {
            "title": f"%section.{name}%",
            "properties": {
                f"codekin.{name}.{_to_camel_case(setting.name)}": _to_property(
                    name, setting, get_type_hints(group)[setting.name]
                )
                for setting in fields(group)
            },
        }
        for name, group in _list_groups()
    ]


def list_texts() -> dict[str, str]:
    """Return the English texts of these sections and settings by the keys that stand for them."""
    titles = {f"section.{name}": _TITLES.get(name, name.capitalize()) for name, _ in _list_groups()}
    descriptions = {
        _to_text_key(name, setting): setting.metadata["description"]
        for name, group in _list_groups()
        for setting in fields(group)
    }
    return titles | descriptions


def _list_groups() -> list[tuple[str, Any]]:
    return [(name, group) for name, group in get_type_hints(Settings).items() if isinstance(group, type)]


def _to_text_key(group: str, setting: Any) -> str:
    return f"setting.{group}.{_to_camel_case(setting.name)}"


def _to_property(group: str, setting: Any, type_hint: Any) -> dict[str, Any]:
    default, bounds, choices = setting.default, setting.metadata["between"], setting.metadata["choices"]
    scope = "machine" if setting.metadata["scope"] is Scope.USER else "window"
    if (group, setting.name) == ("completion", "enabled"):
        scope = "language-overridable"
    if default is MISSING:
        default = setting.default_factory()
    text = setting.metadata["description"]
    schema = {
        **_to_json_type(setting, type_hint),
        "default": list(default) if isinstance(default, tuple) else default,
        ("markdownDescription" if "`" in text else "description"): f"%{_to_text_key(group, setting)}%",
        "scope": scope,
    }
    if bounds is not None:
        schema["minimum"] = bounds[0]
        if not isinstance(bounds[1], Machine):  # only the server knows that bound
            schema["maximum"] = bounds[1]
    if choices:
        schema["enum"] = list(choices)
    return schema


def _to_json_type(setting: Any, type_hint: Any) -> dict[str, Any]:
    if type_hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[type_hint]}
    if get_origin(type_hint) is Mapping:
        values = {"type": "string", "enum": sorted(setting.metadata["values"])}
        return {"type": "object", "additionalProperties": values}
    return {"type": "array", "items": {"type": "string"}}


def _to_camel_case(name: str) -> str:
    first_word, *other_words = name.split("_")
    return first_word + "".join(word.capitalize() for word in other_words)


def update_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with the server's current settings. Its first section, the extension's own, is kept."""
    contributes = manifest["contributes"]
    configuration = [*contributes["configuration"][:1], *list_sections()]
    restricted = [
        key
        for section in configuration
        for key, value in section["properties"].items()
        if value["scope"].startswith("machine")
    ]
    capabilities = manifest["capabilities"]
    trust = {"untrustedWorkspaces": {**capabilities["untrustedWorkspaces"], "restrictedConfigurations": restricted}}
    return {
        **manifest,
        "contributes": {**contributes, "configuration": configuration},
        "capabilities": {**capabilities, **trust},
    }


def update_texts(texts: dict[str, str]) -> dict[str, str]:
    """Return the English texts with those of the server's current settings. The extension's own are kept."""
    groups = tuple(f"setting.{name}." for name, _ in _list_groups())
    own_texts = {key: text for key, text in texts.items() if not key.startswith(("section.", *groups))}
    return own_texts | list_texts()


def generate_types() -> str:
    """Return the TypeScript module with the values of the protocol's enumerations."""
    lines = ["/** Values of the server's enumerations. Generated by settings.py; do not edit. */"]
    for constant, enumeration in _ENUMS.items():
        values = ", ".join(f"'{member.value}'" for member in enumeration)
        lines += ["", f"export const {constant} = [{values}] as const;"]
        lines += [f"export type {enumeration.__name__} = (typeof {constant})[number];"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    updated_manifest = update_manifest(json.loads(MANIFEST_PATH.read_text("utf-8")))
    updated_texts = update_texts(json.loads(TEXTS_PATH.read_text("utf-8")))
    for path, value in ((MANIFEST_PATH, updated_manifest), (TEXTS_PATH, updated_texts)):
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
    GENERATED_PATH.write_text(generate_types(), "utf-8")
