"""Rank locations for a question in words: code-aware, file by file.

A file is likelier to answer the more of its snippets do (coherence), the better its name does, and when it defines what
the question names. So the files are ranked first, each by the sum of its features; then the snippets of each.
Every feature was kept for its gain on questions about repositories that it was not fitted to: the ablation is in
evaluation/README.md.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codekin.code.words import split_words
from codekin.search.answerability import AnswerEvidence
from codekin.search.paths import find_current_version, is_former_version, read_traits, to_relative_path
from codekin.search.query_terms import NameMatch, QueryTerms
from codekin.search.ranking_weights import FILE_WEIGHTS
from codekin.types import Candidate, Location, SnippetKind

# Of a snippet's features, in logits, beside others of its file. Fitted by softmax regression to the functions that
# commits changed and to definitions that were asked for, except for `class` and `named`, which are for single names.
_SNIPPET_WEIGHTS = {
    "cosine": 3.3,
    "share": 3.8,
    "qualified": 6.0,  # its name and its class's have the question's words, and few others
    "defined": 2.0,
    "named": 6.0,
    "class": 1.0,  # that the question names
    "rest of a class": -0.8,
    "rest of a file": -2.4,
    "constructor": -1.0,
    "stub": -1.0,
    "test": -0.6,
}
_MAX_STUB_LINES = 2  # of a function: it hands on what others do
_REPEATED_FILE_PENALTY = 5.0  # logits, of each further snippet of a file that has one among the hits
_MAX_SNIPPETS_PER_FILE = 5
_UNSEEN_SHARE = 0.9  # of the last candidate's cosine: assumed for snippets that were not retrieved


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
    name_match: NameMatch  # of the qualified name, which has the class's or module's words, too
    is_retrieved: bool  # by words, by meaning or by its name; not just because its file is

    def compute_score(self) -> float:
        """Return the weighted sum of the features, in logits."""
        weights = _SNIPPET_WEIGHTS
        score = weights["cosine"] * self.cosine + weights["share"] * self.share + weights["named"] * self.named
        score += weights["qualified"] * self.name_match.product + weights["defined"] * self.defined
        return score + self._weigh_kind()

    def _weigh_kind(self) -> float:
        """Return how likely a snippet of this kind and length answers, beside others, in logits."""
        span, kind = self.location.span, self.location.kind
        if kind is SnippetKind.CLASS:
            return _SNIPPET_WEIGHTS["class"] * self.defined if self.defined else _SNIPPET_WEIGHTS["rest of a class"]
        if not kind.is_function:
            return _SNIPPET_WEIGHTS["rest of a file"]
        weight = _SNIPPET_WEIGHTS["stub"] if span.end - span.start <= _MAX_STUB_LINES else 0.0
        return weight + _SNIPPET_WEIGHTS.get(kind, 0.0)


class QueryResults:
    """Collects what the retrievers found for a question, by file, and ranks it."""

    def __init__(
        self,
        terms: QueryTerms,
        dense: Sequence[Candidate],
        lexical: Sequence[Candidate],
        *,
        wants_tests: bool = False,
    ) -> None:
        """Take the candidates of both retrievers for one question; locations follow by `add_locations`.

        `wants_tests`: the question is limited to tests, so that it is not held against a file that it has tests.
        """
        self._terms = terms
        self._wants_tests = wants_tests
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

    def collect_evidence(self, best: RankedLocation, roots: Sequence[Path], content_count: int) -> AnswerEvidence:
        """Return what is known of the question and of the best of its locations."""
        path = best.location.path
        return AnswerEvidence(
            best.score,
            self.known_share,
            self.word_count,
            self._terms.known_word_count,
            max(self._cosines.values(), default=0.0),
            max(self._shares.values(), default=0.0),
            self._read_snippets(path, to_relative_path(str(path), roots))["covered"],
            content_count,
        )

    @property
    def word_count(self) -> int:
        """Return the number of the question's significant words."""
        return len(self._terms.words)

    def files(self) -> set[Path]:
        """Return the files of the locations added so far."""
        return set(self._snippets_by_file)

    def rank_locations(self, roots: Sequence[Path]) -> list[RankedLocation]:
        """Return up to five locations per file with logits, best first; a file's second ranks far behind its first."""
        ranked_locations = []
        for file_path, signals in self.list_signals(roots).items():
            file_score = sum(FILE_WEIGHTS[name] * value for name, value in signals.items())
            snippets = _join_parts(self._snippets_by_file[file_path])
            best_score = snippets[0].compute_score()
            for rank, snippet in enumerate(snippets[:_MAX_SNIPPETS_PER_FILE]):
                score = file_score + snippet.compute_score() - best_score - _REPEATED_FILE_PENALTY * rank
                ranked_locations.append(RankedLocation(snippet.location, score))
        return _sort_ranked(ranked_locations)

    def list_signals(self, roots: Sequence[Path]) -> dict[Path, dict[str, float]]:
        """Return file → features, as in FILE_WEIGHTS, of all files that have added locations."""
        relative_paths = {path: to_relative_path(str(path), roots) for path in self._snippets_by_file}
        current_version = find_current_version(relative_paths.values())
        return {
            path: self._read_path(relative_path, current_version) | self._read_snippets(path, relative_path)
            for path, relative_path in relative_paths.items()
        }

    def _read_path(self, relative_path: str, current_version: int | None) -> dict[str, float]:
        """Return the features of a file that its path alone decides."""
        folder, title = _split_path(relative_path)
        title_match = self._match_name(title)
        traits, words = read_traits(relative_path), self._terms.lowercase_tokens
        return {
            "title_precise": title_match.precision,  # the question has all words of its name
            # its name and its folder's have the question's words, and few others
            "place_name": self._match_name(f"{folder.rpartition('/')[2]} {title}").product,
            "exact_title": float(bool(self._terms.name) and title_match.product == 1),
            "test": float(traits.is_test and not self._wants_tests),
            "internal": float(traits.internal_word not in words and traits.internal_word != ""),
            "legacy": float(traits.legacy_word not in words and traits.legacy_word != ""),
            "foreign": float(traits.foreign_word not in words and traits.foreign_word != ""),  # vendored, generated
            "former": float(is_former_version(relative_path, current_version, words)),
        }

    def _read_snippets(self, path: Path, relative_path: str) -> dict[str, float]:
        """Return the features of a file that its snippets decide."""
        snippets = self._snippets_by_file[path]
        cosines = sorted((snippet.cosine for snippet in snippets), reverse=True)
        shares = sorted((snippet.share for snippet in snippets), reverse=True)
        is_prose = snippets[0].location.kind is SnippetKind.SECTION  # one section answers, the others are about else
        name_matches = [snippet.name_match for snippet in snippets if snippet.is_retrieved]
        return {
            "nearest": cosines[0],  # the best cosine of its snippets
            "near": cosines[0] if is_prose else self._average_nearest(cosines),
            "wordiest": shares[0],  # the best share of BM25
            # how many of its snippets were found by words
            "many": 0.0 if is_prose else math.log1p(sum(share > 0 for share in shares)),
            # the share of the question's words that its path and its definitions' names have together
            "covered": self._terms.cover_by_all([*self._match_path(relative_path), *name_matches]),
            "called": max(snippet.called for snippet in snippets),  # the best of its definitions' names has them
            "defined": max(snippet.defined for snippet in snippets),  # it defines what the question names
            "named": max(snippet.named for snippet in snippets),  # it defines the name that is the whole question
            "exact": float(any(snippet.named == 1 for snippet in snippets)),  # in the very same case
            "prose": float(is_prose),  # it is documentation
        }

    def _average_nearest(self, cosines: Sequence[float]) -> float:
        """Return the mean of the three highest of these cosines, in descending order; fewer are filled up."""
        return (sum(cosines[:3]) + max(3 - len(cosines), 0) * self._unseen_cosine) / 3

    def _extract_snippet_features(self, location: Location) -> _SnippetFeatures:
        """Return the location's features; a content that was not retrieved gets an assumed cosine."""
        defined, named = self._match_definition(location)
        return _SnippetFeatures(
            location,
            self._cosines.get(location.content, self._unseen_cosine),
            self._shares.get(location.content, 0.0),
            self._match_name(location.name).strength,
            defined,
            named,
            self._match_name(location.qualified_name),
            max(defined, named) > 0 or location.content in self._cosines or location.content in self._shares,
        )

    def _match_definition(self, location: Location) -> tuple[float, float]:
        """Return whether it defines what the question names, and the name that is the question; a heading does not."""
        if location.kind is SnippetKind.SECTION:
            return 0.0, 0.0
        name = location.name
        return self._terms.match_definition(name), self._terms.match_single_name(name, location.qualified_name)

    def _match_path(self, relative_path: str) -> tuple[NameMatch, NameMatch]:
        """Return how well the names of a file's folders, and its own, match the question."""
        folder, title = _split_path(relative_path)
        return self._match_name(folder), self._match_name(title)

    def _match_name(self, name: str) -> NameMatch:
        """Return how well a name matches the question, cached."""
        match = self._matches.get(name)
        if match is None:
            match = self._matches[name] = self._terms.match_name(_list_words(name))
        return match


