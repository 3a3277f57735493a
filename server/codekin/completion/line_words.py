"""Lines without white space, the sets of their words, and how similar these are."""

from codekin.code.words import split_words

_MAX_REMEMBERED_LINES = 65_536  # whose words are kept

_words_of_lines: dict[str, frozenset[str]] = {}


def split_word_set(line: str) -> frozenset[str]:
    """Return the words of a line in lower case; cached for 65,536 lines, because the same ones come with every key."""
    words = _words_of_lines.get(line)
    if words is None:
        if len(_words_of_lines) > _MAX_REMEMBERED_LINES:
            _words_of_lines.clear()
        words = _words_of_lines[line] = frozenset(split_words(line))
    return words


def compute_jaccard(words: frozenset[str], other_words: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets, 0 to 1; 0 where either is empty."""
    return len(words & other_words) / len(words | other_words) if words and other_words else 0.0


def strip_blanks(line: str) -> str:
    """Return the line without any white space."""
    return "".join(line.split())
