"""Rank locations for a question in words: code-aware, file by file.

A file is likelier to answer the more of its snippets do (coherence), the better its name does, and when it defines what
the question names. So the files are ranked first, each by the sum of its features; then the snippets of each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from codekin.search.answerability import AnswerEvidence
from codekin.search.calibrate import HitEvidence, compute_margins
from codekin.search.file_mixer import BestFiles, compare_best_files, deal_scores, swap_scores
from codekin.search.name_matches import Scores
from codekin.search.paths import to_relative_paths
from codekin.search.place_scores import (
    CAUTIOUS_COVER_PER_SHARE,
    compute_place_features,
    cover_question,
    estimate_cover,
    score_places,
)
from codekin.search.query_terms import QueryTerms
from codekin.search.rank_features import Retrieved, SnippetFeatures, compute_file_features
from codekin.search.ranking_weights import FILE_WEIGHTS
from codekin.search.text_cover import TextCover
from codekin.types import Candidate, Location, SnippetKind

# Logits, of each further snippet of a file that has one among the hits. For a sentence the right file is often found
# with another place of it first; a name is hardly defined twice in a file, and a report mentions many files.
_REPEATED_FILE_PENALTY = 2.5
_REPEATED_NAME_PENALTY = 5.0
_MAX_SNIPPETS_PER_FILE = 5
_BEST_PLACE_WEIGHT = 0.1  # of the score of a file's best place, where a sentence's best files are put in order


@dataclass(frozen=True, slots=True)
class RankedLocation:
    """A location and its score, a logit: how likely it answers."""

    location: Location
    score: float  # a logit


class QueryResults:
    """Collects what the retrievers found for a question, by file, and ranks it."""

    def __init__(
        self,
        terms: QueryTerms,
        dense: Sequence[Candidate],
        lexical: Sequence[Candidate],
        *,
        wants_tests: bool = False,
        texts: TextCover | None = None,
    ) -> None:
        """Take the candidates of both retrievers for one question; locations follow by `add_locations`.

        `wants_tests`: the question is limited to tests, so that it is not held against a file that it has tests.
        `texts`: knows which texts of the index have the question's words; None where the candidates are from a team's
        index: then the network does not order the best files, nor do their texts order a file's places.
        """
        self._terms = terms
        self._wants_tests = wants_tests
        self._texts = texts
        self._retrieved = Retrieved(
            {candidate.content: candidate.score for candidate in dense},
            {candidate.content: candidate.score for candidate in lexical},
        )
        self._locations_by_file: dict[Path, dict[int, Location]] = {}  # by first row
        self._features: tuple[SnippetFeatures, dict[str, Scores]] | None = None  # until more locations are added
        self._said: Scores | None = None  # the same

    def retrieved_contents(self) -> list[int]:
        """Return the store's numbers of the texts (contents) that either retriever found, in no particular order."""
        return list(self._retrieved.cosines.keys() | self._retrieved.shares.keys())

    def cosines(self) -> dict[int, float]:
        """Return content number → cosine, a copy, for the contents that were found by meaning."""
        return dict(self._retrieved.cosines)

    def add_locations(self, locations: Iterable[Location]) -> None:
        """Add the locations to what is ranked; those of a path and row added before are skipped."""
        self._features = self._said = None
        for location in locations:
            self._locations_by_file.setdefault(location.path, {}).setdefault(location.span.start, location)

    @property
    def known_share(self) -> float:
        """Return the share, by rarity, of the question's words that the workspace has; 1 if it names a definition."""
        is_named = bool(self._terms.name) and any(
            self._terms.match_single_name(location.name, location.qualified_name)
            for locations in self._locations_by_file.values()
            for location in locations.values()
            if location.kind is not SnippetKind.SECTION
        )
        return 1.0 if is_named else self._terms.known_share

    def collect_evidence(self, best: RankedLocation, roots: Sequence[Path], content_count: int) -> AnswerEvidence:
        """Return the AnswerEvidence: the question's word counts, what the best of all locations says, `content_count`.

        Raises StoreError.
        """
        snippets, file_features = self._extract_features(roots)
        row = snippets.find_row(best.location)
        said = self._find_said(snippets) if self._texts else CAUTIOUS_COVER_PER_SHARE * snippets.shares
        return AnswerEvidence(
            best.score,
            self.known_share,
            self.word_count,
            self._terms.known_word_count,
            max(self._retrieved.cosines.values(), default=0.0),
            max(self._retrieved.shares.values(), default=0.0),
            float(file_features["covered"][list(self._locations_by_file).index(best.location.path)]),
            0.0 if row is None else float(said[row]),
            content_count,
        )

    def iterate_evidence(
        self, ranked_locations: Sequence[RankedLocation], roots: Sequence[Path], content_count: int
    ) -> Iterator[tuple[RankedLocation, HitEvidence]]:
        """Yield each ranked location with its HitEvidence, in order; one that was not added says nothing.

        Raises StoreError.
        """
        if not ranked_locations:
            return
        snippets, _ = self._extract_features(roots)
        said, known_share = self._find_said(snippets), self.known_share
        margins = compute_margins([(ranked.location, ranked.score) for ranked in ranked_locations])
        for rank, (ranked, margin) in enumerate(zip(ranked_locations, margins, strict=True)):
            evidence = HitEvidence(known_share, self.word_count, content_count, rank, margin)
            row = snippets.find_row(ranked.location)
            if row is not None:
                defined, name_cover = float(snippets.defined[row]), float(snippets.name_cover[row])
                evidence = replace(evidence, said=float(said[row]), defined=defined, defined_alone=defined * name_cover)
            yield ranked, evidence

    def _find_said(self, snippets: SnippetFeatures) -> Scores:
        """Return how much of the question each snippet says, (n,), 0 to 1, estimated without texts; cached.

        Raises StoreError.
        """
        if self._said is None:
            self._said = cover_question(snippets, self._texts) if self._texts else estimate_cover(snippets)
        return self._said

    @property
    def is_for_name(self) -> bool:
        """Return whether the question is nothing but a name."""
        return bool(self._terms.name)

    @property
    def word_count(self) -> int:
        """Return the number of distinct significant words of the question."""
        return len(self._terms.words)

    def files(self) -> set[Path]:
        """Return the set of the files of the locations added so far."""
        return set(self._locations_by_file)

    def rank_locations(self, roots: Sequence[Path]) -> list[RankedLocation]:
        """Return up to five RankedLocations per file, best first; a file's further ones rank behind its first.

        Raises StoreError.
        """
        if not self._locations_by_file:
            return []
        snippets, _ = self._extract_features(roots)
        place_scores = self._score_places(snippets)
        highest = snippets.find_highest(place_scores)
        offsets = self._score_files(roots, highest) - highest
        base_scores = (offsets[snippets.file_rows] + place_scores).tolist()
        penalty = _REPEATED_NAME_PENALTY if self._terms.name else _REPEATED_FILE_PENALTY
        first_rows = np.array([location.span.start for location in snippets.locations])
        ranked_locations: list[RankedLocation] = []
        order = np.lexsort((first_rows, -place_scores, snippets.file_rows)).tolist()
        for start, end in pairwise([*snippets.starts.tolist(), len(order)]):
            kept_rows = islice(_join_parts(order[start:end], snippets.locations), _MAX_SNIPPETS_PER_FILE)
            ranked_locations += [
                RankedLocation(snippets.locations[row], base_scores[row] - penalty * rank)
                for rank, row in enumerate(kept_rows)
            ]
        return _sort_ranked(ranked_locations)

    def compare_files(self, roots: Sequence[Path]) -> tuple[Scores, BestFiles]:
        """Return all files' summed signals, (files,), in `list_files`' order, and the network's inputs for up to 40."""
        _, file_features = self._extract_features(roots)
        sums = self._sum_signals(roots)
        return sums, compare_best_files(sums, file_features, list(self._locations_by_file), self._terms)

    def _score_places(self, snippets: SnippetFeatures) -> Scores:
        """Return the snippets' scores beside others of their files, logits (n,): for a sentence, by their texts too."""
        if self._texts and not self._terms.name:
            return score_places(snippets, self._find_said(snippets))
        return snippets.scores

    def _score_files(self, roots: Sequence[Path], highest: Scores) -> Scores:
        """Return the files' summed signals, logits (files,); where texts are known, the best files are put in order.

        The network orders them, then their best places, whose scores are `highest`, have a say.
        """
        if not self._texts:
            return self._sum_signals(roots)
        sums, best = self.compare_files(roots)
        dealt = deal_scores(sums, best)
        if self._terms.name:
            return dealt
        return swap_scores(dealt, best.rows, dealt[best.rows] + _BEST_PLACE_WEIGHT * highest[best.rows])

    def _sum_signals(self, roots: Sequence[Path]) -> Scores:
        """Return the weighted sum of each file's signals, in logits, (files,)."""
        _, file_features = self._extract_features(roots)
        sums = np.zeros(len(self._locations_by_file))
        for name, weight in FILE_WEIGHTS.items():
            sums += weight * file_features[name]
        return sums

    def list_files(self) -> list[Path]:
        """Return the list of the files of the locations added so far, in the order in which they were added."""
        return list(self._locations_by_file)

    def list_place_features(self, roots: Sequence[Path]) -> tuple[list[Location], dict[str, Scores]]:
        """Return all locations, file by file, and feature → values, (n,), by which those of a file are ordered.

        Locations must have been added. Without `texts` there are no features. Raises StoreError.
        """
        snippets, _ = self._extract_features(roots)
        return snippets.locations, compute_place_features(snippets, self._find_said(snippets)) if self._texts else {}

    def list_signals(self, roots: Sequence[Path]) -> dict[Path, dict[str, float]]:
        """Return file → (feature → value) of all files with added locations; features: FILE_WEIGHTS' and more."""
        if not self._locations_by_file:
            return {}
        _, file_features = self._extract_features(roots)
        return {
            path: {name: float(values[row]) for name, values in file_features.items()}
            for row, path in enumerate(self._locations_by_file)
        }

    def _extract_features(self, roots: Sequence[Path]) -> tuple[SnippetFeatures, dict[str, Scores]]:
        """Return the locations' features and those of their files by name, cached until locations are added."""
        if self._features is None:
            locations_by_file = [list(locations.values()) for locations in self._locations_by_file.values()]
            snippets = SnippetFeatures(locations_by_file, self._terms, self._retrieved)
            relative_paths = to_relative_paths(map(str, self._locations_by_file), roots)
            unseen_cosine = self._retrieved.unseen_cosine
            file_features = compute_file_features(snippets, relative_paths, self._terms, unseen_cosine)
            if self._wants_tests:
                file_features["test"] = np.zeros(len(relative_paths))
            self._features = snippets, file_features
        return self._features