def rank_within_files(file_scores: Mapping[Path, float], closeness: Mapping[Location, float]) -> list[RankedLocation]:
    """Return up to five locations per file with logits, best first: a file's closest one, the others far behind it."""
    locations_by_file: dict[Path, list[Location]] = {}
    for location in sorted(closeness, key=lambda location: (-closeness[location], location.span.start)):
        locations_by_file.setdefault(location.path, []).append(location)
    ranked_locations = [
        RankedLocation(location, file_scores[path] - _REPEATED_FILE_PENALTY * rank)
        for path, locations in locations_by_file.items()
        for rank, location in enumerate(locations[:_MAX_SNIPPETS_PER_FILE])
    ]
    return _sort_ranked(ranked_locations)


def _sort_ranked(ranked_locations: Iterable[RankedLocation]) -> list[RankedLocation]:
    """Return the locations best first, equal ones by path and line."""
    return sorted(
        ranked_locations, key=lambda ranked: (-ranked.score, ranked.location.path, ranked.location.span.start)
    )


@lru_cache(maxsize=32_768)
def _list_words(name: str) -> tuple[str, ...]:
    """Return a name's words, each once (cached): questions are compared with the same names again and again."""
    return tuple(dict.fromkeys(split_words(name)))


def _split_path(relative_path: str) -> tuple[str, str]:
    """Return a path's folder and its file's name without the last extension."""
    folder, _, file_name = relative_path.rpartition("/")
    return folder, file_name.rpartition(".")[0] or file_name


def _join_parts(snippets: Sequence[_SnippetFeatures]) -> list[_SnippetFeatures]:
    """Return a file's snippets, best first; of a function's parts only the best one."""
    ranked_snippets = sorted(snippets, key=lambda snippet: (-snippet.compute_score(), snippet.location.span.start))
    seen: set[str] = set()
    kept_snippets = []
    for snippet in ranked_snippets:
        name = snippet.location.qualified_name if snippet.location.part else ""
        if name not in seen:
            kept_snippets.append(snippet)
        if name:
            seen.add(name)
    return kept_snippets
