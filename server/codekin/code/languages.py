"""Detect a file's programming language by its name; None if it is not source code."""

import re
from pathlib import PurePath

from codekin.bounds import suggest_choices
from codekin.code.components import COMPONENT_LANGUAGES
from codekin.code.grammars import GRAMMARS
from codekin.errors import QueryError
from codekin.language_table import EXTENSIONS, INTERPRETERS, LANGUAGES, NAMES, WRITTEN_NAMES


def _invert_table(table: dict[str, str]) -> dict[str, str]:
    """Return a mapping from each key in the table's space-separated values to its language."""
    return {key: language for language, keys in table.items() for key in keys.split()}


_BY_EXTENSION, _BY_NAME, _BY_INTERPRETER = map(_invert_table, (EXTENSIONS, NAMES, INTERPRETERS))

_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*)?(?:\S*/)?([A-Za-z-]+)")
_CPP_LINES_IN_A_HEADER = re.compile(
    r"^[^\S\n]*+(?:class\s+\w|namespace\b|template\s*<|using\s+\w|(?:public|private|protected)\s*:|constexpr\b"
    r"|enum\s+(?:class|struct)\b|#\s*include\s*<(?:string|vector|memory|map|utility|functional|algorithm|iostream"
    r"|optional|c(?:stdint|stddef|stdlib|string|math|assert))>)",
    re.MULTILINE,
)
_CPP_MARKS = ("::", "operator", "static_cast<", "default;", "delete;")  # where a text has none, the pattern isn't tried
_CPP_IN_CODE = re.compile(
    r"^(?![^\S\n]*+(?:\*|/[/*]))[^\n\"/]*?(?:\b[A-Za-z_]\w*::~?[A-Za-z_]|\boperator\s*(?:[-+*/%^&|~!=<>,]|\(\)|\[\])"
    r"|\bstatic_cast<|=\s*(?:default|delete)\s*;)",
    re.MULTILINE,
)
_REFERENCE_PARAMETER = re.compile(r"[(,]\s*+const\s++\w++(?:<[^<>\n]*>)?\s*+&\s*+\w")

_OBJECTIVE_C_LINE = re.compile(r"^@(?:end\b|class [\w ,]+;)", re.MULTILINE)
_XML_START = ("<?xml", "<!DOCTYPE")  # of translations for Qt, whose names end in `.ts`, too


def _is_cpp_header(text: str) -> bool:
    """Return whether the text of a `.h` file is C++: it has, outside of comments, syntax that C lacks."""
    return (
        _CPP_LINES_IN_A_HEADER.search(text) is not None
        or (any(mark in text for mark in _CPP_MARKS) and _CPP_IN_CODE.search(text) is not None)
        or ("&" in text and _REFERENCE_PARAMETER.search(text) is not None)
    )


def _choose_header_language(text: str) -> str:
    """Return the language of a `.h` file: C, C++ or Objective-C, by its text."""
    if "@" in text and _OBJECTIVE_C_LINE.search(text):
        return "objective-c"
    return "cpp" if _is_cpp_header(text) else "c"


def detect_language(path: PurePath, first_line: str = "", text: str = "") -> str | None:
    """Return the language of a source or Markdown file by name, then the given text; None for others. Reads no file.

    `first_line` helps where the name says nothing (a shebang); `text` tells C, C++ and Objective-C
    apart in a `.h` file, and TypeScript from translations in XML.
    """
    file_name = path.name.lower()
    language = _BY_NAME.get(file_name)
    if path.name in ("BUILD", "WORKSPACE"):  # Bazel's; in lower case they are anything
        language = "starlark"
    if language is None:
        file_ending = path.suffix.lower().lstrip(".")
        language = _BY_EXTENSION.get(file_ending)
        if not file_ending:
            language = _detect_by_shebang(first_line or text[:200])
        elif language is None and file_name.startswith(("dockerfile.", "makefile.")):
            language = _BY_NAME[file_name.split(".", 1)[0]]
        elif file_ending == "h":
            language = _choose_header_language(text)
        elif file_ending == "ts" and (text or first_line).lstrip("\ufeff").startswith(_XML_START):
            language = None
    return language


def find_language(name: str) -> str:
    """Return the id of a language by id or file ending, as a person types it. Raises QueryError, with suggestions."""
    lower_name = name.lower().lstrip(".")
    language = lower_name if lower_name in LANGUAGES else detect_language(PurePath(f"file.{lower_name}"))
    if language is not None:
        return language
    suggestion = suggest_choices(lower_name, LANGUAGES)
    remedy = f"{suggestion[0].upper()}{suggestion[1:]} " if suggestion else ""
    raise QueryError(f'There is no language "{name[:40]}". {remedy}`codekin status` lists those of the workspace.')


def common_ending(language: str) -> str:
    """Return the commonest file ending of a language, without the dot; "" where it has none or is unknown."""
    return EXTENSIONS.get(language, "").partition(" ")[0]


def has_grammar(language: str) -> bool:
    """Return whether codekin knows this language's grammar and cuts it along its syntax; its wheel may be missing."""
    return language in GRAMMARS or language in COMPONENT_LANGUAGES


def list_syntax_languages() -> list[str]:
    """Return the names, as people write them, of the languages that are cut along their syntax, in order."""
    languages = [*GRAMMARS, *COMPONENT_LANGUAGES]
    return sorted((WRITTEN_NAMES.get(language, language.title()) for language in languages), key=str.lower)


def _detect_by_shebang(first_line: str) -> str | None:
    """Return the language of the interpreter that a `#!` line names; None if it is unknown or no such line."""
    shebang = _SHEBANG.match(first_line)
    return _BY_INTERPRETER.get(shebang[1].lower()) if shebang else None
