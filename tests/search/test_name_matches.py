"""Names are compared with a question together, as each alone would be, and in little memory."""

import tracemalloc

import numpy as np

from codekin.search.name_matches import WordComparison

QUESTION_WORDS = 1000
NAMES = [[f"word{(17 * name + word) % 301}" for word in range(name % 9)] for name in range(1500)]


def compare_words(word: str) -> list[float] | None:
    """Return other similarities for each word; a third of them is related to none."""
    number = int(word.removeprefix("word"))
    return [(7 * number + other) % 11 / 11 for other in range(QUESTION_WORDS)] if number % 3 else None


def test_many_names_match_as_each_alone():
    comparison = WordComparison([1.0 + word % 5 for word in range(QUESTION_WORDS)], compare_words)
    matches = comparison.match_names(NAMES)
    for number in (0, 1, 255, 256, 257, 511, 512, 1499):
        alone = comparison.match_names([NAMES[number]])
        assert np.array_equal(alone.similarities[0], matches.similarities[number])
        assert np.isclose(alone.cover[0], matches.cover[number])
        assert alone.precision[0] == matches.precision[number]


def test_the_words_of_all_names_are_never_compared_at_once():
    comparison = WordComparison([1.0] * QUESTION_WORDS, compare_words)
    comparison.match_names(NAMES)  # all words are known now
    tracemalloc.start()
    matches = comparison.match_names(NAMES)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 4 * matches.similarities.nbytes
