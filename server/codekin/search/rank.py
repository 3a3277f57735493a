"""Rank locations for a question in words: code-aware, file by file.

A file is likelier to answer the more of its snippets do (coherence), the better its name does, and when it defines what
the question names. So the files are ranked first, each by the sum of its features; then the snippets of each.
Every feature was kept for its gain on questions about repositories that it was not fitted to: the ablation is in
evaluation/README.md.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codekin.code.words import split_words
from codekin.search.query_terms import NameMatch, QueryTerms
from codekin.storage.rows import file_title
from codekin.types import Candidate, Location, SnippetKind

# Of a file's features, in logits. Fitted by softmax regression over each question's files.
_FILE_WEIGHTS = {
    "nearest": 6.5,  # the best cosine of its snippets
    "near": 3.6,  # the mean of the three best
    "wordiest": 3.5,  # the best share of BM25
    "many": 0.8,  # the logarithm of how many of its snippets were found by words
    "title": 1.8,  # its name has the question's words, and few others
    "title_precise": 2.9,  # its name has no other words
    "folders": 2.2,  # its folders' names have them
    "called": 2.6,  # the best of its definitions' names has them, and few others
    "defined": 0.4,  # it defines what the question names
    "named": 4.0,  # it defines the name that is the whole question; set by hand
    "test": -2.9,
    "prose": -3.5,  # it is documentation; set by hand: at -2.5 answers in code of two repositories of 18 suffered
}
# Of a snippet's features, in logits, beside others of its file.
_SNIPPET_WEIGHTS = {
    "cosine": 4.0,
    "share": 3.0,
    "called": 2.0,
    "defined": 2.0,
    "named": 6.0,
    "class": 1.0,
    "test": -1.0,
}
_REPEATED_FILE_PENALTY = 3.5  # logits, of each further snippet of a file that has one among the hits
_MAX_SNIPPETS_PER_FILE = 5
_UNSEEN_SHARE = 0.9  # of the last candidate's cosine: assumed for snippets that were not retrieved
_TEST_PATH = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|testdata|fixtures|mocks?|examples?|benchmarks?|bench)/"
    r"|(^|/)(test_[^/]*|conftest\.py|[^/]*(_test|_spec|\.test|\.spec|Tests?|Spec)\.\w+)$"
)


@dataclass(frozen=True, slots=True)
class RankedLocation:
    """A location and its score, a logit: how likely it answers."""

    location: Location
    score: float  # a logit


@dataclass(frozen=True, slots=True)
class _SnippetFeatures:
    """A snippet's location and features, of which its score is made."""

    location: Location
    cosine: float
    share: float  # of the highest possible BM25; 0 where it was not found by words
    called: float
    defined: float
    named: float

    def compute_score(self) -> float:
        """Return the weighted sum of the features, in logits."""
        weights, snippet_kind = _SNIPPET_WEIGHTS, self.location.kind
        score = weights["cosine"] * self.cosine + weights["share"] * self.share + weights["called"] * self.called
        score += self.defined * (weights["defined"] + weights["class"] * (snippet_kind is SnippetKind.CLASS))
        score += weights["named"] * self.named
        return score + weights["test"] * (snippet_kind is SnippetKind.TEST)


