"""Ask the team's index beside the local one, and make hits of what it answers.

A question sends its vector and words; code sends its vector and a hash of its text, never the text. Answers in words
are ranked and calibrated as local ones (only files are not compared with each other), so that both stand in one order
of probability. The workspace wins: what is open here is found here.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from codekin.code.lines import hash_content, split_lines, to_canonical_text
from codekin.code.words import find_compound_identifiers, split_words
from codekin.embed.embedder import Embedder
from codekin.embed.vocabulary import replace_surrogates
from codekin.errors import TeamError
from codekin.search.answerability import MIN_ANSWER_LOGIT
from codekin.search.calibrate import MIN_HIT, MIN_RELATIVE, MIN_RELATIVE_ANSWER, MIN_SIMILAR, calibrate_similarity
from codekin.search.clone_classification import TokenProfile, classify
from codekin.search.hits import CodeQuery, to_structure_score
from codekin.search.paths import read_traits
from codekin.search.query_terms import QueryTerms
from codekin.search.rank import QueryResults
from codekin.search.search import calibrate_locations, drop_improbable, judge_results
from codekin.search.structural import RENAMED
from codekin.settings import TeamSettings
from codekin.team.client import GatewayClient, PendingAnswer
from codekin.team.local_clones import LocalClones
from codekin.team.messages import AnswerMessage, PlaceMessage, decode_answer, encode_vector
from codekin.team.team_vectors import TeamVectors
from codekin.types import Candidate, Filter, Hit, Kinship, Location, Role, SnippetKind, Span, Task, TeamPlace

_CANDIDATES = 100
_MAX_COUNTED_WORDS = 200
_MIN_COSINE = 0.45  # below which code is hardly kin
_TREE = Path("/team")  # where the team's repositories seem to be, for ranking
# Of code only the cosine is known here: what words would add to it is estimated, on the low side.
_WORDS_PER_COSINE, _FUSED_SHARE = 0.7, 0.8
_MAX_LISTED_WORDS = 4
_KINDS = frozenset(SnippetKind)  # others are a newer codekin's


class TeamSearch:
    """Asks the gateway of the user's settings."""

    def __init__(self, settings: TeamSettings, roots: Sequence[Path], embedder: Embedder) -> None:
        """Check the settings' address and token; send nothing yet. Raises TeamError."""
        self._client = GatewayClient(settings)
        self.vectors = TeamVectors(self._client)
        self._clones = LocalClones(roots, settings.clones)
        self._embedder = embedder

    @property
    def problem(self) -> str:
        """Return why the last question had local answers alone, for people; "" where it had the team's, too."""
        return self._client.problem

    def start(self, query: CodeQuery, task: Task, hit_filter: Filter, k: int) -> "PendingHits | None":
        """Embed and send the query on a thread; return PendingHits at once, None if it is empty or limited to paths."""
        if not query.text.strip() or hit_filter.folder or hit_filter.paths or hit_filter.excluded_paths:
            return None
        text = replace_surrogates(query.text)
        counted_words = [] if query.is_code else _list_counted_words(text)

        def make_body() -> dict[str, object]:
            """Return the request's body as a dict for JSON, embedding the query."""
            (vector,) = self._embedder.embed([text], task, Role.QUERY)
            body = {
                "space": self._embedder.space(Task.CODE2CODE),
                "vector": encode_vector(vector),
                "k": max(_CANDIDATES, k),
            }
            if query.is_code:
                return body | {"hash": hash_content(text.strip("\n")).hex()}
            question = QueryTerms(text, lambda _: 1, 1).text
            words = list(dict.fromkeys(split_words(question) + find_compound_identifiers(question)))
            return body | {"words": words[:_MAX_COUNTED_WORDS], "counted_words": counted_words}

        pending = self._client.start("/search", make_body)
        return PendingHits(pending, self._clones, replace(query, text=text), hit_filter)


