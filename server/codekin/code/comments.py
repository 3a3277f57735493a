"""Comments above definitions, and the words of doc comments and docstrings, without comment marks and quotes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codekin.code.parsing import find_last_row

if TYPE_CHECKING:
    from tree_sitter import Node

_COMMENT_MARKS = re.compile(
    r"^[ \t]*(?:/\*+!?|\*+/|///?/?!?|//!|\*(?!/)|--\[=*\[|--\]=*\]|\]=*\]|--+|#+!?|%+|;+|=begin\b|=end\b|<!--)[ \t]?"
    r"|(?:(?<!\*)\*++/|\]=*+\]|-->)[ \t]*+$",
    re.MULTILINE,
)
_XML_TAGS = re.compile(
    r"</?(?:summary|remarks|returns|value|para|example|c|code|param|typeparam|exception|see|seealso"
    r"|paramref|typeparamref|inheritdoc)\b(?:[^<>\"]|\"([^<>\"]*)\")*/?>"
)
_SEPARATORS = (",", ";")
_WORD = re.compile(r"\w")
_STRING_LITERAL = re.compile(r"^[A-Za-z]*(\"\"\"|'''|\"|')(.*?)\1?$", re.DOTALL)


@dataclass(slots=True)
class Lead:
    """Comments and attributes directly above a definition."""

    start: int
    end: int  # inclusive
    nodes: list["Node"]


def extend_lead(lead: Lead | None, comment: "Node", previous_sibling: "Node | None") -> Lead | None:
    """Return the comments above a definition, `comment` added in place; new after a gap; None if it trails code."""
    first_row, last_row = comment.start_point[0], find_last_row(comment)
    if (
        previous_sibling is not None
        and (previous_sibling.is_named or previous_sibling.type in _SEPARATORS)
        and find_last_row(previous_sibling) == first_row
    ):
        return None
    if lead is not None and first_row <= lead.end + 1:
        lead.end = last_row
        lead.nodes.append(comment)
        return lead
    return Lead(first_row, last_row, [comment])


def read_docstring(body: "Node | None", source_bytes: bytes) -> str:
    """Return the string that is a body's first statement, without quotes; "" if there is none."""
    children = body.children if body is not None else []
    first_statement = next((child_node for child_node in children if child_node.type != "comment"), None)
    if first_statement is None or first_statement.type != "expression_statement" or not first_statement.children:
        return ""
    string = first_statement.children[0]
    if string.type != "string":
        return ""
    return extract_docstring(source_bytes[string.start_byte : string.end_byte].decode("utf-8", "replace"))


def read_doc_comment(nodes: "Iterable[Node]", source_bytes: bytes) -> str:
    """Return the joined text of the comments among `nodes`, without comment marks; "" if there are none."""
    comments = (node for node in nodes if "comment" in node.type)
    texts = (source_bytes[node.start_byte : node.end_byte].decode("utf-8", "replace") for node in comments)
    return extract_comment("\n".join(text.rstrip("\n") for text in texts))


def extract_comment(text: str) -> str:
    """Return the text of adjacent comments, without comment marks, XML tags and indentation."""
    unmarked_text = _COMMENT_MARKS.sub("", text)
    if "<" in unmarked_text:
        unmarked_text = _XML_TAGS.sub(lambda tag: tag[1] or "", unmarked_text)
    return _blank_wordless_lines(unmarked_text)


def extract_docstring(literal: str) -> str:
    """Return the content of a string literal, without prefix, quotes and indentation."""
    string_match = _STRING_LITERAL.match(literal.strip())
    return _blank_wordless_lines(string_match[2] if string_match else literal)


def _blank_wordless_lines(text: str) -> str:
    """Return the text with lines stripped, and those without a word (rules, frames) blanked."""
    return "\n".join(line.strip() if _WORD.search(line) else "" for line in text.split("\n")).strip()
