"""Which definitions does universal-ctags name that codekin does not, and the other way round?

    python tests/benchmarks/definitions.py FOLDER... [--list LANGUAGE]

By hand, with Debian's `universal-ctags` on the path and checked-out repositories as FOLDERs. Both read the same files:
those that codekin would index, each in the language that codekin takes it for. A definition counts as missing where no
snippet of its name holds its line. Not counted is what is no definition of its own, and how much that is stands in a
column of its own:

- functions without a name, and those inside functions and tests, which are cut only where the outer one is long
- declarations without a body: of interfaces, of Kotlin's `expect` and `abstract` functions, prototypes
- what ctags takes for a function though it is none: calls of C's macros, arrays of Bash, keywords, in Lua every line
  with the letters of `function` (`local F = require "functional"`, `x = call(function() … end)`), in Haskell the fields
  of records, names of import lists, constructors, keywords and splices, in Elixir, Lua and PowerShell what is in texts
  and comments, in C# calls that are given a block, and records, in JavaScript the object of an assignment to its member
  and a method that is another function, in Julia the module in `Base.:(==)`, in Kotlin names that are not in the file
- in JavaScript and TypeScript the own name of a function that goes by the one that it is bound to

What codekin names beyond ctags is counted, too: functions, methods and tests of names that ctags has not in that file.
`--list` prints both sides of one language, and with ~ what is not counted. Prints Markdown.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from codekin.code.extract import extract_snippets, split_lines
from codekin.settings import IndexSettings
from codekin.types import Skipped, Snippet, SnippetKind
from codekin.workspace.workspace import SourceFile, Workspace

KINDS = {  # codekin's language: ctags' language and its kinds of what has code
    "bash": ("Sh", "f"),
    "c": ("C", "f"),
    "cpp": ("C++", "f"),
    "csharp": ("C#", "m"),
    "elixir": ("Elixir", "fa"),
    "go": ("Go", "f"),
    "haskell": ("Haskell", "f"),
    "java": ("Java", "m"),
    "javascript": ("JavaScript", "fmgGS"),
    "julia": ("Julia", "fm"),
    "kotlin": ("Kotlin", "m"),
    "lua": ("Lua", "f"),
    "objective-c": ("ObjectiveC", "mcf"),
    "perl": ("Perl", "s"),
    "php": ("PHP", "f"),
    "powershell": ("PowerShell", "f"),
    "python": ("Python", "fm"),
    "r": ("R", "f"),
    "ruby": ("Ruby", "fS"),
    "rust": ("Rust", "fPM"),
    "sql": ("SQL", "fp"),
    "tsx": ("TypeScript", "fmG"),
    "typescript": ("TypeScript", "fmG"),
}
FUNCTION_SCOPES = {
    "function",
    "method",
    "func",
    "singletonMethod",
    "subroutine",
    "generator",
    "getter",
    "setter",
    "member",
}
CODE_KINDS = {SnippetKind.FUNCTION, SnippetKind.METHOD, SnippetKind.CONSTRUCTOR, SnippetKind.TEST}
MACRO = re.compile(
    r"[A-Z0-9_]+\Z"
)  # of C: ctags takes a macro's call for a definition, and its name for the function's
DECLARING = {"csharp", "java", "kotlin", "php", "rust", "typescript", "tsx", "objective-c"}
DECLARATION = re.compile(r"[^{}]*?;|[^{};]*?\n\s*\n")  # no body before the end of a statement or a blank line
UNNAMED = re.compile(r"anonymous|__anon|AnonymousFunction|<lambda>|\A(?:pattern|true|switch|return|_)\Z")
LUA_FUNCTION = r"\bfunction\s+(?:[\w.:]+[.:])?{0}\s*\(|(?:\b{0}|\[[^\]]*{0}[^\]]*\])\s*=\s*function\s*\("
KOTLIN_FUNCTION = re.compile(
    r"\bfun\b[^(]*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)(?:\s*:\s*[^{=\n]++)?\s*(?:where\b[^{=]*+)?([{=]?)"
)
CALL_BEFORE_NAME = re.compile(r"\A\Z|(?:\.|\brecord)\s*\Z|\A\s+\Z(?=[^{]*=>)")
HASKELL_KEYWORDS = {"class", "data", "deriving", "infixl", "infixr", "instance", "newtype", "type", "}"}
HASKELL_FIELD = re.compile(r"\s*[{,]|(?:data|newtype)\b|\s+\w+(?:\s*,\s*\w+)*\s*::|import\b|\s+[)(|]")


@dataclass
class Comparison:
    """One language of one folder."""

    total: int = 0
    uncounted: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)


def normalize_name(name: str) -> str:
    """Return the last component of a qualified name, without blanks and quotes."""
    name = re.sub(r"\s+|\{.*|<%.*", "", name).strip("\"'`[]:") or name
    return name if re.search(r"\boperator\b", name) else re.split(r"[.:\\]+", name)[-1]


def read_documents(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield path, language and text of each document in a folder that codekin would index, without notebooks."""
    workspace = Workspace([folder], IndexSettings())
    for file in workspace.walk():
        document = workspace.read_document(file.path) if isinstance(file, SourceFile) else None
        if document is not None and not isinstance(document, Skipped) and not document.cells:
            yield file.path, document.language, document.text


