"""Pair functions of the same rare name in two languages: most are ports of each other, or do the same."""

import re
from collections.abc import Iterable, Iterator
from random import Random

from codekin.training.docs_pages import TextPair
from codekin.training.prose import split_name

_MAX_FUNCTIONS_OF_NAME = 16  # a more common name says little
_MIN_SHARED_WORDS = 3  # words that two counterparts share, besides those of their name
_FUNCTION_NAME = re.compile(r"\b([A-Za-z_]\w+)\s*(?:=\s*(?:async\s*)?(?:function\b)?\s*|:\s*function\s*)?\(")
_KEYWORDS = {"if", "for", "while", "switch", "return", "function", "catch", "func", "fn", "def", "fun"}
_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}")


def pair_across_languages(pairs: Iterable[TextPair], generator: Random) -> Iterator[TextPair]:
    """Yield `twin` pairs of functions, `half` pairs joined, of one rare name in two languages; random counterparts."""
    functions_by_name: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        if pair.kind == "half":
            code = f"{pair.query}\n{pair.passage}"
            function_name = extract_function_name(code)
            if function_name and not function_name.startswith("test "):
                functions_by_name.setdefault(function_name, []).append((pair.language, code))
    for function_name, functions in sorted(functions_by_name.items()):
        if len(functions) > _MAX_FUNCTIONS_OF_NAME or len({language for language, _ in functions}) < 2:
            continue
        for language, code in functions:
            counterparts = [
                function
                for function in functions
                if function[0] != language and _share_words(function_name, code, function[1])
            ]
            if counterparts:
                yield TextPair("twin", code, generator.choice(counterparts)[1], language)


def extract_function_name(code: str) -> str:
    """Return the words of the name in a function's first four lines, as `get user name`; "" for fewer than two."""
    for match in _FUNCTION_NAME.finditer("\n".join(code.split("\n")[:4])):
        if match[1] not in _KEYWORDS:
            return split_name(match[1])
    return ""


def _share_words(function_name: str, first_code: str, second_code: str) -> bool:
    """Return whether both functions have at least three words in common besides those of their name."""
    name_words = set(function_name.split())
    code_words = [{word.lower() for word in _WORD.findall(code)} - name_words for code in (first_code, second_code)]
    return len(code_words[0] & code_words[1]) >= _MIN_SHARED_WORDS
