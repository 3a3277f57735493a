"""Compute a candidate's features, which say how likely its line comes next, and rename its locals to the cursor's."""

import math
from collections.abc import Iterator, Sequence

from codekin.code.line_hashes import find_calls, find_local_names, find_names, make_line_hasher, rename_locals
from codekin.code.lines import is_closing
from codekin.completion.candidates import LineCandidate, measure_rarity
from codekin.completion.context import (
    SIGNATURE_LINES,
    CompletionContext,
    measure_indent,
    parse_parameters,
)
from codekin.completion.line_words import compute_jaccard, split_word_set, strip_blanks
from codekin.completion.source_starts import SourceStart, read_source_start
from codekin.index.index import Index

# The order in which the weighted features are summed.
FEATURES = (
    "rarity", "root_rarity", "depth", "aligned", "called", "here", "folder", "stands", "steps", "words", "meaning",
    "name", "begins", "same_line", "alike", "unresolved", "already", "frequency", "bracket", "header", "header_words",
    "in_list", "near", "kind", "known", "length", "closing",
    "called_here", "alike_here", "begins_here", "header_aligned",
)  # fmt: skip
_PRODUCTS = {
    "called_here": ("called", "here"),
    "alike_here": ("alike", "here"),
    "begins_here": ("begins", "here"),
    "header_aligned": ("header", "aligned"),
}


class FeatureExtractor:
    """Computes the adapted lines and the features of one context's candidates."""

    def __init__(self, context: CompletionContext, index: Index) -> None:
        """Measure the context once for all its candidates. Raises IndexError where it has no content line."""
        self._context = context
        self._index = index
        self._rarities = measure_rarity(context, index)
        self._total_rarity = sum(self._rarities.values()) or 1.0
        self._hasher = make_line_hasher(context.language)
        last_line = context.content_lines[-1]
        self._last_line = strip_blanks(last_line)
        self._last_words = split_word_set(last_line)
        self._last_calls = find_calls(last_line)
        indent_column = context.indent_column
        self._indent_step = None if indent_column is None else indent_column - measure_indent(last_line)
        self._header_hash = self._hash_header(context.block_header)
        self._header_words = split_word_set(context.block_header)
        self._name_words = split_word_set(context.name)
        self._frequencies: dict[int, float] = {}  # line hash → logarithm of how often the workspace has it
        self._is_name_in_document: dict[str, bool] = {}

    def adapt_candidate(self, candidate: LineCandidate, typed_text: str) -> bool:
        """Set the candidate's `names`, `line` and, if it starts with `typed_text`, `features`; return whether it does.

        `features` has all FEATURES in order.
        """
        source_start = read_source_start(candidate.source.lines, candidate.row, self._context.language)
        candidate.names = map_names(self._context, candidate, source_start.content_lines)
        candidate.line = rename_locals(source_start.line.strip(), candidate.names)
        if not candidate.line.startswith(typed_text):
            return False
        self._extract_features(candidate, source_start)
        return True

    def _extract_features(self, candidate: LineCandidate, source_start: SourceStart) -> None:
        """Compute and set the candidate's `features`, products of features included, in the order of FEATURES."""
        features = {
            **self._compare_lines_above(candidate, source_start),
            **self._compare_blocks(candidate, source_start),
            **self._compare_locations(candidate),
            **self._describe_line(candidate, source_start),
        }
        features |= {
            feature_name: math.prod(features[factor_name] for factor_name in factor_names)
            for feature_name, factor_names in _PRODUCTS.items()
        }
        candidate.features = {feature_name: float(features[feature_name]) for feature_name in FEATURES}

    def _compare_lines_above(self, candidate: LineCandidate, source_start: SourceStart) -> dict[str, float]:
        """Return name → feature, comparing the lines above the candidate with those above the cursor."""
        rarity, previous_line = candidate.rarity, source_start.previous_line
        common_rarity = sum(map(self._rarities.__getitem__, source_start.line_hashes & self._rarities.keys()))
        return {
            "rarity": min(rarity, 30) / 10,
            "root_rarity": math.sqrt(min(rarity, 60)) / 3 if rarity > 0 else 0,
            "depth": min(candidate.depth, 4),
            "aligned": candidate.depth > 0,
            "steps": common_rarity / self._total_rarity,
            "words": compute_jaccard(self._context.word_set, source_start.word_set),
            "called": bool(self._last_calls) and find_calls(previous_line) == self._last_calls,
            "same_line": strip_blanks(previous_line) == self._last_line,
            "alike": compute_jaccard(self._last_words, split_word_set(previous_line)),
            "meaning": candidate.cosine,
        }

    def _compare_blocks(self, candidate: LineCandidate, source_start: SourceStart) -> dict[str, float]:
        """Return name → feature, comparing the block of the candidate's line with the cursor's."""
        return {
            "stands": self._has_same_indent_step(source_start),
            "begins": self._context.is_signature_only and self._is_first_of_body(candidate),
            "bracket": source_start.open_bracket == self._context.open_bracket,
            "in_list": source_start.open_bracket in ("(", "["),
            "header": self._hash_header(source_start.block_header) == self._header_hash,
            "header_words": compute_jaccard(self._header_words, split_word_set(source_start.block_header)),
        }

    def _compare_locations(self, candidate: LineCandidate) -> dict[str, float]:
        """Return name → feature, comparing the candidate's document and function with the cursor's."""
        context, source_snippet = self._context, candidate.source
        is_same_document = source_snippet.path == context.path
        return {
            "here": is_same_document,
            "folder": source_snippet.path.parent == context.path.parent,
            "near": 1 / (1 + source_snippet.distance) if is_same_document else 0,
            "kind": source_snippet.kind == context.kind,
            "name": compute_jaccard(self._name_words, split_word_set(source_snippet.name)),
        }

    def _describe_line(self, candidate: LineCandidate, source_start: SourceStart) -> dict[str, float]:
        """Return name → feature of the adapted line itself."""
        adapted_line = candidate.line
        local_names = find_local_names(adapted_line)
        global_names = [global_name for global_name in find_names(adapted_line) if global_name not in local_names]
        return {
            "unresolved": self._has_unresolved_name(candidate, source_start, local_names),
            "already": strip_blanks(adapted_line) in self._context.stripped_lines,
            "frequency": self._measure_frequency(self._hasher[source_start.line]),
            "known": all(map(self._is_in_document, global_names)),
            "length": min(len(adapted_line), 60) / 60,
            "closing": is_closing(source_start.line),
        }

    def _has_same_indent_step(self, source_start: SourceStart) -> bool:
        """Return whether the line's indentation changes as at the cursor, within one column; True if unknown."""
        if self._indent_step is None:
            return True
        return abs(source_start.column - measure_indent(source_start.previous_line) - self._indent_step) <= 1

    def _is_first_of_body(self, candidate: LineCandidate) -> bool:
        """Return whether the candidate is the first line of code below its function's name."""
        source_snippet = candidate.source
        body_above = source_snippet.lines[source_snippet.name_row + 1 : candidate.row]
        return source_snippet.name_row >= 0 and not any(self._hasher[body_line] for body_line in body_above)

    def _has_unresolved_name(
        self, candidate: LineCandidate, source_start: SourceStart, local_names: Sequence[str]
    ) -> bool:
        """Return whether the line needs a local name that its source has above and the context does not."""
        context_names = self._context.local_names | set(candidate.names.values())
        return any(
            local_name in source_start.local_names and local_name not in context_names for local_name in local_names
        )

    def _hash_header(self, block_header: str) -> int:
        """Return the header's line hash; 0 where there is no header."""
        return self._hasher[block_header] if block_header else 0

    def _is_in_document(self, global_name: str) -> bool:
        """Return whether the name occurs, if only in a longer one, in the document's other lines; cached."""
        if global_name not in self._is_name_in_document:
            self._is_name_in_document[global_name] = global_name in self._context.other_lines
        return self._is_name_in_document[global_name]

    def _measure_frequency(self, line_hash: int) -> float:
        """Return ln(1 + how often the indexed contents have the line); cached."""
        if line_hash not in self._frequencies:
            self._frequencies[line_hash] = math.log(1 + self._index.line_index.frequency(line_hash))
        return self._frequencies[line_hash]


