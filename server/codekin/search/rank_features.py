"""The features of snippets and of their files for a question, as arrays: what `rank` weighs.

Every feature was kept for its gain on questions about repositories that it was not fitted to: the ablation is in
evaluation/README.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.code.words import split_words
from codekin.search.name_matches import NameMatches, Scores
from codekin.search.paths import find_current_version, is_former_version, read_traits
from codekin.search.query_terms import QueryTerms
from codekin.types import Location, SnippetKind

# Of a snippet's features, in logits, beside others of its file, for a name and for documentation; for other questions,
# what a place's text says counts as well (place_scores). Fitted by softmax regression to the functions that commits
# changed and to definitions that were asked for, except for `class` and `named`, which are for single names.
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
_OTHER_WEIGHTS = {SnippetKind.CLASS: _SNIPPET_WEIGHTS["rest of a class"]} | {
    kind: _SNIPPET_WEIGHTS["rest of a file"]
    for kind in SnippetKind
    if not kind.is_function and kind is not SnippetKind.CLASS
}
KIND_NUMBERS = {kind: number for number, kind in enumerate(SnippetKind)}
_ARE_FUNCTIONS = np.array([kind.is_function for kind in SnippetKind])
_KIND_WEIGHTS = np.array([_OTHER_WEIGHTS.get(kind, _SNIPPET_WEIGHTS.get(kind, 0.0)) for kind in SnippetKind])
_MAX_STUB_LINES = 2  # of a function: it hands on what others do
_UNSEEN_SHARE = 0.9  # of the last candidate's cosine: assumed for snippets that were not retrieved
_RANK_DECAY = 10.0  # places behind the best one, at which a rank says half
_MIN_SUBJECT_SHARE = 0.05  # of a question, that is not about kinds of definitions
_NEAREST_COUNT = 3  # snippets of a file whose mean cosine is a feature


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the retrievers found for a question: scores by content."""

    cosines: Mapping[int, float]  # best first, like the shares: those of code, then those of documentation
    shares: Mapping[int, float]  # of the highest possible BM25

    @property
    def unseen_cosine(self) -> float:
        """Return the cosine assumed of contents not found by meaning: 0.9 of the lowest that was found; 0 for none."""
        return _UNSEEN_SHARE * min(self.cosines.values(), default=0.0)


class _PathNames(NamedTuple):
    """The words of a path, each once per name."""

    folder: tuple[str, ...]
    title: tuple[str, ...]  # of the file's name without the last extension
    place: tuple[str, ...]  # of its folder's own name and the title
    depth: int  # folders


