"""Rank locations for a pasted issue report: its title and its body are two questions, and what it names counts besides.

The innermost frame of a trace that is in the workspace comes first; files of other frames and of paths are raised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codekin.index.index import Index
from codekin.search.frame_locations import FrameLocator
from codekin.search.issue_report import IssueReport, condense
from codekin.search.rank import QueryResults, RankedLocation, rank_within_files
from codekin.types import Cancel, Location, Query

# Weights of the title's ranking, and of that of the title with the body's words; what they gain: evaluation/README.md.
_TITLE_WEIGHT, _WHOLE_WEIGHT = 0.3, 0.7
_UNFOUND_PENALTY = 0.5  # logits below the last file of a ranking, of files that it lacks
_FRAME_BONUS, _PATH_BONUS = 2.0, 1.0  # logits, of a file of another frame, or of a path in the report
_MAX_NAMED_FILES = 8

Retrieve = Callable[[Query, Cancel], QueryResults]


@dataclass(frozen=True, slots=True)
class ReportRanking:
    """The locations for a report, best first, and what they were found by."""

    locations: tuple[RankedLocation, ...]
    innermost: Location | None  # that a frame is in; it comes before all others
    results: QueryResults  # of the title with the body's words
    best: RankedLocation | None  # of these


class ReportRanker:
    """Ranks the locations of one index for reports."""

    def __init__(self, index: Index, roots: Sequence[Path], retrieve: Retrieve) -> None:
        """Take the index, the workspace's roots, and what retrieves for a question in words; reads nothing yet."""
        self._index = index
        self._roots = roots
        self._retrieve = retrieve

    def rank(self, report: IssueReport, query: Query, cancel_event: Cancel) -> ReportRanking:
        """Retrieve for a report's text; return what is found and files it names, ranked, within the query's filter.

        Raises StoreError.
        """
        locator = FrameLocator(self._index, self._roots, [*report.frames, *report.paths])
        located = [locator.locate_frame(frame, query.hit_filter) for frame in report.frames]
        innermost = next(filter(None, located), None)
        frame_files, path_files = locator.find_files(report.frames), locator.find_files(report.paths)
        bonuses = dict.fromkeys(path_files[:_MAX_NAMED_FILES], _PATH_BONUS)
        bonuses |= dict.fromkeys(frame_files[:_MAX_NAMED_FILES], _FRAME_BONUS)
        whole_text = write_query(report, self._index)
        whole = self._retrieve(replace(query, text=whole_text or query.text), cancel_event)
        for path in bonuses:
            whole.add_locations(self._index.store.locations_in(path, query.hit_filter))
        whole_ranking = whole.rank_locations(self._roots)
        rankings = [(_WHOLE_WEIGHT, whole_ranking)]
        if report.title and whole_text != report.title.strip():  # the body says something, too
            title = self._retrieve(replace(query, text=report.title), cancel_event)
            rankings.append((_TITLE_WEIGHT, title.rank_locations(self._roots)))
        locations = combine_rankings(rankings, bonuses)
        return ReportRanking(tuple(locations), innermost, whole, next(iter(whole_ranking), None))


def write_query(report: IssueReport, index: Index) -> str:
    """Return the text to search for: a report's title and up to 24 tokens of its body; "" where neither has words."""
    body = condense(report.body, index.document_frequency, index.content_count)
    return f"{report.title} {body}".strip()


def combine_rankings(
    rankings: Sequence[tuple[float, Sequence[RankedLocation]]], bonuses: dict[Path, float]
) -> list[RankedLocation]:
    """Return the locations of the (weight, ranking) pairs, by their files' weighted mean scores plus bonuses.

    A file that a ranking lacks has there a little less than the last one. Within a file, locations near its best one
    in both rankings come first.
    """
    file_scores: dict[Path, float] = {}
    distances: dict[Location, float] = {}
    total_weight = sum(weight for weight, ranking in rankings if ranking)
    best_scores = [(weight, _find_best_scores(ranking)) for weight, ranking in rankings if ranking]
    for path in {path: None for _, scores in best_scores for path in scores}:
        file_scores[path] = bonuses.get(path, 0.0) + sum(
            weight / total_weight * scores.get(path, min(scores.values()) - _UNFOUND_PENALTY)
            for weight, scores in best_scores
        )
    for (weight, ranking), (_, scores) in zip((item for item in rankings if item[1]), best_scores, strict=True):
        for ranked in ranking:
            closeness = weight / (1 + scores[ranked.location.path] - ranked.score)
            distances[ranked.location] = distances.get(ranked.location, 0.0) + closeness
    return rank_within_files(file_scores, distances)


def _find_best_scores(ranking: Sequence[RankedLocation]) -> dict[Path, float]:
    """Return file → score of its first location in a ranking (best first), in that order."""
    scores: dict[Path, float] = {}
    for ranked in ranking:
        scores.setdefault(ranked.location.path, ranked.score)
    return scores
