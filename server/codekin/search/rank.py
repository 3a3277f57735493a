"""Which places answer a question in words: code-aware, file by file.

A file is likelier to answer the more of its snippets do (coherence), the better its name does, and when it defines what
the question names. So the files are ordered first, each by the sum of its evidence; then come the snippets within each.
Every signal was kept for what it gives on questions about repositories that it was not fitted to: the ablation is in
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

# Of a file, in logits. Fitted by softmax regression over each question's files.
_FILE = {
    "nearest": 6.5,  # the best cosine of its snippets
    "near": 3.6,  # the mean of the three best
    "wordiest": 3.5,  # the best share of BM25
    "many": 0.8,  # the logarithm of how many of its snippets were found by words
    "title": 1.8,  # its name says what the question says, and little else
    "title_precise": 2.9,  # its name says nothing else
    "folders": 2.2,  # its folders' names say it
    "called": 2.6,  # the best of its definitions' names says it, and little else
    "defined": 0.4,  # it defines what the question names
    "named": 4.0,  # it defines the name that is the whole question; set by hand
    "test": -2.9,
}
# Of a snippet, beside others of its file.
_SNIPPET = {"cosine": 4.0, "share": 3.0, "called": 2.0, "defined": 2.0, "named": 6.0, "class": 1.0, "test": -1.0}
_ANOTHER = 3.5  # each further snippet of a file that has one among the hits
_PER_FILE = 5  # snippets of one file at most
_UNSEEN = 0.9  # of the last candidate's cosine: what is taken for those that are behind it
_TEST = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|testdata|fixtures|mocks?|examples?|benchmarks?|bench)/"
    r"|(^|/)(test_[^/]*|conftest\.py|[^/]*(_test|_spec|\.test|\.spec|Tests?|Spec)\.\w+)$"
)


@dataclass(frozen=True, slots=True)
class RankedLocation:
    """A place and how well it answers."""

    place: Location
    score: float  # a logit


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What speaks for one snippet."""

    place: Location
    cosine: float
    share: float  # of the BM25 that could be reached; 0 where it was not found by words
    called: float
    defined: float
    named: float

    def weight(self) -> float:
        own = _SNIPPET
        score = own["cosine"] * self.cosine + own["share"] * self.share + own["called"] * self.called
        score += self.defined * (own["defined"] + own["class"] * (self.place.kind is SnippetKind.CLASS))
        score += own["named"] * self.named
        return score + own["test"] * (self.place.kind is SnippetKind.TEST)


class QueryResults:
    """What the retrievers found, seen by files."""

    def __init__(self, asked: QueryTerms, dense: Sequence[Candidate], lexical: Sequence[Candidate]) -> None:
        self._asked = asked
        self._cosines = {candidate.content: candidate.score for candidate in dense}
        self._shares = {candidate.content: candidate.score for candidate in lexical}
        self._unseen = _UNSEEN * min(self._cosines.values(), default=0.0)
        self._files: dict[Path, list[_Evidence]] = {}
        self._seen: set[tuple[Path, int]] = set()
        self._matches: dict[str, NameMatch] = {}

    def retrieved_contents(self) -> list[int]:
        """What the retrievers found."""
        return list(self._cosines.keys() | self._shares.keys())

    def add_locations(self, places: Iterable[Location]) -> None:
        """Places to rank; one that is there already is passed over."""
        for place in places:
            if (key := (place.path, place.span.start)) not in self._seen:
                self._seen.add(key)
                self._files.setdefault(place.path, []).append(self._evidence(place))

    @property
    def known_share(self) -> float:
        """The share of the question that the workspace has words for; all of a part of a name that stands there."""
        named = any(each.named for evidence in self._files.values() for each in evidence)
        return 1.0 if named else self._asked.known

    def files(self) -> set[Path]:
        """The files of the places."""
        return set(self._files)

    def rank_locations(self, roots: Sequence[Path]) -> list[RankedLocation]:
        """All places, best first, equal ones by where they stand; a file's further ones well behind its first."""
        found = []
        for path, evidence in self._files.items():
            score = self.score_file(path, roots)
            evidence.sort(key=lambda each: (-each.weight(), each.place.span.start))
            best = evidence[0].weight()
            for i, each in enumerate(evidence[:_PER_FILE]):
                found.append(RankedLocation(each.place, score + each.weight() - best - _ANOTHER * i))
        return sorted(found, key=lambda each: (-each.score, each.place.path, each.place.span.start))

    def score_file(self, path: Path, roots: Sequence[Path]) -> float:
        """How likely the file answers: a logit, comparable within one question."""
        return sum(_FILE[name] * value for name, value in self.file_signals(path, roots).items())

    def file_signals(self, path: Path, roots: Sequence[Path]) -> dict[str, float]:
        """What speaks for a file, by name."""
        evidence = self._files[path]
        cosines = sorted((each.cosine for each in evidence), reverse=True)
        shares = sorted((each.share for each in evidence), reverse=True)
        short = _below(str(path), roots)
        named = self._match(file_title(path))
        return {
            "nearest": cosines[0],
            "near": (sum(cosines[:3]) + max(3 - len(cosines), 0) * self._unseen) / 3,
            "wordiest": shares[0],
            "many": math.log1p(sum(share > 0 for share in shares)),
            "title": named.both,
            "title_precise": named.precision,
            "folders": self._match(short.rpartition("/")[0]).cover,
            "called": max(each.called for each in evidence),
            "defined": max(each.defined for each in evidence),
            "named": max(each.named for each in evidence),
            "test": float(bool(_TEST.search(short))),
        }

    def _evidence(self, place: Location) -> _Evidence:
        return _Evidence(
            place,
            self._cosines.get(place.content, self._unseen),
            self._shares.get(place.content, 0.0),
            self._match(place.name).telling,
            self._asked.match_definition(place.name),
            self._asked.match_single_name(place.name, place.qualified_name),
        )

    def _match(self, name: str) -> NameMatch:
        found = self._matches.get(name)
        if found is None:
            found = self._matches[name] = self._asked.match_name(list(dict.fromkeys(split_words(name))))
        return found


def _below(path: str, roots: Sequence[Path]) -> str:
    """The path as seen from its root, with /. By characters: pathlib takes ten times as long."""
    root = next((str(root) for root in roots if path.startswith(str(root))), "")
    return path[len(root) :].replace("\\", "/").lstrip("/")