def run_ctags(language: str, paths: list[Path]) -> dict[Path, list[dict[str, str]]]:
    """Run ctags on files, all of this one language; return its tags by file."""
    ctags_language, kinds = KINDS[language]
    command = [shutil.which("ctags") or "ctags", "--options=NONE", f"--language-force={ctags_language}"]
    command += [f"--kinds-{ctags_language}={kinds}", "--output-format=json", "--fields=+neKzsSl", "-L", "-", "-f", "-"]
    listing = "\n".join(map(str, paths))
    output = subprocess.run(command, input=listing, capture_output=True, text=True, check=True, errors="replace").stdout
    tags: dict[Path, list[dict[str, str]]] = defaultdict(list)
    for line in output.splitlines():
        tag = json.loads(line)
        if tag.get("_type") == "tag":
            tags[Path(tag["path"])].append(tag)
    return tags


def is_counted(tag: dict[str, str], language: str, lines: list[str], snippets: list[Snippet]) -> bool:
    """Return whether codekin ought to have ctags' definition: a named one with a body, outside of functions."""
    row, name = int(tag["line"]) - 1, tag["name"]
    if UNNAMED.search(name) or tag.get("scopeKind") in FUNCTION_SCOPES or tag.get("language") != KINDS[language][0]:
        return False
    if is_mistake(name, lines, row, language):
        return False
    if language in ("typescript", "tsx") and is_in_interface(row, snippets, lines):
        return False
    if language in DECLARING and DECLARATION.match(re.sub(r"\([^()]*\)", "", "\n".join(lines[row : row + 20]))):
        return False
    return not any(
        snippet.kind in CODE_KINDS and (is_inside(row, snippet, lines) or is_in_later_part(row, snippet))
        for snippet in snippets
    )


def is_mistake(name: str, lines: list[str], row: int, language: str) -> bool:
    """Return whether ctags took something else for a definition with a body, by rules for each language."""
    if is_in_text(lines[:row], language):
        return True
    match language:
        case "c" | "cpp":
            return MACRO.match(name) is not None
        case "bash":
            return name.endswith("=")
        case "lua":
            function = LUA_FUNCTION.format(re.escape(normalize_name(name)))
            return re.search(function, lines[row]) is None or not re.match(r"[\w.:]+\Z", name)
        case "csharp":
            return CALL_BEFORE_NAME.search(lines[row].partition(name)[0]) is not None
        case "typescript" | "tsx":
            return is_bound_to_other_name(name, lines[row])
        case "javascript":
            is_object = f"{name}." in lines[row] and not re.search(rf"\b{re.escape(name)}\b(?!\.)", lines[row])
            is_alias = re.search(rf"\b{re.escape(name)}\b['\"\]]*\s*=[^(){{}}>]*;\s*$", lines[row]) is not None
            return is_object or is_alias or is_bound_to_other_name(name, lines[row])
        case "haskell":
            statement = re.sub(r"\{[^{}]*\}", "", "\n".join(lines[row : row + 12]).partition("\n\n")[0])
            is_keyword = name[0].isupper() or name in HASKELL_KEYWORDS
            return is_keyword or HASKELL_FIELD.match(lines[row]) is not None or not re.search(r"[=|]", statement)
        case "julia":
            return name == "Base"
        case "kotlin":
            if not name.isascii() or name not in lines[row]:
                return True
            function = KOTLIN_FUNCTION.search("\n".join(lines[row : row + 20]))
            return function is not None and not function[1]
    return False