class SnippetFeatures:
    """The features of the snippets of some files: a row each, those of a file side by side."""

    def __init__(
        self, locations_by_file: Sequence[Sequence[Location]], terms: QueryTerms, retrieved: Retrieved
    ) -> None:
        """Compute the features and scores, for a question, of the given files' snippets; each file has at least one."""
        self.locations = [location for locations in locations_by_file for location in locations]
        self._rows: dict[tuple[Path, int], int] | None = None  # by path and first row; once it is asked for
        counts = np.fromiter(map(len, locations_by_file), np.int64, len(locations_by_file))
        self.starts: npt.NDArray[np.int64] = np.cumsum(counts) - counts  # (files,): each file's first row
        self.file_rows = np.repeat(np.arange(len(counts)), counts)  # (n,): each snippet's file
        self.kinds = np.array([KIND_NUMBERS[location.kind] for location in self.locations])
        self.is_function = _ARE_FUNCTIONS[self.kinds]
        self.line_counts = np.array([location.span.end - location.span.start for location in self.locations])
        self.is_stub = self.is_function & (self.line_counts <= _MAX_STUB_LINES)
        self._match_definitions(terms)
        self._match_names(terms)
        self._look_up(retrieved)
        self.scores = self._compute_scores()  # (n,): logits, beside others of the same file

    def _match_definitions(self, terms: QueryTerms) -> None:
        """Set `is_prose`, `defined` (is the name in the question?) and `named` (is it the whole question?)."""
        self.is_prose = self.kinds == KIND_NUMBERS[SnippetKind.SECTION]
        self.defined = _to_scores(terms.match_definition(location.name) for location in self.locations)
        self.defined[self.is_prose] = 0.0
        self.named = np.zeros(len(self.locations))
        if terms.name:
            self.named = _to_scores(
                terms.match_single_name(location.name, location.qualified_name) for location in self.locations
            )
            self.named[self.is_prose] = 0.0

    def _match_names(self, terms: QueryTerms) -> None:
        """Set how well each snippet's name and qualified name match the question; equal names are compared once."""
        rows: dict[tuple[str, str], int] = {}
        name_rows = [rows.setdefault((location.name, ""), len(rows)) for location in self.locations]
        qualified_rows = [
            rows.setdefault((location.qualified_name, location.name), len(rows)) for location in self.locations
        ]
        matches = terms.match_names(list(starmap(list_qualified_words, rows)))
        self.called = matches.strength[name_rows]
        # The share of the question that its name has, words for kinds of definitions left out.
        self.name_cover = np.minimum(matches.cover[name_rows] / max(1 - terms.kind_share, _MIN_SUBJECT_SHARE), 1.0)
        self.qualified, self.qualified_cover = matches.product[qualified_rows], matches.cover[qualified_rows]
        self.similarities = matches.similarities[qualified_rows]  # (n, words): it has the class's or module's, too

    def _look_up(self, retrieved: Retrieved) -> None:
        """Set each snippet's cosine, share of BM25 and ranks in retrieval, and whether that or its name found it."""
        cosines, shares = retrieved.cosines, retrieved.shares
        contents = [location.content for location in self.locations]
        unseen_cosine = retrieved.unseen_cosine
        self.cosines = _to_scores(cosines.get(content, unseen_cosine) for content in contents)
        self.shares = _to_scores(shares.get(content, 0.0) for content in contents)
        self.meaning_ranks = _weigh_places(cosines, contents)
        self.word_ranks = _weigh_places(shares, contents)
        are_found = np.array([content in cosines or content in shares for content in contents], np.bool_)
        self.is_retrieved = are_found | (self.defined > 0) | (self.named > 0)

    def _compute_scores(self) -> Scores:
        """Return the snippets' weighted sums of their features, in logits, (n,)."""
        weights = _SNIPPET_WEIGHTS
        scores = weights["cosine"] * self.cosines + weights["share"] * self.shares + weights["named"] * self.named
        scores += weights["qualified"] * self.qualified + weights["defined"] * self.defined
        return np.asarray(scores + self._weigh_kinds())

    def _weigh_kinds(self) -> Scores:
        """Return the logits (n,) by which the snippets' kinds, and being a stub, raise or lower their scores."""
        kind_weights = _KIND_WEIGHTS[self.kinds] + np.where(self.is_stub, _SNIPPET_WEIGHTS["stub"], 0.0)
        is_defined_class = (self.kinds == KIND_NUMBERS[SnippetKind.CLASS]) & (self.defined > 0)
        return np.where(is_defined_class, _SNIPPET_WEIGHTS["class"] * self.defined, kind_weights)

    def find_row(self, location: Location) -> int | None:
        """Return the row of the location; None where it is none of these."""
        if self._rows is None:
            self._rows = {(place.path, place.span.start): row for row, place in enumerate(self.locations)}
        return self._rows.get((location.path, location.span.start))

    def find_highest(self, values: Scores) -> Scores:
        """Return, for values of snippets (n, …), the highest of each file, (files, …)."""
        return np.asarray(np.maximum.reduceat(values, self.starts, axis=0))

    def average_nearest(self, unseen_cosine: float) -> Scores:
        """Return the mean, (files,), of each file's three highest cosines; missing ones count as `unseen_cosine`."""
        ranks = np.arange(len(self.locations)) - self.starts[self.file_rows]
        descending = self.cosines[np.lexsort((-self.cosines, self.file_rows))]
        nearest = np.full((len(self.starts), _NEAREST_COUNT), unseen_cosine)
        is_near = ranks < _NEAREST_COUNT
        nearest[self.file_rows[is_near], ranks[is_near]] = descending[is_near]
        return np.asarray(nearest.sum(axis=1) / _NEAREST_COUNT)


def compute_file_features(
    snippets: SnippetFeatures, relative_paths: Sequence[str], terms: QueryTerms, unseen_cosine: float
) -> dict[str, Scores]:
    """Return name → values (files,) of the features of the snippets' files: those in FILE_WEIGHTS and the network's."""
    names = list(map(_read_path_names, relative_paths))
    matches = terms.match_names(
        [*(name.folder for name in names), *(name.title for name in names), *(name.place for name in names)]
    )
    count = len(relative_paths)
    title_products, place_products = matches.product[count : 2 * count], matches.product[2 * count :]
    return {
        "title_precise": matches.precision[count : 2 * count],  # the question has all words of its name
        "place_name": place_products,  # its name and its folder's have the question's words, and few others
        "exact_title": (title_products == 1) * float(bool(terms.name)),
        "title_strength": matches.strength[count : 2 * count],
        "depth": _to_scores(name.depth for name in names),
        **_read_snippets(snippets, unseen_cosine),
        **_read_functions(snippets),
        "covered": _cover_words(snippets, matches, terms),
        **_read_paths(relative_paths, terms.lowercase_tokens),
    }


