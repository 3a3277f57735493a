"""Comment marks removed: the words of doc comments and docstrings."""

import re

_COMMENT_MARKS = re.compile(
    r"^[ \t]*(?:/\*+!?|\*+/|///?/?!?|//!|\*(?!/)|--\[=*\[|--\]=*\]|\]=*\]|--+|#+!?|%+|;+|=begin\b|=end\b|<!--)[ \t]?"
    r"|(?:(?<!\*)\*++/|\]=*+\]|-->)[ \t]*+$",
    re.MULTILINE,
)
_XML_TAGS = re.compile(
    r"</?(?:summary|remarks|returns|value|para|example|c|code|param|typeparam|exception|see|seealso"
    r"|paramref|typeparamref|inheritdoc)\b(?:[^<>\"]|\"([^<>\"]*)\")*/?>"
)
_WORD = re.compile(r"\w")
_STRING_LITERAL = re.compile(r"^[A-Za-z]*(\"\"\"|'''|\"|')(.*?)\1?$", re.DOTALL)


def extract_comment(text: str) -> str:
    """Return the text of one or more adjacent comments, without marks, tags and indentation."""
    unmarked_text = _COMMENT_MARKS.sub("", text)
    if "<" in unmarked_text:
        unmarked_text = _XML_TAGS.sub(lambda tag: tag[1] or "", unmarked_text)
    return _blank_wordless_lines(unmarked_text)


def extract_docstring(literal: str) -> str:
    """Return the content of a string literal, without quotes and indentation."""
    string_match = _STRING_LITERAL.match(literal.strip())
    return _blank_wordless_lines(string_match[2] if string_match else literal)


def _blank_wordless_lines(text: str) -> str:
    """Blank the lines that have no word: rules and frames."""
    return "\n".join(line.strip() if _WORD.search(line) else "" for line in text.split("\n")).strip()