def rank_within_files(file_scores: Mapping[Path, float], closeness: Mapping[Location, float]) -> list[RankedLocation]:
    """Return up to five RankedLocations per file, best first: a file's closest one, the others far behind it."""
    locations_by_file: dict[Path, list[Location]] = {}
    for location in sorted(closeness, key=lambda location: (-closeness[location], location.span.start)):
        locations_by_file.setdefault(location.path, []).append(location)
    ranked_locations = [
        RankedLocation(location, file_scores[path] - _REPEATED_NAME_PENALTY * rank)
        for path, locations in locations_by_file.items()
        for rank, location in enumerate(locations[:_MAX_SNIPPETS_PER_FILE])
    ]
    return _sort_ranked(ranked_locations)


def _sort_ranked(ranked_locations: Iterable[RankedLocation]) -> list[RankedLocation]:
    """Return the locations best first, equal ones by path and line."""
    return sorted(
        ranked_locations, key=lambda ranked: (-ranked.score, ranked.location.path, ranked.location.span.start)
    )


def _join_parts(rows: Iterable[int], locations: Sequence[Location]) -> Iterator[int]:
    """Yield the rows, which are best first; of a function's parts only the first one, its best."""
    seen: set[str] = set()
    for row in rows:
        name = locations[row].qualified_name if locations[row].part else ""
        if name not in seen:
            yield row
        if name:
            seen.add(name)
