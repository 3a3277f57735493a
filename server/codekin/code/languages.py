"""Detect a file's programming language by its name; None if it is not source code.

Ids are lower-case and stable: they are stored with every snippet and are what `--language` takes.
"""

import re
from pathlib import PurePath

from codekin.code.components import COMPONENT_LANGUAGES
from codekin.code.grammars import GRAMMARS
from codekin.errors import QueryError

_EXTENSIONS = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx es6",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cpp cc cxx c++ hpp hh hxx h++ ipp tpp inl txx ixx cppm ino cu cuh",
    "csharp": "cs csx",
    "ruby": "rb rake gemspec podspec ru rbw thor",
    "php": "php php3 php4 php5 php7 phtml phps",
    "kotlin": "kt kts",
    "scala": "scala sc sbt",
    "swift": "swift",
    "lua": "lua rockspec",
    "bash": "sh bash zsh ksh bats ebuild",
    # Cut into windows of lines from here on, except for those in grammars/ and components.py.
    "ada": "adb ads ada",
    "assembly": "s asm nasm",
    "astro": "astro",
    "batch": "bat cmd",
    "clojure": "clj cljs cljc bb",
    "cmake": "cmake",
    "cobol": "cob cbl cpy",
    "coffeescript": "coffee",
    "commonlisp": "lisp lsp cl asd",
    "crystal": "cr",
    "css": "css scss sass less styl",
    "cython": "pyx pxd pxi",
    "d": "d di",
    "dart": "dart",
    "dockerfile": "dockerfile",
    "elisp": "el",
    "elixir": "ex exs heex eex",
    "elm": "elm",
    "erlang": "erl hrl",
    "fish": "fish",
    "fortran": "f f77 f90 f95 f03 f08 for",
    "fsharp": "fs fsi fsx",
    "gdscript": "gd",
    "gleam": "gleam",
    "glsl": "glsl vert frag geom comp hlsl wgsl metal shader",
    "graphql": "graphql gql",
    "groovy": "groovy gradle gvy jenkinsfile",
    "haskell": "hs lhs hsc",
    "haxe": "hx",
    "html": "html htm xhtml hbs ejs erb jinja j2 twig liquid mustache pug",
    "idl": "idl thrift capnp fbs",
    "julia": "jl",
    "lean": "lean",
    "make": "mk mak make",
    "nim": "nim nims nimble",
    "nix": "nix",
    "notebook": "ipynb",  # of a notebook's cells, those in a language that is none of these
    "objective-c": "m mm",
    "ocaml": "ml mli mll mly",
    "odin": "odin",
    "pascal": "pas pp dpr lpr",
    "perl": "pl pm t",
    "powershell": "ps1 psm1 psd1",
    "prolog": "pro prolog",
    "proto": "proto",
    "puppet": "epp",
    "purescript": "purs",
    "r": "r",
    "racket": "rkt",
    "rescript": "res resi",
    "scheme": "scm ss sld",
    "solidity": "sol",
    "sql": "sql psql plsql ddl",
    "starlark": "bzl bazel star",
    "svelte": "svelte",
    "systemverilog": "sv svh",
    "tcl": "tcl tk",
    "terraform": "tf tfvars hcl",
    "verilog": "v vh",
    "vhdl": "vhd vhdl",
    "vim": "vim",
    "visualbasic": "vb vbs bas frm",
    "vue": "vue",
    "zig": "zig",
}
_NAMES = {
    "bash": ".bashrc .bash_profile .bash_aliases .profile .zshrc .zprofile pkgbuild apkbuild",
    "cmake": "cmakelists.txt",
    "dockerfile": "dockerfile containerfile",
    "groovy": "jenkinsfile",
    "javascript": "jakefile",
    "make": "makefile gnumakefile bsdmakefile",
    "python": "sconstruct sconscript wscript",
    "ruby": "rakefile gemfile podfile vagrantfile guardfile fastfile brewfile capfile",
    "starlark": "tiltfile",
    "vim": ".vimrc _vimrc .gvimrc",
    "nix": "flake.nix",
    "just": "justfile",
}
_INTERPRETERS = {
    "python": "python pypy",
    "bash": "sh bash zsh ksh dash ash bats",
    "javascript": "node nodejs deno bun",
    "typescript": "ts-node tsx",
    "ruby": "ruby jruby rake",
    "php": "php",
    "perl": "perl",
    "lua": "lua luajit texlua",
    "r": "rscript",
    "tcl": "tclsh wish expect",
    "scala": "scala",
    "kotlin": "kotlin",
    "swift": "swift",
    "groovy": "groovy",
    "julia": "julia",
    "elixir": "elixir",
    "erlang": "escript",
    "haskell": "runhaskell runghc stack",
    "make": "make",
    "fish": "fish",
    "powershell": "pwsh",
    "ocaml": "ocaml",
    "clojure": "clojure bb",
}