def is_in_text(lines: list[str], language: str) -> bool:
    """Return whether a text or comment of several lines is open after the lines."""
    text = "\n".join(lines)
    match language:
        case "elixir":
            return sum('"""' in line for line in lines) % 2 == 1
        case "lua":
            return text.rfind("[[") > text.rfind("]]")
        case "powershell":
            return len(re.findall(r"@[\"']$", text, re.MULTILINE)) > len(re.findall(r"^[\"']@", text, re.MULTILINE))
    return False


def is_bound_to_other_name(name: str, line: str) -> bool:
    """Return whether a JavaScript line binds the function to another name: `Title.Text = function TitleText() {`."""
    return re.search(rf"=\s*(?:async\s+)?function\b\W+{re.escape(name)}\s*[(<]", line) is not None


def is_in_interface(row: int, snippets: list[Snippet], lines: list[str]) -> bool:
    """Return whether the row is in any part of an interface, which has no code."""
    classes = [snippet for snippet in snippets if snippet.kind is SnippetKind.CLASS]
    interfaces = {part.qualified_name for part in classes if re.search(r"\binterface\b", lines[part.name_line])}
    return any(part.span.start <= row < part.span.end for part in classes if part.qualified_name in interfaces)


def is_inside(row: int, snippet: Snippet, lines: list[str]) -> bool:
    """Return whether the row is in the snippet's body, by its indentation."""
    is_below_name = snippet.name_line < row < snippet.span.end
    return is_below_name and find_indent(lines[snippet.name_line]) < find_indent(lines[row])


def is_in_later_part(row: int, snippet: Snippet) -> bool:
    """Return whether the row is in the second or a later part of a long function."""
    return snippet.part > 1 and snippet.span.start <= row < snippet.span.end


def find_indent(line: str) -> int:
    """Return the width of the line's indentation in columns."""
    return len(line.expandtabs()) - len(line.expandtabs().lstrip())


def compare_file(path: Path, text: str, language: str, tags: list[dict[str, str]], result: Comparison) -> None:
    """Compare a file's snippets with ctags' tags, and add what is missing or more to the result."""
    snippets, lines = extract_snippets(text, language), split_lines(text)
    rows_by_name: dict[str, list[Snippet]] = defaultdict(list)
    for snippet in snippets:
        rows_by_name[normalize_name(snippet.name)].append(snippet)
    tagged_names = {normalize_name(tag["name"]) for tag in tags}
    for tag in tags:
        row, name = int(tag["line"]) - 1, normalize_name(tag["name"])
        is_found = any(snippet.span.start <= row < snippet.span.end for snippet in rows_by_name[name])
        if not is_counted(tag, language, lines, snippets):
            result.uncounted += [] if is_found else [f"{path}:{row + 1} {tag['name']}"]
            continue
        result.total += 1
        if not is_found:
            result.missing.append(f"{path}:{row + 1} {tag['name']}")
    for snippet in snippets:
        name = normalize_name(snippet.name)
        if snippet.kind in CODE_KINDS and snippet.part <= 1 and name not in tagged_names:
            result.beyond.append(f"{path}:{snippet.name_line + 1} {snippet.name}")


def compare_folder(folder: Path) -> dict[str, Comparison]:
    """Cut a folder's files and run ctags on them; return the comparison by language."""
    texts: dict[str, dict[Path, str]] = defaultdict(dict)
    for path, language, text in read_documents(folder):
        if language in KINDS:
            texts[language][path] = text
    results: dict[str, Comparison] = {}
    for language, documents in sorted(texts.items()):
        tags, results[language] = run_ctags(language, list(documents)), Comparison()
        for path, text in documents.items():
            compare_file(path, text, language, tags[path], results[language])
    return results


def main() -> None:
    """Print a table of what ctags and codekin find in each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--list", default="", metavar="LANGUAGE", help="print the names of one language, too")
    parser.add_argument("--least", type=int, default=20, help="leave out languages with fewer definitions in a folder")
    options = parser.parse_args()
    print("| language | repository | ctags | missing | | not counted | beyond ctags |\n|---|---|---|---|---|---|---|")
    for folder in options.folders:
        for language, result in compare_folder(folder.resolve()).items():
            if result.total >= options.least:
                share = f"{len(result.missing) / result.total:.1%}"
                columns = (len(result.missing), share, len(result.uncounted), len(result.beyond))
                counts = " | ".join(map(str, (f"{result.total:,}", *columns)))
                print(f"| {language} | {folder.name.replace('+', '/')} | {counts} |", flush=True)
            if language == options.list:
                for mark, found in (("-", result.missing), ("~", result.uncounted), ("+", result.beyond)):
                    print(*(f"{mark} {line}" for line in found), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
