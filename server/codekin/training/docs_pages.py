"""Extract pairs from documentation: heading and section, paragraph and the example after it.

Reads Markdown, reStructuredText, DocBook and ECMA XML.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import zip_longest
from pathlib import Path

from codekin.training.prose import clean_prose

PAGE_SUFFIXES = {".md", ".rst", ".markdown", ".mdx", ".sgml", ".xml"}
_MARKDOWN_FENCE = re.compile(r"(?ms)^[ \t]*```[ \t]*([\w+#-]*)[^\n]*\n(.*?)^[ \t]*```")
_RST_BLOCK = re.compile(
    r"(?m)(?:::|^\.\. (?:code(?:-block)?|sourcecode|testcode|ipython):: *(\w*))[ \t]*\n"
    r"(?:[ \t]+:\w+:.*\n)*\n((?:[ \t]+\S.*\n|[ \t]*\n)+)"
)
_DOCTEST_BLOCK = re.compile(r"(?m)((?:^[ \t]*(?:>>>|\.\.\.|In \[\d+\]:).*\n(?:^(?![ \t]*>>>)[ \t]*\S.*\n)*)+)")
_XML_BLOCK = re.compile(
    r"(?s)<(programlisting|code lang=\"C#\")[^>]*>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</(?:programlisting|code)>"
)
_HEADING = re.compile(r"(?m)^(?:#+ +(.+)|(.+)\n[=\-~^\"']{3,}\s*$)|<title>(.+?)</title>")
_IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")
_WORD = re.compile(r"[A-Za-z]{2,}")
_MARKUP = re.compile(r"(?m)^\.\. (?!code).*$|^ *:[\w-]+:.*$|<[^<>\n]{1,200}>|:\w+:(?=`)|[`*~]{1,3}|\]\([^)\n]*\)|!?\[")
_MIN_SECTION_WORDS = 15  # most shorter sections only link elsewhere
_MAX_SECTION_CHARS = 1500


def find_page_suffix(path: Path) -> str:
    """Return the lower-cased suffix of the page's markup; for Sphinx's `page.rst.txt` that is `.rst`."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".txt" else path.suffix.lower()


@dataclass(frozen=True, slots=True)
class TextPair:
    """A query and the passage that answers it, with the kind of pair and the language of the code."""

    kind: str
    query: str
    passage: str
    language: str


def extract_page_pairs(page_text: str, suffix: str) -> Iterator[TextPair]:
    """Yield all example and, except of XML, section pairs of a page in the markup of `suffix`. Never raises."""
    yield from extract_example_pairs(page_text, suffix)
    if suffix not in {".sgml", ".xml"}:
        yield from extract_section_pairs(page_text)


def extract_section_pairs(page_text: str) -> Iterator[TextPair]:
    """Yield heading → section text of 15 words to 1,500 characters; a short heading follows the page's title."""
    heading_matches = [heading_match for heading_match in _HEADING.finditer(page_text) if not heading_match[3]]
    page_title = ""
    for heading_match, next_match in zip_longest(heading_matches, heading_matches[1:]):
        heading = " ".join(_MARKUP.sub("", heading_match[1] or heading_match[2]).split())
        page_title = page_title or heading
        full_heading = heading if len(_WORD.findall(heading)) > 2 else f"{page_title}: {heading}"
        question = clean_prose(full_heading) if heading != page_title else clean_prose(heading)
        answer = _MARKUP.sub(
            "", page_text[heading_match.end() : next_match.start() if next_match else len(page_text)]
        ).strip()[:_MAX_SECTION_CHARS]
        if question and len(_WORD.findall(answer)) >= _MIN_SECTION_WORDS and clean_prose(answer[:400]):
            yield TextPair("section", question, answer, "")


def extract_example_pairs(page_text: str, suffix: str) -> Iterator[TextPair]:
    """Yield up to three pairs per code block: heading, preceding paragraph, or both → code, if worthwhile."""
    heading = ""
    for text_before, code, language in _find_code_blocks(page_text, suffix):
        headings = _HEADING.findall(text_before)
        heading = next((group for group in headings[-1] if group), heading) if headings else heading
        plain_text = (
            unescape(re.sub(r"<para[^>]*>|</?summary>", "\n\n", text_before))
            if suffix in {".sgml", ".xml"}
            else text_before
        )
        chunks = [chunk.strip() for chunk in re.split(r"\n\s*\n", plain_text) if len(chunk.strip()) > 10]
        paragraph = clean_prose(chunks[-1].rstrip(":")) if chunks and not chunks[-1].startswith("#") else ""
        heading_prose = clean_prose(heading)
        for question in dict.fromkeys(
            (f"{heading_prose}. {paragraph}" if heading_prose and paragraph else "", paragraph, heading_prose)
        ):
            if question:
                for example in yield_if_worthwhile(code):
                    yield TextPair("example", question, example, language)


def _find_code_blocks(page_text: str, suffix: str) -> Iterator[tuple[str, str, str]]:
    """Yield (text since the last block, code, language or "") of each code block in the page's markup."""
    last_end = 0
    if suffix in {".sgml", ".xml"}:
        for block in _XML_BLOCK.finditer(page_text):
            code = unescape(re.sub(r"<[^<>]+>", "", block[2]))
            yield page_text[last_end : block.start()], code, "csharp" if "C#" in block[1] else "sql"
            last_end = block.end()
    elif suffix == ".rst":
        rst_blocks = sorted(
            [*_RST_BLOCK.finditer(page_text), *_DOCTEST_BLOCK.finditer(page_text)], key=lambda block: block.start()
        )
        for block in rst_blocks:
            if block.start() >= last_end:
                code, language = (block[2], block[1]) if block.re is _RST_BLOCK else (block[1], "python")
                code = re.sub(r"(?m)^[ \t]*(?:>>> ?|In \[\d+\]: ?)", "", code)
                yield page_text[last_end : block.start()], re.sub(r"(?m)^(?: {1,4}|\t)", "", code), language or ""
                last_end = block.end()
    else:
        for block in _MARKDOWN_FENCE.finditer(page_text):
            yield page_text[last_end : block.start()], block[2], block[1].lower()
            last_end = block.end()


def extract_examples(doc_comment: str) -> Iterator[str]:
    """Yield the worthwhile example code in a doc comment: fenced, doctest (≤ 15 lines, no results), JSDoc @example.

    C#'s <code> is not recognised: the extractor removes tags.
    """
    for fence in _MARKDOWN_FENCE.finditer(doc_comment):
        yield from yield_if_worthwhile(fence[2])
    doctest = [line[4:] for line in doc_comment.split("\n") if line.startswith((">>> ", "... "))]
    if doctest:
        yield from yield_if_worthwhile("\n".join(doctest[:15]))
    for block in re.findall(r"(?ms)^@example\s*(.*?)(?=^@|\Z)", doc_comment):
        if "```" not in block:
            yield from yield_if_worthwhile(block)


def yield_if_worthwhile(code: str) -> Iterator[str]:
    """Yield the code if it has 30 to 2,000 characters and four identifiers; else nothing."""
    code = code.strip("\n")
    if 30 <= len(code) <= 2000 and len(_IDENTIFIER.findall(code)) >= 4:
        yield code
