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
from codekin.evaluation.alone import Alone
from codekin.evaluation.mutations import CloneType, Mutant, mutant
from codekin.evaluation.mutations.layout import LAYOUTS
from codekin.evaluation.mutations.likeness import shape, token_ratio, tokens
from codekin.evaluation.mutations.renaming import RENAMINGS
from codekin.evaluation.pairs import rows, written
from codekin.evaluation.samples import LEAST_LINES, LEAST_TOKENS, Original, Plan, sampled
from codekin.evaluation.signature import of_codekin, of_model
from codekin.settings import Settings
from codekin.types import Hit, OnProgress, Progress, Snippet, Span

K = 10  # hits that count
CLAIMS = ("identical", "renamed", "edited")  # the kinships that say more than "similar"
UNLIKE = 0.5  # two texts whose tokens are the same to a smaller share are no clones, until a person says so
_DEEP = 30  # hits asked for where some are left out


@dataclass(frozen=True, slots=True)
class Asked:
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
    def count(self) -> int:
        """How many edits it has beside those of layout and names."""
        return sum(edit not in LAYOUTS and edit not in RENAMINGS for edit in self.edits)

    @property
    def set(self) -> str:
        """The line of the table that it belongs to."""
        return f"{self.type} {self.type.name.lower()}" if self.edits else "4 other language"


@dataclass(frozen=True, slots=True)
class Claim:
    """A hit that may be no kin of what was asked."""

    asked: str  # where the function stands
    language: str
    text: str
    hit: Hit | None  # the best; None where nothing came

    @property
    def kinship(self) -> str:
        return str(self.hit.kinship or "") if self.hit else ""

    @property
    def alike(self) -> float:
        """An independent look at both texts: the share of tokens that are the same, in order, 0 … 1."""
        return token_ratio(self.text, self.hit.text) if self.hit else 0.0


@dataclass(frozen=True)
class CloneReport:
    """All that was asked and came."""

    asked: tuple[Asked, ...]
    strangers: tuple[Claim, ...]  # each with the first hit that is claimed to be kin, else with the first
    neighbours: tuple[Claim, ...]  # every claim for the functions as they are, which are never their own hits
    duplicates: tuple[Claim, ...]  # every duplicate that was reported of them
    examined: int  # these functions
    signature: dict[str, str]

    @cached_property
    def sets(self) -> dict[str, list[Asked]]:
        """What was asked, by the lines of the table."""
        lines: dict[str, list[Asked]] = {}
        for one in sorted(self.asked, key=lambda one: one.set):
            lines.setdefault(one.set, []).append(one)
        return lines


def measure_clones(roots: Sequence[Path], plan: Plan, settings: Settings, on_progress: OnProgress) -> CloneReport:
    """Bring the index of `roots` up to date, then ask. Raises WorkspaceError, StoreError, BenchmarkError."""
    pairs = written(plan.pairs, settings.cache_directory / "clone-pairs") if plan.pairs else None
    with closing(Engine([*roots, *([pairs] if pairs else [])], settings)) as engine:
        indexed = engine.refresh(on_progress, Event(), plan.workers)
        originals = list(sampled(roots, plan, settings))
        asking = _Asking(engine, plan, on_progress, len(CloneType) * len(originals))
        asked = [one for original in originals for one in asking.clones(original)]
        asked += asking.pairs(plan.pairs, pairs) if plan.pairs and pairs else []
        duplicates = [claim for original in originals for claim in asking.duplicates(original)]
        neighbours = [claim for original in originals for claim in asking.neighbours(original)]
        strangers = [asking.stranger(one) for one in sampled(plan.strangers, plan, settings)]
        asking.close()
    signature = {
        **of_codekin(),
        **of_model(load(settings.model)),
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

    def __init__(self, engine: Engine, plan: Plan, on_progress: OnProgress, total: int) -> None:
        self._engine = engine
        self._plan = plan
        self._on_progress = on_progress
        self._total = total
        self._done = 0
        self._alone = Alone(engine) if plan.alone else None

    def clones(self, original: Original) -> Iterator[Asked]:
        """The original's clones, of each type that its text and language allow."""
        snippet = original.snippet
        for type_ in CloneType:
            rng = Random(f"{self._plan.seed} {type_} {snippet.text}")  # noqa: S311 -- sampling, not secrets
            made = mutant(snippet.text, snippet.language, type_, rng)
            self._count()
            if made is not None:
                yield self._answered(original, made)

    def _answered(self, original: Original, made: Mutant) -> Asked:
        wanted, place = original.snippet.text, original.place
        hits = self._engine.similar_to(made.text, K, language=original.snippet.language).hits
        right = [rank for rank, hit in enumerate(hits, start=1) if text_of(hit) == wanted]
        rank = right[0] if right else None
        claimed = str(hits[rank - 1].kinship or "") if rank else None
        alone = self._alone.ranks(made.text, wanted) if self._alone else (None, None)
        first, language = hits[0] if hits else None, original.snippet.language
        peer = next((at for at, hit in enumerate(hits, start=1) if _peers(hit, original.snippet, made.type)), None)
        return Asked(made.type, language, made.edits, place, wanted, made.text, rank, peer, first, claimed, alone)

    def pairs(self, benchmark: Path, folder: Path) -> list[Asked]:
        """The same jobs in other languages; what stands in the query's own file does not count."""
        texts = {row["_id"]: row for row in rows(benchmark / "queries.jsonl")}
        random = Random(self._plan.seed)  # noqa: S311 -- sampling, not secrets
        names = random.sample(sorted(texts), min(4 * self._plan.sample, len(texts)))
        return [self._paired(name, texts[name]["text"], texts[name]["language"], folder) for name in names]

    def _paired(self, name: str, text: str, language: str, folder: Path) -> Asked:
        problem = name[1:].partition("-")[0]
        hits = self._engine.similar_to(text, _DEEP, language=language).hits
        others = [hit for hit in hits if hit.place.path.stem != f"d{problem}_{language}"][:K]
        home = folder.resolve() / f"p{problem}"
        right = [rank for rank, hit in enumerate(others, start=1) if hit.place.path.parent == home]
        rank = right[0] if right else None
        claimed = str(others[rank - 1].kinship or "") if rank else None
        first = others[0] if others else None
        return Asked(CloneType.REWRITTEN, language, (), name, "", text, rank, rank, first, claimed)

    def duplicates(self, original: Original) -> list[Claim]:
        """What is reported as a duplicate of a function of the workspace."""
        hits = self._engine.duplicates(original.path, original.snippet)
        return [_claim(original, hit) for hit in hits]

    def neighbours(self, original: Original) -> list[Claim]:
        """What is claimed to be kin of a function of the workspace."""
        line = original.snippet.name_line
        hits = self._engine.similar(original.path, Span(line, line + 1), K).hits
        return [_claim(original, hit) for hit in hits if hit.kinship in CLAIMS]

    def stranger(self, original: Original) -> Claim:
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


def _claim(original: Original, hit: Hit | None) -> Claim:
    return Claim(original.place, original.snippet.language, original.snippet.text, hit)


def text_of(hit: Hit) -> str:
    """A hit's text as the index knows it."""
    return canonical(split_lines(hit.text))


def _peers(hit: Hit, original: Snippet, type_: CloneType) -> bool:
    """Whether a hit is the original but for layout or, where the clone has other names and literals, for these."""
    found = text_of(hit)
    if found == original.text or hit.place.language != original.language:
        return found == original.text
    view = tokens if type_ is CloneType.LAYOUT else shape
    wanted = view(original.text, original.language)
    return wanted is not None and view(found, original.language) == wanted
