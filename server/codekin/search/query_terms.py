"""The significant words of a question, and how well a name matches them.

Names abbreviate and inflect (`config` for configuration, `router` for routing), so words are compared by their
beginnings: no stemmer knows the first kind, and one for the second gained nothing on top (evaluation/README.md).
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codekin.code.words import split_words
from codekin.search.name_matches import NameMatches, Scores, WordComparison

_TOKEN = re.compile(r"\w+")
_NAME = re.compile(r"\w+(?:(?:::|->|[.#:/\\])\w+)*\(?\)?[!?]?")  # `open`, `Store.open`, `Foo::bar()`, `empty?`
_STOP_WORD_LIST = """
    a about after all an and any are as at be been before by can did do does during each for from had has have he
    her his how i if in into is it its me my no nor not of off on or our out over she so some such than that the
    their them then there these they this those through to under up us use used uses using via was we were what
    when where which while who why will with you your
"""
_STOP_WORDS = frozenset(_STOP_WORD_LIST.split())
_SAME, _PREFIX, _ABBREVIATION, _RELATED = 1.0, 0.8, 0.5, 0.6  # similarity of two words by their relation
# Of words with the same stem: router and routing, parser and parsing, logger and logging.
_ENDING_LIST = """
    s es ed er ers ing ings or ors ion ions e able ation ations ment al ive y ies ied ize izer izing ization ator
"""
ENDINGS = frozenset(_ENDING_LIST.split())
_STEM_LENGTH = 3  # characters at the start that related words have in common
# That are no plain word: `readLine`, `HTTPServer`, `read_line`, `_read`.
_IDENTIFIER = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]{2}|^_|_$|[^\W_]_[^\W_]")
_KIND_WORD_LIST = """
    class classes constant constants declaration declared defined definition definitions enum enums field function
    functions implementation implemented interface interfaces macro macros method methods module object protocol struct
    structs trait traits type types variable variables
"""
_KIND_WORDS = frozenset(_KIND_WORD_LIST.split())  # they say what the word before them is, not what it is about
_MARKED_NAME = re.compile(r"`[^`\n]+`|\w+(?=\()")  # as in `next`, next()
# What a question is about comes first in it ("Mutex and Semaphore for coroutines"): where names and paths are compared,
# each further word counts so much of the one before it.
_FURTHER_WORD_SHARE, _MIN_WORD_SHARE = 0.9, 0.3
_COMPOUND_LENGTHS = (2, 3, 4)  # numbers of neighbouring words that may be one identifier


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How well one name matches a question: see NameMatches."""

    cover: float
    precision: float
    strength: float

    @property
    def product(self) -> float:
        """Return cover × precision, 0 to 1."""
        return self.cover * self.precision


def is_significant(word: str) -> bool:
    """Return whether a lower-case word says what is asked for: no stop word, no single character."""
    return word not in _STOP_WORDS and len(word) > 1


