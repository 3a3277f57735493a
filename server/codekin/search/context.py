"""Fills a budget of tokens with the code that a task is about: whole functions first, then signatures, each once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

from codekin.code.extract import to_canonical_text
from codekin.code.token_estimate import estimate_tokens
from codekin.search.clone_classification import TokenProfile, classify
from codekin.search.outline import describe_code
from codekin.types import Hit, SnippetKind

_MAX_CANDIDATES = 160  # hits that are looked at: more than a budget of 20,000 tokens holds
_WHOLE_SHARE = 0.85  # of the budget, for whole functions; the rest is for signatures
_MAX_FUNCTION_SHARE = 0.5  # of the budget, for a single function; a longer one is shown as a signature
_HEADER_TOKENS = 24  # of an entry: its path, lines, kind and name
_MIN_SHARED_RUNS = 0.5  # of the runs of tokens; copies have four fifths, or a few less where one begins with `export`
_MAX_COMPARED = 48  # entries that a candidate is compared with, to leave out copies


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """One function, class or piece of a file in a context."""

    hit: Hit
    text: str
    is_whole: bool  # else `text` is its signature
    copy_count: int = 0  # other places that have the same code, or nearly


@dataclass(frozen=True, slots=True)
class ContextPack:
    """The code that a task is about."""

    entries: tuple[ContextEntry, ...]
    token_count: int  # an estimate, on the high side
    left_out_count: int  # candidates that did not fit


def pack_context(hits: Iterable[Hit], max_tokens: int) -> ContextPack:
    """Return a pack of what fits in `max_tokens` (estimated) of 160 hits: whole functions, else signatures.

    Copies of what is taken are only counted. The hits are consumed no further than needed.
    """
    packer = _ContextPacker(max_tokens)
    for hit in islice(hits, _MAX_CANDIDATES):
        packer.add_hit(hit)
        if packer.is_full:
            break
    return packer.make_pack()


class _ContextPacker:
    """Decides for one hit after the other whether it is taken, and whole or as a signature."""

    def __init__(self, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._used_tokens = 0
        self._entries: list[ContextEntry] = []
        self._profiles: list[TokenProfile] = []  # of the first 48 entries
        self._known_runs: set[int | str] = set()  # of tokens, of all the profiles
        self._copy_counts: list[int] = []  # of the entries
        self._left_out_count = 0

    @property
    def is_full(self) -> bool:
        """Return whether fewer than 48 tokens of the budget are left: too few for most signatures."""
        return self._max_tokens - self._used_tokens < 2 * _HEADER_TOKENS

    def add_hit(self, hit: Hit) -> None:
        """Take the hit whole, or its signature if too long; else only count it, as a copy or as left out."""
        place = hit.place
        profile = TokenProfile(to_canonical_text(hit.text.split("\n")), place.language, place.name)
        copied = self._find_copied(profile)
        if copied is not None:
            self._copy_counts[copied] += 1
            return
        whole_tokens = estimate_tokens(hit.text) + _HEADER_TOKENS
        fits_whole = self._used_tokens + whole_tokens <= _WHOLE_SHARE * self._max_tokens
        if fits_whole and whole_tokens <= _MAX_FUNCTION_SHARE * self._max_tokens:
            self._take(ContextEntry(hit, hit.text, is_whole=True), whole_tokens, profile)
            return
        signature = _make_skeleton(hit)
        signature_tokens = estimate_tokens(signature) + _HEADER_TOKENS
        if signature and self._used_tokens + signature_tokens <= self._max_tokens:
            self._take(ContextEntry(hit, signature, is_whole=False), signature_tokens, profile)
        else:
            self._left_out_count += 1

    def make_pack(self) -> ContextPack:
        """Return a ContextPack of what was taken, in order, with the numbers of copies and of hits left out."""
        entries = [
            replace(entry, copy_count=count) for entry, count in zip(self._entries, self._copy_counts, strict=True)
        ]
        return ContextPack(tuple(entries), self._used_tokens, self._left_out_count)

    def _take(self, entry: ContextEntry, token_count: int, profile: TokenProfile) -> None:
        """Append the entry and add its tokens to those used; whether it fits is not checked."""
        self._entries.append(entry)
        self._copy_counts.append(0)
        if len(self._profiles) < _MAX_COMPARED:
            self._profiles.append(profile)
            self._known_runs |= _get_runs(profile)
        self._used_tokens += token_count

    def _find_copied(self, profile: TokenProfile) -> int | None:
        """Return the index of the entry, of the first 48, that has this code or nearly; None where none has."""
        runs = _get_runs(profile)
        if 2 * len(runs & self._known_runs) < _MIN_SHARED_RUNS * len(runs):  # as of most, which costs little to see
            return None
        for number, kept_profile in enumerate(self._profiles):
            kept_runs = _get_runs(kept_profile)
            if 2 * len(runs & kept_runs) < _MIN_SHARED_RUNS * (len(runs) + len(kept_runs)):
                continue
            evidence = classify(kept_profile, profile)
            if evidence is not None and evidence.is_near_duplicate:
                return number
        return None


def _get_runs(profile: TokenProfile) -> frozenset[int | str]:
    """Return the hashes of a text's runs of tokens; of one that is too short, or no code, the text itself."""
    return profile.run_set or frozenset((profile.text,))


def _make_skeleton(hit: Hit) -> str:
    """Return the hit's signature, `# ` and the first sentence of its doc; "" if the hit defines nothing."""
    if hit.place.kind in (SnippetKind.MODULE, SnippetKind.SECTION, SnippetKind.LINES):
        return ""
    entry = describe_code(hit.text, hit.place.language)
    if entry is None:
        return ""
    return f"{entry.signature}  # {entry.summary}" if entry.summary else entry.signature
