"""Comment marks removed: the words of doc comments and docstrings."""

import re

_MARKS = re.compile(
    r"^[ \t]*(?:/\*+!?|\*+/|///?/?!?|//!|\*(?!/)|--\[=*\[|--\]=*\]|\]=*\]|--+|#+!?|%+|;+|=begin\b|=end\b|<!--)[ \t]?"
    r"|[ \t]*(?:\*+/|\]=*\]|-->)[ \t]*$",
    re.MULTILINE,
)
_XML_TAGS = re.compile(
    r"</?(?:summary|remarks|returns|value|para|example|c|code|param|typeparam|exception|see|seealso"
    r"|paramref|typeparamref|inheritdoc)\b(?:[^<>\"]|\"([^<>\"]*)\")*/?>"
)
_WORD = re.compile(r"\w")
_STRING = re.compile(r"^[A-Za-z]*(\"\"\"|'''|\"|')(.*?)\1?$", re.DOTALL)


def extract_comment(text: str) -> str:
    """Return the text of one or more adjacent comments, without marks, tags and indentation."""
    words = _MARKS.sub("", text)
    if "<" in words:
        words = _XML_TAGS.sub(lambda tag: tag[1] or "", words)
    return _trimmed(words)


def extract_docstring(literal: str) -> str:
    """Return the content of a string literal, without quotes and indentation."""
    string = _STRING.match(literal.strip())
    return _trimmed(string[2] if string else literal)


def _trimmed(text: str) -> str:
    """Blank the lines that have no word: rules and frames."""
    return "\n".join(line.strip() if _WORD.search(line) else "" for line in text.split("\n")).strip()
