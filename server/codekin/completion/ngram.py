"""Predicts the next token: a nested n-gram model of the workspace, the document and its own local names.

Its estimates, each backing off from long contexts to short ones (Witten & Bell, 1991), are mixed by a small fitted
network: what followed the same tokens in the document and elsewhere in the workspace, the document's own counting more
(Hellendoorn & Devanbu, 2017); and what followed the same tokens in the document where local names, strings and numbers
are left open, with the names at the cursor put in.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.completion.back_off import MIN_REST, Counts, Estimate, Weights, count_symbols, estimate, merge_counts
from codekin.completion.document_tokens import ANY_NAME, DocumentTokens, TokenContext
from codekin.completion.line_tokens import BOUNDARY, LINE_END, LONG_LITERAL, Positions, Symbols
from codekin.completion.ngram_weights import MIXER
from codekin.completion.parallel_code import MIN_LENGTH, ParallelCode, ParallelFinder
from codekin.completion.suffix_index import MAX_CONTEXT_TOKENS, ContextMatches, SuffixIndex
from codekin.completion.token_features import Estimates, compute_features

CONTEXT_LENGTHS = (16, 12, 9, 7, 5, 4, 3, 2, 1)  # tokens: those whose continuations are counted, longest first
_MAX_SYMBOLS, _MAX_ABSTRACT_SYMBOLS = 10, 8  # of each estimate that are candidates
_DOCUMENT_WEIGHT = 4.0  # of one occurrence in the document, against one elsewhere
_FUNCTION_WEIGHT = 2.0  # of one in the function before the cursor, against others
_NO_POSITIONS = np.empty(0, np.int64)
_NEVER_PREDICTED = frozenset((BOUNDARY, LONG_LITERAL))


class Prediction(NamedTuple):
    """A symbol that may come next."""

    symbol: int
    probability: float


class Source(NamedTuple):
    """Where a predicted symbol stands: a position in the document's symbols, or in the workspace's."""

    position: int
    is_in_document: bool


@dataclass(frozen=True, slots=True, eq=False)
class TokenFeatures:
    """The candidates for the next symbol, and their features."""

    symbols: list[int]  # n
    values: Weights  # (n + 1, features), the last row for all other symbols


class NgramModel:
    """Predicts the symbols at one cursor."""

    def __init__(
        self,
        document: DocumentTokens,
        workspace: SuffixIndex,
        excluded_documents: Sequence[int],
        near_code: ParallelCode | None = None,
    ) -> None:
        """`excluded_documents`, which `near_code` is without, are the document itself and its copies in `workspace`."""
        self._document = document
        self._workspace = workspace
        document_code = ParallelCode(document.symbols, document.vocabulary, is_document=True)
        codes = (document_code, near_code) if near_code else (document_code,)
        self._parallel_finder = ParallelFinder(codes, self._has_token)
        self._predictions: dict[Hashable, list[Prediction]] = {}
        self._excluded_ranges = np.array([workspace.find_range(number) for number in sorted(excluded_documents)])

    def predict(self, token_context: TokenContext) -> list[Prediction]:
        """Return (symbol, probability) of up to 26 symbols that may come next, most probable first, below 1 in all."""
        key = _make_key(token_context)
        if key not in self._predictions:
            self._predictions[key] = self._predict(token_context)
        return self._predictions[key]

    def _predict(self, token_context: TokenContext) -> list[Prediction]:
        """Return the symbols that may come next, most probable first."""
        features = self.extract_features(token_context)
        if not features.symbols:
            return []
        probabilities = MIXER.compute_probabilities(features.values)[:-1]
        symbol_order = np.argsort(-probabilities, kind="stable").tolist()
        return [Prediction(features.symbols[i], float(probabilities[i])) for i in symbol_order]

    def extract_features(self, token_context: TokenContext) -> TokenFeatures:
        """Return up to 26 symbols that may come next, with a row of features for each, and one for all others."""
        estimates = self._estimate(token_context)
        best_symbols = estimates.exact.list_best(_MAX_SYMBOLS) + estimates.abstract.list_best(_MAX_ABSTRACT_SYMBOLS)
        parallels = self._parallel_finder.find_parallels(token_context)
        best_symbols += [parallel.symbol for parallel in parallels]
        best_symbols += self._list_recent_names(best_symbols, token_context.tokens[-1])
        symbols = [symbol for symbol in dict.fromkeys(best_symbols) if symbol >> 1 not in _NEVER_PREDICTED]
        if not symbols:
            return TokenFeatures([], np.empty(0))
        return TokenFeatures(symbols, compute_features(symbols, estimates, parallels, self._document, token_context))

    def _list_recent_names(self, best_symbols: Sequence[int], previous_token: int) -> list[int]:
        """Return up to 4 local names nearest before the cursor as symbols; [] if `best_symbols` has no local name."""
        is_local_name = self._document.is_local_name
        spacing = next((symbol & 1 for symbol in best_symbols if is_local_name(symbol >> 1, previous_token)), None)
        return [] if spacing is None else [token * 2 + spacing for token in self._document.recent_names]

    def estimate_block_end(self, token_context: TokenContext) -> float:
        """Return the probability that the line behind the context, which ends with a line end, begins further left."""
        document, workspace, block_end = self._document, self._workspace, Estimate()
        workspace_matches = workspace.find_matches(token_context.tokens, CONTEXT_LENGTHS)
        own_matches = document.followers.match_contexts(token_context.tokens)
        for context_length in CONTEXT_LENGTHS:
            own_bits = document.symbols[own_matches.select(context_length) - 1] & 1
            other_positions = self._drop_excluded(workspace_matches.get(context_length, _NO_POSITIONS))
            other_bits = workspace.symbols[other_positions - 1] & 1
            counts = merge_counts(count_symbols(other_bits), count_symbols(own_bits), _DOCUMENT_WEIGHT)
            block_end.add(context_length, counts)
        return block_end.probabilities.get(1, 0.0)

    def find_source(self, token_context: TokenContext, symbol: int) -> Source | None:
        """Return where in document or workspace `symbol` followed the longest context, or parallel code; None: nowhere.

        Parallel code counts where the same context is shorter than 5 tokens.
        """
        length, source = self._find_exact_source(token_context, symbol)
        if length < MIN_LENGTH:
            parallels = self._parallel_finder.find_parallels(token_context)
            same_symbol = [parallel for parallel in parallels if parallel.symbol == symbol]
            if same_symbol:
                return Source(same_symbol[0].position, is_in_document=same_symbol[0].is_in_document)
        return source

    def _find_exact_source(self, token_context: TokenContext, symbol: int) -> tuple[int, Source | None]:
        """Return the longest same context before `symbol`, in tokens, and where that is; (0, None) for nowhere.

        The length is 0, too, where only code with other names is found.
        """
        document = self._document
        abstract_matches = document.abstract_followers.match_contexts(token_context.abstract_tokens)
        exact_matches = document.followers.match_contexts(token_context.tokens)
        best_source: tuple[int, Source] | None = None
        if abstract_matches.longest:  # names that were put in are none of the source's
            nearest_position = self._find_nearest(abstract_matches.select(abstract_matches.longest))
            best_source = 0, Source(nearest_position, is_in_document=True)
        for context_length, positions in reversed(list(enumerate(exact_matches.levels, 1))):
            own_positions = positions[document.symbols[positions] == symbol]
            if len(own_positions):
                best_source = context_length, Source(self._find_nearest(own_positions), is_in_document=True)
                break
        for context_length, positions in self._workspace.find_matches(token_context.tokens, CONTEXT_LENGTHS).items():
            allowed_positions = self._drop_excluded(positions)
            other_positions = allowed_positions[self._workspace.symbols[allowed_positions] == symbol]
            if len(other_positions) and (best_source is None or context_length > best_source[0]):
                best_source = context_length, Source(int(other_positions.min()), is_in_document=False)
        return best_source or (0, None)

    def _find_nearest(self, positions: Positions) -> int:
        """Return the one of these document positions that is nearest to the cursor."""
        return int(positions[np.argmin(np.abs(positions - self._document.cursor_position))])

    def _drop_excluded(self, positions: Positions) -> Positions:
        """Return the positions that are in none of the excluded documents, of which there may be thousands."""
        if not len(self._excluded_ranges):
            return positions
        starts, ends = self._excluded_ranges.T
        ranges = np.searchsorted(starts, positions, side="right") - 1  # the last that begins before; -1 for none
        is_allowed: npt.NDArray[np.bool_] = (ranges < 0) | (positions >= ends[ranges])
        return positions[is_allowed]

    def _has_token(self, token: int) -> bool:
        """Return whether document or workspace has the token; the vocabulary has those of excluded documents, too."""
        positions = self._workspace.find_matches([token], (1,)).get(1, _NO_POSITIONS)
        return self._document.has_token(token) or bool(len(self._drop_excluded(positions)))

    def _estimate(self, token_context: TokenContext) -> Estimates:
        """Return four estimates of the next symbol: exact, in the document, elsewhere, and with names left open."""
        exact_estimate, document_estimate, workspace_estimate = Estimate(), Estimate(), Estimate()
        for context_length, own_counts, other_counts in self._count_exact(token_context):
            document_estimate.add(context_length, own_counts)
            workspace_estimate.add(context_length, other_counts)
            exact_estimate.add(context_length, merge_counts(other_counts, own_counts, _DOCUMENT_WEIGHT))
            if exact_estimate.rest < MIN_REST:
                break
        abstract_matches = self._document.abstract_followers.match_contexts(token_context.abstract_tokens)
        return Estimates(
            exact_estimate,
            document_estimate,
            workspace_estimate,
            estimate(self._count_abstract(token_context, abstract_matches)),
        )

    def _count_exact(self, token_context: TokenContext) -> Iterator[tuple[int, Counts, Counts]]:
        """Yield (context length, symbol counts in the document, symbol counts elsewhere), the longest first."""
        document, workspace = self._document, self._workspace
        workspace_matches = workspace.find_matches(token_context.tokens, CONTEXT_LENGTHS)
        own_matches = document.followers.match_contexts(token_context.tokens)
        own_longest = own_matches.longest
        for context_length in CONTEXT_LENGTHS:
            own_counts: Counts = {}
            other_counts: Counts = {}
            if context_length <= own_longest:
                own_positions = _keep_level(own_matches.select(context_length), document.symbols, token_context)
                own_counts = self._count_own(own_positions, document.plain_symbols[own_positions])
            if context_length in workspace_matches:
                positions = self._drop_excluded(workspace_matches[context_length])
                positions = _keep_level(positions, workspace.symbols, token_context)
                other_counts = count_symbols(_read_symbols(workspace.symbols, positions))
            if own_counts or other_counts:
                yield context_length, own_counts, other_counts

    def _count_abstract(
        self, token_context: TokenContext, abstract_matches: ContextMatches
    ) -> Iterator[tuple[int, Counts]]:
        """Yield (context length, symbol counts) where only names differ, the cursor's put in, the longest first."""
        longest = abstract_matches.longest
        for context_length in CONTEXT_LENGTHS:
            if 1 < context_length <= longest:
                positions = _keep_level(abstract_matches.select(context_length), self._document.symbols, token_context)
                symbols = self._put_in_names(token_context, context_length, positions)
                yield context_length, self._count_own(positions, symbols)

    def _count_own(self, positions: Positions, symbols: Symbols) -> Counts:
        """Return symbol → count at these ascending document positions; those in the cursor's function count twice."""
        function_symbols = symbols[self._document.find_function_range(positions)]
        counts = count_symbols(symbols)
        return (
            merge_counts(counts, count_symbols(function_symbols), _FUNCTION_WEIGHT - 1)
            if len(function_symbols)
            else counts
        )

    def _put_in_names(self, token_context: TokenContext, context_length: int, positions: Positions) -> Symbols:
        """Return the symbols at the positions, local names that recur replaced by the cursor's at the same distance."""
        document = self._document
        symbols = document.plain_symbols[positions]
        open_places = np.flatnonzero(document.abstract_tokens[positions] == ANY_NAME)
        if not len(open_places):
            return symbols
        open_positions = positions[open_places]
        distances = np.arange(1, min(context_length, len(token_context.tokens)) + 1)
        is_same_name = document.tokens[open_positions[:, None] - distances] == document.tokens[open_positions][:, None]
        has_same_name, nearest_distances = is_same_name.any(axis=1), is_same_name.argmax(axis=1)
        cursor_names = np.array(token_context.tokens[: -len(distances) - 1 : -1])[nearest_distances]
        replaced_places = open_places[has_same_name]
        symbols[replaced_places] = cursor_names[has_same_name] * 2 + (symbols[replaced_places] & 1)
        return symbols


def _make_key(token_context: TokenContext) -> Hashable:
    """Return a key of all that a prediction depends on: the rest of a line and whole lines share their beginnings."""
    tokens, abstract_tokens = token_context.tokens, token_context.abstract_tokens
    return (
        *tokens[-MAX_CONTEXT_TOKENS:],
        *abstract_tokens[-MAX_CONTEXT_TOKENS:],
        token_context.open_brackets,
        token_context.line_tokens,
        token_context.is_block_ended,
    )


def _keep_level(positions: Positions, symbols: Symbols, token_context: TokenContext) -> Positions:
    """Return the positions; at a line start only those whose line begins further left, if the cursor's does, or not."""
    if token_context.tokens[-1] != LINE_END:
        return positions
    is_on_level: npt.NDArray[np.bool_] = symbols[positions - 1] & 1 == token_context.is_block_ended
    return positions[is_on_level]


def _read_symbols(symbols: Symbols, positions: Positions) -> Symbols:
    """Return a copy of the symbols at the positions, all line ends alike."""
    found_symbols = symbols[positions]
    found_symbols[found_symbols == LINE_END * 2 + 1] = LINE_END * 2
    return found_symbols
