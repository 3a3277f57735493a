"""Clones of real functions, asked for among everything else there is: `codekin evaluate clones`.

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

from codekin.code.extract import canonical, split_lines
from codekin.embed.embedder import load
from codekin.engine import Engine
from codekin.evaluation.mutations import CloneType, Mutant, make_mutant
from codekin.evaluation.mutations.layout import LAYOUTS
from codekin.evaluation.mutations.renaming import RENAMINGS
from codekin.evaluation.mutations.similarity import abstract_tokens, compute_token_ratio, list_tokens
from codekin.evaluation.pairs import read_rows, write_passage_files
from codekin.evaluation.sampling import LEAST_LINES, LEAST_TOKENS, SampledFunction, SamplingPlan, sample_functions
from codekin.evaluation.signature import describe_codekin, describe_model
from codekin.evaluation.single_retriever import SingleRetrievers
from codekin.settings import Settings
from codekin.types import Hit, OnProgress, Progress, Snippet, Span

K = 10  # hits that count
CLAIMS = ("identical", "renamed", "edited")  # the kinships that say more than "similar"
UNLIKE = 0.5  # two texts whose tokens are the same to a smaller share are no clones, until a person says so
_DEEP = 30  # hits asked for where some are left out


@dataclass(frozen=True, slots=True)
class CloneQuery:
    """A clone that was asked for, and what came."""

    type: CloneType
    language: str
    edits: tuple[str, ...]
    original: str  # where it stands
    wanted: str  # its text
    query: str
    rank: int | None  # from 1, of the first hit with the original's text
    peer: int | None  # and of the first that is as much a clone of the question, for it is of the original's type
    first: Hit | None
    claimed: str | None  # the kinship of the hit that is right
    alone: tuple[int | None, int | None] = (None, None)  # the rank by words alone, by vectors alone

    @property
    def edit_count(self) -> int:
        """How many edits it has beside those of layout and names."""
        return sum(edit not in LAYOUTS and edit not in RENAMINGS for edit in self.edits)

    @property
    def table_row(self) -> str:
        """The line of the table that it belongs to."""
        return f"{self.type} {self.type.name.lower()}" if self.edits else "4 other language"


@dataclass(frozen=True, slots=True)
class ClaimedHit:
    """A hit that may be no kin of what was asked."""

    asked: str  # where the function stands
    language: str
    text: str
    hit: Hit | None  # the best; None where nothing came

    @property
    def kinship(self) -> str:
        return str(self.hit.kinship or "") if self.hit else ""

    @property
    def token_similarity(self) -> float:
        """An independent look at both texts: the share of tokens that are the same, in order, 0 … 1."""
        return compute_token_ratio(self.text, self.hit.text) if self.hit else 0.0


@dataclass(frozen=True)
class CloneReport:
    """All that was asked and came."""

    asked: tuple[CloneQuery, ...]
    strangers: tuple[ClaimedHit, ...]  # each with the first hit that is claimed to be kin, else with the first
    neighbours: tuple[ClaimedHit, ...]  # every claim for the functions as they are, which are never their own hits
    duplicates: tuple[ClaimedHit, ...]  # every duplicate that was reported of them
    examined: int  # these functions
    signature: dict[str, str]

    @cached_property
    def group_queries(self) -> dict[str, list[CloneQuery]]:
        """What was asked, by the lines of the table."""
        lines: dict[str, list[CloneQuery]] = {}
        for one in sorted(self.asked, key=lambda one: one.table_row):
            lines.setdefault(one.table_row, []).append(one)
        return lines


def measure_clones(
    roots: Sequence[Path], plan: SamplingPlan, settings: Settings, on_progress: OnProgress
) -> CloneReport:
    """Bring the index of `roots` up to date, then ask. Raises WorkspaceError, StoreError, BenchmarkError."""
    pairs = write_passage_files(plan.pairs, settings.cache_directory / "clone-pairs") if plan.pairs else None
    with closing(Engine([*roots, *([pairs] if pairs else [])], settings)) as engine:
        indexed = engine.refresh(on_progress, Event(), plan.workers)
        originals = list(sample_functions(roots, plan, settings))
        asking = _Asking(engine, plan, on_progress, len(CloneType) * len(originals))
        asked = [one for original in originals for one in asking.clones(original)]
        asked += asking.pairs(plan.pairs, pairs) if plan.pairs and pairs else []
        duplicates = [claim for original in originals for claim in asking.duplicates(original)]
        neighbours = [claim for original in originals for claim in asking.neighbours(original)]
        strangers = [asking.stranger(one) for one in sample_functions(plan.strangers, plan, settings)]
        asking.close()
    signature = {
        **describe_codekin(),
        **describe_model(load(settings.model)),
        "roots": ", ".join(root.resolve().name for root in roots),
        "corpus": f"{indexed.files:,} files, {indexed.snippets:,} snippets",
        "seed": str(plan.seed),
        "sample": f"{plan.sample} per language: {len(originals)} of >= {LEAST_LINES} lines, >= {LEAST_TOKENS} tokens",
        "strangers": ", ".join(root.resolve().name for root in plan.strangers) or "none",
        "pairs": plan.pairs.resolve().name if plan.pairs else "none",
    }
    return CloneReport(tuple(asked), tuple(strangers), tuple(neighbours), tuple(duplicates), len(originals), signature)


class _Asking:
    """Questions to one engine, counted."""

    def __init__(self, engine: Engine, plan: SamplingPlan, on_progress: OnProgress, total: int) -> None:
        self._engine = engine
        self._plan = plan
        self._on_progress = on_progress
        self._total = total
        self._done = 0
        self._alone = SingleRetrievers(engine) if plan.alone else None

    def clones(self, original: SampledFunction) -> Iterator[CloneQuery]:
        """The original's clones, of each type that its text and language allow."""
        snippet = original.snippet
        for type_ in CloneType:
            rng = Random(f"{self._plan.seed} {type_} {snippet.text}")  # noqa: S311 -- sampling, not secrets
            made = make_mutant(snippet.text, snippet.language, type_, rng)
            self._count()
            if made is not None:
                yield self._answered(original, made)

    def _answered(self, original: SampledFunction, made: Mutant) -> CloneQuery:
        wanted, place = original.snippet.text, original.display_place
        hits = self._engine.similar_to(made.text, K, language=original.snippet.language).hits
        right = [rank for rank, hit in enumerate(hits, start=1) if read_hit_text(hit) == wanted]
        rank = right[0] if right else None
        claimed = str(hits[rank - 1].kinship or "") if rank else None
        alone = self._alone.find_ranks(made.text, wanted) if self._alone else (None, None)
        first, language = hits[0] if hits else None, original.snippet.language
        peer = next((at for at, hit in enumerate(hits, start=1) if _peers(hit, original.snippet, made.type)), None)
        return CloneQuery(made.type, language, made.edits, place, wanted, made.text, rank, peer, first, claimed, alone)

    def pairs(self, benchmark: Path, folder: Path) -> list[CloneQuery]:
        """The same jobs in other languages; what stands in the query's own file does not count."""
        texts = {row["_id"]: row for row in read_rows(benchmark / "queries.jsonl")}
        random = Random(self._plan.seed)  # noqa: S311 -- sampling, not secrets
        names = random.sample(sorted(texts), min(4 * self._plan.sample, len(texts)))
        return [self._paired(name, texts[name]["text"], texts[name]["language"], folder) for name in names]

    def _paired(self, name: str, text: str, language: str, folder: Path) -> CloneQuery:
        problem = name[1:].partition("-")[0]
        hits = self._engine.similar_to(text, _DEEP, language=language).hits
        others = [hit for hit in hits if hit.place.path.stem != f"d{problem}_{language}"][:K]
        home = folder.resolve() / f"p{problem}"
        right = [rank for rank, hit in enumerate(others, start=1) if hit.place.path.parent == home]
        rank = right[0] if right else None
        claimed = str(others[rank - 1].kinship or "") if rank else None
        first = others[0] if others else None
        return CloneQuery(CloneType.REWRITTEN, language, (), name, "", text, rank, rank, first, claimed)

    def duplicates(self, original: SampledFunction) -> list[ClaimedHit]:
        """What is reported as a duplicate of a function of the workspace."""
        hits = self._engine.duplicates(original.path, original.snippet)
        return [_claim(original, hit) for hit in hits]

    def neighbours(self, original: SampledFunction) -> list[ClaimedHit]:
        """What is claimed to be kin of a function of the workspace."""
        line = original.snippet.name_line
        hits = self._engine.similar(original.path, Span(line, line + 1), K).hits
        return [_claim(original, hit) for hit in hits if hit.kinship in CLAIMS]

    def stranger(self, original: SampledFunction) -> ClaimedHit:
        """What is claimed for a function of elsewhere, else found."""
        hits = self._engine.similar_to(original.snippet.text, K, language=original.snippet.language).hits
        return _claim(original, next((hit for hit in hits if hit.kinship in CLAIMS), hits[0] if hits else None))

    def close(self) -> None:
        """Let go of what only these questions needed."""
        if self._alone:
            self._alone.close()

    def _count(self) -> None:
        self._done += 1
        self._on_progress(Progress(self._done, self._total, None))


def _claim(original: SampledFunction, hit: Hit | None) -> ClaimedHit:
    return ClaimedHit(original.display_place, original.snippet.language, original.snippet.text, hit)


def read_hit_text(hit: Hit) -> str:
    """A hit's text as the index knows it."""
    return canonical(split_lines(hit.text))


def _peers(hit: Hit, original: Snippet, type_: CloneType) -> bool:
    """Whether a hit is the original but for layout or, where the clone has other names and literals, for these."""
    found = read_hit_text(hit)
    if found == original.text or hit.place.language != original.language:
        return found == original.text
    view = list_tokens if type_ is CloneType.LAYOUT else abstract_tokens
    wanted = view(original.text, original.language)
    return wanted is not None and view(found, original.language) == wanted
