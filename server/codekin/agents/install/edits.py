"""The edits that an agent's files need. Each makes one text of another, can be made twice, and can be undone."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from codekin.agents.install.json_text import append_item, read_value, remove_items, remove_value, set_value
from codekin.errors import QueryError, name_missing_package

_START, _END = "<!-- codekin: start -->", "<!-- codekin: end -->"
_INVALID_TOML = "it is not valid TOML ({}). Fix the file."


class FileEdit(Protocol):
    """A change of one file."""

    @property
    def path(self) -> Path:
        """Return the path of the file to edit."""

    def apply(self, file_text: str) -> str:
        """Return the text with the change; the same text where it is made already. Raises QueryError."""

    def undo(self, file_text: str) -> str:
        """Return the text without the change; the same text where it is not made. Raises QueryError."""


@dataclass(frozen=True)
class JsonEntry:
    """A value in a JSON file."""

    path: Path
    keys: tuple[str, ...]
    value: Any

    def apply(self, file_text: str) -> str:
        """Return the text with the value at the path of keys; unchanged if it is there already. Raises QueryError."""
        return (
            file_text if read_value(file_text, self.keys) == self.value else set_value(file_text, self.keys, self.value)
        )

    def undo(self, file_text: str) -> str:
        """Return the text without the member at the path of keys. Raises QueryError."""
        return remove_value(file_text, self.keys) if file_text.strip() else file_text


@dataclass(frozen=True)
class JsonDefault:
    """A value that a JSON file must have, whoever wrote it."""

    path: Path
    keys: tuple[str, ...]
    value: Any

    def apply(self, file_text: str) -> str:
        """Return the text with the value at the path of keys if there is none, else unchanged. Raises QueryError."""
        return (
            file_text if read_value(file_text, self.keys) is not None else set_value(file_text, self.keys, self.value)
        )

    def undo(self, file_text: str) -> str:
        """Return the text unchanged: what others have added since may need the value."""
        return file_text


@dataclass(frozen=True)
class JsonItem:
    """An item of a list in a JSON file; the text of ours contains `marker`."""

    path: Path
    keys: tuple[str, ...]
    value: Any
    marker: str

    def apply(self, file_text: str) -> str:
        """Return the text with the item appended to the list, replacing items with the marker. Raises QueryError."""
        list_items = read_value(file_text, self.keys) or []
        if isinstance(list_items, list) and self.value in list_items:
            return file_text
        return append_item(self.undo(file_text), self.keys, self.value)

    def undo(self, file_text: str) -> str:
        """Return the text without list items with the marker, and parents that become empty. Raises QueryError."""
        if not file_text.strip() or (remaining_text := remove_items(file_text, self.keys, self.marker)) == file_text:
            return file_text
        for key_count in range(len(self.keys), 0, -1):
            if not read_value(remaining_text, self.keys[:key_count]):
                remaining_text = remove_value(remaining_text, self.keys[:key_count])
        return remaining_text


@dataclass(frozen=True)
class TomlTable:
    """A table in a TOML file, two levels deep."""

    path: Path
    keys: tuple[str, str]
    values: Mapping[str, Any]

    def apply(self, file_text: str) -> str:
        """Return the text with the table set; unchanged if it has these values already. Raises QueryError."""
        tomlkit = _load_tomlkit()
        document = _parse_toml(file_text)
        outer_name, table_name = self.keys
        if outer_name not in document:
            document[outer_name] = tomlkit.table(is_super_table=True)
        outer_table: Any = document[outer_name]
        if not isinstance(outer_table, Mapping):
            raise QueryError(f"{outer_name} is no table. Fix the file.")
        if table_name in outer_table and outer_table[table_name].unwrap() == dict(self.values):
            return file_text
        document[outer_name][table_name] = tomlkit.item(dict(self.values))
        return str(tomlkit.dumps(document))

    def undo(self, file_text: str) -> str:
        """Return the text without the table, and without an outer table that becomes empty. Raises QueryError."""
        if not self._is_in(file_text):
            return file_text
        document = _parse_toml(file_text)
        del document[self.keys[0]][self.keys[1]]
        if not document[self.keys[0]]:
            del document[self.keys[0]]
        return str(_load_tomlkit().dumps(document))

    def _is_in(self, file_text: str) -> bool:
        """Return whether the text has the table, which the standard library can tell. Raises QueryError."""
        try:
            outer_table = tomllib.loads(file_text).get(self.keys[0])
        except tomllib.TOMLDecodeError as error:
            raise QueryError(_INVALID_TOML.format(error)) from error
        return isinstance(outer_table, Mapping) and self.keys[1] in outer_table


def _load_tomlkit() -> Any:
    """Import the package that edits TOML, which the extra mcp installs. Raises QueryError, with the remedy."""
    try:
        import tomlkit
    except ModuleNotFoundError as error:
        raise QueryError(name_missing_package("tomlkit", "mcp")) from error
    return tomlkit


def _parse_toml(file_text: str) -> Any:
    """Parse TOML into a document that keeps its formatting. Raises QueryError."""
    tomlkit = _load_tomlkit()
    try:
        return tomlkit.parse(file_text)
    except tomlkit.exceptions.TOMLKitError as error:
        raise QueryError(_INVALID_TOML.format(error)) from error


@dataclass(frozen=True)
class MarkedSection:
    """A section of a Markdown file, between comments that mark it as ours."""

    path: Path
    section: str

    def apply(self, file_text: str) -> str:
        """Return the text with codekin's section, replaced where it stands or else appended."""
        section_block = f"{_START}\n{self.section.strip()}\n{_END}\n"
        if section_block in file_text:
            return file_text
        remaining_text = self.undo(file_text)
        separator = "" if not remaining_text else "\n" if remaining_text.endswith("\n") else "\n\n"
        return remaining_text + separator + section_block

    def undo(self, file_text: str) -> str:
        """Return the text without codekin's section and the blank line before it."""
        start_offset, end_offset = file_text.find(_START), file_text.find(_END)
        if start_offset < 0 or end_offset < start_offset:
            return file_text
        preceding_text = file_text[:start_offset]
        preceding_text = preceding_text[:-1] if preceding_text.endswith("\n\n") else preceding_text
        return preceding_text + file_text[end_offset + len(_END) :].removeprefix("\n")


@dataclass(frozen=True)
class OwnFile:
    """A file that is ours altogether."""

    path: Path
    content: str

    def apply(self, _: str) -> str:
        """Return the whole content that codekin writes into its own file."""
        return self.content

    def undo(self, _: str) -> str:
        """Return "", so that codekin's own file is removed."""
        return ""
