"""Fit the weights of the n-gram model's mixer.

    python -m codekin.evaluation.ngram_fitting ROOT … > server/codekin/completion/ngram_weights.py

A softmax over the candidates for each next token of lines that are cut in these repositories, by Adam with a ridge on
what the states add. Measure on others: `python -m codekin.evaluation.line_completion`.
"""

import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.document_tokens import DocumentTokens
from codekin.completion.line_tokens import TokenVocabulary, read_line_tokens
from codekin.completion.ngram import FEATURE_NAMES, STATE_COUNT, NgramModel, TokenFeatures
from codekin.completion.suffix_index import SuffixIndex, build_suffix_index
from codekin.completion.workspace_tokens import read_document_tokens
from codekin.evaluation.completion import parse_cut_options
from codekin.evaluation.line_cuts import LineCut, choose_line_cuts
from codekin.indexing.pool import map_in_workers
from codekin.settings import Settings
from codekin.workspace.workspace import Document, SourceFile, Workspace

Floats = npt.NDArray[np.float64]

CUTS = 200  # per repository
_MAX_TOKENS_PER_CUT = 12
_EPOCHS, _BATCH, _LEARNING_RATE, _DECAY, _RIDGE = 25, 512, 0.05, 0.9, 1e-3
_INITIAL_OTHER_BIAS = -2.0


class Example(NamedTuple):
    """The candidates for one token, and the number of the right one; -1: none of them."""

    features: TokenFeatures
    target: int


class MixerWeights(NamedTuple):
    """Weights of the features and of tokens that are no candidates, for all states and in addition for each."""

    features: Floats  # (features,)
    state_features: Floats  # (states, features)
    state_other_biases: Floats  # (states,)


def collect_examples(root: Path, count: int, seed: int) -> list[Example]:
    """Collect the candidates for each token on the rest of `count` cut lines of one repository."""
    workspace = Workspace([root], Settings().index)
    read = (workspace.read_document(file.path) for file in workspace.walk() if isinstance(file, SourceFile))
    documents = [document for document in read if isinstance(document, Document)]
    vocabulary = TokenVocabulary()
    pairs = [(document, read_document_tokens(document, vocabulary)) for document in documents]
    known = [(document, tokens) for document, tokens in pairs if tokens is not None]
    index = build_suffix_index([tokens.symbols for _, tokens in known])
    numbers = {document.path: number for number, (document, _) in enumerate(known)}
    cuts = choose_line_cuts([document for document, _ in known], vocabulary, count, seed)
    return [example for cut in cuts for example in _collect_from_cut(cut, vocabulary, index, numbers[cut.path])]


def _collect_from_cut(cut: LineCut, vocabulary: TokenVocabulary, index: SuffixIndex, number: int) -> list[Example]:
    """Return an example for each true token behind the cut; [] where the language has no lexical rules."""
    lines = cut.text.split("\n")
    head = "\n".join([*lines[: cut.row], lines[cut.row][: cut.column]])
    before = read_line_tokens(head, cut.language, vocabulary)
    after = read_line_tokens("\n".join(lines[cut.row + 1 :]), cut.language, vocabulary)
    if before is None or after is None:
        return []
    cursor = Cursor(cut.path, cut.text, cut.language, cut.row, cut.column)
    document = DocumentTokens(before, after, vocabulary, read_context(cursor).first_row)
    model, context, examples = NgramModel(document, index, [number]), document.make_context(), list[Example]()
    for symbol in cut.symbols[:_MAX_TOKENS_PER_CUT]:
        features = model.extract_features(context)
        if features.symbols:
            target = features.symbols.index(symbol) if symbol in features.symbols else -1
            examples.append(Example(features, target))
        context = context.extended(symbol >> 1, vocabulary)
    return examples


def fit_mixer(examples: Sequence[Example], seed: int = 0) -> MixerWeights:
    """Fit the mixer by minimising the cross-entropy of the right candidates."""
    batch = _Batch.from_examples(examples)
    weights = MixerWeights(
        np.zeros(len(FEATURE_NAMES)), np.zeros((STATE_COUNT, len(FEATURE_NAMES))), np.zeros(STATE_COUNT)
    )
    moments = [(np.zeros_like(array), np.zeros_like(array)) for array in weights]
    chance, step, rate = np.random.default_rng(seed), 0, _LEARNING_RATE
    for _ in range(_EPOCHS):
        order = chance.permutation(len(examples))
        for start in range(0, len(order), _BATCH):
            step += 1
            gradients = batch.select(order[start : start + _BATCH]).compute_gradients(weights)
            for array, gradient, (mean, square) in zip(weights, gradients, moments, strict=True):
                mean += 0.1 * (gradient - mean)
                square += 0.01 * (gradient**2 - square)
                array -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        rate *= _DECAY
    return weights


