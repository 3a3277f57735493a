"""Measure clone detection: search edited copies of real functions in a workspace (`codekin evaluate clones`).

Every question is a function of the workspace after edits whose kind is known (see mutations), so that its answer is
known by construction: the original, which stays where it is, or any place with the same text. It is asked by the
product's own path. Questions without an answer, functions of other code bases, tell how often kin is claimed in vain.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from threading import Event

from codekin.code.extract import split_lines, to_canonical_text
from codekin.embed.embedder import load_embedder
from codekin.engine import Engine
from codekin.evaluation.mutations import CloneType, Mutant, make_mutant
from codekin.evaluation.mutations.layout import LAYOUTS
from codekin.evaluation.mutations.renaming import RENAMINGS
from codekin.evaluation.mutations.similarity import abstract_tokens, compute_token_ratio, list_tokens
from codekin.evaluation.pairs import read_rows, write_passage_files
from codekin.evaluation.sampling import MIN_LINES, MIN_TOKENS, SampledFunction, SamplingPlan, sample_functions
from codekin.evaluation.signature import describe_codekin, describe_model
from codekin.evaluation.single_retriever import SingleRetrievers
from codekin.settings import Settings
from codekin.types import Hit, OnProgress, Progress, Snippet, Span

MAX_HITS = 10  # hits that count
CLAIMED_KINSHIPS = ("identical", "renamed", "edited")  # the kinships that say more than "similar"
MIN_TOKEN_SIMILARITY = (
    0.5  # texts that share fewer tokens are counted as doubtful clones until a person has judged them
)
_MAX_PAIR_HITS = 30  # hits asked for where some are left out


@dataclass(frozen=True, slots=True)
class CloneQuery:
    """A clone that was searched for, the ranks of the right hits, and the best hit."""

    type: CloneType
    language: str
    edits: tuple[str, ...]
    original: str  # where it stands
    target_text: str  # its text
    query: str
    rank: int | None  # from 1, of the first hit with the original's text
    peer_rank: int | None  # of the first hit that is a clone of the query for the same reason as the original
    best_hit: Hit | None
    claimed_kinship: str | None  # the kinship of the hit that is right
    retriever_ranks: tuple[int | None, int | None] = (None, None)  # the rank by words alone, by vectors alone

    @property
    def edit_count(self) -> int:
        """Return the number of edits other than those of layout and names."""
        return sum(edit not in LAYOUTS and edit not in RENAMINGS for edit in self.edits)

    @property
    def table_row(self) -> str:
        """Return the table row's name: clone type's number and name, "3 edited"; "4 other language" without edits."""
        return f"{self.type} {self.type.name.lower()}" if self.edits else "4 other language"


@dataclass(frozen=True, slots=True)
class ClaimedHit:
    """A function that was searched for and a hit that may be a false claim of kinship."""

    asked: str  # where the function stands
    language: str
    text: str
    hit: Hit | None  # the best; None where nothing came

    @property
    def kinship(self) -> str:
        """Return the kinship that the best hit claims; "" where it claims none or there is no hit."""
        return str(self.hit.kinship or "") if self.hit else ""

    @property
    def token_similarity(self) -> float:
        """Return the share of tokens that both texts have in the same order, 0 … 1, independent of codekin."""
        return compute_token_ratio(self.text, self.hit.text) if self.hit else 0.0


@dataclass(frozen=True)
class CloneReport:
    """All queries of a run and their results."""

    queries: tuple[CloneQuery, ...]
    strangers: tuple[ClaimedHit, ...]  # each with the first hit that is claimed to be kin, else with the first
    neighbours: tuple[ClaimedHit, ...]  # every claim for the unedited functions; a function is never its own hit
    duplicates: tuple[ClaimedHit, ...]  # every duplicate that was reported of them
    examined_count: int  # these functions
    signature: dict[str, str]

    @cached_property
    def queries_by_row(self) -> dict[str, list[CloneQuery]]:
        """Return row name → the queries that this row of the tables counts, sorted by name (cached)."""
        groups: dict[str, list[CloneQuery]] = {}
        for query in sorted(self.queries, key=lambda query: query.table_row):
            groups.setdefault(query.table_row, []).append(query)
        return groups


def measure_clones(
    roots: Sequence[Path], plan: SamplingPlan, settings: Settings, on_progress: OnProgress
) -> CloneReport:
    """Index `roots`, run all clone queries for minutes, and return the report. Raises StoreError, BenchmarkError.

    Uses, and fills, the index in the settings' cache; the pairs' passages are written there, too.
    """
    pair_folder = write_passage_files(plan.pairs, settings.cache_directory / "clone-pairs") if plan.pairs else None
    with closing(Engine([*roots, *([pair_folder] if pair_folder else [])], settings)) as engine:
        index_report = engine.refresh(on_progress, Event(), plan.workers)
        originals = list(sample_functions(roots, plan, settings))
        measurer = _CloneMeasurer(engine, plan, on_progress, len(CloneType) * len(originals))
        queries = [item for original in originals for item in measurer.query_clones(original)]
        queries += measurer.query_pairs(plan.pairs, pair_folder) if plan.pairs and pair_folder else []
        duplicates = [claim for original in originals for claim in measurer.list_duplicates(original)]
        neighbours = [claim for original in originals for claim in measurer.list_claimed_neighbours(original)]
        strangers = [measurer.query_stranger(item) for item in sample_functions(plan.strangers, plan, settings)]
        measurer.close()
    signature = {
        **describe_codekin(),
        **describe_model(load_embedder(settings.model)),
        "roots": ", ".join(root.resolve().name for root in roots),
        "corpus": f"{index_report.files:,} files, {index_report.snippets:,} snippets",
        "seed": str(plan.seed),
        "sample": f"{plan.sample} per language: {len(originals)} of >= {MIN_LINES} lines, >= {MIN_TOKENS} tokens",
        "strangers": ", ".join(root.resolve().name for root in plan.strangers) or "none",
        "pairs": plan.pairs.resolve().name if plan.pairs else "none",
    }
    return CloneReport(
        tuple(queries), tuple(strangers), tuple(neighbours), tuple(duplicates), len(originals), signature
    )


class _CloneMeasurer:
    """Runs clone queries on one engine and reports progress."""

    def __init__(self, engine: Engine, plan: SamplingPlan, on_progress: OnProgress, total: int) -> None:
        """Prepare to report `total` steps; opens the index a second time if the plan measures retrievers alone."""
        self._engine = engine
        self._plan = plan
        self._on_progress = on_progress
        self._total = total
        self._done = 0
        self._retrievers = SingleRetrievers(engine) if plan.alone else None

    def query_clones(self, original: SampledFunction) -> Iterator[CloneQuery]:
        """Search for a clone of each possible type of the function; yield a CloneQuery for each; the same by seed."""
        snippet = original.snippet
        for type_ in CloneType:
            random = Random(f"{self._plan.seed} {type_} {snippet.text}")  # noqa: S311 -- sampling, not secrets
            mutant = make_mutant(snippet.text, snippet.language, type_, random)
            self._count_step()
            if mutant is not None:
                yield self._query_mutant(original, mutant)

    def _query_mutant(self, original: SampledFunction, mutant: Mutant) -> CloneQuery:
        """Search for the clone; return a CloneQuery with the original's rank in ten hits (None: none) and the best."""
        target_text, place = original.snippet.text, original.display_place
        hits = self._engine.find_similar_to_code(mutant.text, MAX_HITS, language=original.snippet.language).hits
        matching_ranks = [rank for rank, hit in enumerate(hits, start=1) if canonicalize_hit_text(hit) == target_text]
        rank = matching_ranks[0] if matching_ranks else None
        claimed_kinship = str(hits[rank - 1].kinship or "") if rank else None
        retriever_ranks = self._retrievers.find_ranks(mutant.text, target_text) if self._retrievers else (None, None)
        best_hit, language = hits[0] if hits else None, original.snippet.language
        peer_rank = next(
            (
                position
                for position, hit in enumerate(hits, start=1)
                if _is_peer(hit, original.snippet, mutant.clone_type)
            ),
            None,
        )
        return CloneQuery(
            mutant.clone_type,
            language,
            mutant.edits,
            place,
            target_text,
            mutant.text,
            rank,
            peer_rank,
            best_hit,
            claimed_kinship,
            retriever_ranks,
        )

    def query_pairs(self, benchmark: Path, folder: Path) -> list[CloneQuery]:
        """Search for up to 4 × `sample` programs drawn at random from `benchmark`'s queries; return a CloneQuery each.

        That is the rank of the first hit, in another file, that solves the same problem in another language, or None.
        """
        texts = {row["_id"]: row for row in read_rows(benchmark / "queries.jsonl")}
        random = Random(self._plan.seed)  # noqa: S311 -- sampling, not secrets
        names = random.sample(sorted(texts), min(4 * self._plan.sample, len(texts)))
        return [
            self._query_pair(query_id, texts[query_id]["text"], texts[query_id]["language"], folder)
            for query_id in names
        ]

    def _query_pair(self, query_id: str, text: str, language: str, folder: Path) -> CloneQuery:
        """Search for one program; return a CloneQuery with the rank, in ten other files, of its problem's solution."""
        problem = query_id[1:].partition("-")[0]
        hits = self._engine.find_similar_to_code(text, _MAX_PAIR_HITS, language=language).hits
        foreign_hits = [hit for hit in hits if hit.place.path.stem != f"d{problem}_{language}"][:MAX_HITS]
        problem_folder = folder.resolve() / f"p{problem}"
        matching_ranks = [
            rank for rank, hit in enumerate(foreign_hits, start=1) if hit.place.path.parent == problem_folder
        ]
        rank = matching_ranks[0] if matching_ranks else None
        claimed_kinship = str(foreign_hits[rank - 1].kinship or "") if rank else None
        best_hit = foreign_hits[0] if foreign_hits else None
        return CloneQuery(CloneType.REWRITTEN, language, (), query_id, "", text, rank, rank, best_hit, claimed_kinship)

    def list_duplicates(self, original: SampledFunction) -> list[ClaimedHit]:
        """Return a ClaimedHit for each reported duplicate of a workspace's function, without suppressed ones."""
        hits = self._engine.find_duplicates(original.path, original.snippet)
        return [_make_claimed_hit(original, hit) for hit in hits]

    def list_claimed_neighbours(self, original: SampledFunction) -> list[ClaimedHit]:
        """Search at the function's place; return a ClaimedHit for each of ten hits that is claimed to be a clone."""
        line = original.snippet.name_line
        hits = self._engine.find_similar(original.path, Span(line, line + 1), MAX_HITS).hits
        return [_make_claimed_hit(original, hit) for hit in hits if hit.kinship in CLAIMED_KINSHIPS]

    def query_stranger(self, original: SampledFunction) -> ClaimedHit:
        """Return another code base's function with the first of ten hits claimed to be a clone, else the best."""
        hits = self._engine.find_similar_to_code(
            original.snippet.text, MAX_HITS, language=original.snippet.language
        ).hits
        return _make_claimed_hit(
            original, next((hit for hit in hits if hit.kinship in CLAIMED_KINSHIPS), hits[0] if hits else None)
        )

    def close(self) -> None:
        """Close the index that only the single retrievers use, if they are measured; not the engine."""
        if self._retrievers:
            self._retrievers.close()

    def _count_step(self) -> None:
        """Count one more query as done, and report the progress."""
        self._done += 1
        self._on_progress(Progress(self._done, self._total, None))


def _make_claimed_hit(original: SampledFunction, hit: Hit | None) -> ClaimedHit:
    """Return a ClaimedHit of the function and the hit found for it, which may be None."""
    return ClaimedHit(original.display_place, original.snippet.language, original.snippet.text, hit)


def canonicalize_hit_text(hit: Hit) -> str:
    """Return the hit's text in the canonical form that snippets of the index have."""
    return to_canonical_text(split_lines(hit.text))


def _is_peer(hit: Hit, original: Snippet, type_: CloneType) -> bool:
    """Return whether the hit equals the original but for what this type of clone changes: layout, else names."""
    hit_text = canonicalize_hit_text(hit)
    if hit_text == original.text or hit.place.language != original.language:
        return hit_text == original.text
    list_view = list_tokens if type_ is CloneType.LAYOUT else abstract_tokens
    original_view = list_view(original.text, original.language)
    return original_view is not None and list_view(hit_text, original.language) == original_view
