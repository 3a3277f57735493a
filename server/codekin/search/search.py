"""Answer queries: run the retrievers, fuse their candidates, and check the hits against the current text."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, takewhile
from pathlib import Path
from threading import Event

import numpy as np

from codekin.code.lines import hash_content
from codekin.code.words import split_words
from codekin.embed.embedder import Embedder
from codekin.embed.vocabulary import replace_surrogates
from codekin.index.index import Index
from codekin.search.answerability import MIN_ANSWER_LOGIT
from codekin.search.calibrate import (
    MIN_HIT,
    MIN_RELATIVE,
    MIN_RELATIVE_ANSWER,
    MIN_SIMILAR,
    PROSE_BONUS,
    calibrate_search,
)
from codekin.search.dense import DenseRetriever, EmbedHeavy
from codekin.search.fuse import fuse_candidates
from codekin.search.hits import (
    CodeQuery,
    DocumentReader,
    QueryRun,
    keep_best_parts,
    locate_candidates,
    make_duplicate_hits,
    make_hits,
)
from codekin.search.issue_report import read_issue_report
from codekin.search.lexical import LexicalRetriever
from codekin.search.path_filter import PathFilter
from codekin.search.paths import is_test_path
from codekin.search.pools import CandidatePool, CandidatePools
from codekin.search.query_terms import QueryTerms
from codekin.search.rank import QueryResults, RankedLocation
from codekin.search.report_ranking import ReportRanker
from codekin.search.structural import StructuralRetriever
from codekin.search.text_cover import TextCover
from codekin.storage.rows import file_title
from codekin.types import Cancel, Candidate, Filter, Hit, Location, Query, Snippet, SnippetKind, Task
from codekin.workspace.workspace import Workspace

_MAX_QUESTION_CANDIDATES = 100  # of each retriever for a question in words: files are judged by many snippets
_MAX_PROSE_CANDIDATES = 20  # likewise, beside these
_MAX_NAMED_DEFINITIONS = 60  # whose name the question has
_MAX_NAMED_FILES = 40  # whose names begin like a word of the question
_MAX_UNRETRIEVED_FILES = 4  # of them, that are ranked though no retriever found anything in them
_REPORT_BONUS = 0.9  # log odds that a report is answered: hardly anybody pastes nonsense
_FRAME_PROBABILITY = 0.8  # at least, of the function in which a pasted trace ends
_MIN_CODE_CANDIDATES = 60  # of each retriever for code, or twice the hits: some candidates are stale
# NDCG@10 of mbxp_code2code at .5, .6, .65 and .8, the means of languages taken off: .912, .915, .915, .914. Unlike a
# z-score, the sum says how good the best candidate is.
_DENSE_WEIGHT = 0.6
_STRUCTURE_WEIGHT = 0.25  # beside that of the two others together
# Candidates of a lower estimate are no duplicates, and are not read: in trpc, none of 1,920 duplicates was below .51,
# and three of four of 38,012 others were below .4.
_MIN_DUPLICATE_SIMILARITY = 0.4
_CHANCE_SIMILARITY = 0.6  # of the structure of unrelated code


class SearchEngine:
    """Answers queries from one index."""

    def __init__(
        self, index: Index, workspace: Workspace, embedder: Embedder, embed_heavy: EmbedHeavy = lambda *_: None
    ) -> None:
        """Make the retrievers; `embedder` is the light model's, `embed_heavy` may return None. Reads nothing yet."""
        self._index = index
        self._workspace = workspace
        self._pools = CandidatePools(index)
        self._dense = DenseRetriever(index, embedder, embed_heavy)
        self._lexical = LexicalRetriever(index)
        self._structural = StructuralRetriever(index)
        self._path_filter = PathFilter(index, workspace.roots)
        self._report_ranker = ReportRanker(index, workspace.roots, self.retrieve)

    def answer_query(
        self, query: CodeQuery, task: Task, k: int, hit_filter: Filter, cancel_event: Cancel
    ) -> tuple[list[Hit], set[Path]]:
        """Return up to `k` hits for a question or code, best first, and the files seen to differ from the store."""
        query = replace(query, text=replace_surrogates(query.text))
        if not query.text.strip():
            return [], set()
        reader = DocumentReader(self._workspace)
        with self._index.store.read_steadily():
            retrieval_query = Query(query.text, task, self._path_filter.resolve(hit_filter), query.language)
            if query.is_code:
                scored_locations = self._find_similar_code(retrieval_query, k, cancel_event)
            else:
                scored_locations = self._answer_question(retrieval_query, cancel_event)
            hits = make_hits(scored_locations, QueryRun(query, self._index, reader, cancel_event))
            best_hits = keep_best_parts(hits, k, self._index) if query.is_code else list(islice(hits, max(k, 0)))
        if query.is_code:
            return drop_improbable(best_hits, MIN_RELATIVE, MIN_SIMILAR), reader.stale
        return drop_improbable(best_hits, MIN_RELATIVE_ANSWER), reader.stale

    def find_duplicates(self, path: Path, snippet: Snippet) -> list[Hit]:
        """Return a whole function's near-duplicates, most similar first, suppressed ones too; [] for other snippets."""
        if snippet.part or not snippet.kind.is_function:
            return []
        return self.find_clones(CodeQuery(snippet.text, snippet.language, path, snippet.span))

    def find_clones(self, code_query: CodeQuery) -> list[Hit]:
        """Return near-duplicates, found by structure alone, of a function that may be new, most similar first."""
        query = Query(code_query.text, Task.CODE2CODE, language=code_query.language)
        clones = self._structural.search(query, _MIN_CODE_CANDIDATES, _MIN_DUPLICATE_SIMILARITY)
        scored_locations = locate_candidates(clones, self._index, Filter())
        query_run = QueryRun(code_query, self._index, DocumentReader(self._workspace), Event())
        hits = make_duplicate_hits(scored_locations, query_run)
        duplicates = sorted(hits, key=lambda hit: -hit.share)
        return keep_best_parts(duplicates, len(duplicates), self._index)

    def iterate_hits(self, question: str, hit_filter: Filter, cancel_event: Cancel) -> Iterator[Hit]:
        """Retrieve for a question at once; return hits, best first, each made lazily; none if an answer is unlikely."""
        code_query = CodeQuery(replace_surrogates(question), is_code=False)
        if not code_query.text.strip():
            return iter(())
        query = Query(code_query.text, Task.NL2CODE, self._path_filter.resolve(hit_filter))
        answer_logit, scored_locations = self._score_locations(query, cancel_event)
        if answer_logit < MIN_ANSWER_LOGIT:
            return iter(())
        query_run = QueryRun(code_query, self._index, DocumentReader(self._workspace), cancel_event)
        return make_hits(scored_locations, query_run)

    def _answer_question(self, query: Query, cancel_event: Cancel) -> Iterable[tuple[Location, float]]:
        """Return (location, probability) for a question in words, best first; () where the workspace has no answer."""
        answer_logit, scored_locations = self._score_locations(query, cancel_event)
        best = next(scored_locations, None)
        if answer_logit < MIN_ANSWER_LOGIT or best is None:
            return ()
        min_probability = min(MIN_HIT, best[1])
        return takewhile(lambda item: item[1] >= min_probability, chain([best], scored_locations))

    def _score_locations(self, query: Query, cancel_event: Cancel) -> tuple[float, Iterator[tuple[Location, float]]]:
        """Return the log odds that a question or report has an answer here, and lazily (location, probability).

        Best first; computed when taken. Raises StoreError.
        """
        report = read_issue_report(query.text)
        if report is None:
            results = self.retrieve(query, cancel_event)
            ranked_locations = results.rank_locations(self._workspace.roots)
            best = next(iter(ranked_locations), None)
            return self._judge(results, best), self._calibrate(ranked_locations, results)
        ranking = self._report_ranker.rank(report, query, cancel_event)
        scored_locations = self._calibrate(ranking.locations, ranking.results)
        if ranking.innermost is None:
            return self._judge(ranking.results, ranking.best) + _REPORT_BONUS, scored_locations
        others = [item for item in scored_locations if item[0] != ranking.innermost]
        best_probability = max(others[0][1] if others else 0.0, _FRAME_PROBABILITY)
        return math.inf, iter([(ranking.innermost, best_probability), *others])

    def _judge(self, results: QueryResults, best: RankedLocation | None) -> float:
        """Return the log odds that the workspace answers the question of these results."""
        return judge_results(results, best, self._workspace.roots, self._index.content_count)

    def _calibrate(
        self, ranked_locations: Sequence[RankedLocation], results: QueryResults
    ) -> Iterator[tuple[Location, float]]:
        """Yield (location, probability), in order, of the ranked locations for the question of these results."""
        return calibrate_locations(ranked_locations, results, self._workspace.roots, self._index.content_count)

    def retrieve(self, query: Query, cancel_event: Cancel) -> QueryResults:
        """Return a question's QueryResults, unranked: found by words, by vectors (unless cancelled), by name."""
        index, store, hit_filter = self._index, self._index.store, query.hit_filter
        requests = self._list_requests(hit_filter)
        get_dense = self._dense.start_search(query, requests, cancel_event)
        terms = QueryTerms(query.text, index.document_frequency, index.content_count, index.load_document_frequencies)
        lexical = chain.from_iterable(self._lexical.search_apart(replace(query, text=terms.text), requests))
        named = store.find_by_name(terms.symbols, _MAX_NAMED_DEFINITIONS, hit_filter)
        if terms.name:  # it may not be typed to its end yet
            named += index.qualified_names.find_definitions(terms.name[-1], _MAX_NAMED_DEFINITIONS, hit_filter)
        named_files = index.file_names.find_files(terms.file_words, _MAX_NAMED_FILES, hit_filter)
        wants_tests = self._is_limited_to_tests(hit_filter)
        texts, dense = TextCover(terms.words, index), _drop_remote_prose(get_dense())
        results = QueryResults(terms, dense, list(lexical), wants_tests=wants_tests, texts=texts)
        results.add_locations(store.list_locations(results.retrieved_contents(), hit_filter))
        results.add_locations(named)
        for path in _select_files(named_files, terms, results.files()):
            results.add_locations(store.locations_in(path, hit_filter))
        return results

    def _list_requests(self, hit_filter: Filter) -> list[tuple[int, CandidatePool]]:
        """Return (100, the filter's code as a pool) and, if there is any prose, (20, its prose): what to retrieve."""
        code, prose = self._pools.find_code(hit_filter), self._pools.find_prose(hit_filter)
        return [(_MAX_QUESTION_CANDIDATES, code), *([(_MAX_PROSE_CANDIDATES, prose)] if prose else [])]

    def _is_limited_to_tests(self, hit_filter: Filter) -> bool:
        """Return whether the filter leaves nothing but tests."""
        is_test_folder = hit_filter.folder is not None and is_test_path(hit_filter.folder / "_", self._workspace.roots)
        return hit_filter.tests is True or hit_filter.kinds == (SnippetKind.TEST,) or is_test_folder

    def _find_similar_code(self, query: Query, k: int, cancel_event: Cancel) -> Iterable[tuple[Location, float]]:
        """Return an iterable of (location, score) of similar code, best first, identical first; () if cancelled."""
        count = max(_MIN_CODE_CANDIDATES, 2 * k)
        pool = self._pools.find_code(query.hit_filter)
        lexical = self._lexical.search(query, count, pool)
        if cancel_event.is_set():
            return ()
        rankings = [(_DENSE_WEIGHT, self._dense.search(query, count, pool)), (1 - _DENSE_WEIGHT, lexical)]
        clones = self._structural.search(query, count)
        candidates = _add_structure(fuse_candidates(rankings), clones)
        identical = self._index.store.find_content(hash_content(query.text))
        if identical is not None:
            # The same text elsewhere is the best hit there is, whatever the retrievers' scores.
            others = [candidate for candidate in candidates if candidate.content != identical]
            candidates = [Candidate(identical, 1.0), *others]
        locations = locate_candidates(candidates, self._index, query.hit_filter)
        return (item for item in locations if item[0].kind is not SnippetKind.SECTION)


