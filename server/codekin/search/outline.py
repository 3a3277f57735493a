"""Outlines: the signatures of a document's definitions, which say what there is for a tenth of the text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codekin.code.extract import extract_snippets, group_parts, split_lines, to_canonical_text
from codekin.types import Snippet, SnippetKind, Span

_MAX_SIGNATURE_LINES = 40  # of a head with a parameter a line; its characters are limited, too
_MAX_SIGNATURE_CHARACTERS = 300
_BODY_START = re.compile(r"\s*(?:\{|=>?\s*\{?|:)?\s*$")  # what opens a body, at a signature's end
_BRACKET_BLANK = re.compile(r"(?<=[(\[]) |,? (?=[)\]])")  # what a parameter a line leaves beside brackets
_COMMENT_START = re.compile(r"\s*(?:#|//|/\*|\*|--|\"\"\"|''')")
_WITHOUT_DEFINITION = (SnippetKind.MODULE, SnippetKind.LINES)


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """One definition of a document."""

    span: Span  # of all its parts
    name_line: int
    qualified_name: str
    kind: SnippetKind
    signature: str  # one line
    summary: str  # the first sentence of its doc comment; "" where it has none


def make_outline(snippets: Sequence[Snippet]) -> list[OutlineEntry]:
    """Return the definitions among a document's snippets, in order, parts joined; no modules or windows of lines."""
    definitions = [parts for parts in group_parts(snippets) if parts[0].kind not in _WITHOUT_DEFINITION]
    return [_describe_definition(parts) for parts in definitions]


def describe_code(code: str, language: str) -> OutlineEntry | None:
    """Parse code and return its first definition's outline entry; None where it has none or the language no grammar."""
    snippets = extract_snippets(to_canonical_text(split_lines(code)), language)
    return next(iter(make_outline(snippets)), None)


def _describe_definition(parts: Sequence[Snippet]) -> OutlineEntry:
    """Return the outline entry for the parts of one definition, in order; signature and doc are those of the first."""
    first = parts[0]
    span = Span(first.span.start, parts[-1].span.end)
    summary = shorten_doc(first.doc)
    return OutlineEntry(span, first.name_line, first.qualified_name, first.kind, make_signature(first), summary)


def make_signature(snippet: Snippet) -> str:
    """Return a definition's head on one line, from its name to its body; at most 40 lines, cut at 300 characters."""
    lines = snippet.text.split("\n")
    start = min(max(snippet.name_line - snippet.span.start, 0), len(lines) - 1)
    body_starts = [border for border in snippet.borders if border > start]
    end = body_starts[0] if body_starts and snippet.kind is not SnippetKind.CLASS else _find_head_end(lines, start)
    head_lines: list[str] = []
    for line in lines[start : min(end, start + _MAX_SIGNATURE_LINES)]:
        if head_lines and _COMMENT_START.match(line):  # a doc comment below the head
            break
        if not head_lines and line.lstrip().startswith(("//", "/*")):  # a remark that a declaration begins with
            continue
        head_lines.append(line.strip())
    signature = _BRACKET_BLANK.sub("", _BODY_START.sub("", " ".join(filter(None, head_lines))))
    return signature if len(signature) <= _MAX_SIGNATURE_CHARACTERS else signature[:_MAX_SIGNATURE_CHARACTERS] + "…"


def _find_head_end(lines: Sequence[str], start: int) -> int:
    """Return the index after the first line, from `start` on, at whose end no bracket is open; the end if none is."""
    open_count = 0
    for number, line in enumerate(lines[start:], start + 1):
        open_count += sum(line.count(bracket) for bracket in "([") - sum(line.count(bracket) for bracket in ")]")
        if open_count <= 0:
            return number
    return len(lines)


def shorten_doc(doc: str) -> str:
    """Return a doc comment's first sentence, or else paragraph, on one line, cut at 300 characters; "" for ""."""
    first_paragraph = " ".join(doc.strip().partition("\n\n")[0].split())
    sentence = re.match(r".*?[.!?](?=\s|$)", first_paragraph)
    summary = sentence[0] if sentence else first_paragraph
    return summary if len(summary) <= _MAX_SIGNATURE_CHARACTERS else summary[:_MAX_SIGNATURE_CHARACTERS] + "…"
