"""What a gateway answers, whoever carries it: candidates in sets that the user may read, and places checked again."""

import math
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codekin.team.catalogue import Catalogue, RepositoryRecord, SharedPlace
from codekin.team.keyring import Keyring, max_word_weight
from codekin.team.repository_sets import RepositorySets
from codekin.team.shared_index import SetFilter, SharedCandidate

MAX_CANDIDATES = 200
MAX_WORDS = 16
_MAX_PLACES = 2_000  # of one answer
_MAX_POSTINGS = 4_000  # that the words of one question may have together; the rarest one is searched in any case
_SAMPLED_CONTENTS = 20_000
_SAMPLE_LIFETIME_S = 600.0
_MIN_COMMON_COUNT = 20  # of the sampled contents
_MAX_CACHED_FILTERS = 1_000
_MAX_ALLOWED_SETS = 1_000  # in a filter: engines search few contents best when they are told where these are


@dataclass(frozen=True, slots=True)
class SharedQuery:
    """A question or code, without the code."""

    space: str
    vector: NDArray[np.float32]
    words: tuple[str, ...] = ()  # to search for
    counted_words: tuple[str, ...] = ()  # whose frequency is wanted
    content_hash: bytes = b""  # of the code's text, to find it elsewhere; b"" for a question
    k: int = 100


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """What is found, in repositories that the user may read."""

    places: tuple[SharedPlace, ...] = ()
    cosines: Mapping[str, float] = field(default_factory=dict)  # by content
    shares: Mapping[str, float] = field(default_factory=dict)  # of the highest possible BM25, by content
    identical: str = ""  # the content that is the query's own text
    frequencies: Mapping[str, int] = field(default_factory=dict)
    content_count: int = 0


@dataclass(frozen=True, slots=True)
class _View:
    """Repositories and sets of one generation."""

    generation: str
    space: str  # the active one
    dims: Mapping[str, int]  # of all spaces
    searched: frozenset[str]  # spaces that may be searched
    records: Mapping[int, RepositoryRecord]
    numbers: Mapping[str, int]  # by name
    sets: Mapping[int, frozenset[int]]


class WordStatistics:
    """How common words are, by a sample of contents that is drawn anew now and then."""

    def __init__(self, catalogue: Catalogue, keyring: Keyring) -> None:
        self._catalogue = catalogue
        self._keyring = keyring
        self._counts: Counter[int] = Counter()
        self._sampled = self.content_count = 0
        self._sampled_at = float("-inf")
        self._space = ""

    def refresh(self, space: str) -> None:
        """Draw a new sample of contents, and count all, if the last one is 10 minutes old or another space's."""
        if space == self._space and time.monotonic() - self._sampled_at < _SAMPLE_LIFETIME_S:
            return
        sample = self._catalogue.index.sample_words(space, _SAMPLED_CONTENTS)
        self._counts = Counter(word for words in sample for word in words)
        self._sampled, self._space, self._sampled_at = len(sample), space, time.monotonic()
        self.content_count = self._catalogue.index.count_contents(space)

    def estimate(self, word: str) -> int:
        """Estimate from the sample in how many contents of the index a word is; 0 where the sample lacks it."""
        return round(self._counts[self._keyring.hash_word(word)] * self.content_count / max(self._sampled, 1))

    def is_common(self, word: str) -> bool:
        """Return whether at least 20 contents of the sample have the word: then it betrays no repository."""
        return self._counts[self._keyring.hash_word(word)] >= _MIN_COMMON_COUNT

    def weigh(self, words: Collection[str]) -> dict[int, float]:
        """Return word hash → inverse document frequency, of the rarest of these words, at most 16.

        Together they are in at most some 4,000 contents, unless even the rarest one alone is in more.
        """
        weights: dict[int, float] = {}
        postings = 0
        for frequency, word in sorted((self.estimate(word), word) for word in words):
            if len(weights) == MAX_WORDS or (weights and postings + frequency > _MAX_POSTINGS):
                break
            postings += frequency
            idf = math.log((max(self.content_count - frequency, 0) + 0.5) / (frequency + 0.5))
            weights[self._keyring.hash_word(word)] = max(idf, 1e-6)
        return weights


