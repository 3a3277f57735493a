"""Turn commit messages into questions, and leave out those that ask for no code."""

import re

_MIN_WORDS = 4
_MIN_REPORT_CHARACTERS, _MAX_REPORT_CHARACTERS = 160, 2_000
_PREFIX = re.compile(r"^\s*(?:\[[^\]]{1,30}\]|[\w./,*@ -]{1,30}(?:\([^)]{1,40}\))?!?:(?=\s))\s*")  # fix(core): …
_REFERENCE = re.compile(
    r"[\s,]*[(\[]?(?:\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|see|issue|bug|pr)[ :]*)?(?:gh-|#)\d+[)\]]?",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"^\s*[A-Z][\w-]+(?:-by|-id|-Id| from): .*$|^\s*git-svn-id.*$|^\s*https?://\S+\s*$", re.MULTILINE)
_ROUTINE_LIST = """
    merge[ds]?|revert(?:s|ed)?|bump(?:s|ed)?|releas(?:e|es|ed|ing)|versions?|changelog|typos?|spelling|grammar
    whitespaces?|reformat\\w*|formatting|indent\\w*|lint\\w*|clippy|rubocop|eslint|prettier|gofmt|rustfmt|black|isort
    flake8|ruff|mypy|pylint|phpstan|psalm|php-cs-fixer|checkstyle|ktlint|scalafmt|swiftlint|dependenc(?:y|ies)|deps?
    dependabot|renovate|upgrade[sd]?|copyrights?|licen[sc]e|readme|docs?|documentation|docstrings?|docblocks?|javadocs?
    kdocs?|comments?|clean(?:ed|ing)?\\W?up|cosmetic|styl(?:e|ing)|rename[sd]?|mov(?:e|es|ed|ing)|wip|refactor\\w*
    ci|travis|appveyor|coverage|stuff|minor|misc|tweaks?|nits?|review|feedback|unused|moderni[sz]e|simplif\\w+
"""
_ROUTINE = re.compile(rf"\b(?:{'|'.join(_ROUTINE_LIST.split())})\b", re.IGNORECASE)
_TEST_ONLY = re.compile(
    r"^\W*(?:add|fix|update|improve|more|new|test)\w*\s+(?:\w+\s+){0,2}(?:tests?|specs?)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2,}")


def make_question(subject: str) -> str:
    """Return a commit's subject line as a question, without prefixes and references; "" where it asks for no code."""
    if _ROUTINE.search(subject) or _TEST_ONLY.search(subject):
        return ""
    question = _PREFIX.sub("", _REFERENCE.sub("", subject), count=1).strip(" .:;,-")
    return question if len(_WORD.findall(question)) >= _MIN_WORDS else ""


def make_report(subject: str, body: str) -> str:
    """Return a message with a long body as a report; "" for a short one, or where it asks for no code."""
    question = make_question(subject)
    description = _REFERENCE.sub("", _TRAILER.sub("", body)).strip()
    if not question or len(description) < _MIN_REPORT_CHARACTERS:
        return ""
    return f"{question}\n\n{description}"[:_MAX_REPORT_CHARACTERS]