class QueryTerms:
    """The words, symbols and weights of a question, to be matched with the names of files and definitions."""

    def __init__(
        self,
        question: str,
        document_frequency: Callable[[str], int],
        total: int,
        load_frequencies: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """Analyse a question; `document_frequency` returns in how many of the `total` contents a word occurs.

        `load_frequencies` is told for which words it will be asked, where they are many.
        """
        question_words = split_words(question)
        significant_words = [word for word in question_words if is_significant(word)]
        self.words = list(dict.fromkeys(significant_words or question_words))
        tokens = [token for token in _TOKEN.findall(question) if token.lower() not in _STOP_WORDS]
        self.tokens = frozenset(tokens)  # in their original case
        # `Store`, `open` of a question that is nothing but the name `Store.open`
        self.name = tuple(tokens) if _NAME.fullmatch(question.strip()) else ()
        self.text = " ".join(tokens) or question  # without stop words
        self.symbols = self._list_symbols(question_words)
        self.lowercase_tokens = {token.lower() for token in tokens}
        self._document_frequency, self._load_frequencies = document_frequency, load_frequencies
        load_frequencies(self.words)
        self._weights = [compute_idf(document_frequency(word), total) for word in self.words]
        self._total_weight = sum(self._weights)
        self._certainties = self._weigh_tokens(question)  # the highest last
        self._lowercase_certainties = {token.lower(): value for token, value in self._certainties.items()}
        self.known_word_count = sum(document_frequency(word) > 0 for word in self.words)
        known_weight = sum(
            weight
            for word, weight in zip(self.words, self._weights, strict=True)
            if any(map(document_frequency, _list_forms(word)))
        )
        # The share of the question that the workspace has words for.
        self.known_share = known_weight / self._total_weight if self._total_weight else 0.0
        # "thread pool" asks for `threadpool`, too.
        self._compounds = {first + second: (first, second) for first, second in pairwise(question_words)}
        self.file_words = [*self.words, *self._compounds]  # that the name of a file may have
        self._stems_by_word = {word: word[:_STEM_LENGTH] for word in self.words}
        self._stems = set(self._stems_by_word.values())
        self._comparison = WordComparison(_decay(self._weights), self._compare_words, self._select_related)

    @property
    def kind_share(self) -> float:
        """Return the share of the question that says of what kind its answer is (`class`, `defined`), as `cover` is."""
        weights = _decay(self._weights)
        kind_weights = [weight for word, weight in zip(self.words, weights, strict=True) if word in _KIND_WORDS]
        return sum(kind_weights) / sum(weights) if kind_weights else 0.0

    def _list_symbols(self, question_words: Sequence[str]) -> list[str]:
        """Return names to look up: the question's tokens, and 2 to 4 words joined: `openfile`, `open_file`."""
        runs = [
            question_words[start : start + length]
            for length in _COMPOUND_LENGTHS
            for start in range(len(question_words) - length + 1)
        ]
        return [*self.tokens, *("".join(run) for run in runs), *("_".join(run) for run in runs)]

    def match_names(self, names: Sequence[Sequence[str]]) -> NameMatches:
        """Return a NameMatches of n names (lists of words): how far each covers the question, and it the name."""
        return self._comparison.match_names(names)

    def match_name(self, name_words: Sequence[str]) -> NameMatch:
        """Return as a NameMatch how well one name split into these words matches the question."""
        matches = self.match_names([name_words])
        return NameMatch(float(matches.cover[0]), float(matches.precision[0]), float(matches.strength[0]))

    def weigh(self, similarities: Scores) -> Scores:
        """Return the means, (n,), of the similarities (n, words), weighted by the rarity of the question's words."""
        return self._comparison.weigh(similarities)

    def match_definition(self, name: str) -> float:
        """Return 0 to 1: how surely the question means this name; half of that where it has it in another case.

        0 where it does not have the name. An identifier is surely one, and so is what stands in backticks, before
        a parenthesis, or is called a class or function. A plain word may only happen to be some definition's name, such
        as `next`: it counts by its share of the question.
        """
        if name in self._certainties:
            return self._certainties[name]
        return 0.5 * self._lowercase_certainties.get(name.lower(), 0.0)

    def _weigh_tokens(self, question: str) -> dict[str, float]:
        """Return token → how surely it is meant as a name, 0 to 1, ascending, for all but stop words."""
        named = {token for marked in _MARKED_NAME.findall(question) for token in _TOKEN.findall(marked)}
        for word, next_word in pairwise(_TOKEN.findall(question)):
            if next_word.lower() in _KIND_WORDS:
                named.add(word)
            elif word.lower() in _KIND_WORDS and next_word[0].isupper():  # the class Router, but: a class handles
                named.add(next_word)
        weights = dict(zip(self.words, self._weights, strict=True))
        total_weight = sum(weight for word, weight in weights.items() if word not in _KIND_WORDS)
        certainties = dict.fromkeys(self.tokens, 1.0)
        for token in self.tokens if total_weight and not self.name else ():
            if token not in named and not _IDENTIFIER.search(token):
                weight = sum(weights.get(word, 0.0) for word in set(split_words(token)))
                certainties[token] = min(weight / total_weight, 1.0)
        return dict(sorted(certainties.items(), key=lambda item: item[1]))

    def match_single_name(self, name: str, qualified_name: str) -> float:
        """Return how well a definition matches a question that is one name: 1, 0.9, 0.7 or 0; 0 for other questions."""
        if not self.name:
            return 0.0
        name_path = tuple(_TOKEN.findall(qualified_name))[-len(self.name) :]
        if name_path == self.name:
            return 1.0
        if [part.lower() for part in name_path] == [part.lower() for part in self.name]:
            return 0.9
        return 0.7 if self.name[-1].lower() in name.lower() else 0.0

    def count_mentions(self, names: Iterable[str]) -> list[int]:
        """Return in how many contents each name stands as one ASCII identifier, in any case, with underscores or none.

        A name of a single word also counts where it is a part of an identifier.
        """
        identifiers = ["".join(split_words(name)) for name in names]
        self._load_frequencies(identifiers)
        return list(map(self._document_frequency, identifiers))

    def _select_related(self, name_words: set[str]) -> list[str]:
        """Return the `name_words` that begin like a word of the question, or are two of its words joined."""
        stems, compounds = self._stems, self._compounds
        return [word for word in name_words if word[:_STEM_LENGTH] in stems or word in compounds]

    def _compare_words(self, name_word: str) -> list[float]:
        """Return the list of similarities, 0 to 1, of `name_word` to each word of the question."""
        compound, stem = self._compounds.get(name_word, ()), name_word[:_STEM_LENGTH]
        return [
            _SAME if word in compound else word_similarity(word, name_word) if word_stem == stem else 0.0
            for word, word_stem in self._stems_by_word.items()
        ]


def word_similarity(word: str, other_word: str) -> float:
    """Return the similarity of two words by their common beginning: 1 equal, 0.8, 0.6 or 0.5 related, else 0."""
    if word == other_word:
        return _SAME
    shorter, longer = (word, other_word) if len(word) < len(other_word) else (other_word, word)
    if longer.startswith(shorter):
        return _PREFIX if len(shorter) >= 4 else _ABBREVIATION if len(shorter) == 3 else 0.0
    letter_pairs = enumerate(zip(shorter, longer, strict=False))
    common_length = next((index for index, (left, right) in letter_pairs if left != right), len(shorter))
    if common_length >= 5 and common_length >= 0.6 * len(longer):
        return _RELATED
    are_inflected = shorter[common_length:] in ENDINGS and longer[common_length:] in ENDINGS
    return _RELATED if common_length >= 4 and are_inflected else 0.0


def _decay(word_weights: Sequence[float]) -> list[float]:
    """Return the weights times .9 to the power of their positions, from 0, but at least times .3."""
    return [
        weight * max(_FURTHER_WORD_SHARE**position, _MIN_WORD_SHARE) for position, weight in enumerate(word_weights)
    ]


def _list_forms(word: str) -> list[str]:
    """Return the word and shortenings that may be its stem, `extend` of extending; some are no words."""
    return [word, *(word[:end] for end in (-1, -2, -3) if len(word) + end >= 4), word[:-3] + "e"]


def compute_idf(frequency: int, total: int) -> float:
    """Return the inverse document frequency (nats), as in BM25, of a word in `frequency` of `total` contents."""
    return math.log(1 + (max(total - frequency, 0) + 0.5) / (frequency + 0.5))
