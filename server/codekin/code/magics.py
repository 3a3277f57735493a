"""Languages and magics of notebook cells: what a cell is written in, and which of its lines are not code.

IPython's magics and shell escapes (`%matplotlib inline`, `!pip install x`, `frame?`) are instructions to the notebook
between lines of Python, which no grammar knows; `%%bash` above a cell says that all of it is something else.
"""

import re
from collections.abc import Sequence
from pathlib import PurePath

from codekin.code.languages import detect_language
from codekin.language_table import LANGUAGES

UNKNOWN_LANGUAGE = "notebook"  # of cells in a language that codekin does not know; they are cut into windows of lines

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
_PROSE_NAMES = frozenset(["markdown", "md", "latex", "tex", "svg", "text", "raw", "plaintext", "ai", "dot", "mermaid"])
_SCRIPT_MAGICS = frozenset(["script", "writefile", "file"])
_VERSION_SUFFIX = re.compile(r"[\s.\-_]*\d[\d.\-_a-z]*\Z")  # python3, julia-1.9, c++17

_CELL_MAGIC = re.compile(r"\s*(?:%%|#!(?!/))\s*([\w.+#-]+)(.*)")
_BARE_MAGIC = re.compile(r"\s*%(\w+)\s*\Z")  # as Databricks has it: the whole cell
_TIMING_MAGIC = re.compile(r"(\s*)%(?:time|timeit|prun|memit)\b(?:\s++-\w++(?:\s++\d++)?)*[ \t]+(?=\S)")
_MAGIC_LINE = re.compile(
    r"\s*+(?:[\w.,* ]++=\s*+)?(?:!|%[A-Za-z_][\w.]*(?:\s|\Z))"  # files = !ls, %cd ..
    r"|\s*\?{1,2}\s*[\w.*%]+\s*\Z|\s*%{0,2}[A-Za-z_][\w.*]*\s*\?{1,2}\s*\Z"  # ?frame, frame.head??
)
_LITERAL_OR_COMMENT = re.compile(
    r'(?P<long>"{3}.*?(?:"{3}|\Z)|\'{3}.*?(?:\'{3}|\Z))|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*', re.DOTALL
)


def find_named_language(name: str, extension: str = "") -> str | None:
    """Return the language that a kernel, magic or editor calls `name`, else that of the extension; None if unknown."""
    lower_name = name.strip().lower()
    for candidate_name in (lower_name, _VERSION_SUFFIX.sub("", lower_name)):
        if candidate_name in LANGUAGES:
            return candidate_name
        if candidate_name in _BY_ALIAS:
            return _BY_ALIAS[candidate_name]
    return detect_language(PurePath(f"cell.{extension.lstrip('.')}")) if extension.strip(".") else None


def is_prose(name: str) -> bool:
    """Return whether cells in the language of this name hold text for readers (Markdown, raw), not code."""
    return name.strip().lower() in _PROSE_NAMES


def read_cell(lines: Sequence[str], language: str) -> tuple[str | None, list[str]]:
    """Return a cell's language, None for prose, and its lines with magics blanked; `language` is the notebook's.

    The language is None where the cell holds prose or a text file. It may be UNKNOWN_LANGUAGE.
    """
    code_lines, first_index = list(lines), next((index for index, line in enumerate(lines) if line.strip()), None)
    while first_index is not None and (
        cell_magic := _parse_cell_magic(code_lines[first_index], code_lines[first_index + 1 :], language)
    ):
        code_lines[first_index] = ""
        magic_language = _find_magic_language(*cell_magic, language)
        if magic_language != language:
            return magic_language, code_lines
        first_index = next((index for index, line in enumerate(code_lines) if line.strip()), None)
    return language, _blank_magic_lines(code_lines) if language == "python" else code_lines


def _parse_cell_magic(line: str, lines_below: Sequence[str], language: str) -> tuple[str, str] | None:
    """Return name and arguments of the magic in `line` that governs the whole cell; None if it is no such magic."""
    if match := _CELL_MAGIC.match(line):
        return match[1], match[2].strip()
    bare_magic = _BARE_MAGIC.match(line)
    is_known = (
        bare_magic
        and any(map(str.strip, lines_below))
        and (is_prose(bare_magic[1]) or find_named_language(bare_magic[1]) not in (None, ""))
    )
    return (bare_magic[1], "") if bare_magic and is_known and language != UNKNOWN_LANGUAGE else None


def _find_magic_language(name: str, arguments: str, language: str) -> str | None:
    """Return the language that a cell magic declares, or `language` if it declares none; None for prose."""
    lower_name = name.lower()
    if is_prose(lower_name):
        return None
    if lower_name in _SCRIPT_MAGICS:
        words = [word for word in arguments.split() if not word.startswith("-")] or [""]
        named_language = (
            detect_language(PurePath(words[0]))
            if lower_name != "script"
            else find_named_language(PurePath(words[0]).name)
        )
        return named_language or (None if lower_name != "script" else UNKNOWN_LANGUAGE)
    named_language = find_named_language(lower_name)
    return named_language or ("sql" if "sql" in lower_name else language)  # %%time, %%capture change no language


def _blank_magic_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines of a Python cell with line magics and shell escapes blanked; of `%time x` only `x` is left."""
    code_lines, continues_magic = list(lines), False
    quoted_rows: set[int] | None = None
    for row, line in enumerate(lines):
        is_magic = continues_magic or _MAGIC_LINE.match(line) or _TIMING_MAGIC.match(line)
        if is_magic and quoted_rows is None:
            quoted_rows = _find_rows_in_strings(lines)
        if not is_magic or (quoted_rows and row in quoted_rows):
            continues_magic = False
            continue
        timing_magic = None if continues_magic else _TIMING_MAGIC.match(line)
        continues_magic = line.rstrip().endswith("\\") and not timing_magic
        code_lines[row] = timing_magic[1] + line[timing_magic.end() :] if timing_magic else ""
    return code_lines


def _find_rows_in_strings(lines: Sequence[str]) -> set[int]:
    """Return the indices of lines that begin inside a triple-quoted string."""
    text, rows = "\n".join(lines), set[int]()
    for match in _LITERAL_OR_COMMENT.finditer(text):
        if match["long"]:
            first_row = text.count("\n", 0, match.start())
            rows.update(range(first_row + 1, first_row + 1 + match["long"].count("\n")))
    return rows
