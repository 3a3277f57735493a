"""Classify how two pieces of code are kin (identical, renamed, edited) by their current texts, and say why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from codekin.code.fingerprints import MIN_RUNS, RUN_TOKENS, digest_codes, hash_runs, renumber_names
from codekin.code.tokens import MARK, NAME, NO_TOKENS, NUMBER, STRING, Codes, Tokens, tokenize
from codekin.types import Kinship

# Edited: share + kept / 2 >= _MIN_EVIDENCE + _CHANCE_EVIDENCE / runs, where `share` is the Dice coefficient of the runs
# of tokens and `kept` that of names and literals: the shorter the code, the likelier it is alike by chance. Of 6,336
# functions searched for in other code bases, 0.7% had one that is called renamed or edited among the five nearest, most
# of them the same boilerplate (equals, generated code); 89% of edited functions pass, 87% of edited and renamed ones.
# Of 5,743 functions of projects that the values were not chosen on, 0.3% had one among the ten nearest.
_MIN_EVIDENCE, _CHANCE_EVIDENCE = 0.7, 9.0
_MIN_SHARE = 0.6
# Near-duplicates. Of 880 edited ones by structure alone, 23 had fewer than half of their tokens in common (difflib);
# with names and literals 13 of 863, in another order or repeated, and 7 of the other 857 were lost.
NEAR_DUPLICATE_SHARE, _NEAR_DUPLICATE_KEPT = 0.8, 0.4
_MAX_LISTED_CHANGES = 3  # in a reason
_MAX_LISTED_LENGTH = 28  # characters of a name or literal in a reason


@dataclass(frozen=True, slots=True)
class CloneEvidence:
    """The kinship of two texts, the reason to show, and the shares of structure and names that both have."""

    kinship: Kinship
    why: str
    share: float  # of the structure, 0 … 1
    kept: float = 1.0  # of names and literals, 0 … 1, where it is edited

    @property
    def is_near_duplicate(self) -> bool:
        """Return whether the two share 80% of the structure and 40% of names and literals, or more."""
        return self.share >= NEAR_DUPLICATE_SHARE and self.kept >= _NEAR_DUPLICATE_KEPT


class TokenProfile:
    """The tokens of a text and what is derived from them, computed once. Empty where `language` is None."""

    def __init__(self, text: str, language: str | None, name: str = "") -> None:
        """Tokenize `text`, to nothing without a known `language`; `name`, which it defines, is in no reason."""
        self.text = text
        self.name = name
        self.tokens = (tokenize(text, language) if language else None) or NO_TOKENS

    @property
    def is_exported(self) -> bool:
        """Return whether the text's first token is `export`."""
        return len(self.tokens.texts) > 0 and self.tokens.texts[0] == "export"

    def drop_export(self) -> "TokenProfile":
        """Return a new profile without the first token, `export`, and a `default` after it."""
        count = 2 if self.tokens.texts[1:2] == ["default"] else 1
        profile = TokenProfile(self.text, None, self.name)
        tokens = self.tokens
        profile.tokens = Tokens(tokens.texts[count:], tokens.codes[count:], tokens.kinds[count:])
        return profile

    @cached_property
    def run_hashes(self) -> Codes:
        """Return the hash of each run of RUN_TOKENS tokens, by position; empty for a shorter text (cached)."""
        return hash_runs(self.tokens)

    @cached_property
    def distinct_runs(self) -> Codes:
        """Return the distinct hashes of `run_hashes` as an ascending array (cached)."""
        return np.unique(self.run_hashes)

    @cached_property
    def run_set(self) -> frozenset[int]:
        """Return the distinct hashes of `run_hashes` as a frozenset (cached), for quick intersections."""
        return frozenset(self.run_hashes.tolist())

    @cached_property
    def word_codes(self) -> Codes:
        """Return the distinct codes of names and literals, ascending (cached)."""
        return np.unique(self.tokens.codes[self.tokens.kinds != MARK])

    @cached_property
    def structure_digest(self) -> bytes:
        """Return a digest (cached), equal for texts that differ only in literals and consistently renamed names."""
        return digest_codes(renumber_names(self.tokens))

    @cached_property
    def called_names(self) -> dict[str, None]:
        """Return a dict (cached) whose keys are the names directly before a `(`, by first use; all values are None."""
        texts = self.tokens.texts
        name_positions = np.flatnonzero(self.tokens.kinds[:-1] == NAME).tolist()
        return dict.fromkeys(texts[position] for position in name_positions if texts[position + 1] == "(")


