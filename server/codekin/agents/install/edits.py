"""The edits that an agent's files need. Each makes one text of another, can be made twice, and can be undone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from codekin.agents.install.json_text import append_item, read_value, remove_items, remove_value, set_value
from codekin.errors import QueryError

_START, _END = "<!-- codekin: start -->", "<!-- codekin: end -->"


class FileEdit(Protocol):
    """A change of one file."""

    @property
    def path(self) -> Path:
        """Return the path of the file to edit."""

    def apply(self, text: str) -> str:
        """Return the text with the change; the same text where it is made already. Raises QueryError."""

    def undo(self, text: str) -> str:
        """Return the text without the change; the same text where it is not made. Raises QueryError."""


@dataclass(frozen=True)
class JsonEntry:
    """A value in a JSON file."""

    path: Path
    keys: tuple[str, ...]
    value: Any

    def apply(self, text: str) -> str:
        """Return the text with the value at the path of keys; unchanged if it is there already. Raises QueryError."""
        return text if read_value(text, self.keys) == self.value else set_value(text, self.keys, self.value)

    def undo(self, text: str) -> str:
        """Return the text without the member at the path of keys. Raises QueryError."""
        return remove_value(text, self.keys) if text.strip() else text


@dataclass(frozen=True)
class JsonDefault:
    """A value that a JSON file must have, whoever wrote it."""

    path: Path
    keys: tuple[str, ...]
    value: Any

    def apply(self, text: str) -> str:
        """Set the value where there is none."""
        return text if read_value(text, self.keys) is not None else set_value(text, self.keys, self.value)

    def undo(self, text: str) -> str:
        """Leave the value: what others have added since may need it."""
        return text


@dataclass(frozen=True)
class JsonItem:
    """An item of a list in a JSON file; the text of ours contains `marker`."""

    path: Path
    keys: tuple[str, ...]
    value: Any
    marker: str

    def apply(self, text: str) -> str:
        """Return the text with the item appended to the list, replacing items with the marker. Raises QueryError."""
        items = read_value(text, self.keys) or []
        if isinstance(items, list) and self.value in items:
            return text
        return append_item(self.undo(text), self.keys, self.value)

    def undo(self, text: str) -> str:
        """Remove our items, and the list and the objects around it that are empty then. Raises QueryError."""
        if not text.strip() or (rest := remove_items(text, self.keys, self.marker)) == text:
            return text
        for depth in range(len(self.keys), 0, -1):
            if not read_value(rest, self.keys[:depth]):
                rest = remove_value(rest, self.keys[:depth])
        return rest


@dataclass(frozen=True)
class TomlTable:
    """A table in a TOML file, two levels deep."""

    path: Path
    keys: tuple[str, str]
    values: Mapping[str, Any]

    def apply(self, text: str) -> str:
        """Return the text with the table set; unchanged if it has these values already. Raises QueryError."""
        import tomlkit

        document = _parse_toml(text)
        outer_name, name = self.keys
        if outer_name not in document:
            document[outer_name] = tomlkit.table(is_super_table=True)
        outer: Any = document[outer_name]
        if not isinstance(outer, Mapping):
            raise QueryError(f"{outer_name} is no table. Fix the file.")
        if name in outer and outer[name].unwrap() == dict(self.values):
            return text
        document[outer_name][name] = tomlkit.item(dict(self.values))
        return str(tomlkit.dumps(document))

    def undo(self, text: str) -> str:
        """Return the text without the table, and without an outer table that becomes empty. Raises QueryError."""
        import tomlkit

        document = _parse_toml(text)
        outer: Any = document.get(self.keys[0])
        if not isinstance(outer, Mapping) or self.keys[1] not in outer:
            return text
        del document[self.keys[0]][self.keys[1]]
        if not outer:
            del document[self.keys[0]]
        return str(tomlkit.dumps(document))


def _parse_toml(text: str) -> Any:
    """Parse TOML into a document that keeps its formatting. Raises QueryError."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise QueryError(f"it is not valid TOML ({error}). Fix the file.") from error


@dataclass(frozen=True)
class MarkedSection:
    """A section of a Markdown file, between comments that mark it as ours."""

    path: Path
    section: str

    def apply(self, text: str) -> str:
        """Return the text with codekin's section, replaced where it stands or else appended."""
        block = f"{_START}\n{self.section.strip()}\n{_END}\n"
        if block in text:
            return text
        rest = self.undo(text)
        separator = "" if not rest else "\n" if rest.endswith("\n") else "\n\n"
        return rest + separator + block

    def undo(self, text: str) -> str:
        """Return the text without codekin's section and the blank line before it."""
        start, end = text.find(_START), text.find(_END)
        if start < 0 or end < start:
            return text
        before = text[:start]
        before = before[:-1] if before.endswith("\n\n") else before
        return before + text[end + len(_END) :].removeprefix("\n")


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
