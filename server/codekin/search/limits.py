"""Limits of queries. Longer ones are refused before they reach SQLite, which has limits of its own."""

from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import QueryError
from codekin.types import Filter

MAX_HITS = 100_000
_MAX_QUESTION_CHARACTERS = 100_000
_MAX_READ_CHARACTERS = 10_000  # of a question: traces and issues are shorter, and each word is compared with each name
_MAX_CODE_CHARACTERS = 1_000_000
_MAX_FILTER_CHARACTERS = 4_096  # of a folder or a language


def read_question(question: str) -> str:
    """Return the question, stripped and cut to 10,000 characters. Raises QueryError beyond 100,000."""
    remedy = "Ask for the part that matters, or look for similar code: codekin similar - reads it from standard input."
    _check_length(question, _MAX_QUESTION_CHARACTERS, "question", remedy)
    return question.strip()[:_MAX_READ_CHARACTERS]


def check_code(code: str) -> None:
    """Raise QueryError where the code to compare has more than 1,000,000 characters."""
    _check_length(code, _MAX_CODE_CHARACTERS, "code", "Ask with one function, or a few.")


def check_filter(hit_filter: Filter) -> None:
    """Raise QueryError if the folder, all languages or all patterns have over 4,096 characters, a NUL or surrogates."""
    _check_length(
        str(hit_filter.folder or ""), _MAX_FILTER_CHARACTERS, "folder to search in", "Name a folder of the workspace."
    )
    languages, patterns = "\n".join(hit_filter.languages), "\n".join((*hit_filter.paths, *hit_filter.excluded_paths))
    remedy = "Name one, as in python, or a file ending, as in py."
    _check_length(languages, _MAX_FILTER_CHARACTERS, "language", remedy)
    _check_length(patterns, _MAX_FILTER_CHARACTERS, "pattern of paths", "Name fewer files.")
    for text in (str(hit_filter.folder or ""), languages, patterns):
        if "\0" in text or replace_surrogates(text) != text:
            raise QueryError(f"{text!r} is nothing that can be searched in. Name what is valid UTF-8.")


def _check_length(text: str, max_length: int, noun: str, remedy: str) -> None:
    """Raise QueryError with the remedy where the text is longer than `max_length` characters."""
    if len(text) > max_length:
        raise QueryError(f"The {noun} has {len(text):,} characters; at most {max_length:,} are allowed. {remedy}")