class GatewaySearch:
    """Answers queries of users by what they may read. Safe on any thread."""

    def __init__(self, catalogue: Catalogue, keyring: Keyring) -> None:
        """Read nothing yet: the first use does."""
        self._catalogue = catalogue
        self._keyring = keyring
        self._lock = threading.Lock()
        self._statistics = WordStatistics(catalogue, keyring)
        self._filters: dict[tuple[str, frozenset[int]], SetFilter] = {}  # by generation and repositories
        self._view = _View("none", "", {}, frozenset(), {}, {}, {})

    def warm_up(self) -> None:
        """Run a search of all repositories and discard its answer, so that first users wait less. Raises TeamError."""
        view = self._load_view()
        if view.space:
            vector = np.eye(1, view.dims[view.space], dtype=np.float32)[0]
            self.search(SharedQuery(view.space, vector, ("warm", "up"), k=10), view.numbers)

    def list_repositories(self) -> list[str]:
        """Return the names of all repositories in the index, in no order, whoever may read them."""
        return list(self._load_view().numbers)

    def describe(self, readable: Collection[str]) -> dict[str, object]:
        """Return a dict: the searched space, its dimension, counts of readable repositories and of all contents."""
        view = self._load_view()
        return {
            "space": view.space,
            "dim": view.dims.get(view.space, 0),
            "repositories": len(view.numbers.keys() & set(readable)),
            "contents": self._statistics.content_count,
        }

    def search(self, query: SharedQuery, readable: Collection[str]) -> SharedAnswer:
        """Return places that vector, words or hash find, in readable repositories alone, with scores by content.

        Raises ValueError for another space or dimension.
        """
        view = self._load_view()
        numbers = frozenset(view.numbers[name] for name in readable if name in view.numbers)
        if query.space not in view.searched:
            raise ValueError("the index has vectors of another model")
        if len(query.vector) != view.dims[query.space]:
            raise ValueError("the vector has another dimension")
        if not numbers:
            return SharedAnswer()
        index, allowed = self._catalogue.index, self._make_filter(view, numbers)
        near = index.search_vectors(query.space, query.vector, query.k, allowed)
        weights = self._statistics.weigh(query.words)
        worded = index.search_words(query.space, weights, query.k, allowed) if weights else []
        identical = self._keyring.make_content_id(query.content_hash) if query.content_hash else ""
        contents = dict.fromkeys([identical] * bool(identical) + [item.id for item in (*near, *worded)])
        places = self._catalogue.locate(
            list(contents), {number: view.records[number] for number in numbers}, _MAX_PLACES
        )
        shown = {place.content for place in places}
        return SharedAnswer(
            tuple(places),
            {item.id: item.score for item in near if item.id in shown},
            _to_shares(worded, weights, shown),
            identical if identical in shown else "",
            self._count_words(query.counted_words, [item for item in worded if item.id in shown]),
            self._statistics.content_count,
        )

    def find_vectors(
        self, space: str, content_hashes: Sequence[bytes], readable: Collection[str]
    ) -> dict[bytes, NDArray[np.floating]]:
        """Return text hash → stored vector in this space, of texts that a file of a readable repository has.

        The files are looked up, whatever the sets say; {} for a space that the index has not.
        """
        view = self._load_view()
        numbers = frozenset(view.numbers[name] for name in readable if name in view.numbers)
        if space not in view.dims or not numbers:
            return {}
        ids = {self._keyring.make_content_id(content_hash): content_hash for content_hash in content_hashes}
        vectors = self._catalogue.index.get_vectors(space, list(ids), self._make_filter(view, numbers))
        held = self._catalogue.filter_held(vectors, numbers)
        return {ids[content_id]: vector for content_id, vector in vectors.items() if content_id in held}

    def _count_words(self, words: Sequence[str], worded: Sequence[SharedCandidate]) -> dict[str, int]:
        """Return word → estimated number of contents; 0 for a rare word that no content found for the user has."""
        readable = {word for item in worded for word in item.words}
        frequencies: dict[str, int] = {}
        for word in words:
            estimate = self._statistics.estimate(word)
            is_readable = self._keyring.hash_word(word) in readable
            is_told = is_readable or self._statistics.is_common(word)
            frequencies[word] = max(estimate, 1 if is_readable else 0) if is_told else 0
        return frequencies

    def _load_view(self) -> _View:
        """Return the repositories and sets, read anew only if the generation changed; refresh the word sample."""
        generation = self._catalogue.read_generation()
        with self._lock:
            if generation != self._view.generation:
                space, dims = self._catalogue.find_active_space(), self._catalogue.list_spaces()
                for name, dim in dims.items():
                    self._catalogue.index.open_space(name, dim)
                records = self._catalogue.list_repositories()
                numbers = {record.name: number for number, record in records.items()}
                sets = RepositorySets(self._catalogue).list_sets()
                self._filters.clear()
                searched = frozenset([space, *self._catalogue.list_searched_spaces()]) & dims.keys()
                self._view = _View(generation, space, dims, searched, records, numbers, sets)
            if self._view.space:
                self._statistics.refresh(self._view.space)
            return self._view

    def _make_filter(self, view: _View, numbers: frozenset[int]) -> SetFilter:
        """Return a SetFilter (cached) for sets with any of these repositories; it admits ids or excludes others."""
        key = view.generation, numbers
        set_filter = self._filters.get(key)
        if set_filter is None:
            if len(self._filters) >= _MAX_CACHED_FILTERS:
                self._filters.clear()
            allowed = tuple(set_id for set_id, members in view.sets.items() if members & numbers)
            denied = tuple(set_id for set_id, members in view.sets.items() if not members & numbers)
            is_excluded = bool(allowed) and (not denied or _MAX_ALLOWED_SETS < len(allowed) > len(denied))
            set_filter = self._filters[key] = SetFilter(denied if is_excluded else allowed, is_excluded)
        return set_filter


def _to_shares(
    worded: Sequence[SharedCandidate], weights: Mapping[int, float], shown: Collection[str]
) -> dict[str, float]:
    """Return content id → its word score as a share of the highest possible, of the contents that are shown."""
    max_score = max_word_weight() * sum(weights.values())
    return {item.id: min(item.score / max_score, 1.0) for item in worded if item.id in shown}