def map_names(context: CompletionContext, candidate: LineCandidate, content_lines: Sequence[str]) -> dict[str, str]:
    """Return source name → other cursor name for local names, paired by equal lines first, then by parameters.

    `content_lines` are the source's above the candidate. Left out: names that stay, ambiguous ones, and two that would
    get the same name.
    """
    cursor_names: dict[str, str] = {}
    ambiguous_names: set[str] = set()
    for source_name, cursor_name in _pair_names_of_lines(context, candidate, content_lines):
        if cursor_names.setdefault(source_name, cursor_name) != cursor_name:
            ambiguous_names.add(source_name)
    for source_name, cursor_name in _pair_parameters(context, candidate):
        if source_name not in context.local_names:
            cursor_names.setdefault(source_name, cursor_name)
    new_names = list(cursor_names.values())
    return {
        source_name: cursor_name
        for source_name, cursor_name in cursor_names.items()
        if source_name != cursor_name and source_name not in ambiguous_names and new_names.count(cursor_name) == 1
    }


def _pair_names_of_lines(
    context: CompletionContext, candidate: LineCandidate, content_lines: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield (source name, cursor name) by position in the matching lines above both, the nearest line first.

    Where no line matches, in the last lines, if they have the same calls. Lines with other numbers of names are left
    out.
    """
    line_pairs = list(zip(reversed(content_lines), reversed(context.content_lines), strict=False))
    for source_line, cursor_line in line_pairs[: max(candidate.depth, 1)]:
        source_names, cursor_names = find_local_names(source_line), find_local_names(cursor_line)
        is_same_line = candidate.depth or find_calls(source_line) == find_calls(cursor_line) != ()
        if len(source_names) == len(cursor_names) and is_same_line:
            yield from zip(source_names, cursor_names, strict=True)


def _pair_parameters(context: CompletionContext, candidate: LineCandidate) -> Iterator[tuple[str, str]]:
    """Yield (source parameter, cursor parameter) by position; nothing for different numbers or no signature."""
    source_snippet = candidate.source
    if source_snippet.name_row < 0:
        return
    source_parameters = parse_parameters(
        source_snippet.lines[source_snippet.name_row : source_snippet.name_row + SIGNATURE_LINES]
    )
    if len(source_parameters) == len(context.parameters):
        yield from zip(source_parameters, context.parameters, strict=True)