class PendingHits:
    """A question to the team, under way."""

    def __init__(self, pending: PendingAnswer, clones: LocalClones, query: CodeQuery, hit_filter: Filter) -> None:
        self._pending = pending
        self._clones = clones
        self._query = query
        self._filter = hit_filter

    def merge_into(self, local_hits: Sequence[Hit], k: int) -> list[Hit]:
        """Wait ≤ 300 ms for the team's hits; return the best `k` probable of both, or all local ones without an answer.

        What is open in the workspace is left out of the team's hits.
        """
        try:
            answer = decode_answer(self._pending.wait())
        except (TeamError, ValueError):
            return list(local_hits)
        open_repositories = self._clones.list_open(answer.places)
        places = [
            place for place in answer.places if self._is_wanted(place) and place.repository not in open_repositories
        ]
        scored = self._score_code(answer, places) if self._query.is_code else self._score_answers(answer, places)
        best = sorted(scored, key=lambda item: (-item[1], item[0].repository, item[0].path, item[0].start))[:k]
        hits = [self._make_hit(place, score, place.content == answer.identical) for place, score in best]
        if self._query.is_code:
            return drop_improbable([*local_hits, *hits], MIN_RELATIVE, MIN_SIMILAR)[:k]
        return drop_improbable([*local_hits, *hits], MIN_RELATIVE_ANSWER)[:k]

    def _is_wanted(self, place: PlaceMessage) -> bool:
        """Return whether the filter and this version allow the place: its language, kind, and whether it is a test."""
        wanted = self._filter
        return (
            (not wanted.languages or place.language in wanted.languages)
            and (not wanted.kinds or place.kind in wanted.kinds)
            and (wanted.tests is None or wanted.tests == (read_traits(place.path).is_test or place.kind == "test"))
            and place.kind in _KINDS
            and not (self._query.is_code and place.kind == SnippetKind.SECTION)
        )

    def _score_answers(self, answer: AnswerMessage, places: Sequence[PlaceMessage]) -> list[tuple[PlaceMessage, float]]:
        """Return (place, probability), as local search ranks, of places that answer the question; [] if none does.

        Return [] where none of them answers it.
        """
        frequencies = answer.frequencies
        terms = QueryTerms(self._query.text, lambda word: frequencies.get(word, 0), max(answer.content_count, 1))
        results = QueryResults(terms, _rank(answer.cosines), _rank(answer.shares))
        locations = {_to_location(place): place for place in places}
        results.add_locations(locations)
        roots = [_TREE / name for name in {place.repository for place in places}]
        ranked = results.rank_locations(roots)
        if judge_results(results, next(iter(ranked), None), roots, answer.content_count) < MIN_ANSWER_LOGIT:
            return []
        scored = calibrate_locations(ranked, results, roots, answer.content_count)
        return [(locations[location], probability) for location, probability in scored if probability >= MIN_HIT]

    def _score_code(self, answer: AnswerMessage, places: Sequence[PlaceMessage]) -> list[tuple[PlaceMessage, float]]:
        """Return (place, probability) of similar code: 1 for the same text, else from the cosine, at least 0.45."""
        scored = []
        for place in places:
            cosine = answer.cosines[place.content]
            if place.content == answer.identical:
                scored.append((place, 1.0))
            elif cosine >= _MIN_COSINE:
                scored.append((place, calibrate_similarity(_estimate_fused(cosine))))
        return scored

    def _make_hit(self, place: PlaceMessage, score: float, is_identical: bool) -> Hit:
        """Return a place as a hit, with its code in a local clone, if any, which is compared with the query."""
        code = self._clones.read_code(place)
        location = _to_location(place)
        if code is not None:
            moved = code.span.start - place.start
            location = replace(location, path=code.path, span=code.span, name_line=place.name_line + moved)
        text = code.text if code else ""
        kinship = None
        why = _describe(self._query.text, place)
        share = 0.0
        if self._query.is_code:
            kinship = Kinship.IDENTICAL if is_identical else Kinship.SIMILAR
            why = "the same text" if is_identical else why
            evidence = None if is_identical or not text else _compare(self._query, text, place)
            if evidence is not None:
                kinship, why, share = evidence
                score = max(score, calibrate_similarity(RENAMED * to_structure_score(share), kinship))
        team = TeamPlace(place.repository, place.path, place.link, code is not None)
        return Hit(location, score, why, kinship, text, share, team=team)


def _compare(query: CodeQuery, text: str, place: PlaceMessage) -> tuple[Kinship, str, float] | None:
    """Return kinship, reason and share of equal structure if the code is a clone of the query's, else None."""
    canonical = to_canonical_text(split_lines(text))
    profile = TokenProfile(query.text, query.language) if query.language else None
    evidence = classify(profile, TokenProfile(canonical, place.language, place.name)) if profile else None
    return (evidence.kinship, evidence.why, evidence.share) if evidence else None


def _estimate_fused(cosine: float) -> float:
    """Estimate from the cosine alone which score local search would give, which also compares words."""
    return _FUSED_SHARE * (cosine + _WORDS_PER_COSINE * max(2 * cosine - 1, 0.0)) / 2


def _describe(text: str, place: PlaceMessage) -> str:
    """Return why a place is similar: up to 4 of its names' words that the query has, else "similar meaning"."""
    words = set(split_words(text))
    names = split_words(f"{place.qualified_name} {PurePosixPath(place.path).stem}")
    shared = [word for word in dict.fromkeys(names) if word in words and len(word) > 2][:_MAX_LISTED_WORDS]
    return f"shares {', '.join(shared)}" if shared else "similar meaning"


def _rank(scores: Sequence[float]) -> list[Candidate]:
    """Return candidates for the scores above 0, best first; a content is its position in `scores`."""
    candidates = [Candidate(content, score) for content, score in enumerate(scores) if score > 0]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _to_location(place: PlaceMessage) -> Location:
    """Return the place as a location below a folder that stands for its repository."""
    return Location(
        path=_TREE / place.repository / place.path,
        span=Span(place.start, place.end),
        name=place.name,
        qualified_name=place.qualified_name,
        kind=SnippetKind(place.kind),
        language=place.language,
        name_line=place.name_line,
        part=place.part,
        content=place.content,
    )


def _list_counted_words(question: str) -> list[str]:
    """Return up to 200 words of which ranking needs the frequency: the question's, then other forms of them."""
    counted: dict[str, None] = {}

    def count(word: str) -> int:
        """Note a word; return 0, as if nothing had it, so that all its forms are asked for."""
        counted[word] = None
        return 0

    QueryTerms(question, count, 1)
    return list(counted)[:_MAX_COUNTED_WORDS]
