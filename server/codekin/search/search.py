"""A question → its hits: the retrievers side by side, fused, checked against the text of now."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from threading import Event

from codekin.code.lines import hash_content
from codekin.code.words import split_words
from codekin.embed.embedder import Embedder
from codekin.embed.vocabulary import replace_surrogates
from codekin.index.index import Index
from codekin.search.calibrate import MIN_BEST, MIN_HIT, MIN_RELATIVE, calibrate_search
from codekin.search.dense import DenseRetriever, Heavy
from codekin.search.fuse import fuse_candidates
from codekin.search.hits import CodeQuery, DocumentReader, keep_best_parts, locate_candidates, make_hits
from codekin.search.lexical import LexicalRetriever
from codekin.search.query_terms import QueryTerms
from codekin.search.rank import QueryResults
from codekin.search.structural import StructuralRetriever
from codekin.storage.rows import file_title
from codekin.types import Cancel, Candidate, Filter, Hit, Location, Query, Snippet, Task
from codekin.workspace.workspace import Workspace

_IN_WORDS = 100  # candidates of each retriever to a question in words: files are judged by many
_NAMESAKES = 60  # definitions that have a name which the question says
_TITLES = 40  # files whose names begin like a word of the question
_TITLED = 4  # such files that are looked at though nothing in them was found
_CANDIDATES = 60  # of each retriever to code, and twice what is asked for: some fall to freshness
# Flat between .4 and .6. NDCG@10 at .5 (embedded model; z-scores at their best weight beside it): csn_nl2code .684
# (.692), mbpp_nl2code .665 (.667), mbxp_code2code .885 (.885); unlike a z-score, the sum says how good the best one is.
_DENSE_WEIGHT = 0.5
_STRUCTURE_WEIGHT = 0.25  # beside that of the two others together
# What is estimated to be less alike is no duplicate, and is not read: in trpc, none of 1,920 that were some was below
# .51, and three of four of 38,012 that were not were below .4.
_LEAST_TWIN = 0.4
_BY_CHANCE = 0.6  # so much of its structure code shares with what it has nothing to do with


class SearchEngine:
    """Answers from one index."""

    def __init__(self, index: Index, workspace: Workspace, embedder: Embedder, heavy: Heavy = lambda *_: None) -> None:
        """`embedder` is the light model's, `heavy` gives the heavy one's vector (d,) of a question, if it can now."""
        self._index = index
        self._workspace = workspace
        self._dense = DenseRetriever(index, embedder, heavy)
        self._lexical = LexicalRetriever(index)
        self._structural = StructuralRetriever(index)

    def answer_query(
        self, asked: CodeQuery, task: Task, k: int, within: Filter, cancel: Cancel
    ) -> tuple[list[Hit], set[Path]]:
        """At most `k` hits, best first, and the documents that proved to be other than the store has them."""
        asked = replace(asked, text=replace_surrogates(asked.text))
        if not asked.text.strip():
            return [], set()
        reader = DocumentReader(self._workspace)
        query = Query(asked.text, task, within, asked.language)
        find = self._like_code if asked.is_code else self._in_words
        found = make_hits(find(query, k, cancel), asked, self._index, reader, cancel)
        first = keep_best_parts(found, k, self._index) if asked.is_code else list(islice(found, k))
        return _worth_telling(first), reader.stale

    def find_duplicates(self, path: Path, snippet: Snippet) -> list[Hit]:
        """Where else a whole function stands, as it is, with other names, or little edited."""
        if snippet.part or not snippet.kind.is_function:
            return []
        asked = CodeQuery(snippet.text, snippet.language, path, snippet.span)
        query = Query(asked.text, Task.CODE2CODE, language=asked.language)
        clones = self._structural.search(query, _CANDIDATES, _LEAST_TWIN)
        places = locate_candidates(clones, self._index, Filter())
        alike = make_hits(places, asked, self._index, DocumentReader(self._workspace), Event(), twins=True)
        twins = sorted(alike, key=lambda hit: -hit.share)
        return keep_best_parts(twins, len(twins), self._index)

    def _in_words(self, query: Query, _k: int, cancel: Cancel) -> Iterable[tuple[Location, float]]:
        """Places that answer a question in words, best first."""
        found = self.retrieve(query, cancel)
        known, contents = found.known_share, self._index.content_count
        ranked = [
            (each.place, calibrate_search(each.score, known, contents))
            for each in found.rank_locations(self._workspace.roots)
        ]
        if not ranked or ranked[0][1] < MIN_BEST:
            return ()
        return [each for each in ranked if each[1] >= MIN_HIT]

    def retrieve(self, query: Query, cancel: Cancel) -> QueryResults:
        """What there is to say of a question in words: what was found by its words, its meaning, and by names."""
        store, within = self._index.store, query.within
        asked = QueryTerms(query.text, self._index.document_frequency, self._index.content_count)
        lexical = self._lexical.search(replace(query, text=asked.spoken), _IN_WORDS)
        found = QueryResults(asked, [] if cancel.is_set() else self._dense.search(query, _IN_WORDS), lexical)
        standing = chain.from_iterable(store.locations_of(found.retrieved_contents(), within).values())
        found.add_locations(sorted(standing, key=lambda place: (place.path, place.span.start, place.span.end)))
        found.add_locations(store.find_by_name(asked.symbols, _NAMESAKES, within))
        if asked.name:  # whoever types a name has not always finished
            found.add_locations(store.find_by_qualified_name(asked.name[-1], _NAMESAKES, within))
        titled = [path for path in store.find_by_file_name(asked.parts, _TITLES, within) if path not in found.files()]
        for path in sorted(titled, key=lambda path: -asked.match_name(split_words(file_title(path))).both)[:_TITLED]:
            found.add_locations(store.locations_in(path))
        return found

    def _like_code(self, query: Query, k: int, cancel: Cancel) -> Iterable[tuple[Location, float]]:
        """Places of code that is like the query's, best first."""
        count = max(_CANDIDATES, 2 * k)
        lexical = self._lexical.search(query, count)
        if cancel.is_set():
            return ()
        found = [(_DENSE_WEIGHT, self._dense.search(query, count)), (1 - _DENSE_WEIGHT, lexical)]
        clones = self._structural.search(query, count)
        fused = _raised(fuse_candidates(found), clones)
        twin = self._index.store.find_content(hash_content(query.text))
        if twin is not None:
            # The same text elsewhere is the best answer there is, whatever the retrievers think of it.
            fused = [Candidate(twin, 1.0), *(candidate for candidate in fused if candidate.content != twin)]
        return locate_candidates(fused, self._index, query.within)


def _worth_telling(found: Sequence[Hit]) -> list[Hit]:
    """The hits best first, as far as they are probable beside the best; equal ones in the order they were found in."""
    least = MIN_RELATIVE * max((hit.score for hit in found), default=0.0)
    return sorted((hit for hit in found if hit.score >= least), key=lambda hit: -hit.score)


def _raised(likely: Sequence[Candidate], clones: Sequence[Candidate]) -> list[Candidate]:
    """What is likely, the clones among it as far above the rest as their structure is beyond chance."""
    scores = {candidate.content: candidate.score for candidate in likely}
    for clone in clones:
        raise_by = _STRUCTURE_WEIGHT * max(clone.score - _BY_CHANCE, 0.0) / (1 - _BY_CHANCE)
        scores[clone.content] = scores.get(clone.content, 0.0) + raise_by
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return [Candidate(content, score / (1 + _STRUCTURE_WEIGHT)) for content, score in ranked]