def _drop_remote_prose(candidates_by_pool: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Return all candidates of code, then those of prose with at least the lowest cosine of code."""
    near_code, *near_prose = candidates_by_pool
    min_cosine = min((candidate.score for candidate in near_code), default=0.0)  # assumed of what is not found
    prose = chain.from_iterable(near_prose)
    return [*near_code, *(candidate for candidate in prose if candidate.score >= min_cosine)]


def _select_files(named_files: Sequence[Path], terms: QueryTerms, retrieved_files: set[Path]) -> list[Path]:
    """Return up to four of `named_files` outside `retrieved_files`, those whose names match the question best."""
    unretrieved_files = [path for path in named_files if path not in retrieved_files]
    matches = terms.match_names([split_words(file_title(path)) for path in unretrieved_files])
    best_rows = np.argsort(-matches.product, kind="stable")[:_MAX_UNRETRIEVED_FILES]
    return [unretrieved_files[row] for row in best_rows.tolist()]


def judge_results(
    results: QueryResults, best: RankedLocation | None, roots: Sequence[Path], content_count: int
) -> float:
    """Return the log odds that the question of these results is answered; `best` is the best of their locations."""
    if best is None:
        return -math.inf
    if best.location.kind is SnippetKind.SECTION:
        best = RankedLocation(best.location, best.score + PROSE_BONUS)
    return results.collect_evidence(best, roots, content_count).compute_logit()


def calibrate_locations(
    ranked_locations: Sequence[RankedLocation], results: QueryResults, roots: Sequence[Path], content_count: int
) -> Iterator[tuple[Location, float]]:
    """Yield (location, probability) of the locations ranked for these results, in order.

    No probability exceeds an earlier one.
    """
    limit = 1.0
    for ranked, evidence in results.iterate_evidence(ranked_locations, roots, content_count):
        limit = min(limit, calibrate_search(evidence))
        yield ranked.location, limit


def drop_improbable(hits: Sequence[Hit], min_relative: float, min_further: float = 0.0) -> list[Hit]:
    """Sort hits, best first; drop those below this share of the best score, or below `min_further` and the best."""
    best_score = max((hit.score for hit in hits), default=0.0)
    min_score = max(min_relative * best_score, min(min_further, best_score))
    return sorted((hit for hit in hits if hit.score >= min_score), key=lambda hit: -hit.score)


def _add_structure(candidates: Sequence[Candidate], clones: Sequence[Candidate]) -> list[Candidate]:
    """Return both as Candidates, best first: a clone's similarity above chance is added to its score; all ≤ 1."""
    scores = {candidate.content: candidate.score for candidate in candidates}
    for clone in clones:
        bonus = _STRUCTURE_WEIGHT * max(clone.score - _CHANCE_SIMILARITY, 0.0) / (1 - _CHANCE_SIMILARITY)
        scores[clone.content] = scores.get(clone.content, 0.0) + bonus
    ranked_scores = sorted(scores.items(), key=lambda item: -item[1])
    return [Candidate(content, score / (1 + _STRUCTURE_WEIGHT)) for content, score in ranked_scores]