class _Batch(NamedTuple):
    """Examples as arrays, padded to the most candidates."""

    values: Floats  # (n, candidates, features)
    is_candidate: npt.NDArray[np.bool_]  # (n, candidates + 1), the last one stands for all other tokens
    targets: npt.NDArray[np.int64]  # (n,)
    states: npt.NDArray[np.int64]  # (n,)

    @classmethod
    def from_examples(cls, examples: Sequence[Example]) -> "_Batch":
        """Pack examples into padded arrays; no right candidate becomes a last column of its own."""
        most = max(len(example.features.symbols) for example in examples)
        values = np.zeros((len(examples), most, len(FEATURE_NAMES)))
        is_candidate = np.zeros((len(examples), most + 1), bool)
        is_candidate[:, most] = True
        for row, (features, _) in enumerate(examples):
            values[row, : len(features.symbols)] = features.values
            is_candidate[row, : len(features.symbols)] = True
        targets = np.array([example.target if example.target >= 0 else most for example in examples])
        return cls(values, is_candidate, targets, np.array([example.features.state for example in examples]))

    def select(self, rows: npt.NDArray[np.int64]) -> "_Batch":
        """Return a batch of these rows."""
        return _Batch(self.values[rows], self.is_candidate[rows], self.targets[rows], self.states[rows])

    def compute_gradients(self, weights: MixerWeights) -> MixerWeights:
        """Return the gradient of the mean cross-entropy, with the ridge on what the states add."""
        row_weights = weights.features + weights.state_features[self.states]
        scores = np.einsum("ncf,nf->nc", self.values, row_weights)
        others = (_INITIAL_OTHER_BIAS + weights.state_other_biases[self.states])[:, None]
        all_scores = np.where(self.is_candidate, np.concatenate((scores, others), 1), -np.inf)
        exponentials = np.exp(all_scores - all_scores.max(1, keepdims=True))
        errors = exponentials / exponentials.sum(1, keepdims=True)
        errors[np.arange(len(errors)), self.targets] -= 1
        errors /= len(errors)
        feature_gradients = np.einsum("nc,ncf->nf", errors[:, :-1], self.values)
        state_gradients = _RIDGE * weights.state_features
        np.add.at(state_gradients, self.states, feature_gradients)
        bias_gradients = _RIDGE * weights.state_other_biases
        np.add.at(bias_gradients, self.states, errors[:, -1])
        return MixerWeights(feature_gradients.sum(0), state_gradients, bias_gradients)


def format_module(weights: MixerWeights, names: Sequence[str], examples: int) -> str:
    """Return the source of the module that holds the weights."""
    rows = [*(_format_list(row) for row in weights.state_features)]
    return "\n".join(
        [
            '"""Weights of the n-gram model\'s mixer: fitted, not chosen.',
            "",
            *textwrap.wrap(
                f"Made by codekin.evaluation.ngram_fitting on {examples:,} tokens of {', '.join(names)}.", 116
            ),
            '"""',
            "",
            "import numpy as np",
            "",
            f"FEATURE_WEIGHTS = np.array({_format_list(weights.features)})",
            "STATE_FEATURE_WEIGHTS = np.array(  # one row for each state, in addition",
            "    [",
            *(f"        {row}," for row in rows),
            "    ]",
            ")",
            f"OTHER_BIAS = {_INITIAL_OTHER_BIAS}  # of all tokens that are no candidates",
            f"STATE_OTHER_BIASES = np.array({_format_list(weights.state_other_biases)})",
            "",
        ]
    )


def _format_list(values: Floats) -> str:
    """Format numbers as a Python list with two decimals."""
    return "[" + ", ".join(f"{value:.2f}" for value in values.tolist()) + "]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the mixer on the repositories of `arguments` (None: sys.argv), print its module, return 0."""
    options = parse_cut_options(arguments, __doc__, CUTS, seed=1)
    roots = [root.resolve() for root in options.roots]
    collect = partial(collect_examples, count=options.cuts, seed=options.seed)
    examples = [example for found in map_in_workers(collect, roots, options.workers) for example in found]
    sys.stdout.write(format_module(fit_mixer(examples), sorted(root.name for root in roots), len(examples)))
    return 0


if __name__ == "__main__":
    from codekin.evaluation import ngram_fitting  # its functions are called in workers, which must find them by name

    sys.exit(ngram_fitting.main())
