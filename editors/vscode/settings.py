"""Writes the server's settings into package.json: `python editors/vscode/settings.py`. A test holds the two equal."""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from codekin.bounds import Machine, Scope
from codekin.settings import Settings

PACKAGE = Path(__file__).with_name("package.json")
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def sections() -> list[dict[str, Any]]:
    """The server's settings as VS Code has them: a section for each group."""
    groups = get_type_hints(Settings)
    return [
        {
            "title": name.capitalize(),
            "properties": {
                f"codekin.{name}.{_camel(leaf.name)}": _property(name, leaf, get_type_hints(group)[leaf.name])
                for leaf in fields(group)
            },
        }
        for name, group in groups.items()
        if isinstance(group, type)
    ]


def _property(group: str, leaf: Any, hint: Any) -> dict[str, Any]:
    between, choices = leaf.metadata["between"], leaf.metadata["choices"]
    scope = "machine" if leaf.metadata["scope"] is Scope.USER else "window"
    if (group, leaf.name) == ("completion", "enabled"):
        scope = "language-overridable"
    kind: dict[str, Any] = {"type": _TYPES[hint]} if hint in _TYPES else {"type": "array", "items": {"type": "string"}}
    default = list(leaf.default) if isinstance(leaf.default, tuple) else leaf.default
    found = {**kind, "default": default, "description": leaf.metadata["description"], "scope": scope}
    if between is not None:
        found["minimum"] = between[0]
        if not isinstance(between[1], Machine):  # which the server knows
            found["maximum"] = between[1]
    if choices:
        found["enum"] = list(choices)
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def written(package: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the server's settings as they are: its first section is the extension's own."""
    contributes = package["contributes"]
    own = contributes["configuration"][:1]
    configuration = {"configuration": [*own, *sections()]}
    restricted = [
        key
        for section in configuration["configuration"]
        for key, value in section["properties"].items()
        if value["scope"].startswith("machine")
    ]
    capabilities = package["capabilities"]
    trust = {"untrustedWorkspaces": {**capabilities["untrustedWorkspaces"], "restrictedConfigurations": restricted}}
    return {**package, "contributes": {**contributes, **configuration}, "capabilities": {**capabilities, **trust}}


if __name__ == "__main__":
    found = written(json.loads(PACKAGE.read_text("utf-8")))
    PACKAGE.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    sys.exit(0)