def _read_snippets(snippets: SnippetFeatures, unseen_cosine: float) -> dict[str, Scores]:
    """Return name → values (files,): how each file's snippets match by cosine, words, names; whether it is prose."""
    nearest, named = snippets.find_highest(snippets.cosines), snippets.find_highest(snippets.named)
    is_prose = snippets.is_prose[snippets.starts]  # one section answers, the others are about else
    worded_counts = np.add.reduceat((snippets.shares > 0).astype(np.float64), snippets.starts)
    return {
        "nearest": nearest,  # the best cosine of its snippets
        "near": np.where(is_prose, nearest, snippets.average_nearest(unseen_cosine)),
        "wordiest": snippets.find_highest(snippets.shares),  # the best share of BM25
        "many": np.where(is_prose, 0.0, np.log1p(worded_counts)),  # how many of its snippets were found by words
        "called": snippets.find_highest(snippets.called),  # the best of its definitions' names has them
        "defined": snippets.find_highest(snippets.defined),  # it defines what the question names
        "named": named,  # it defines the name that is the whole question
        "exact": (named == 1).astype(np.float64),  # in the very same case
        "prose": is_prose.astype(np.float64),  # it is documentation
    }


def _read_functions(snippets: SnippetFeatures) -> dict[str, Scores]:
    """Return name → values (files,): log of the number of functions, their best scores, snippets' best ranks."""
    is_best = snippets.scores == snippets.find_highest(snippets.scores)[snippets.file_rows]
    return {
        "functions": np.log1p(np.add.reduceat(snippets.is_function.astype(np.float64), snippets.starts)),
        "nearest_function": snippets.find_highest(snippets.cosines * snippets.is_function),
        "wordiest_function": snippets.find_highest(snippets.shares * snippets.is_function),
        "qualified": snippets.find_highest(snippets.qualified),
        "stub": snippets.find_highest((is_best & snippets.is_stub).astype(np.float64)),  # its best snippet is one
        "meaning_rank": snippets.find_highest(snippets.meaning_ranks),
        "word_rank": snippets.find_highest(snippets.word_ranks),
    }


def _cover_words(snippets: SnippetFeatures, matches: NameMatches, terms: QueryTerms) -> Scores:
    """Return how much of the question a file's path and the names of its retrieved snippets cover together, (files,).

    It is 0 to 1, weighted by the words' rarity; similar words count in part. `matches` has those of the files' folders
    first, then those of their names.
    """
    count = len(snippets.starts)
    retrieved = snippets.find_highest(snippets.similarities * snippets.is_retrieved[:, None])
    folders, titles = matches.similarities[:count], matches.similarities[count : 2 * count]
    return terms.weigh(np.maximum(np.maximum(folders, titles), retrieved))


def _read_paths(relative_paths: Sequence[str], words: set[str]) -> dict[str, Scores]:
    """Return name → values (files,) that the files' paths alone decide; `words` are the question's."""
    traits, current_version = list(map(read_traits, relative_paths)), find_current_version(relative_paths)
    return {
        "test": _to_scores(trait.is_test for trait in traits),
        "internal": _to_scores(_is_unasked(trait.internal_word, words) for trait in traits),
        "legacy": _to_scores(_is_unasked(trait.legacy_word, words) for trait in traits),
        "foreign": _to_scores(_is_unasked(trait.foreign_word, words) for trait in traits),  # vendored, generated
        "former": _to_scores(is_former_version(path, current_version, words) for path in relative_paths),
    }


def _is_unasked(word: str, question_words: set[str]) -> bool:
    """Return whether the word is not empty and not in the question."""
    return word != "" and word not in question_words


@lru_cache(maxsize=32_768)
def list_words(name: str) -> tuple[str, ...]:
    """Return the tuple of a name's distinct words, lower-case, cached."""
    return tuple(dict.fromkeys(split_words(name)))


@lru_cache(maxsize=32_768)
def list_qualified_words(qualified_name: str, name: str) -> tuple[str, ...]:
    """Return the tuple of a qualified name's distinct words, lower-case, cached; its class's part is cached apart."""
    class_name = qualified_name.removesuffix(name)
    is_word_split = class_name[-1:].isalnum() or class_name[-1:] in ("_", "")
    if not name or not qualified_name.endswith(name) or is_word_split or not qualified_name.isascii():
        return list_words(qualified_name)
    return tuple(dict.fromkeys((*list_words(class_name), *list_words(name))))


@lru_cache(maxsize=16_384)
def _read_path_names(relative_path: str) -> _PathNames:
    """Return the words of a root-relative path's folders, file name and both, and its depth; reads no file (cached)."""
    folder, _, file_name = relative_path.rpartition("/")
    title = file_name.rpartition(".")[0] or file_name
    place = f"{folder.rpartition('/')[2]} {title}"
    return _PathNames(list_words(folder), list_words(title), list_words(place), relative_path.count("/"))


def _weigh_places(ranking: Iterable[int], contents: Sequence[int]) -> Scores:
    """Return for each content 10 / (10 + its place in the ranking, from 0); 0 if it is not in it."""
    places = {content: place for place, content in enumerate(ranking)}
    return _RANK_DECAY / (_RANK_DECAY + _to_scores(places.get(content, np.inf) for content in contents))


def _to_scores(values: Iterable[float]) -> Scores:
    """Return the values as an array of float64."""
    return np.array(list(values), np.float64)
