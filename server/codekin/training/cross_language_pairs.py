"""Functions of one rare name in two languages: most are ports of each other, or answers to one need."""

import re
from collections.abc import Iterable, Iterator
from random import Random

from codekin.training.docs_pages import TextPair
from codekin.training.prose import split_name

_BEARERS = 16  # a name that more functions bear says little
_SHARED = 3  # words besides the name's own that two twins must share
_NAMED = re.compile(r"\b([A-Za-z_]\w+)\s*(?:=\s*(?:async\s*)?(?:function\b)?\s*|:\s*function\s*)?\(")
_KEYWORDS = {"if", "for", "while", "switch", "return", "function", "catch", "func", "fn", "def", "fun"}
_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}")


def pair_across_languages(pairs: Iterable[TextPair], random: Random) -> Iterator[TextPair]:
    """The twins among the functions that the `half` pairs put together again."""
    bearers: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        if pair.kind == "half":
            code = f"{pair.query}\n{pair.passage}"
            name = extract_function_name(code)
            if name and not name.startswith("test "):
                bearers.setdefault(name, []).append((pair.language, code))
    for name, functions in sorted(bearers.items()):
        if len(functions) > _BEARERS or len({language for language, _ in functions}) < 2:
            continue
        for language, code in functions:
            others = [other for other in functions if other[0] != language and _akin(name, code, other[1])]
            if others:
                yield TextPair("twin", code, random.choice(others)[1], language)


def extract_function_name(code: str) -> str:
    """The words of the name that a function's first lines give it; "" for names of one word."""
    for match in _NAMED.finditer("\n".join(code.split("\n")[:4])):
        if match[1] not in _KEYWORDS:
            return split_name(match[1])
    return ""


def _akin(name: str, first: str, second: str) -> bool:
    own = set(name.split())
    words = [{word.lower() for word in _WORD.findall(code)} - own for code in (first, second)]
    return len(words[0] & words[1]) >= _SHARED
