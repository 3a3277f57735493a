"""Fit the weights of the n-gram model's mixer.

    python -m codekin.evaluation.ngram_fitting ROOT … > server/codekin/completion/ngram_weights.py

A softmax over the candidates for each next token of lines that are cut in these repositories, by Adam with decoupled
weight decay. Measure on others: `python -m codekin.evaluation.line_completion`.
"""

import sys
import textwrap
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from codekin.completion.context import read_context
from codekin.completion.cursor import Cursor
from codekin.completion.cursor_line import is_block_ended, read_near_code
from codekin.completion.document_tokens import DocumentTokens
from codekin.completion.line_tokens import TokenVocabulary, read_line_tokens
from codekin.completion.ngram import NgramModel
from codekin.completion.suffix_index import build_suffix_index
from codekin.completion.workspace_tokens import TokenSnapshot, read_document_tokens
from codekin.evaluation.completion import parse_cut_options
from codekin.evaluation.line_cuts import LineCut, choose_line_cuts
from codekin.indexing.pool import map_in_workers
from codekin.settings import Settings
from codekin.vectors.mixer import Mixer
from codekin.workspace.workspace import Document, SourceFile, Workspace

Floats = npt.NDArray[np.float64]

CUTS = 200  # per repository
_MAX_TOKENS_PER_CUT = 12
_BATCH, _LEARNING_RATE, _WARM_UP_SHARE = 256, 0.01, 0.25
_FIRST_MOMENT, _SECOND_MOMENT = 0.9, 0.999  # decay rates of Adam
_INITIAL_SCALE, _MIN_SCALE = 0.2, 1e-3


class Example(NamedTuple):
    """The features of the candidates for one token and of all others, and the row of the right one."""

    features: Floats  # (candidates + 1, features)
    target: int
    offsets: Floats | None = None  # (candidates + 1,): scores that the mixer's are added to
    weight: float = 1.0  # of the example among all


class FittingPlan(NamedTuple):
    """How large the network is, and how long and how tightly it is fitted."""

    hidden_units: int
    epochs: int
    decay: float


_TOKEN_PLAN = FittingPlan(hidden_units=24, epochs=8, decay=2e-4)


class Parameters(NamedTuple):
    """What is fitted."""

    linear: Floats  # (features,)
    hidden: Floats  # (features, units)
    hidden_biases: Floats  # (units,)
    output: Floats  # (units,)


