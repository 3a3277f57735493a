"""Find the scripts of components and pages: Vue, Svelte, Astro and HTML hold JavaScript or TypeScript between tags."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

COMPONENT_LANGUAGES = frozenset({"vue", "svelte", "astro", "html"})
MAX_SCRIPTS = 50  # of a file; what is beyond stays lines, for each is parsed and laid out by itself

_ATTRIBUTES = r"(?:[^>\"'<]|\"[^\"<]{0,500}\"|'[^'<]{0,500}'){0,1000}+"
_COMMENT_OR_SCRIPT = re.compile(
    rf"<!--(?:[^-]|-(?!->))*+(?:-->|\Z)|<script(?=[\s>])({_ATTRIBUTES})>|</script\s*>", re.IGNORECASE
)
_LANGUAGE_ATTRIBUTE = re.compile(r"\blang\s*=\s*[\"']?([\w/]+)", re.IGNORECASE)
_TYPE_ATTRIBUTE = re.compile(r"(?<![\w-])type\s*=\s*[\"']?([\w/+.-]+)", re.IGNORECASE)
_SCRIPT_TYPE = re.compile(
    r"module|(?:text|application)/(?:(?:x-)?javascript|ecmascript|babel|jsx|typescript)", re.IGNORECASE
)
_SCRIPT_LANGUAGES = {
    **dict.fromkeys(("", "js", "javascript", "jsx"), "javascript"),
    **dict.fromkeys(("ts", "typescript"), "typescript"),
    "tsx": "tsx",
}
_FENCE = re.compile(r"---[ \t]*")


@dataclass(frozen=True, slots=True)
class Script:
    """The rows of one script, with its tags' own rows, and its lines with the tags blanked."""

    start: int
    end: int  # half-open
    language: str
    lines: tuple[str, ...]


def find_scripts(lines: Sequence[str], language: str) -> list[Script]:
    """Return a component's scripts, up to MAX_SCRIPTS, in order; not those of one row, or sharing a row.

    Scripts in other languages than JavaScript and TypeScript (templates, JSON, CoffeeScript) are left out, too.
    """
    scripts: list[Script] = []
    if language == "astro" and (front_matter := _find_front_matter(lines)) is not None:
        scripts.append(front_matter)
    row_offsets, offset = [], 0
    for line in lines:
        row_offsets.append(offset)
        offset += len(line) + 1
    opening: re.Match[str] | None = None
    for tag in _COMMENT_OR_SCRIPT.finditer("\n".join(lines)):
        if tag[1] is not None:
            opening = opening or tag
        elif opening is not None and tag[0][:2] == "</":
            script = _make_script(lines, row_offsets, opening, tag)
            if script is not None and (not scripts or scripts[-1].end <= script.start):
                scripts.append(script)
            opening = None
            if len(scripts) >= MAX_SCRIPTS:
                break
    return scripts


def blank_all_but_script(lines: Sequence[str], language: str, row: int) -> tuple[str, str] | None:
    """Return the text of the script at `row`, all other lines blank, and its language; None where no script is."""
    for script in find_scripts(lines, language):
        if script.start <= row < script.end:
            rest = len(lines) - script.end
            return "\n".join([*[""] * script.start, *script.lines, *[""] * rest]), script.language
    return None


def _find_front_matter(lines: Sequence[str]) -> Script | None:
    """Return the TypeScript between an Astro component's fences, its rows counted from the first; None without any."""
    if not lines or not _FENCE.fullmatch(lines[0].removeprefix("\ufeff")):
        return None
    end = next((row for row in range(1, len(lines)) if _FENCE.fullmatch(lines[row])), None)
    return None if end is None else Script(0, end + 1, "typescript", ("", *lines[1:end], ""))


def _make_script(
    lines: Sequence[str], row_offsets: Sequence[int], opening: re.Match[str], closing: re.Match[str]
) -> Script | None:
    """Return the script between both tags, other text blanked; None for one row or an unsupported language."""
    script_language = _read_script_language(opening[1] or "")
    start, tag_row, end = (
        _find_row(row_offsets, offset) for offset in (opening.start(), opening.end(), closing.start())
    )
    if script_language is None or start == end:
        return None
    script_lines = ["" if row < tag_row else lines[row] for row in range(start, end + 1)]
    column = opening.end() - row_offsets[tag_row]
    script_lines[tag_row - start] = " " * column + script_lines[tag_row - start][column:]
    script_lines[-1] = script_lines[-1][: closing.start() - row_offsets[end]]
    return Script(start, end + 1, script_language, tuple(script_lines))


def _find_row(row_offsets: Sequence[int], offset: int) -> int:
    """Return the 0-based row in which the character offset lies."""
    return bisect_right(row_offsets, offset) - 1


def _read_script_language(attributes: str) -> str | None:
    """Return the language in a script tag's attributes; None if it is neither JavaScript nor TypeScript."""
    script_type, language = _TYPE_ATTRIBUTE.search(attributes), _LANGUAGE_ATTRIBUTE.search(attributes)
    if script_type is not None and not _SCRIPT_TYPE.fullmatch(script_type[1]):
        return None
    name = language[1].lower() if language is not None else ""
    return _SCRIPT_LANGUAGES.get(name.removeprefix("text/"))
