"""Documentation → pairs: of a section its heading and what it says, of an example and what stands before it.

Read are Markdown, reStructuredText, DocBook and ECMA XML.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import zip_longest
from pathlib import Path

from codekin.training.prose import clean_prose

DOCS = {".md", ".rst", ".markdown", ".mdx", ".sgml", ".xml"}
_FENCE = re.compile(r"(?ms)^[ \t]*```[ \t]*([\w+#-]*)[^\n]*\n(.*?)^[ \t]*```")
_RST = re.compile(
    r"(?m)(?:::|^\.\. (?:code(?:-block)?|sourcecode|testcode|ipython):: *(\w*))[ \t]*\n"
    r"(?:[ \t]+:\w+:.*\n)*\n((?:[ \t]+\S.*\n|[ \t]*\n)+)"
)
_DOCTEST = re.compile(r"(?m)((?:^[ \t]*(?:>>>|\.\.\.|In \[\d+\]:).*\n(?:^(?![ \t]*>>>)[ \t]*\S.*\n)*)+)")
_DOCBOOK = re.compile(
    r"(?s)<(programlisting|code lang=\"C#\")[^>]*>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</(?:programlisting|code)>"
)
_HEADING = re.compile(r"(?m)^(?:#+ +(.+)|(.+)\n[=\-~^\"']{3,}\s*$)|<title>(.+?)</title>")
_IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")
_WORD = re.compile(r"[A-Za-z]{2,}")
_MARKUP = re.compile(r"(?m)^\.\. (?!code).*$|^ *:[\w-]+:.*$|<[^<>\n]{1,200}>|:\w+:(?=`)|[`*~]{1,3}|\]\([^)\n]*\)|!?\[")
_SECTION_WORDS = 15  # of shorter sections most point elsewhere
_SECTION_CHARS = 1500


def find_page_suffix(path: Path) -> str:
    """How the page is written; Sphinx keeps its pages' sources as `page.rst.txt`."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".txt" else path.suffix.lower()


@dataclass(frozen=True, slots=True)
class TextPair:
    """A query and the passage that answers it."""

    kind: str
    query: str
    passage: str
    language: str


def extract_page_pairs(text: str, suffix: str) -> Iterator[TextPair]:
    """All pairs of a documentation page."""
    yield from extract_example_pairs(text, suffix)
    if suffix not in {".sgml", ".xml"}:
        yield from extract_section_pairs(text)


def extract_section_pairs(text: str) -> Iterator[TextPair]:
    """A page's heading, behind the page's own where it says little by itself → what the section says."""
    marks = [mark for mark in _HEADING.finditer(text) if not mark[3]]
    title = ""
    for mark, following in zip_longest(marks, marks[1:]):
        heading = " ".join(_MARKUP.sub("", mark[1] or mark[2]).split())
        title = title or heading
        spoken = heading if len(_WORD.findall(heading)) > 2 else f"{title}: {heading}"
        question = clean_prose(spoken) if heading != title else clean_prose(heading)
        answer = _MARKUP.sub("", text[mark.end() : following.start() if following else len(text)]).strip()[
            :_SECTION_CHARS
        ]
        if question and len(_WORD.findall(answer)) >= _SECTION_WORDS and clean_prose(answer[:400]):
            yield TextPair("section", question, answer, "")


def extract_example_pairs(text: str, suffix: str) -> Iterator[TextPair]:
    """Heading and the paragraph before → the code block."""
    heading = ""
    for before, code, language in _blocks(text, suffix):
        headings = _HEADING.findall(before)
        heading = next((part for part in headings[-1] if part), heading) if headings else heading
        plain = unescape(re.sub(r"<para[^>]*>|</?summary>", "\n\n", before)) if suffix in {".sgml", ".xml"} else before
        chunks = [chunk.strip() for chunk in re.split(r"\n\s*\n", plain) if len(chunk.strip()) > 10]
        paragraph = clean_prose(chunks[-1].rstrip(":")) if chunks and not chunks[-1].startswith("#") else ""
        titled = clean_prose(heading)
        for question in dict.fromkeys((f"{titled}. {paragraph}" if titled and paragraph else "", paragraph, titled)):
            if question:
                for example in yield_if_worthwhile(code):
                    yield TextPair("example", question, example, language)


def _blocks(text: str, suffix: str) -> Iterator[tuple[str, str, str]]:
    """(what stands before, code, language) of each code block."""
    last = 0
    if suffix in {".sgml", ".xml"}:
        for block in _DOCBOOK.finditer(text):
            code = unescape(re.sub(r"<[^<>]+>", "", block[2]))
            yield text[last : block.start()], code, "csharp" if "C#" in block[1] else "sql"
            last = block.end()
    elif suffix == ".rst":
        found = sorted([*_RST.finditer(text), *_DOCTEST.finditer(text)], key=lambda block: block.start())
        for block in found:
            if block.start() >= last:
                code, language = (block[2], block[1]) if block.re is _RST else (block[1], "python")
                code = re.sub(r"(?m)^[ \t]*(?:>>> ?|In \[\d+\]: ?)", "", code)
                yield text[last : block.start()], re.sub(r"(?m)^(?: {1,4}|\t)", "", code), language or ""
                last = block.end()
    else:
        for block in _FENCE.finditer(text):
            yield text[last : block.start()], block[2], block[1].lower()
            last = block.end()


def extract_examples(doc: str) -> Iterator[str]:
    """The example code in a doc comment: fenced, doctest, JSDoc @example, C# <code> has gone with its tags."""
    for fence in _FENCE.finditer(doc):
        yield from yield_if_worthwhile(fence[2])
    doctest = [line[4:] for line in doc.split("\n") if line.startswith((">>> ", "... "))]
    if doctest:
        yield from yield_if_worthwhile("\n".join(doctest[:15]))
    for block in re.findall(r"(?ms)^@example\s*(.*?)(?=^@|\Z)", doc):
        if "```" not in block:
            yield from yield_if_worthwhile(block)


def yield_if_worthwhile(code: str) -> Iterator[str]:
    code = code.strip("\n")
    if 30 <= len(code) <= 2000 and len(_IDENTIFIER.findall(code)) >= 4:
        yield code
