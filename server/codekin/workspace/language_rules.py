"""Which language is this file? By the setting index.languages, else by what codekin knows of names and texts."""

from collections.abc import Mapping
from pathlib import Path

from codekin.code.languages import detect_language
from codekin.workspace.gitignore import IgnoreFile, encode_name
from codekin.workspace.listing import is_utf8


class LanguageRules:
    """Languages by patterns of file names, upper and lower case alike; the last pattern that matches counts.

    Anybody may have written the patterns, so they are matched like those of an ignore file, in bounded time.
    """

    def __init__(self, patterns: Mapping[str, str]) -> None:
        """`patterns` are those of the setting, which has been checked."""
        lines = "\n".join(pattern.lower() for pattern in patterns)
        self._languages = tuple(patterns.values())
        self._patterns = IgnoreFile(lines.encode("utf-8", "surrogateescape"))

    def find_mapped_language(self, path: Path) -> str | None:
        """Return the language that the setting gives the file; None where no pattern matches its name."""
        if not self._languages:
            return None
        try:
            name = encode_name(path.name.lower())
        except UnicodeEncodeError:
            return None
        rule = self._patterns.find_rule("", name, is_folder=False)
        return None if rule is None else self._languages[rule.rank]

    def detect_language(self, path: Path, first_line: str = "", text: str = "") -> str | None:
        """Return the language of the file at `path`, which is not read; None if it is no source code."""
        return self.find_mapped_language(path) or detect_language(path, first_line, text)

    def may_be_source(self, path: Path) -> bool:
        """Return whether a file of this name could be source code: a known language, or no extension."""
        return (self.detect_language(path) is not None or "." not in path.name) and is_utf8(path)


DEFAULT_RULES = LanguageRules({})  # of who has no settings