_WRITTEN_NAMES = {  # as people write them, where that is not the id with a capital letter
    "cpp": "C++",
    "csharp": "C#",
    "html": "HTML",
    "javascript": "JavaScript",
    "php": "PHP",
    "powershell": "PowerShell",
    "tsx": "TSX",
    "typescript": "TypeScript",
}

LANGUAGES = frozenset(_EXTENSIONS) | frozenset(_NAMES) | frozenset(_INTERPRETERS)


def _invert_table(table: dict[str, str]) -> dict[str, str]:
    """Return a mapping from each key in the table's space-separated values to its language."""
    return {key: language for language, keys in table.items() for key in keys.split()}


_BY_EXTENSION, _BY_NAME, _BY_INTERPRETER = map(_invert_table, (_EXTENSIONS, _NAMES, _INTERPRETERS))

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


def _is_cpp_header(text: str) -> bool:
    """Return whether the text of a `.h` file is C++: what C has not, outside of comments."""
    return (
        _CPP_LINES_IN_A_HEADER.search(text) is not None
        or (any(mark in text for mark in _CPP_MARKS) and _CPP_IN_CODE.search(text) is not None)
        or ("&" in text and _REFERENCE_PARAMETER.search(text) is not None)
    )


def detect_language(path: PurePath, first_line: str = "", text: str = "") -> str | None:
    """Return the language of the file at `path`, which is not read; None if it is no source code (prose, data).

    `first_line` helps where the name says nothing (a shebang); `text` tells C++ from C in a `.h` file.
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
        elif file_ending == "h" and _is_cpp_header(text):
            language = "cpp"
    return language


def find_language(name: str) -> str:
    """Return the id of a language by id or file ending, as a person types it. Raises QueryError, with suggestions."""
    lower_name = name.lower().lstrip(".")
    language = lower_name if lower_name in LANGUAGES else detect_language(PurePath(f"file.{lower_name}"))
    if language is not None:
        return language
    from difflib import get_close_matches  # only now: it is seldom needed, and imports much

    close_names = get_close_matches(lower_name, LANGUAGES, n=3)
    suggestion = f"Do you mean {' or '.join(close_names)}? " if close_names else ""
    raise QueryError(f'There is no language "{name[:40]}". {suggestion}`codekin status` lists those of the workspace.')


def common_ending(language: str) -> str:
    """Return the commonest file ending of a language, without the dot; "" where it has none or is unknown."""
    return _EXTENSIONS.get(language, "").partition(" ")[0]


def has_grammar(language: str) -> bool:
    """Return whether codekin knows this language's grammar and cuts it along its syntax; its wheel may be missing."""
    return language in GRAMMARS or language in COMPONENT_LANGUAGES


def list_syntax_languages() -> list[str]:
    """Return the names, as people write them, of the languages that are cut along their syntax, in order."""
    languages = [*GRAMMARS, *COMPONENT_LANGUAGES]
    return sorted((_WRITTEN_NAMES.get(language, language.title()) for language in languages), key=str.lower)


def _detect_by_shebang(first_line: str) -> str | None:
    """Return the language of the interpreter that a `#!` line names; None if it is unknown or no such line."""
    shebang = _SHEBANG.match(first_line)
    return _BY_INTERPRETER.get(shebang[1].lower()) if shebang else None