def are_near_duplicates(
    shares: npt.NDArray[np.float64],
    kept: npt.NDArray[np.float64],
    run_counts: npt.NDArray[np.int64],
    have_same_structure: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Return booleans (n,): whether `classify` takes each of n pairs, of different tokens, for near-duplicates.

    `shares` and `kept` are the pairs' Dice coefficients, as in CloneEvidence, `run_counts` the lower counts of distinct
    runs.
    """
    min_evidence = _MIN_EVIDENCE + _CHANCE_EVIDENCE / np.maximum(run_counts, 1)
    has_evidence = (run_counts >= MIN_RUNS) & (shares >= _MIN_SHARE) & (shares + kept / 2 >= min_evidence)
    are_close = (shares >= NEAR_DUPLICATE_SHARE) & (kept >= _NEAR_DUPLICATE_KEPT)
    return np.asarray(has_evidence & (have_same_structure | are_close), np.bool_)


def classify(query: TokenProfile, candidate: TokenProfile) -> CloneEvidence | None:
    """Return how the candidate is a clone of the query and why; None where that is unproven or they are too short."""
    if query.text == candidate.text:
        return CloneEvidence(Kinship.IDENTICAL, "identical text", 1.0)
    if not query.tokens.texts or not candidate.tokens.texts:
        return None
    if query.is_exported != candidate.is_exported:
        query, candidate = (profile.drop_export() if profile.is_exported else profile for profile in (query, candidate))
        if np.array_equal(query.tokens.codes, candidate.tokens.codes):
            return CloneEvidence(Kinship.EDITED, "identical except for `export`", 1.0)
    if np.array_equal(query.tokens.codes, candidate.tokens.codes):
        return CloneEvidence(Kinship.IDENTICAL, _describe_layout(query.text, candidate.text), 1.0)
    return _compare_structure(query, candidate)


def _compare_structure(query: TokenProfile, candidate: TokenProfile) -> CloneEvidence | None:
    """Return how a candidate of different tokens is a clone of the query and why; None where that is unproven."""
    run_count = min(len(query.distinct_runs), len(candidate.distinct_runs))
    if run_count < MIN_RUNS:
        return None
    share = _compute_dice(query.distinct_runs, candidate.distinct_runs)
    if share < _MIN_SHARE:  # as of most pairs
        return None
    kept = _compute_dice(query.word_codes, candidate.word_codes)
    if share + kept / 2 < _MIN_EVIDENCE + _CHANCE_EVIDENCE / run_count:
        return None
    if query.structure_digest == candidate.structure_digest:
        return CloneEvidence(Kinship.RENAMED, f"same structure, {_describe_changes(query, candidate)}", 1.0)
    renamed = _find_renamed(query, candidate)
    renaming = f", {_list_changes(renamed, 'identifier', 'renamed')}" if renamed else ""
    return CloneEvidence(Kinship.EDITED, f"{_format_percent(share)} of the structure{renaming}", share, kept)


def _find_renamed(query: TokenProfile, candidate: TokenProfile) -> list[tuple[str, str]]:
    """Return (old, new) for each name that another one replaces in most aligned places, in the query's order."""
    old_tokens, new_tokens = query.tokens, candidate.tokens
    old_positions, new_positions = _align_positions(query.run_hashes, candidate.run_hashes)
    are_names = (old_tokens.kinds[old_positions] == NAME) & (new_tokens.kinds[new_positions] == NAME)
    positions = dict.fromkeys(zip(old_positions[are_names].tolist(), new_positions[are_names].tolist(), strict=True))
    pair_counts = Counter(
        (old_tokens.texts[old_position], new_tokens.texts[new_position]) for old_position, new_position in positions
    )
    old_counts, new_counts = Counter(old_tokens.texts), Counter(new_tokens.texts)
    renamed: dict[str, str] = {}
    for (old, new), count in pair_counts.most_common():
        is_taken = old in new_counts or new in old_counts or old in renamed or new in renamed.values()
        if not is_taken and new != candidate.name and 2 * count > max(old_counts[old], new_counts[new]):
            renamed[old] = new
    return sorted(renamed.items(), key=lambda pair: old_tokens.texts.index(pair[0]))


def _compute_dice(codes: npt.NDArray[np.generic], other_codes: npt.NDArray[np.generic]) -> float:
    """Return the Dice coefficient of two ascending arrays without repetitions, 0 to 1; 0 where both are empty."""
    merged_codes = np.concatenate([codes, other_codes])
    merged_codes.sort()
    shared_count = int(np.count_nonzero(merged_codes[1:] == merged_codes[:-1]))
    return 2 * shared_count / len(merged_codes) if len(merged_codes) else 0.0


def _align_positions(query_runs: Codes, candidate_runs: Codes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the positions of matching tokens in both texts, in parallel, by runs that occur exactly once in each."""
    (query_hashes, query_starts), (candidate_hashes, candidate_starts) = map(
        _find_unique_runs, (query_runs, candidate_runs)
    )
    _, query_matches, candidate_matches = np.intersect1d(
        query_hashes, candidate_hashes, assume_unique=True, return_indices=True
    )
    order = np.argsort(query_starts[query_matches])
    offsets = np.arange(RUN_TOKENS)
    return (
        (query_starts[query_matches][order, None] + offsets).ravel(),
        (candidate_starts[candidate_matches][order, None] + offsets).ravel(),
    )


def _find_unique_runs(run_hashes: Codes) -> tuple[Codes, npt.NDArray[np.int64]]:
    """Return the hashes of the runs that occur exactly once, ascending, and their positions."""
    hashes, positions, counts = np.unique(run_hashes, return_index=True, return_counts=True)
    return hashes[counts == 1], positions[counts == 1]


def _describe_layout(query_text: str, candidate_text: str) -> str:
    """Return the reason for texts with equal tokens: "identical but for formatting", or "… formatting or comments"."""
    is_only_formatting = "".join(query_text.split()) == "".join(candidate_text.split())
    return "identical but for formatting" if is_only_formatting else "identical but for formatting or comments"


def _describe_changes(query: TokenProfile, candidate: TokenProfile) -> str:
    """Return the reason for texts of the same structure (equally many tokens): which names and literals differ."""
    old_tokens, new_tokens = query.tokens, candidate.tokens
    positions = np.flatnonzero(old_tokens.codes != new_tokens.codes).tolist()
    changed = [
        (old_tokens.kinds[position], (old_tokens.texts[position], new_tokens.texts[position])) for position in positions
    ]
    names = dict.fromkeys(pair for token_kind, pair in changed if token_kind == NAME)
    inner_names = [pair for pair in names if pair[1] != candidate.name]
    literals = [pair for token_kind, pair in changed if token_kind in (STRING, NUMBER)]
    changes = [_list_changes(inner_names, "identifier", "renamed")] if inner_names else []
    changes += [_list_changes(literals, "literal", "changed")] if literals else []
    return "; ".join(changes) or "another name"


def _list_changes(pairs: Sequence[tuple[str, str]], noun: str, verb: str) -> str:
    """Return `2 identifiers renamed: total→sum, xs→items`: all are counted, at most three listed, each cut."""
    listed = ", ".join(f"{_shorten(old)}→{_shorten(new)}" for old, new in pairs[:_MAX_LISTED_CHANGES])
    ellipsis = ", …" if len(pairs) > _MAX_LISTED_CHANGES else ""
    return f"{len(pairs)} {noun}{'s' if len(pairs) != 1 else ''} {verb}: {listed}{ellipsis}"


def _shorten(text: str) -> str:
    """Return the text on one line, cut to 28 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_LISTED_LENGTH else line[: _MAX_LISTED_LENGTH - 1] + "…"


def _format_percent(share: float) -> str:
    """Format the share as a percentage, at most 99%: all of the structure is called `same structure`."""
    return f"{min(round(100 * share), 99)}%"
