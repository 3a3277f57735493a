"""How long a question may be. Longer ones are refused before SQLite is asked, which has limits of its own."""

from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import QueryError
from codekin.types import Filter

MOST_HITS = 100_000
QUESTION_CHARACTERS = 100_000
READ_CHARACTERS = 10_000  # of a question: a trace-back or an issue is shorter, and each word is compared with each name
CODE_CHARACTERS = 1_000_000
FILTER_CHARACTERS = 4_096  # of a folder or a language


def read_question(question: str) -> str:
    """The part of a question in words that is looked at: all but very long ones. Raises QueryError above the limit."""
    remedy = "Ask for the part that matters, or look for similar code: codekin similar - reads it from standard input."
    _check(question, QUESTION_CHARACTERS, "question", remedy)
    return question.strip()[:READ_CHARACTERS]


def check_code(code: str) -> None:
    """Raise QueryError where code to compare is too long."""
    _check(code, CODE_CHARACTERS, "code", "Ask with one function, or a few.")


def check_filter(within: Filter) -> None:
    """Raise QueryError where what the hits are limited to can't be the name of a folder or language."""
    _check(str(within.folder or ""), FILTER_CHARACTERS, "folder to search in", "Name a folder of the workspace.")
    _check(within.language or "", FILTER_CHARACTERS, "language", "Name one, as in python, or a file ending, as in py.")
    for text in (str(within.folder or ""), within.language or ""):
        if "\0" in text or replace_surrogates(text) != text:
            raise QueryError(f"{text!r} is no folder or language that can be searched. Name one that is valid UTF-8.")


def _check(text: str, most: int, what: str, remedy: str) -> None:
    if len(text) > most:
        raise QueryError(f"The {what} has {len(text):,} characters; at most {most:,} can be answered. {remedy}")