class QueryResults:
    """Collects what the retrievers found for a question, by file, and ranks it."""

    def __init__(self, terms: QueryTerms, dense: Sequence[Candidate], lexical: Sequence[Candidate]) -> None:
        """Take the candidates of both retrievers for one question; locations follow by `add_locations`."""
        self._terms = terms
        self._cosines = {candidate.content: candidate.score for candidate in dense}
        self._shares = {candidate.content: candidate.score for candidate in lexical}
        self._unseen_cosine = _UNSEEN_SHARE * min(self._cosines.values(), default=0.0)
        self._snippets_by_file: dict[Path, list[_SnippetFeatures]] = {}
        self._added: set[tuple[Path, int]] = set()
        self._matches: dict[str, NameMatch] = {}

    def retrieved_contents(self) -> list[int]:
        """Return the contents that either retriever found, in no particular order."""
        return list(self._cosines.keys() | self._shares.keys())

    def cosines(self) -> dict[int, float]:
        """Return content → cosine, a copy, for the contents that were found by meaning."""
        return dict(self._cosines)

    def add_locations(self, locations: Iterable[Location]) -> None:
        """Add the locations with their features to what is ranked; those of a path and row added before are skipped."""
        for location in locations:
            if (location_key := (location.path, location.span.start)) not in self._added:
                self._added.add(location_key)
                features = self._extract_snippet_features(location)
                self._snippets_by_file.setdefault(location.path, []).append(features)

    @property
    def known_share(self) -> float:
        """Return the weighted share of the question's words that the workspace has; 1 if it names a definition."""
        is_named = any(snippet.named for snippets in self._snippets_by_file.values() for snippet in snippets)
        return 1.0 if is_named else self._terms.known_share

    def files(self) -> set[Path]:
        """Return the files of the locations added so far."""
        return set(self._snippets_by_file)

    def rank_locations(self, roots: Sequence[Path]) -> list[RankedLocation]:
        """Return up to five locations per file with logits, best first; a file's second ranks far behind its first."""
        ranked_locations = []
        for file_path, snippets in self._snippets_by_file.items():
            file_score = self.score_file(file_path, roots)
            snippets.sort(key=lambda snippet: (-snippet.compute_score(), snippet.location.span.start))
            best_score = snippets[0].compute_score()
            for rank, snippet in enumerate(snippets[:_MAX_SNIPPETS_PER_FILE]):
                score = file_score + snippet.compute_score() - best_score - _REPEATED_FILE_PENALTY * rank
                ranked_locations.append(RankedLocation(snippet.location, score))
        return sorted(
            ranked_locations, key=lambda ranked: (-ranked.score, ranked.location.path, ranked.location.span.start)
        )

    def score_file(self, path: Path, roots: Sequence[Path]) -> float:
        """Return the logit of the probability that the file answers. Raises KeyError for a file without locations."""
        return sum(
            _FILE_WEIGHTS[feature_name] * feature_value
            for feature_name, feature_value in self.file_signals(path, roots).items()
        )

    def file_signals(self, path: Path, roots: Sequence[Path]) -> dict[str, float]:
        """Return the features, as in _FILE_WEIGHTS, of a file that has added locations. Raises KeyError for others."""
        snippets = self._snippets_by_file[path]
        cosines = sorted((snippet.cosine for snippet in snippets), reverse=True)
        shares = sorted((snippet.share for snippet in snippets), reverse=True)
        relative_path = _to_relative_path(str(path), roots)
        title_match = self._match_name(file_title(path))
        is_prose = snippets[0].location.kind is SnippetKind.SECTION  # one section answers, the others are about else
        return {
            "nearest": cosines[0],
            "near": cosines[0] if is_prose else self._average_nearest(cosines),
            "wordiest": shares[0],
            "many": 0.0 if is_prose else math.log1p(sum(share > 0 for share in shares)),
            "title": title_match.product,
            "title_precise": title_match.precision,
            "folders": self._match_name(relative_path.rpartition("/")[0]).cover,
            "called": max(snippet.called for snippet in snippets),
            "defined": max(snippet.defined for snippet in snippets),
            "named": max(snippet.named for snippet in snippets),
            "test": float(bool(_TEST_PATH.search(relative_path))),
            "prose": float(is_prose),
        }

    def _average_nearest(self, cosines: Sequence[float]) -> float:
        """Return the mean of the three highest of these cosines, in descending order; fewer are filled up."""
        return (sum(cosines[:3]) + max(3 - len(cosines), 0) * self._unseen_cosine) / 3

    def _extract_snippet_features(self, location: Location) -> _SnippetFeatures:
        """Return the location's features; a content that was not retrieved gets an assumed cosine."""
        return _SnippetFeatures(
            location,
            self._cosines.get(location.content, self._unseen_cosine),
            self._shares.get(location.content, 0.0),
            self._match_name(location.name).strength,
            *self._match_definition(location),
        )

    def _match_definition(self, location: Location) -> tuple[float, float]:
        """Return whether it defines what the question names, and the name that is the question; a heading does not."""
        if location.kind is SnippetKind.SECTION:
            return 0.0, 0.0
        name = location.name
        return self._terms.match_definition(name), self._terms.match_single_name(name, location.qualified_name)

    def _match_name(self, name: str) -> NameMatch:
        """Return how well a name matches the question, cached."""
        match = self._matches.get(name)
        if match is None:
            match = self._matches[name] = self._terms.match_name(list(dict.fromkeys(split_words(name))))
        return match


def is_test_path(path: Path, roots: Sequence[Path]) -> bool:
    """Return whether the path below its root says that the file has tests, examples or the like; reads nothing."""
    return bool(_TEST_PATH.search(_to_relative_path(str(path), roots)))


def _to_relative_path(path: str, roots: Sequence[Path]) -> str:
    """Return the path relative to its root, with /; whole, without the leading /, where it is in no root.

    Compares strings: pathlib takes ten times as long.
    """
    root = next((str(root) for root in roots if path.startswith(str(root))), "")
    return path[len(root) :].replace("\\", "/").lstrip("/")