def collect_examples(root: Path, count: int, seed: int) -> list[Example]:
    """Read a repository; return examples: up to 12 tokens behind each of `count` cuts in lines, half as many at starts.

    Reads all files of the repository.
    """
    workspace = Workspace([root], Settings().index)
    read = (workspace.read_document(file.path) for file in workspace.walk() if isinstance(file, SourceFile))
    documents = [document for document in read if isinstance(document, Document)]
    vocabulary = TokenVocabulary()
    pairs = [(document, read_document_tokens(document, vocabulary)) for document in documents]
    known = [(document, tokens) for document, tokens in pairs if tokens is not None]
    index = build_suffix_index([tokens.symbols for _, tokens in known])
    snapshot = TokenSnapshot(
        vocabulary,
        index,
        tuple(document.path for document, _ in known),
        tuple(tokens.hash for _, tokens in known),
        tuple(tokens.line_rows for _, tokens in known),
    )
    known_documents = [document for document, _ in known]
    cuts = chain(
        choose_line_cuts(known_documents, vocabulary, count, seed),
        choose_line_cuts(known_documents, vocabulary, count // 2, seed, at_starts=True),
    )
    return [example for cut in cuts for example in _collect_from_cut(cut, snapshot)]


def _collect_from_cut(cut: LineCut, snapshot: TokenSnapshot) -> list[Example]:
    """Return an example for each of up to 12 true tokens behind the cut; [] where the language has no lexical rules."""
    lines, vocabulary = cut.text.split("\n"), snapshot.vocabulary
    head = "\n".join([*lines[: cut.row], lines[cut.row][: cut.column]])
    before = read_line_tokens(head, cut.language, vocabulary)
    after = read_line_tokens("\n".join(lines[cut.row + 1 :]), cut.language, vocabulary)
    if before is None or after is None:
        return []
    cursor = Cursor(cut.path, cut.text, cut.language, cut.row, cut.column)
    context = read_context(cursor)
    document = DocumentTokens(before, after, vocabulary, context.first_row, is_block_ended(context))
    excluded = [snapshot.numbers[cut.path]]
    near_code = read_near_code(snapshot, cut.path, excluded)
    model, token_context = NgramModel(document, snapshot.index, excluded, near_code), document.make_context()
    examples = list[Example]()
    for symbol in cut.symbols[:_MAX_TOKENS_PER_CUT]:
        features = model.extract_features(token_context)
        if features.symbols:
            target = features.symbols.index(symbol) if symbol in features.symbols else len(features.symbols)
            examples.append(Example(features.values, target))
        token_context = token_context.extended(symbol >> 1, vocabulary)
    return examples


def fit_mixer(examples: Sequence[Example], plan: FittingPlan = _TOKEN_PLAN, seed: int = 0) -> Mixer:
    """Return a new mixer fitted to minimise the cross-entropy of the right candidates; deterministic by seed."""
    rows = np.concatenate([example.features for example in examples])
    means, scales = rows.mean(0), rows.std(0) + _MIN_SCALE
    batches = _Batch.from_examples(examples, means, scales)
    chance = np.random.default_rng(seed)
    parameters = _initialize(rows.shape[1], plan.hidden_units, chance)
    optimizer = _Optimizer(parameters, plan.epochs * -(-len(examples) // _BATCH), plan.decay)
    for _ in range(plan.epochs):
        order = chance.permutation(len(examples))
        for start in range(0, len(order), _BATCH):
            optimizer.step(parameters, batches.select(order[start : start + _BATCH]).compute_gradients(parameters))
    return Mixer(means, scales, *parameters)


def _initialize(feature_count: int, hidden_units: int, chance: np.random.Generator) -> Parameters:
    """Return new parameters: small random numbers, the linear part and the biases zero."""
    return Parameters(
        np.zeros(feature_count),
        chance.normal(0, _INITIAL_SCALE, (feature_count, hidden_units)),
        np.zeros(hidden_units),
        chance.normal(0, _INITIAL_SCALE, hidden_units),
    )


class _Optimizer:
    """Adam with decoupled weight decay; the rate rises at first, then falls to zero."""

    def __init__(self, parameters: Parameters, step_count: int, decay: float) -> None:
        """Start Adam's moments at zero; the learning rate rises and falls over `step_count` steps."""
        self._moments = [(np.zeros_like(array), np.zeros_like(array)) for array in parameters]
        self._step_count = step_count
        self._decay = decay
        self._steps = 0

    def step(self, parameters: Parameters, gradients: Parameters) -> None:
        """Change the parameters, in place, against the gradients."""
        self._steps += 1
        done = self._steps / self._step_count
        rate = _LEARNING_RATE * min(done / _WARM_UP_SHARE, (1 - done) / (1 - _WARM_UP_SHARE))
        for array, gradient, (mean, square) in zip(parameters, gradients, self._moments, strict=True):
            mean += (1 - _FIRST_MOMENT) * (gradient - mean)
            square += (1 - _SECOND_MOMENT) * (gradient**2 - square)
            unbiased_mean = mean / (1 - _FIRST_MOMENT**self._steps)
            unbiased_square = square / (1 - _SECOND_MOMENT**self._steps)
            array -= rate * (unbiased_mean / (np.sqrt(unbiased_square) + 1e-8) + self._decay / _LEARNING_RATE * array)


class _Batch(NamedTuple):
    """Examples as arrays, padded to the most candidates."""

    values: Floats  # (n, candidates, features), normalised
    is_candidate: npt.NDArray[np.bool_]  # (n, candidates)
    targets: npt.NDArray[np.int64]  # (n,)
    offsets: Floats  # (n, candidates)
    weights: Floats  # (n,), of mean 1

    @classmethod
    def from_examples(cls, examples: Sequence[Example], means: Floats, scales: Floats) -> "_Batch":
        """Return all examples as one batch: normalised features, padded to the most candidates."""
        most = max(len(example.features) for example in examples)
        values = np.zeros((len(examples), most, len(means)))
        is_candidate = np.zeros((len(examples), most), bool)
        offsets = np.zeros((len(examples), most))
        for row, example in enumerate(examples):
            count = len(example.features)
            values[row, :count] = (example.features - means) / scales
            is_candidate[row, :count] = True
            if example.offsets is not None:
                offsets[row, :count] = example.offsets
        targets = np.array([example.target for example in examples])
        weights = np.array([example.weight for example in examples])
        return cls(values, is_candidate, targets, offsets, weights / weights.mean())

    def select(self, rows: npt.NDArray[np.int64]) -> "_Batch":
        """Return a new batch of the examples in these rows."""
        return _Batch(
            self.values[rows], self.is_candidate[rows], self.targets[rows], self.offsets[rows], self.weights[rows]
        )

    def compute_gradients(self, parameters: Parameters) -> Parameters:
        """Return the gradient, by each parameter, of the batch's weighted mean cross-entropy."""
        activations = np.tanh(self.values @ parameters.hidden + parameters.hidden_biases)
        scores = self.offsets + self.values @ parameters.linear + activations @ parameters.output
        scores = np.where(self.is_candidate, scores, -np.inf)
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        errors = exponentials / exponentials.sum(axis=1, keepdims=True)
        errors[np.arange(len(errors)), self.targets] -= 1
        errors *= self.weights[:, None] / len(errors)
        hidden_errors = errors[..., None] * parameters.output * (1 - activations**2)
        return Parameters(
            np.einsum("nc,ncf->f", errors, self.values),
            np.tensordot(self.values, hidden_errors, ((0, 1), (0, 1))),
            hidden_errors.sum(axis=(0, 1)),
            np.einsum("nc,ncu->u", errors, activations),
        )


def format_module(title: str, origin: str, constant: str, mixer: Mixer) -> str:
    """Return the source text of the module that holds a mixer's weights, as `constant`; writes no file."""
    return "\n".join(
        [
            f'"""{title}: fitted, not chosen.',
            "",
            *textwrap.wrap(origin, 116),
            '"""',
            "",
            "import numpy as np",
            "",
            "from codekin.vectors.mixer import Mixer",
            "",
            f"{constant} = Mixer(",
            *(f"    {field.name}={_format_array(getattr(mixer, field.name))}," for field in fields(mixer)),
            ")",
            "",
        ]
    )


def _format_array(array: Floats) -> str:
    """Return a Python expression, over several lines, that makes the array, with three decimals."""
    document_numbers = [f"{value:.3f}" for value in array.ravel().tolist()]
    text = textwrap.fill(" ".join(document_numbers), 110, initial_indent=" " * 8, subsequent_indent=" " * 8)
    shape = f".reshape({array.shape[0]}, -1)" if array.ndim > 1 else ""
    return f'np.fromstring(\n        """\n{text}\n        """,\n        sep=" ",\n    ){shape}'


def collect_from_roots(collect: Callable[[Path], list[Example]], options: Namespace) -> list[Example]:
    """Call `collect` on each of the options' `roots`, in worker processes, and return all examples."""
    roots = [root.resolve() for root in options.roots]
    return [example for examples in map_in_workers(collect, roots, options.workers) for example in examples]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the mixer on the repositories of `arguments` (None: sys.argv), print its module, return 0."""
    options = parse_cut_options(arguments, __doc__, CUTS, seed=1)
    examples = collect_from_roots(partial(collect_examples, count=options.cuts, seed=options.seed), options)
    names = ", ".join(sorted(root.resolve().name for root in options.roots))
    origin = f"Made by codekin.evaluation.ngram_fitting on {len(examples):,} tokens of {names}."
    sys.stdout.write(format_module("Weights of the n-gram model's mixer", origin, "MIXER", fit_mixer(examples)))
    return 0


if __name__ == "__main__":
    from codekin.evaluation import ngram_fitting  # its functions are called in workers, which must find them by name

    sys.exit(ngram_fitting.main())
