"""Languages and magics of notebook cells: what a cell is written in, and which of its lines are not code.

IPython's magics and shell escapes (`%matplotlib inline`, `!pip install x`, `frame?`) are instructions to the notebook
between lines of Python, which no grammar knows; `%%bash` above a cell says that all of it is something else.
"""

import re
from collections.abc import Sequence
from pathlib import PurePath

from codekin.code.languages import LANGUAGES, detect_language

UNKNOWN = "notebook"  # cells of a language that codekin does not know, which are cut into windows of lines

_ALIASES = {
    "python": "ipython pypy pyspark xpython xeus-python sage sagemath jython micropython py",
    "r": "ir irkernel xr",
    "julia": "ijulia",
    "bash": "sh zsh shell shellscript system sx",
    "javascript": "js node ijavascript jslab deno",
    "typescript": "ts tslab",
    "cpp": "c++ xcpp cxx cuda",
    "csharp": "c# .net-csharp dotnet-csharp",
    "fsharp": "f# .net-fsharp dotnet-fsharp",
    "powershell": "pwsh .net-powershell dotnet-powershell",
    "scala": "almond spylon",
    "kotlin": "kotlinscript",
    "go": "golang gophernotes gonb",
    "rust": "evcxr",
    "ruby": "iruby",
    "haskell": "ihaskell",
    "clojure": "clojupyter",
    "perl": "iperl",
    "lua": "xlua ilua",
    "html": "html5",
    "sql": "bigquery sparksql mysql postgres postgresql sqlite tsql kql",
}
_BY_ALIAS = {alias: language for language, aliases in _ALIASES.items() for alias in aliases.split()}
_PROSE = frozenset(["markdown", "md", "latex", "tex", "svg", "text", "raw", "plaintext", "ai", "dot", "mermaid"])
_SCRIPTS = frozenset(["script", "writefile", "file"])
_VERSION = re.compile(r"[\s.\-_]*\d[\d.\-_a-z]*\Z")  # python3, julia-1.9, c++17

_CELL_MAGIC = re.compile(r"\s*(?:%%|#!(?!/))\s*([\w.+#-]+)(.*)")
_BARE_MAGIC = re.compile(r"\s*%(\w+)\s*\Z")  # as Databricks has it: the whole cell
_TIMED = re.compile(r"(\s*)%(?:time|timeit|prun|memit)\b(?:\s+-\w+(?:\s*\d+)?)*[ \t]+(?=\S)")
_NO_CODE = re.compile(
    r"\s*(?:[\w.,* ]+=\s*)?(?:!|%[A-Za-z_][\w.]*(?:\s|\Z))"  # files = !ls, %cd ..
    r"|\s*\?{1,2}\s*[\w.*%]+\s*\Z|\s*%{0,2}[A-Za-z_][\w.*]*\s*\?{1,2}\s*\Z"  # ?frame, frame.head??
)
_LITERAL = re.compile(
    r'(?P<long>"{3}.*?(?:"{3}|\Z)|\'{3}.*?(?:\'{3}|\Z))|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*', re.DOTALL
)


def language_named(name: str, extension: str = "") -> str | None:
    """Return the language that a kernel, a magic or an editor calls `name`, or whose files end so; None if unknown."""
    lowered = name.strip().lower()
    for known in (lowered, _VERSION.sub("", lowered)):
        if known in LANGUAGES:
            return known
        if known in _BY_ALIAS:
            return _BY_ALIAS[known]
    return detect_language(PurePath(f"cell.{extension.lstrip('.')}")) if extension.strip(".") else None


def is_prose(name: str) -> bool:
    """Return whether a cell of this language is text for readers, not code."""
    return name.strip().lower() in _PROSE


def read_cell(lines: Sequence[str], language: str) -> tuple[str | None, list[str]]:
    """Return the language of a cell in a notebook of `language`, and its lines with those that are not code blank.

    None where the cell holds no code but prose, or a text file.
    """
    code, first = list(lines), next((i for i, line in enumerate(lines) if line.strip()), None)
    while first is not None and (magic := _magic(code[first], code[first + 1 :], language)):
        code[first] = ""
        said = _said(*magic, language)
        if said != language:
            return said, code
        first = next((i for i, line in enumerate(code) if line.strip()), None)
    return language, _without_magics(code) if language == "python" else code


def _magic(line: str, below: Sequence[str], language: str) -> tuple[str, str] | None:
    """Return the name and the arguments of the magic that governs the cell; None if the line is no magic."""
    if found := _CELL_MAGIC.match(line):
        return found[1], found[2].strip()
    bare = _BARE_MAGIC.match(line)
    is_known = bare and any(map(str.strip, below)) and (is_prose(bare[1]) or language_named(bare[1]) not in (None, ""))
    return (bare[1], "") if bare and is_known and language != UNKNOWN else None


def _said(name: str, arguments: str, language: str) -> str | None:
    """Return the language that a cell magic declares; None for prose."""
    lowered = name.lower()
    if is_prose(lowered):
        return None
    if lowered in _SCRIPTS:
        words = [word for word in arguments.split() if not word.startswith("-")] or [""]
        named = detect_language(PurePath(words[0])) if lowered != "script" else language_named(PurePath(words[0]).name)
        return named or (None if lowered != "script" else UNKNOWN)
    named = language_named(lowered)
    return named or ("sql" if "sql" in lowered else language)  # %%time, %%capture: it stays what it is


def _without_magics(lines: Sequence[str]) -> list[str]:
    code, goes_on = list(lines), False
    quoted: set[int] | None = None
    for row, line in enumerate(lines):
        is_magic = goes_on or _NO_CODE.match(line) or _TIMED.match(line)
        if is_magic and quoted is None:
            quoted = _within_strings(lines)
        if not is_magic or (quoted and row in quoted):
            goes_on = False
            continue
        timed = None if goes_on else _TIMED.match(line)
        goes_on = line.rstrip().endswith("\\") and not timed
        code[row] = timed[1] + line[timed.end() :] if timed else ""
    return code


def _within_strings(lines: Sequence[str]) -> set[int]:
    """Return the lines that begin inside a multi-line string."""
    text, rows = "\n".join(lines), set[int]()
    for found in _LITERAL.finditer(text):
        if found["long"]:
            first = text.count("\n", 0, found.start())
            rows.update(range(first + 1, first + 1 + found["long"].count("\n")))
    return rows
