"""Find files by words that begin like those in their names, best first, as SQLite's BM25 has it.

Asked for some seventy beginnings at once, SQLite takes ten times as long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codekin.storage.full_text import BM25_B, BM25_K1, compute_rarity
from codekin.storage.queries import list_beginnings
from codekin.storage.store import Store
from codekin.types import Filter
from codekin.vectors.matrix import LabelArray

_STEM_LENGTH = 3  # characters that a word has in common with all that begin like it
_MAX_CACHED_FILES = 500_000  # of all words that questions had, repeats counted, 16 bytes each; then it begins anew


@dataclass(frozen=True, slots=True, eq=False)
class _Occurrences:
    """In which files' names something occurs, and how often."""

    files: LabelArray  # (n,), ascending
    counts: npt.NDArray[np.int64]  # (n,)

    @classmethod
    def of(cls, repeated_files: Sequence[LabelArray]) -> "_Occurrences":
        """Return the occurrences of several words together; each is given by its files, once per occurrence."""
        files, counts = np.unique(np.concatenate(repeated_files), return_counts=True)
        return cls(files, counts)


class FileNames:
    """The words in the names of one store's files, read when they are first asked for, as they were then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._words: dict[str, dict[str, LabelArray]] = {}  # by their first 3 characters; with repeats
        self._occurrences: dict[str, list[_Occurrences]] = {}  # of words that questions had
        self._cached_count = 0  # of files in them, and of words
        self._lengths = np.zeros(0, np.int64)  # in words, by file; 0 where it was never asked for
        self._totals: tuple[int, int] | None = None  # files, words

    def find_files(self, words: Iterable[str], limit: int, hit_filter: Filter = Filter()) -> list[Path]:
        """Return up to `limit` paths, best first, of files (no Markdown) with names whose words begin like these.

        Best first, by BM25. A word of a name matches if it has the first 60% of a given word
        (in lower case), or is a beginning of it.
        """
        occurrences = [item for word in words for item in self._find_occurrences(word)]
        if not occurrences:
            return []
        files = np.unique(np.concatenate([item.files for item in occurrences]))
        scores = self._score_files(files, occurrences)
        order = np.argsort(-scores, kind="stable")
        files, scores = files[order], scores[order]
        best: list[tuple[float, str, Path]] = []
        start = 0
        while start < len(files) and len(best) < limit:
            last_score = scores[min(start + limit + limit // 4, len(files)) - 1]  # some of them are left out
            end = int(np.searchsorted(-scores, -last_score, side="right"))
            paths = self._store.list_code_files(files[start:end].tolist(), hit_filter)
            chunk = zip(files[start:end].tolist(), scores[start:end].tolist(), strict=True)
            best += sorted((-score, str(paths[file]), paths[file]) for file, score in chunk if file in paths)
            start = end
        return [path for _, _, path in best[:limit]]

    def _find_occurrences(self, word: str) -> list[_Occurrences]:
        """Return a list: where words that begin like this one occur, then where each of its beginnings does; cached."""
        occurrences = self._occurrences.get(word)
        if occurrences is None:
            beginning, shorter_beginnings = list_beginnings(word)
            words = self._find_words(beginning[:_STEM_LENGTH])
            longer_words = [files for known_word, files in words.items() if known_word.startswith(beginning)]
            groups = [longer_words, *([words[shorter]] for shorter in shorter_beginnings if shorter in words)]
            occurrences = [_Occurrences.of(group) for group in groups if group]
            if self._cached_count > _MAX_CACHED_FILES:
                self._occurrences, self._cached_count = {}, 0
            self._occurrences[word] = occurrences
            self._cached_count += 1 + sum(len(item.files) for item in occurrences)
        return occurrences

    def _find_words(self, stem: str) -> dict[str, LabelArray]:
        """Return word → files (repeated where it recurs) of all words that begin with `stem`, cached; {} for ""."""
        if stem not in self._words:
            self._words[stem] = self._store.find_title_words(stem) if stem else {}
        return self._words[stem]

    def _score_files(self, files: LabelArray, occurrences: Sequence[_Occurrences]) -> npt.NDArray[np.float64]:
        """Return BM25 scores (n,) of `files` (ascending numbers), exactly as SQLite's. Raises StoreError."""
        if self._totals is None:
            self._totals = self._store.count_all_title_words()
        file_count, word_count = self._totals
        mean_length = max(word_count, 1) / max(file_count, 1)
        norms = BM25_K1 * (1 - BM25_B + BM25_B * self._count_words_of(files) / mean_length)
        scores = np.zeros(len(files))
        for item in occurrences:
            rows, counts = np.searchsorted(files, item.files), item.counts
            scores[rows] += compute_rarity(len(rows), file_count) * ((counts * (BM25_K1 + 1)) / (counts + norms[rows]))
        return scores

    def _count_words_of(self, files: LabelArray) -> npt.NDArray[np.int64]:
        """Return the numbers of words in these files' names, (n,), cached; 0 of those gone. Raises StoreError."""
        lengths = self._lengths
        if files[-1] >= len(lengths):
            lengths = np.pad(lengths, (0, int(files[-1]) + 1 - len(lengths)))
        unknown_files = files[lengths[files] == 0].tolist()
        for file, word_count in self._store.count_title_words_of(unknown_files).items() if unknown_files else ():
            lengths[file] = word_count
        self._lengths = lengths
        return lengths[files]
