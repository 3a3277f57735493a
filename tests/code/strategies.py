"""Texts to try extraction with: any text, source-like text, and samples with what editing and accidents do to them."""

from pathlib import Path

from hypothesis import strategies as st

from codekin.code.components import COMPONENT_LANGUAGES
from codekin.code.grammars import GRAMMARS
from codekin.code.languages import detect_language
from codekin.code.prose import PROSE_LANGUAGES

LANGUAGES = st.sampled_from([*sorted(GRAMMARS), *sorted(COMPONENT_LANGUAGES), *PROSE_LANGUAGES, "cobol"])
SAMPLES = [
    (detect_language(path) or "", path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_name("samples").iterdir())
    if path.suffix not in (".snippets", ".pyc", "")
]
LINES = [line for _, text in SAMPLES for line in text.split("\n")]
PIECES = [
    "{",
    "}",
    "(",
    ")",
    '"',
    "'",
    "`",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\ud800",
    "/*",
    "*/",
    "\ufeff",
    "\x0c",
    "\u2028",
    "é漢",
    '"""',
    "<script>",
    '<script lang="ts">',
    "</script>",
    "<!--",
    "---",
    "#if X",
    "#endif",
    "# a",
    "```",
    "===",
]


@st.composite
def mutated_samples(draw: st.DrawFn) -> tuple[str, str]:
    """(language, text): a sample after up to five edits."""
    language, text = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(0, 5))):
        lines = text.split("\n")
        start, end = sorted(draw(st.tuples(st.integers(0, len(lines)), st.integers(0, len(lines)))))
        edit = draw(st.sampled_from(["delete", "double", "shuffle", "insert", "truncate", "break", "join", "dedent"]))
        match edit:
            case "delete":
                del lines[start:end]
            case "double":
                lines[start:start] = lines[start:end]
            case "shuffle":
                lines[start:end] = draw(st.permutations(lines[start : min(end, start + 20)]))
            case "insert":
                lines[start:start] = draw(st.lists(st.sampled_from(LINES), max_size=5))
            case "truncate":
                lines = text[: draw(st.integers(0, len(text)))].split("\n")
            case "break":
                offset = draw(st.integers(0, len(text)))
                lines = (text[:offset] + draw(st.sampled_from(PIECES)) + text[offset:]).split("\n")
            case "join":
                lines[start:end] = [" ".join(lines[start:end])]
            case "dedent":
                lines = [line.strip() for line in lines]
        text = "\n".join(lines)
    return language, text


source_like = st.lists(st.sampled_from(LINES + PIECES), max_size=40).map("\n".join)
any_text = st.text(st.characters() | st.characters(categories=["Cs"]) | st.sampled_from("\r\n\t {}()\"'\0\ufeff"))
texts = st.tuples(LANGUAGES, any_text) | st.tuples(LANGUAGES, source_like) | mutated_samples()
